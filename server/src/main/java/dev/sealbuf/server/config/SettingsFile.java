package dev.sealbuf.server.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.common.ScalarStyle;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.CollectionNode;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/// The configuration's file, in YAML 1.2 (so in JSON as well). Values are taken as they are
/// written: `4096` and `"4096"` are the same, and nothing is ever read as a date or a yes.
///
/// A key that is not known is refused: it would be a setting that somebody relies on and that does
/// nothing. What is read goes no deeper than the known keys, so aliases cannot make it endless.
final class SettingsFile {
  /// YAML's ways to write it, JSON's among them.
  private static final Set<String> NOTHING = Set.of("", "~", "null", "Null", "NULL");

  private static final LoadSettings STRICT =
      LoadSettings.builder().setCodePointLimit(1 << 20).build();

  /// What a file says.
  ///
  /// @param namespaces that have a section, be it empty
  record Content(List<Given> given, List<String> namespaces) {
    static final Content NONE = new Content(List.of(), List.of());
  }

  private static final String NAMESPACES = "namespaces";

  private final Path path;
  private final Consumer<String> problems;
  private final List<Given> given = new ArrayList<>();
  private final List<String> namespaces = new ArrayList<>();

  private SettingsFile(Path path, Consumer<String> problems) {
    this.path = path;
    this.problems = problems;
  }

  /// What it says, as far as that can be read; what is wrong with it is told.
  static Content read(Path path, Consumer<String> problems) {
    SettingsFile file = new SettingsFile(path, problems);
    try {
      file.read(new Compose(STRICT).composeString(Files.readString(path)));
    } catch (IOException e) {
      problems.accept("the configuration cannot be read: file=%s cause=%s".formatted(path, e));
    } catch (MarkedYamlEngineException e) {
      int line = e.getProblemMark().map(mark -> mark.getLine() + 1).orElse(0);
      problems.accept(
          "the configuration is not YAML: %s (%s:%d)".formatted(e.getProblem(), path, line));
    } catch (StackOverflowError _) {
      problems.accept("the configuration is not one: nested too deeply (%s)".formatted(path));
    } catch (YamlEngineException e) {
      problems.accept("the configuration is not YAML: %s (%s)".formatted(e.getMessage(), path));
    }
    return new Content(file.given, file.namespaces);
  }

  private void read(Optional<Node> top) {
    top.ifPresent(node -> section(node, "the top", "", this::ofDaemon));
  }

  @FunctionalInterface
  private interface Entry {
    /// @param path the whole key
    void take(String path, String name, NodeTuple node);
  }

  private void section(Node node, String title, String prefix, Entry each) {
    if (isNothing(node)) {
      return;
    }
    if (!(node instanceof MappingNode mapping)) {
      problem(title, "not a section of keys", node);
      return;
    }
    Set<String> seen = new HashSet<>();
    for (NodeTuple entry : mapping.getValue()) {
      String name = entry.getKeyNode() instanceof ScalarNode scalar ? scalar.getValue() : "?";
      if (seen.add(name)) {
        each.take(prefix + name, name, entry);
      } else {
        problem(prefix + name, "said twice", entry.getKeyNode());
      }
    }
  }

  private void ofDaemon(String path, String name, NodeTuple entry) {
    if (name.equals(NAMESPACES)) {
      section(entry.getValueNode(), path, path + ".", this::namespace);
    } else {
      setting(path, name, "", entry);
    }
  }

  private void namespace(String path, String name, NodeTuple entry) {
    if (!Key.isNamespace(name)) {
      problem(
          path,
          "a namespace's name is of 1 to 63 small letters, digits and hyphens, these not at its ends",
          entry.getKeyNode());
      return;
    }
    namespaces.add(name);
    section(
        entry.getValueNode(),
        path,
        path + ".",
        (whole, word, each) -> setting(whole, word, name, each));
  }

  private void setting(String path, String word, String namespace, NodeTuple entry) {
    List<Setting> here =
        Arrays.stream(Setting.values())
            .filter(each -> each.isOfNamespace() != namespace.isEmpty())
            .toList();
    Optional<Setting> setting = here.stream().filter(each -> each.word().equals(word)).findFirst();
    if (setting.isPresent()) {
      value(new Key(setting.get(), namespace), entry.getValueNode());
    } else {
      String known = here.stream().map(Setting::word).collect(Collectors.joining(","));
      problem(
          path,
          "no such key: known=" + known + (namespace.isEmpty() ? "," + NAMESPACES : ""),
          entry.getKeyNode());
    }
  }

  /// A list is the same as its parts with commas between them.
  private void value(Key key, Node node) {
    List<Node> parts = node instanceof SequenceNode list ? list.getValue() : List.of(node);
    if (parts.stream().anyMatch(SettingsFile::isNested)) {
      problem(key.path(), "a value is text or a list of texts, uid:N without a space", node);
      return;
    }
    if (parts.isEmpty() || !parts.stream().allMatch(SettingsFile::isText)) {
      problem(key.path(), "has no value: leave the key out for its default", node);
      return;
    }
    String text =
        parts.stream().map(part -> ((ScalarNode) part).getValue()).collect(Collectors.joining(","));
    try {
      key.setting().parse(text);
      given.add(new Given(key, text, place(node)));
    } catch (IllegalArgumentException e) {
      problem(key.path(), String.valueOf(e.getMessage()), node);
    }
  }

  private static boolean isNested(Node node) {
    return node instanceof CollectionNode<?> collection && !collection.getValue().isEmpty();
  }

  private static boolean isText(Node node) {
    return node instanceof ScalarNode && !isNothing(node);
  }

  private static boolean isNothing(Node node) {
    return node instanceof ScalarNode scalar
        && NOTHING.contains(scalar.getValue())
        && scalar.getScalarStyle() == ScalarStyle.PLAIN;
  }

  private void problem(String key, String rule, Node node) {
    problems.accept("%s: %s (%s)".formatted(key, rule, place(node)));
  }

  private String place(Node node) {
    return path + ":" + node.getStartMark().map(mark -> mark.getLine() + 1).orElse(0);
  }
}
