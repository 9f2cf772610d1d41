package dev.sealbuf.client;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;

/// Runs every Java example of a page, `PAGE`, on the daemon that `SEALBUF_SOCKET` names, and
/// compares what each prints with the comments behind its `IO.println`. An example without `main`
/// runs inside one, with a connected `store` and the usual imports. Ends with the line `ran N`.
final class GuideMain {
  private static final Pattern EXAMPLE = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);
  private static final Pattern PRINTED = Pattern.compile("IO\\.println\\(.*\\); *// (.*)");
  private static final String IMPORTS =
      """
      import dev.sealbuf.client.*;
      import java.lang.foreign.*;
      import java.time.Duration;
      import java.util.*;
      import net.openhft.chronicle.bytes.Bytes;
      """;

  private GuideMain() {}

  public static void main(String[] arguments) throws Exception {
    List<String> examples = examples(Files.readString(Path.of(arguments[0])));
    Path folder = Jvm.publicFolder();
    compile(folder, examples);
    for (int i = 0; i < examples.size(); i++) {
      compare(examples.get(i), run(folder, "Example" + i));
    }
    System.out.println("ran " + examples.size());
  }

  private static List<String> examples(String page) {
    return EXAMPLE.matcher(page).results().map(each -> each.group(1)).toList();
  }

  private static void compile(Path folder, List<String> examples) throws IOException {
    List<String> arguments = new ArrayList<>(List.of("-d", folder.toString(), "-proc:none"));
    arguments.addAll(List.of("-cp", System.getProperty("java.class.path", "")));
    for (int i = 0; i < examples.size(); i++) {
      Path source = folder.resolve("Example" + i + ".java");
      Files.writeString(source, program(examples.get(i)));
      arguments.add(source.toString());
    }
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    if (compiler.run(null, System.err, System.err, arguments.toArray(new String[0])) != 0) {
      throw new AssertionError("an example does not compile");
    }
  }

  private static String program(String example) {
    if (example.contains("void main()")) {
      return example;
    }
    return IMPORTS
        + "void main() throws Exception {\n  try (Sealbuf store = Sealbuf.connect()) {\n"
        + example
        + "  }\n}\n";
  }

  /// The lines that an example prints. What it published is deleted, so that no example needs
  /// another.
  private static List<String> run(Path folder, String name) throws Exception {
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    PrintStream out = System.out;
    System.setOut(new PrintStream(printed, true, UTF_8));
    try (URLClassLoader loader = new URLClassLoader(new URL[] {folder.toUri().toURL()});
        Sealbuf store = Sealbuf.connect()) {
      Class<?> type = loader.loadClass(name);
      Constructor<?> constructor = type.getDeclaredConstructor();
      constructor.setAccessible(true);
      Method main = type.getDeclaredMethod("main");
      main.setAccessible(true);
      main.invoke(constructor.newInstance());
      store.list("").forEach(left -> delete(store, left.name()));
    } finally {
      System.setOut(out);
    }
    return printed.toString(UTF_8).lines().toList();
  }

  private static void delete(Sealbuf store, String name) {
    try {
      store.delete(name);
    } catch (NotFoundException _) {
      // It had no name of its own, and went with the session of the example.
    }
  }

  private static void compare(String example, List<String> printed) {
    List<String> expected = new ArrayList<>();
    for (String line : example.lines().toList()) {
      Matcher matcher = PRINTED.matcher(line);
      if (matcher.find()) {
        expected.add(matcher.group(1));
      }
    }
    if (!printed.equals(expected)) {
      throw new AssertionError("printed %s, not %s, by:\n%s".formatted(printed, expected, example));
    }
  }
}
