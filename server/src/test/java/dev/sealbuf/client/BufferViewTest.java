package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@Tag("daemon")
@ExtendWith(Unprivileged.class)
class BufferViewTest {
  private static final int LARGE = 300_000;
  private static final PutOptions REPLACING = PutOptions.NONE.replacing();

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
  void aViewFollowsItsName() {
    try (BufferView view = store.view("view/follows")) {
      assertThat(view.refresh()).isFalse();
      assertThatThrownBy(view::segment)
          .isInstanceOf(NotFoundException.class)
          .hasMessage(
              "the view shows nothing: name=view/follows;"
                  + " check the name; list shows what there is");
      for (int nbytes : new int[] {1, LARGE, LARGE + 1, 2}) {
        BufferInfo put = store.put("view/follows", new byte[nbytes], REPLACING);
        assertThat(view.refresh()).isTrue();
        assertThat(view.buffer().info()).isEqualTo(put);
        assertThat(view.segment().byteSize()).isEqualTo(nbytes);
      }
      store.delete("view/follows");
      assertThat(view.refresh()).isFalse();
      assertThat(view).hasToString("BufferView[name=view/follows shows=null]");
    }
  }

  @Test
  void whatDoesNotChangeIsTheSameObject() {
    for (int nbytes : new int[] {1, LARGE}) {
      String name = "view/same/" + nbytes;
      store.put(name, new byte[nbytes]);
      try (BufferView view = store.view(name)) {
        assertThat(view.refresh()).isTrue();
        SealedBuffer buffer = view.buffer();
        MemorySegment segment = view.segment();
        for (int i = 0; i < 100; i++) {
          store.put("view/others/" + nbytes + "/" + i, new byte[i]);
          assertThat(view.refresh()).isTrue();
          assertThat(view.segment()).isSameAs(segment);
        }
        store.put(name, new byte[nbytes], REPLACING);
        assertThat(view.segment()).as("nothing moves before a refresh").isSameAs(segment);
        assertThat(view.refresh()).isTrue();
        assertThat(view.buffer()).isNotSameAs(buffer);
        assertThatThrownBy(buffer::segment).isInstanceOf(ClosedException.class);
      }
    }
  }

  @Test
  void aClosedViewSaysSo() {
    store.put("view/closed", new byte[1]);
    BufferView view = store.view("view/closed");
    assertThat(view.refresh()).isTrue();
    view.close();
    view.close();
    for (Runnable call : List.<Runnable>of(view::refresh, view::segment)) {
      assertThatThrownBy(call::run)
          .isInstanceOf(ClosedException.class)
          .hasMessage("the view is closed: name=view/closed; do not use it after close");
    }
  }

  @Test
  void whatAViewShowsOutlivesItsStore() {
    store.put("view/outlives", new byte[] {7});
    try (BufferView view = store.view("view/outlives")) {
      assertThat(view.refresh()).isTrue();
      store.close();
      assertThat(view.segment().get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 7);
      assertThatThrownBy(view::refresh)
          .isInstanceOf(ClosedException.class)
          .hasMessage("the store is closed; do not use it after close");
    }
  }

  @Test
  void aViewGoesOnWithTheNextDaemonAndNeverShowsWhatTheOldOneHad() {
    try (DaemonProcess first = DaemonProcess.start();
        Sealbuf own = first.connect();
        BufferView view = own.view("view/daemon")) {
      own.put("view/daemon", new byte[] {1});
      assertThat(view.refresh()).isTrue();
      first.kill();
      try (DaemonProcess second = DaemonProcess.startAt(first.socket());
          Sealbuf other = second.connect()) {
        assertThat(view.refresh()).isFalse();
        other.put("view/daemon", new byte[] {2});
        assertThat(view.refresh()).isTrue();
        assertThat(view.segment().get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 2);
      }
    }
  }

  @Test
  void aMillionReadsAllocateNothing() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    List<BufferView> views = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      store.put("view/hot/" + i, new byte[i % 4 == 0 ? LARGE : 64]);
      views.add(store.view("view/hot/" + i));
    }
    read(views, 100_000); // until it is compiled
    long before = threads.getCurrentThreadAllocatedBytes();
    long sum = read(views, 1_000_000);
    long allocated = threads.getCurrentThreadAllocatedBytes() - before;
    assertThat(sum).isEqualTo(1_000_000);
    assertThat(allocated).isZero();
    views.forEach(BufferView::close);
  }

  /// How many of the reads found a buffer whose first byte is 0.
  private static long read(List<BufferView> views, int rounds) {
    long found = 0;
    for (int i = 0; i < rounds; i++) {
      BufferView view = views.get(i & 15);
      if (view.refresh() && view.segment().get(ValueLayout.JAVA_BYTE, 0) == 0) {
        found++;
      }
    }
    return found;
  }
}
