package dev.sealbuf.protocol;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.MemoryLayout.PathElement.sequenceElement;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.nio.charset.StandardCharsets;

/// The first page of the first catalog segment.
///
/// ```
///    0  +--------------------------------------------------------------+
///       | owner (u32) | owner_rest (60): a robust pthread mutex         |
///   64  +--------------------------------------------------------------+
///       | epoch (u64)                                                  |
///   72  | magic "Sealbuf\0"                                            |
///   80  | layout_version (u32) | page_bytes (u32)                      |
///   88  | daemon (u64)                                                 |
///   96  | zero                                                         |
/// 1024  +--------------------------------------------------------------+
///       | retired: numbers of the last 128 retired segments (u64)      |
/// 2048  +--------------------------------------------------------------+
///       | directory: 256 words (u64), see DirectoryWord                |
/// 4096  +--------------------------------------------------------------+
/// ```
///
/// The daemon fills the page once and stores `layout_version` last, with release; a reader loads it
/// first, with acquire, and refuses any other. Afterwards only `owner`, `epoch`, `retired` and the
/// directory change.
public final class HeaderLayout {
  public static final int VERSION = 1;

  /// The unit of `page` in directory words, whatever the machine's page size.
  public static final int PAGE_BYTES = 4096;

  public static final int TABLES = 256;

  /// What the kernel sets in `owner` when the daemon dies.
  public static final int OWNER_DIED = 1 << 30;

  private static final int OWNER_REST_BYTES = 60;
  private static final int UNUSED_BYTES = 928;

  /// Segments that a reader may have missed and still knows one by one.
  public static final int RETIRED = 128;

  private static final byte[] MAGIC_BYTES = "Sealbuf\0".getBytes(StandardCharsets.US_ASCII);

  public static final StructLayout LAYOUT =
      MemoryLayout.structLayout(
          LittleEndian.U32.withName("owner"),
          MemoryLayout.sequenceLayout(OWNER_REST_BYTES, LittleEndian.U8).withName("owner_rest"),
          LittleEndian.U64.withName("epoch"),
          MemoryLayout.sequenceLayout(MAGIC_BYTES.length, LittleEndian.U8).withName("magic"),
          LittleEndian.U32.withName("layout_version"),
          LittleEndian.U32.withName("page_bytes"),
          LittleEndian.U64.withName("daemon"),
          MemoryLayout.paddingLayout(UNUSED_BYTES),
          MemoryLayout.sequenceLayout(RETIRED, LittleEndian.U64).withName("retired"),
          MemoryLayout.sequenceLayout(TABLES, LittleEndian.U64).withName("directory"));

  public static final long OWNER = offset("owner");
  public static final long EPOCH = offset("epoch");
  public static final long MAGIC = offset("magic");
  public static final long LAYOUT_VERSION = offset("layout_version");
  public static final long PAGE_BYTES_FIELD = offset("page_bytes");
  public static final long DAEMON = offset("daemon");
  public static final long RETIRED_RING = offset("retired");
  public static final long DIRECTORY = offset("directory");
  private static final long DIRECTORY_STRIDE =
      LAYOUT.byteOffset(groupElement("directory"), sequenceElement(1)) - DIRECTORY;

  private HeaderLayout() {}

  /// Writes what never changes; `layout_version` last, so that who sees it sees the rest.
  public static void publish(MemorySegment header, long daemon) {
    MemorySegment.copy(MAGIC_BYTES, 0, header, LittleEndian.U8, MAGIC, MAGIC_BYTES.length);
    header.set(LittleEndian.U32, PAGE_BYTES_FIELD, PAGE_BYTES);
    header.set(LittleEndian.U64, DAEMON, daemon);
    LittleEndian.setRelease32(header, LAYOUT_VERSION, VERSION);
  }

  /// Checks that a segment begins with a header of this version.
  public static void check(MemorySegment header) throws LayoutException {
    if (header.byteSize() < LAYOUT.byteSize()) {
      throw new LayoutException(
          "catalog shorter than its header: bytes=%d min=%d"
              .formatted(header.byteSize(), LAYOUT.byteSize()));
    }
    int version = LittleEndian.getAcquire32(header, LAYOUT_VERSION);
    MemorySegment magic = header.asSlice(MAGIC, MAGIC_BYTES.length);
    if (magic.mismatch(MemorySegment.ofArray(MAGIC_BYTES)) != -1) {
      throw new LayoutException("not a catalog: magic is missing");
    }
    if (version != VERSION) {
      throw new LayoutException(
          "catalog of another layout: layout_version=%s expected=%d"
              .formatted(Integer.toUnsignedString(version), VERSION));
    }
    int page = header.get(LittleEndian.U32, PAGE_BYTES_FIELD);
    if (page != PAGE_BYTES) {
      throw new LayoutException(
          "catalog with another page unit: page_bytes=%s expected=%d"
              .formatted(Integer.toUnsignedString(page), PAGE_BYTES));
    }
  }

  /// Whether the daemon lives: its owner word is neither 0 (stopped) nor marked by the kernel
  /// (died).
  public static boolean isAlive(MemorySegment header) {
    int owner = LittleEndian.getAcquire32(header, OWNER);
    return owner != 0 && (owner & OWNER_DIED) == 0;
  }

  public static long epoch(MemorySegment header) {
    return LittleEndian.getAcquire64(header, EPOCH);
  }

  /// Tells readers that a segment is retired: its number first, then that there is one more.
  public static void retire(MemorySegment header, long number) {
    long epoch = header.get(LittleEndian.U64, EPOCH);
    LittleEndian.setRelease64(header, retiredOffset(epoch), number);
    LittleEndian.setRelease64(header, EPOCH, epoch + 1);
  }

  /// The segment of retirement number `at`, counted from 0; another's, if more than RETIRED have
  /// followed it by the time that this was read.
  public static long retired(MemorySegment header, long at) {
    return LittleEndian.getAcquire64(header, retiredOffset(at));
  }

  private static long retiredOffset(long at) {
    return RETIRED_RING + Math.floorMod(at, RETIRED) * (long) Long.BYTES;
  }

  public static long daemon(MemorySegment header) {
    return header.get(LittleEndian.U64, DAEMON);
  }

  /// The word that says where a table lies; 0 when there is none.
  public static long directoryWord(MemorySegment header, int table) {
    return LittleEndian.getAcquire64(header, directoryOffset(table));
  }

  public static void setDirectoryWord(MemorySegment header, int table, long word) {
    LittleEndian.setRelease64(header, directoryOffset(table), word);
  }

  private static long directoryOffset(int table) {
    return DIRECTORY + table * DIRECTORY_STRIDE;
  }

  private static long offset(String field) {
    return LAYOUT.byteOffset(groupElement(field));
  }
}
