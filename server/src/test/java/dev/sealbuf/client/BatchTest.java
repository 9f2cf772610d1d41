package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Many at once, and in the place of others.
@Tag("daemon")
@Timeout(60)
@ExtendWith(Unprivileged.class)
class BatchTest {
  private static final int BATCH_MAX = 1024;

  private Sealbuf store;

  @BeforeEach
  void connect() {
    store = DaemonProcess.shared().connect();
  }

  @AfterEach
  void close() {
    store.close();
  }

  @Test
  void aBatchIsPublishedWhetherItTravelsOrIsWrittenInPlace() {
    for (int nbytes : new int[] {0, 1000, 200_000, 300_000}) {
      String prefix = "batch/" + nbytes + "/";
      Map<String, byte[]> data = batch(prefix, 9, nbytes);
      List<BufferInfo> infos = store.putMany(data);
      assertThat(infos).extracting(BufferInfo::name).containsExactlyElementsOf(data.keySet());
      assertThat(store.list(prefix)).containsExactlyElementsOf(infos);
      data.forEach((name, bytes) -> assertThat(bytesOf(name)).isEqualTo(bytes));
    }
  }

  @Test
  void allOfABatchIsPublishedOrNothing() {
    long unfinished = store.stats().unfinished();
    for (int nbytes : new int[] {10, 300_000}) {
      String prefix = "taken/" + nbytes + "/";
      store.put(prefix + 3, new byte[1]);
      assertThatThrownBy(() -> store.putMany(batch(prefix, 5, nbytes)))
          .isInstanceOf(AlreadyExistsException.class)
          .hasMessageContaining("name=" + prefix + 3);
      assertThat(store.list(prefix)).extracting(BufferInfo::name).containsExactly(prefix + 3);
      store.putMany(batch(prefix, 5, nbytes), PutOptions.NONE.replacing());
      assertThat(bytesOf(prefix + 3)).isEqualTo(Content.of(prefix + 3, nbytes));
    }
    assertThat(store.stats().unfinished()).isEqualTo(unfinished);
  }

  @Test
  void theLargestBatchIsTakenAndALargerOneIsNot() {
    assertThat(store.putMany(batch("largest/", BATCH_MAX, 1))).hasSize(BATCH_MAX);
    store.delete(batch("largest/", BATCH_MAX, 1).keySet().toArray(String[]::new));
    assertThat(store.list("largest/")).isEmpty();
    assertThatThrownBy(() -> store.putMany(batch("larger/", BATCH_MAX + 1, 1)))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessage("too many buffers in a batch: count=1025 max=1024; mend the call");
    assertThat(store.putMany(Map.of())).isEmpty();
  }

  @Test
  void manyNamesAreDeletedUpToTheFirstThatIsNotThere() {
    store.putMany(batch("deleted/", 3, 10));
    assertThatThrownBy(() -> store.delete("deleted/0", "deleted/absent", "deleted/1"))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("name=deleted/absent");
    assertThat(store.list("deleted/"))
        .extracting(BufferInfo::name)
        .containsExactly("deleted/1", "deleted/2");
  }

  @Test
  void replacingNeedsNothingToReplaceAndKeepsOldViews() {
    PutOptions replacing = PutOptions.NONE.replacing();
    for (int nbytes : new int[] {10, 300_000}) {
      String name = "replaced/" + nbytes;
      store.put(name, Content.of("old", nbytes), replacing);
      try (SealedBuffer old = store.get(name)) {
        store.put(name, Content.of("new", nbytes), replacing);
        assertThat(bytesOf(name)).isEqualTo(Content.of("new", nbytes));
        assertThat(old.toByteArray()).isEqualTo(Content.of("old", nbytes));
        assertThat(store.get(name).version()).isGreaterThan(old.version());
      }
      try (BufferWriter writer = store.create(name, 5, replacing)) {
        assertThat(bytesOf(name)).as("until the seal").isEqualTo(Content.of("new", nbytes));
        writer.seal().close();
      }
      assertThat(bytesOf(name)).hasSize(5);
    }
  }

  private static Map<String, byte[]> batch(String prefix, int count, int nbytes) {
    Map<String, byte[]> data = new LinkedHashMap<>();
    for (int i = 0; i < count; i++) {
      data.put(prefix + i, Content.of(prefix + i, nbytes));
    }
    return data;
  }

  private byte[] bytesOf(String name) {
    try (SealedBuffer buffer = store.get(name)) {
      return buffer.toByteArray();
    }
  }
}
