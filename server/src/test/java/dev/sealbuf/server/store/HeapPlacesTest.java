package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.ErrorCode;
import org.junit.jupiter.api.Test;

class HeapPlacesTest {
  @Test
  void oneUidGetsThreeQuartersAndAllTogetherNoMoreThanTheHeapHolds() throws Refusal {
    HeapPlaces places = new HeapPlaces("things", 8 * 16 * 100, 100);
    for (int i = 0; i < 12; i++) {
      places.take(1);
    }
    Refused.with(
        ErrorCode.TRY_AGAIN,
        "too many things: count=12 max=16 of_uid=12 max_of_uid=12",
        () -> places.take(1));
    for (int uid = 2; uid < 6; uid++) {
      places.take(uid);
    }
    Refused.with(
        ErrorCode.TRY_AGAIN,
        "too many things: count=16 max=16 of_uid=0 max_of_uid=12",
        () -> places.take(7));
    places.give(1);
    places.take(7);
    assertThat(places.taken()).isEqualTo(16);
  }

  @Test
  void aLeaseGivesBackOnceWhatItTook() throws Refusal {
    HeapPlaces places = new HeapPlaces("things", 8 * 16 * 100, 100);
    HeapPlaces.Lease many = places.lease(1, 11);
    try (HeapPlaces.Lease _ = places.lease(1, 0);
        HeapPlaces.Lease _ = places.lease(1, 1)) {
      Refused.with(
          ErrorCode.TRY_AGAIN,
          "too many things: count=12 max=16 of_uid=12 max_of_uid=12",
          () -> places.lease(1, 1));
    }
    many.close();
    many.close();
    assertThat(places.taken()).isZero();
  }
}
