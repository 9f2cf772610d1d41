/// The Java client of Sealbuf, with the protocol and the native memory it shares with the daemon.
///
/// Chronicle Bytes is optional, and an automatic module as it comes.
@SuppressWarnings({"requires-automatic", "requires-transitive-automatic"})
module sealbuf.client {
  requires static transitive chronicle.bytes;
  requires static transitive org.jspecify;
  requires tools.jackson.core;

  exports dev.sealbuf.client;
  exports dev.sealbuf.protocol;
}
