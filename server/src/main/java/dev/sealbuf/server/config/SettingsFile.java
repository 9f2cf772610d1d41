package dev.sealbuf.server.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.common.ScalarStyle;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;

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

  private final Path path;
  private final Consumer<Given> given;
  private final Consumer<String> problems;

  private SettingsFile(Path path, Consumer<Given> given, Consumer<String> problems) {
    this.path = path;
    this.given = given;
    this.problems = problems;
  }

  /// Tells what it says and what is wrong with it.
  static void read(Path path, Consumer<Given> given, Consumer<String> problems) {
    SettingsFile file = new SettingsFile(path, given, problems);
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
  }

  private void read(Optional<Node> top) {
    top.ifPresent(node -> section(node, ""));
  }

  private void section(Node node, String prefix) {
    if (isNothing(node)) {
      return;
    }
    if (!(node instanceof MappingNode mapping)) {
      problem(prefix.isEmpty() ? "the top" : prefix, "not a section of keys", node);
      return;
    }
    Set<String> seen = new HashSet<>();
    for (NodeTuple entry : mapping.getValue()) {
      String name = entry.getKeyNode() instanceof ScalarNode scalar ? scalar.getValue() : "?";
      String key = prefix.isEmpty() ? name : prefix + "." + name;
      if (!seen.add(name)) {
        problem(key, "said twice", entry.getKeyNode());
      } else {
        entry(key, entry);
      }
    }
  }

  private void entry(String key, NodeTuple entry) {
    Optional<Setting> setting =
        Arrays.stream(Setting.values()).filter(each -> each.key().equals(key)).findFirst();
    if (setting.isPresent()) {
      value(setting.get(), entry.getValueNode());
    } else if (Arrays.stream(Setting.values()).anyMatch(each -> each.key().startsWith(key + "."))) {
      section(entry.getValueNode(), key);
    } else {
      List<String> known = Arrays.stream(Setting.values()).map(Setting::key).toList();
      problem(key, "no such key: known=" + String.join(",", known), entry.getKeyNode());
    }
  }

  private void value(Setting setting, Node node) {
    if (node instanceof ScalarNode scalar && !isNothing(node)) {
      given.accept(new Given(setting, scalar.getValue(), place(node)));
    } else {
      problem(setting.key(), "has no single value: leave the key out for its default", node);
    }
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
