package dev.sealbuf.server.channel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.PeerCredentials;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("shows-45")
final class PeerPolicyTest {
  private static final PeerPolicy ALONE =
      new PeerPolicy(20_001, OptionalLong.empty(), 65_534, _ -> false);
  private static final PeerPolicy SHARED =
      new PeerPolicy(20_001, OptionalLong.of(20_000), 65_534, _ -> false);

  @Test
  void theDaemonsOwnUidMayConnect() {
    assertThat(ALONE.refusal(peer(20_001, 20_001))).isEmpty();
    assertThat(SHARED.refusal(peer(20_001, 20_001))).isEmpty();
  }

  @Test
  void anotherUidMayNotConnect() {
    assertThat(ALONE.refusal(peer(20_002, 20_000)))
        .contains(
            "only the daemon's uid may connect: uid=20002 daemon=20001; start the daemon with"
                + " --group to share it");
  }

  @Test
  void rootMayNotConnect() {
    assertThat(SHARED.refusal(peer(0, 0)))
        .contains(
            "only the daemon's uid and members of its group may connect: uid=0 daemon=20001"
                + " group=20000; join the group and log in anew");
  }

  @Test
  void membersOfTheGroupMayConnect() {
    assertThat(SHARED.refusal(peer(20_002, 20_000))).isEmpty();
    assertThat(SHARED.refusal(peer(20_003, 20_003, 100L, 20_000L))).isEmpty();
  }

  @Test
  void theOverflowUidMayNotConnectEvenInTheGroup() {
    assertThat(SHARED.refusal(peer(65_534, 20_000)))
        .contains(
            "the uid that stands for all unmapped uids is served only where a namespace names it:"
                + " uid=65534; run the client in the daemon's user namespace");
  }

  @Test
  void theOverflowUidMayConnectWhereANamespaceNamesIt() {
    PeerPolicy naming =
        new PeerPolicy(20_001, OptionalLong.of(20_000), 65_534, uid -> uid == 65_534);
    assertThat(naming.refusal(peer(65_534, 20_000))).isEmpty();
    assertThat(naming.refusal(peer(65_534, 65_534))).isPresent();
  }

  @Test
  void uidsAboveTheSignedRangeAreCompared() {
    long uid = 4_000_000_000L;
    assertThat(new PeerPolicy(uid, OptionalLong.empty(), 65_534, _ -> false).refusal(peer(uid, 1)))
        .isEmpty();
  }

  private static PeerCredentials peer(long uid, long gid, Long... groups) {
    return new PeerCredentials(1, uid, gid, List.of(groups));
  }
}
