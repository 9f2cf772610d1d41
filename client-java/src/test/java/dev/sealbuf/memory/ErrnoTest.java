package dev.sealbuf.memory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.testing.Libc;
import java.lang.foreign.Arena;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import org.junit.jupiter.api.Test;

class ErrnoTest {
  @Test
  void everyConstantHasItsOwnName() throws IllegalAccessException {
    for (Field field : Errno.class.getDeclaredFields()) {
      if (Modifier.isPublic(field.getModifiers())) {
        assertThat(Errno.name(field.getInt(null))).isEqualTo(field.getName());
      }
    }
  }

  @Test
  void theTableEndsWhereTheKernelsDoes() {
    assertThat(Errno.name(133)).isEqualTo("EHWPOISON");
    assertThat(Errno.name(134)).isEqualTo("errno");
    assertThat(Errno.name(41)).isEqualTo("errno");
    assertThat(Errno.name(0)).isEqualTo("errno");
  }

  @Test
  void aFailedCallCarriesTheKernelsNumber() {
    try (Arena arena = Arena.ofConfined()) {
      long missing = arena.allocateFrom("/nonexistent").address();
      assertThat(Libc.call("open", missing, 0)).isEqualTo(-Errno.ENOENT);
    }
  }
}
