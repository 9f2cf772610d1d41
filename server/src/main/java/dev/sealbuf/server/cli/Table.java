package dev.sealbuf.server.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// Lines of cells in columns as wide as their widest cell; numbers to the right.
final class Table {
  private static final String GAP = "  ";

  private final List<Boolean> rightAligned;
  private final List<List<String>> rows = new ArrayList<>();

  /// @param alignment a letter a column, `l` or `r`
  Table(String alignment) {
    this.rightAligned = alignment.chars().mapToObj(letter -> letter == 'r').toList();
  }

  void row(String... cells) {
    rows.add(List.of(cells));
  }

  @Override
  public String toString() {
    List<Integer> widths =
        IntStream.range(0, rightAligned.size())
            .map(column -> rows.stream().mapToInt(row -> width(row.get(column))).max().orElse(0))
            .boxed()
            .toList();
    return rows.stream().map(row -> line(row, widths)).collect(Collectors.joining());
  }

  private String line(List<String> row, List<Integer> widths) {
    StringBuilder line = new StringBuilder();
    for (int column = 0; column < row.size(); column++) {
      String cell = row.get(column);
      String padding = " ".repeat(widths.get(column) - width(cell));
      line.append(column == 0 ? "" : GAP);
      line.append(rightAligned.get(column) ? padding + cell : cell + padding);
    }
    return line.toString().stripTrailing() + System.lineSeparator();
  }

  private static int width(String cell) {
    return cell.codePointCount(0, cell.length());
  }
}
