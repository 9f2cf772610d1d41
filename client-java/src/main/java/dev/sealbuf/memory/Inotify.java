package dev.sealbuf.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.IntConsumer;
import java.util.stream.Stream;

/// Tells when a memory file is gone: nobody has it open, mapped, in flight, or by an O_PATH
/// descriptor any more.
///
/// A memory file has no name in any folder, so it is deleted when the last of these lets go of it
/// (`fsnotify_inoderemove` in the kernel's dentry_unlink_inode), and inotify reports
/// IN_DELETE_SELF; however they ended, kill -9 included. A watch holds no description, so this
/// process need not keep the file open itself. What it does not see is a page that outlives its
/// file, such as one spliced into a pipe.
///
/// As with all of inotify, events are dropped past `fs.inotify.max_queued_events`, and then one
/// event tells so. Which watches are left is read from `/proc/self/fdinfo` in that case. How many
/// watches a uid may have is `fs.inotify.max_user_watches`.
public final class Inotify implements AutoCloseable {
  private static final int BUFFER_BYTES = 16 * 1024;
  private static final int MASK_OFFSET = 4;
  private static final int NAME_LENGTH_OFFSET = 12;
  private static final int EVENT_BYTES = 16;
  private static final String WATCH_LINE = "inotify wd:";
  private static final int HEX = 16;

  private final Fd fd;

  private Inotify(Fd fd) {
    this.fd = fd;
  }

  /// Makes one without watches.
  ///
  /// @throws PosixException EMFILE when this uid has `fs.inotify.max_user_instances`
  public static Inotify open() throws IOException {
    return new Inotify(Fd.adopt(Events.inotifyInit()));
  }

  /// Readable when there is something to [#read].
  public Fd fd() {
    return fd;
  }

  /// Watches for the end of the file behind a descriptor. The watch ends with it.
  ///
  /// @return its number, which is not given to another watch
  /// @throws PosixException ENOSPC when this uid has `fs.inotify.max_user_watches`
  public int watch(Fd file) throws IOException {
    return file.query(number -> {
      String path = "/proc/self/fd/" + number;
      return fd.query(inotify -> Events.inotifyAdd(inotify, path, Linux.IN_DELETE_SELF));
    });
  }

  /// Reads everything there is to read and names each watch whose file is gone.
  ///
  /// @return whether nothing was dropped; else [#watched] tells what is left
  public boolean read(IntConsumer gone) throws IOException {
    boolean complete = true;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(BUFFER_BYTES, Integer.BYTES);
      while (true) {
        long bytes = fd.query(number -> Events.read(number, buffer));
        if (bytes == -Errno.EAGAIN) {
          return complete;
        }
        Native.check(bytes, "read", () -> "fd=inotify");
        complete &= report(buffer.asSlice(0, bytes), gone);
      }
    }
  }

  private static boolean report(MemorySegment events, IntConsumer gone) {
    boolean complete = true;
    for (long at = 0; at < events.byteSize(); ) {
      int mask = events.get(ValueLayout.JAVA_INT, at + MASK_OFFSET);
      if ((mask & Linux.IN_DELETE_SELF) != 0) {
        gone.accept(events.get(ValueLayout.JAVA_INT, at));
      }
      complete &= (mask & Linux.IN_Q_OVERFLOW) == 0;
      at += EVENT_BYTES + events.get(ValueLayout.JAVA_INT, at + NAME_LENGTH_OFFSET);
    }
    return complete;
  }

  /// The watches whose files are not gone, in ascending order.
  public int[] watched() throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/fdinfo/" + fd.number()))) {
      return lines
          .filter(line -> line.startsWith(WATCH_LINE))
          .map(line -> line.substring(WATCH_LINE.length(), line.indexOf(' ', WATCH_LINE.length())))
          .mapToInt(number -> Integer.parseInt(number, HEX))
          .sorted()
          .toArray();
    }
  }

  @Override
  public void close() {
    fd.close();
  }
}
