/// The Java client of Sealbuf, with the protocol and the native memory it shares with the daemon.
module sealbuf.client {
  requires static transitive org.jspecify;
  requires tools.jackson.core;

  exports dev.sealbuf.client;
  exports dev.sealbuf.protocol;
}
