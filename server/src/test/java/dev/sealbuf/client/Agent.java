package dev.sealbuf.client;

import dev.sealbuf.memory.PeerCredentials;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.annotation.Annotation;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/// The other side of [Unprivileged]: reads `class method` lines, runs each as a test, and answers
/// with the stack trace of what it threw, if anything, and [#END].
final class Agent {
  static final String END = "-- end of outcome --";

  private Agent() {}

  public static void main(String[] arguments) throws IOException {
    if (PeerCredentials.ownUid() == 0) {
      throw new IllegalStateException("nothing under test runs as root");
    }
    PrintStream outcomes = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] test = line.split(" ", 2);
      try {
        run(Class.forName(test[0]), test[1]);
      } catch (InvocationTargetException e) {
        e.getTargetException().printStackTrace(outcomes);
      } catch (ReflectiveOperationException e) {
        e.printStackTrace(outcomes);
      }
      outcomes.println(END);
    }
    System.exit(0);
  }

  private static void run(Class<?> type, String name) throws ReflectiveOperationException {
    Constructor<?> constructor = type.getDeclaredConstructor();
    constructor.setAccessible(true);
    Object test = constructor.newInstance();
    runAll(test, BeforeEach.class);
    try {
      invoke(test, type.getDeclaredMethod(name));
    } finally {
      runAll(test, AfterEach.class);
    }
  }

  private static void runAll(Object test, Class<? extends Annotation> annotation)
      throws ReflectiveOperationException {
    for (Method method : test.getClass().getDeclaredMethods()) {
      if (method.isAnnotationPresent(annotation)) {
        invoke(test, method);
      }
    }
  }

  private static void invoke(Object test, Method method) throws ReflectiveOperationException {
    method.setAccessible(true);
    method.invoke(test);
  }
}
