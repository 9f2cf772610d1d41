package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Names;
import dev.sealbuf.server.access.Right;

/// Who may end a buffer: the uid it belongs to, and who administers the namespace.
final class Rights {
  private Rights() {}

  static boolean mayEnd(Peer peer, int ownerUid) {
    return peer.uid() == ownerUid || peer.right().includes(Right.ADMINISTER);
  }

  /// For whatever takes a published buffer's name away.
  static void requireMayEnd(Peer peer, BufferRecord record) throws Refusal {
    if (!mayEnd(peer, (int) record.owner())) {
      throw new Refusal(
          ErrorCode.NOT_PERMITTED,
          "a buffer is deleted by the uid that published it: name=%s owner=%d uid=%s"
              .formatted(
                  Names.printable(record.name()),
                  record.owner(),
                  Integer.toUnsignedString(peer.uid())));
    }
  }
}
