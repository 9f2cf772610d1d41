package dev.sealbuf.server.session;

import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Request;
import dev.sealbuf.server.access.Right;
import dev.sealbuf.server.store.Peer;
import dev.sealbuf.server.store.Refusal;

/// Which right a request takes. What ends a buffer is looked at where the buffer is found: it
/// depends on whose that is.
final class RequiredRight {
  private RequiredRight() {}

  static void require(Peer peer, Request request) throws Refusal {
    Right right = of(request);
    if (!peer.right().includes(right)) {
      throw new Refusal(
          ErrorCode.NOT_PERMITTED,
          "this uid may only read in this namespace: uid=" + Integer.toUnsignedString(peer.uid()));
    }
  }

  private static Right of(Request request) {
    return switch (request) {
      case Request.Put _,
          Request.PutMany _,
          Request.Create _,
          Request.Seal _,
          Request.SealSpare _,
          Request.SealMany _,
          Request.Reserve _,
          Request.AwaitRoom _ ->
          Right.PUBLISH;
      case Request.Hello _,
          Request.Abort _,
          Request.Open _,
          Request.Take _,
          Request.Hold _,
          Request.OpenHeld _,
          Request.Map _,
          Request.Delete _,
          Request.DeleteMany _,
          Request.ListNames _,
          Request.Watch _,
          Request.Holders _,
          Request.Stat _,
          Request.Ping _ ->
          Right.READ;
    };
  }
}
