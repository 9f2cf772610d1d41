package dev.sealbuf.client;

/// What keeps memory mapped, until it is released.
@FunctionalInterface
interface Hold {
  void release();
}
