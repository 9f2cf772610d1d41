package dev.sealbuf.server.host;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandleProxies;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/// SIGHUP: by custom, the wish that a daemon reads its configuration anew. Without a handler it
/// ends a JVM.
///
/// One that was started with SIGHUP ignored (nohup) goes on ignoring it.
///
/// The JDK has one way to handle a signal, `sun.misc.Signal` of the module jdk.unsupported. It is
/// called by name: the compiler warns of each mention of it, and nothing silences that.
public final class HangUp {
  private static final String SIGNAL = "sun.misc.Signal";
  private static final String HANDLER = "sun.misc.SignalHandler";

  private HangUp() {}

  /// Runs it at each SIGHUP, on a thread of its own.
  public static void handle(Runnable handler) {
    try {
      MethodHandles.Lookup lookup = MethodHandles.publicLookup();
      Class<?> signal = Class.forName(SIGNAL);
      Class<?> type = Class.forName(HANDLER);
      MethodHandle run =
          lookup
              .findVirtual(Runnable.class, "run", MethodType.methodType(void.class))
              .bindTo(handler);
      Object adapter =
          MethodHandleProxies.asInterfaceInstance(
              type, MethodHandles.dropArguments(run, 0, signal));
      Object hangUp = signal.getConstructor(String.class).newInstance("HUP");
      signal.getMethod("handle", signal, type).invoke(null, hangUp, adapter);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("this JVM handles no signals", e);
    }
  }
}
