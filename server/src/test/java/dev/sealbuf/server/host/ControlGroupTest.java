package dev.sealbuf.server.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Files as kernels write them, in the layouts that hosts and containers have.
@Timeout(30)
class ControlGroupTest {
  private static final String VERSION_1_MOUNTS =
      """
      31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
      32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
      35 31 0:32 ROOT /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
      41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
      """;

  private static final String VERSION_2_MOUNTS =
      """
      23 28 0:21 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
      30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot
      """;

  private static final String VERSION_1_STAT =
      """
      cache 43950080
      rss 2367488
      shmem 29360128
      inactive_file 1000000
      active_file 2000000
      hierarchical_memory_limit 268435456
      total_cache 43950080
      total_rss 20000000
      total_shmem 29360128
      total_inactive_file 4000000
      total_active_file 6000000
      """;

  private static final String VERSION_2_STAT =
      """
      anon 20000000
      file 50000000
      kernel 3000000
      kernel_stack 196608
      pagetables 1000000
      percpu 5000
      sock 8192
      shmem 30000000
      file_mapped 1000000
      inactive_anon 30000000
      active_anon 20000000
      inactive_file 4000000
      active_file 6000000
      slab_reclaimable 500000
      slab_unreclaimable 400000
      slab 900000
      """;

  @TempDir Path root;

  private void write(String path, String text) throws IOException {
    Path file = root.resolve(path);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text.endsWith("\n") ? text : text + "\n");
  }

  private void versionOne(String mountRoot, String group) throws IOException {
    write("proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:" + group + "\n0::/elsewhere\n");
    write("proc/self/mountinfo", VERSION_1_MOUNTS.replace("ROOT", mountRoot));
  }

  private void groupOne(String folder, String limit, long usage) throws IOException {
    String group = "sys/fs/cgroup/memory/" + folder;
    write(group + "/memory.limit_in_bytes", limit);
    write(group + "/memory.usage_in_bytes", "" + usage);
    write(group + "/memory.kmem.usage_in_bytes", "3000000");
    write(group + "/memory.stat", VERSION_1_STAT);
  }

  private void versionTwo(String group) throws IOException {
    write("proc/self/cgroup", "0::" + group);
    write("proc/self/mountinfo", VERSION_2_MOUNTS);
  }

  private void groupTwo(String folder, String max, String high, long usage) throws IOException {
    String group = "sys/fs/cgroup/" + folder;
    write(group + "/memory.max", max);
    write(group + "/memory.high", high);
    write(group + "/memory.current", "" + usage);
    write(group + "/memory.stat", VERSION_2_STAT);
  }

  private ControlGroup found() {
    return ControlGroup.below(root).orElseThrow();
  }

  @Test
  void versionOneHasRoomForWhatTheKernelCannotTakeBack() throws IOException {
    versionOne("/", "/user/daemon");
    groupOne("user/daemon", "268435456", 100_000_000);
    groupOne("user", "9223372036854771712", 500_000_000);
    assertThat(found().version()).isEqualTo(1);
    assertThat(found().limit()).hasValue(268_435_456);
    assertThat(found().room()).isEqualTo(268_435_456 - 100_000_000 + 10_000_000);
    assertThat(found().shared()).isEqualTo(100_000_000 - 10_000_000 - 3_000_000 - 20_000_000);
  }

  @Test
  void theTightestGroupOnTheWayUpCounts() throws IOException {
    versionOne("/", "/user/daemon");
    groupOne("user/daemon", "268435456", 100_000_000);
    groupOne("user", "300000000", 280_000_000);
    assertThat(found().limit()).hasValue(268_435_456);
    assertThat(found().room()).isEqualTo(300_000_000 - 280_000_000 + 10_000_000);
  }

  @Test
  void withoutALimitThereIsRoomWithoutEnd() throws IOException {
    versionOne("/", "/user");
    groupOne("user", "9223372036854771712", 500_000_000);
    assertThat(found().limit()).isEmpty();
    assertThat(found().room()).isEqualTo(Long.MAX_VALUE);
  }

  /// A container without a namespace of its own is told the path on the host.
  @Test
  void aContainerSeesItsGroupAtTheMountPoint() throws IOException {
    versionOne("/docker/0123abc", "/docker/0123abc");
    groupOne("", "268435456", 100_000_000);
    assertThat(found().limit()).hasValue(268_435_456);
  }

  @Test
  void versionTwoIsFoundWhereNoControllerIsNamed() throws IOException {
    versionTwo("/system.slice/sealbuf.service");
    groupTwo("system.slice/sealbuf.service", "268435456", "max", 100_000_000);
    groupTwo("system.slice", "max", "max", 900_000_000);
    assertThat(found().version()).isEqualTo(2);
    assertThat(found().limit()).hasValue(268_435_456);
    assertThat(found().room()).isEqualTo(268_435_456 - 100_000_000 + 10_000_000);
    assertThat(found().shared())
        .isEqualTo(100_000_000 - 10_000_000 - 3_000_000 - 8192 - 20_000_000);
  }

  @Test
  void theMarkBeyondWhichVersionTwoSlowsDownIsALimitToo() throws IOException {
    versionTwo("/a");
    groupTwo("a", "268435456", "200000000", 100_000_000);
    assertThat(found().limit()).hasValue(200_000_000);
  }

  /// memory.stat has `kernel` since Linux 5.18.
  @Test
  void anOlderKernelSumsUpWhatItTakesItself() throws IOException {
    versionTwo("/a");
    groupTwo("a", "max", "max", 100_000_000);
    write("sys/fs/cgroup/a/memory.stat", VERSION_2_STAT.replaceFirst("kernel 3000000\n", ""));
    long kernel = 900_000 + 196_608 + 1_000_000 + 5000;
    assertThat(found().shared()).isEqualTo(100_000_000 - 10_000_000 - kernel - 8192 - 20_000_000);
  }

  @Test
  void aContainerOfVersionTwoIsAtTheRootOfWhatItSees() throws IOException {
    versionTwo("/");
    groupTwo("", "268435456", "max", 100_000_000);
    assertThat(found().limit()).hasValue(268_435_456);
    versionTwo("/../../other");
    assertThat(found().limit()).hasValue(268_435_456);
  }

  @Test
  void withoutGroupsThereIsNone() throws IOException {
    assertThat(ControlGroup.below(root)).isEmpty();
    versionTwo("/a");
    assertThat(ControlGroup.below(root)).isEqualTo(Optional.empty());
  }
}
