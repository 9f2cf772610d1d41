package dev.sealbuf.server.config;

import dev.sealbuf.server.access.Principal;
import java.util.Arrays;
import java.util.List;

/// An entry of an access list for each: `everyone`, `uid:1000`, `uid:alice`, `gid:100`,
/// `gid:spark`, with commas between them; or `nobody`.
final class Principals {
  static final String EVERYONE = "everyone";
  static final String NOBODY = "nobody";

  private static final String USER = "uid:";
  private static final String GROUP = "gid:";

  private Principals() {}

  static List<Principal> parse(String text) {
    return text.strip().equals(NOBODY)
        ? List.of()
        : Arrays.stream(text.split(",", -1)).map(String::strip).map(Principals::one).toList();
  }

  static boolean isEveryone(String text) {
    return parse(text).contains(new Principal.Everyone());
  }

  private static Principal one(String text) {
    if (text.equals(EVERYONE)) {
      return new Principal.Everyone();
    }
    if (text.startsWith(USER)) {
      return new Principal.User(PosixId.user(text.substring(USER.length())));
    }
    if (text.startsWith(GROUP)) {
      return new Principal.Group(PosixId.group(text.substring(GROUP.length())));
    }
    throw new IllegalArgumentException(
        "an entry is everyone, uid:N, gid:N, or a list is nobody: entry=" + text);
  }
}
