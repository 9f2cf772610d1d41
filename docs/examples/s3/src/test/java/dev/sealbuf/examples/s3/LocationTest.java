package dev.sealbuf.examples.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LocationTest {
  @Test
  void aKeyMayHaveSlashes() {
    Location location = Location.parse("s3://bucket/a/b//c");
    assertThat(location).isEqualTo(new Location("bucket", "a/b//c"));
    assertThat(location).hasToString("s3://bucket/a/b//c");
    assertThat(location.isPrefix()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"s3://bucket", "s3://bucket/", "s3://bucket/a/"})
  void withoutAKeyOrWithASlashBehindItIsAPrefix(String text) {
    assertThat(Location.parse(text).isPrefix()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "bucket/key", "s3://", "s3:///key", "https://bucket/key"})
  void otherAddressesAreRefused(String text) {
    assertThatThrownBy(() -> Location.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "an object is s3://BUCKET/KEY, all below a prefix s3://BUCKET/PREFIX/: given=" + text);
  }
}
