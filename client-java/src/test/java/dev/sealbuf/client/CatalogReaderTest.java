package dev.sealbuf.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.client.CatalogReader.Found;
import dev.sealbuf.client.CatalogReader.Lookup;
import dev.sealbuf.client.CatalogReader.Miss;
import dev.sealbuf.protocol.DirectoryWord;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.HeaderLayout;
import dev.sealbuf.protocol.LayoutException;
import dev.sealbuf.protocol.LittleEndian;
import dev.sealbuf.protocol.NameHash;
import dev.sealbuf.protocol.RecordLayout;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import dev.sealbuf.protocol.TableWord;
import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Each step of "How to read a name" in `protocol/LAYOUT.md`, on words written by hand.
class CatalogReaderTest {
  private static final String NAME = "greeting";

  private final Peer peer = Peer.create();
  private TestCatalog catalog;
  private SegmentCache segments;
  private CatalogReader reader;

  @BeforeEach
  void makeCatalog() throws IOException {
    catalog = new TestCatalog();
    segments = catalog.cache(peer.connection());
    segments.addSlab(TestCatalog.SLAB, catalog.slabFd, RecordLayout.SLAB_BYTES, 0).release();
    reader = new CatalogReader(segments, segments::letGoOfRetired);
  }

  @AfterEach
  void close() {
    segments.close();
    catalog.close();
    peer.close();
  }

  @Test
  void aRecordIsFoundByItsName() {
    catalog.record("another");
    long at = catalog.record(NAME);
    catalog.store(NAME, 0, word(at));
    assertThat(place(find())).isEqualTo(at);
  }

  @Test
  void anEmptyWordMeansAbsentWhateverLiesBehind() {
    catalog.store(NAME, 1, word(catalog.record(NAME)));
    assertThat(find()).isEqualTo(Miss.ABSENT);
  }

  @Test
  void deletedWordsAndOtherTagsArePassedOver() {
    int otherTag = NameHash.tag(TestCatalog.hash(NAME)) ^ 1;
    catalog.store(NAME, 0, TableWord.GONE);
    catalog.store(NAME, 1, TableWord.pack(otherTag, 99, 0));
    long at = catalog.record(NAME);
    catalog.store(NAME, 2, word(at));
    assertThat(place(find())).isEqualTo(at);
  }

  @Test
  void theSameTagWithAnotherNameIsPassedOver() {
    catalog.store(NAME, 0, word(catalog.record("greetinh")));
    catalog.store(NAME, 1, word(catalog.record("greet")));
    long at = catalog.record(NAME);
    catalog.store(NAME, 2, word(at));
    assertThat(place(find())).isEqualTo(at);
  }

  @Test
  void theWindowWrapsRoundTheEndOfTheTable() {
    String late = nameAtTheEnd();
    long at = catalog.record(late);
    catalog.store(late, 0, TableWord.GONE);
    catalog.store(late, 1, TestCatalog.word(late, TestCatalog.SLAB, at));
    assertThat(place(find(late))).isEqualTo(at);
  }

  @Test
  void behindTheWindowOnlyTheDaemonKnows() {
    for (int step = 0; step < TableWord.WINDOW; step++) {
      catalog.store(NAME, step, TableWord.GONE);
    }
    catalog.store(NAME, TableWord.WINDOW, word(catalog.record(NAME)));
    assertThat(find()).isEqualTo(Miss.ASK);
    catalog.store(NAME, TableWord.WINDOW - 1, word(catalog.record(NAME)));
    assertThat(find()).isInstanceOf(Found.class);
  }

  @Test
  void whereThereIsNoTableTheDaemonIsAsked() {
    catalog.directory(0);
    assertThat(find()).isEqualTo(Miss.ASK);
  }

  @Test
  void aNewTableIsReadAsSoonAsTheDirectorySaysSo() {
    long old = catalog.record(NAME);
    catalog.store(NAME, 0, word(old));
    assertThat(place(find())).isEqualTo(old);
    catalog.useTable(1);
    assertThat(find()).isEqualTo(Miss.ABSENT);
    long now = catalog.record(NAME);
    catalog.store(NAME, 3, word(now));
    for (int step = 0; step < 3; step++) {
      catalog.store(NAME, step, TableWord.GONE);
    }
    assertThat(place(find())).isEqualTo(now);
  }

  @Test
  void aWordIsCurrentForAsLongAsItIsOnItsChain() {
    int hash = TestCatalog.hash(NAME);
    long word = word(catalog.record(NAME));
    assertThat(reader.isCurrent(hash, word)).as("no table is mapped yet").isFalse();
    catalog.store(NAME, 0, TableWord.GONE);
    catalog.store(NAME, 1, word);
    assertThat(find()).isInstanceOf(Found.class);
    assertThat(reader.isCurrent(hash, word)).isTrue();
    assertThat(reader.isCurrent(hash, word(catalog.record(NAME)))).as("another").isFalse();
    assertThat(reader.isCurrent(hash, TableWord.EMPTY)).isFalse();
    catalog.store(NAME, 1, TableWord.GONE);
    assertThat(reader.isCurrent(hash, word)).as("deleted").isFalse();
    catalog.store(NAME, 1, word);
    catalog.useTable(1);
    assertThat(reader.isCurrent(hash, word)).as("in the table that was replaced").isFalse();
    catalog.useTable(0);
    assertThat(reader.isCurrent(hash, word)).isTrue();
    catalog.owner(HeaderLayout.OWNER_DIED);
    assertThat(reader.isCurrent(hash, word)).as("of a dead daemon").isFalse();
  }

  @Test
  void whenTheSessionHasEndedNoWordIsCurrent() {
    long word = word(catalog.record(NAME));
    catalog.store(NAME, 0, word);
    assertThat(find()).isInstanceOf(Found.class);
    segments.close();
    assertThat(reader.isCurrent(TestCatalog.hash(NAME), word)).isFalse();
  }

  @Test
  void aSlabThatIsNotMappedIsBrought() {
    long at = catalog.record(NAME);
    catalog.store(NAME, 0, TestCatalog.word(NAME, 3, at));
    peer.reply(new Reply.Mapped(1, 3, RecordLayout.SLAB_BYTES), catalog.slabFd);
    assertThat(place(find())).isEqualTo(at);
    assertThat(peer.receive()).isEqualTo(new Request.Map(1, 3));
    assertThat(place(find())).as("once").isEqualTo(at);
  }

  @Test
  void aSlabThatTheDaemonDoesNotKnowBeginsTheSearchAnewThreeTimes() {
    catalog.store(NAME, 0, TestCatalog.word(NAME, 3, 0));
    for (int seq = 1; seq <= 4; seq++) {
      peer.reply(Reply.Failure.of(seq, ErrorCode.NOT_FOUND, "no such segment: segment=3"));
    }
    assertThat(find()).isEqualTo(Miss.ASK);
    for (int seq = 1; seq <= 4; seq++) {
      assertThat(peer.receive()).isEqualTo(new Request.Map(seq, 3));
    }
  }

  @Test
  void aRetiredSlabIsLetGoOfByTheNextSearch() {
    catalog.store(NAME, 0, word(catalog.record(NAME)));
    assertThat(find()).isInstanceOf(Found.class);
    HeaderLayout.retire(catalog.header(), TestCatalog.SLAB);
    peer.reply(new Reply.Mapped(1, TestCatalog.SLAB, RecordLayout.SLAB_BYTES), catalog.slabFd);
    assertThat(find()).isInstanceOf(Found.class);
    assertThat(peer.receive()).isEqualTo(new Request.Map(1, TestCatalog.SLAB));
  }

  @Test
  void aTableThatIsUnmappedUnderASearchIsMappedAgain() {
    long segment = 9;
    catalog.directory(DirectoryWord.pack(TestCatalog.LOG2_SLOTS, 1, segment));
    catalog.store(NAME, 0, word(catalog.record(NAME)));
    peer.reply(new Reply.Mapped(1, segment, TestCatalog.BYTES), catalog.catalogFd);
    assertThat(find()).isInstanceOf(Found.class);
    HeaderLayout.retire(catalog.header(), segment);
    segments.letGoOfRetired();
    peer.reply(new Reply.Mapped(2, segment, TestCatalog.BYTES), catalog.catalogFd);
    assertThat(find()).isInstanceOf(Found.class);
  }

  @Test
  void whenTheSessionEndsTheCatalogIsGone() {
    segments.close();
    assertThatThrownBy(this::find)
        .isInstanceOf(DisconnectedException.class)
        .hasMessage("the daemon is gone: daemon=0000000000000001; connect again");
  }

  @Test
  void aDaemonThatDiedOrStoppedIsTold() {
    catalog.store(NAME, 0, word(catalog.record(NAME)));
    for (int word : new int[] {4711 | HeaderLayout.OWNER_DIED, HeaderLayout.OWNER_DIED, 0}) {
      catalog.owner(word);
      assertThatThrownBy(this::find)
          .isInstanceOf(DisconnectedException.class)
          .hasMessage("the daemon is gone: daemon=0000000000000001; connect again");
    }
    catalog.owner(4711);
    assertThat(find()).as("control: nothing but the owner word refused").isInstanceOf(Found.class);
  }

  @Test
  void numbersThatCannotBeAreRefused() {
    long at = catalog.record(NAME);
    catalog.store(NAME, 0, word(at));
    catalog.spoil(at);
    damaged("record length does not add up: at=0 record_bytes=4294967295");
    catalog.directory(DirectoryWord.pack(11, 1, TestCatalog.CATALOG));
    damaged("table outside its segment: log2_slots=11 offset=4096 segment_bytes=12288");
    catalog.directory(29 | 1 << 8 | TestCatalog.CATALOG << 36);
    damaged("table outside its segment: log2_slots=29 offset=4096 segment_bytes=12288");
  }

  @Test
  void aRecordBehindTheEndOfItsSlabIsRefused() {
    catalog.store(NAME, 0, word(RecordLayout.SLAB_BYTES));
    damaged("record outside its slab: at=2097152 slab_bytes=2097152");
  }

  @Test
  void anotherLayoutIsRefusedNamingBoth() {
    LittleEndian.setRelease32(catalog.header(), HeaderLayout.LAYOUT_VERSION, 2);
    assertThatThrownBy(() -> HeaderLayout.check(catalog.header()))
        .isInstanceOf(LayoutException.class)
        .hasMessage("catalog of another layout: layout_version=2 expected=1");
    LittleEndian.setRelease32(catalog.header(), HeaderLayout.LAYOUT_VERSION, 1);
    LittleEndian.setRelease64(catalog.header(), HeaderLayout.MAGIC, 0);
    assertThatThrownBy(() -> HeaderLayout.check(catalog.header()))
        .isInstanceOf(LayoutException.class)
        .hasMessage("not a catalog: magic is missing");
  }

  private Lookup find() {
    return find(NAME);
  }

  /// What is found is not kept.
  private Lookup find(String name) {
    Lookup found = reader.find(name.getBytes(UTF_8), Peer.soon());
    if (found instanceof Found place) {
      place.slab().release();
    }
    return found;
  }

  private void damaged(String evidence) {
    assertThatThrownBy(this::find)
        .isInstanceOf(ProtocolException.class)
        .hasMessageStartingWith("the catalog is damaged: " + evidence);
  }

  private static long place(Lookup lookup) {
    assertThat(lookup).isInstanceOf(Found.class);
    return TableWord.offset(((Found) lookup).word());
  }

  private static long word(long at) {
    return TestCatalog.word(NAME, TestCatalog.SLAB, at);
  }

  /// A name whose home is the last slot.
  private static String nameAtTheEnd() {
    for (int i = 0; ; i++) {
      String name = "name" + i;
      if (NameHash.home(TestCatalog.hash(name), TestCatalog.LOG2_SLOTS) == TestCatalog.SLOTS - 1) {
        return name;
      }
    }
  }
}
