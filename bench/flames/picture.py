"""A flame graph as SVG: each box a function, as wide as its share of the samples, on its caller.

After Brendan Gregg, "The Flame Graph", Communications of the ACM 59 (6), 2016. Boxes are sorted by
name, not by time; colours say whose code it is; the numbers are in tooltips.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import TypeAlias

from flames.stacks import Stacks

Hues: TypeAlias = dict[str, tuple[str, int]]
"""Whose code: words that its frames contain, the first that fits ("" does), and the hue."""

WIDTH, ROW, MARGIN = 1200, 17, 10
HEAD = 60
GLYPH = 6.6
"""Width of a letter."""
NARROWEST = 1.0
"""Boxes below that are left out."""


@dataclass
class Box:
    samples: int = 0
    inner: dict[str, "Box"] = field(default_factory=dict)

    def depth(self, scale: float) -> int:
        shown = [box.depth(scale) for box in self.inner.values() if box.samples * scale > NARROWEST]
        return 1 + max(shown, default=0)


def draw(title: str, stacks: Stacks, hues: Hues) -> str:
    root = _boxes(stacks)
    return "\n".join(_Picture(root, hues).lines(title))


def _boxes(stacks: Stacks) -> Box:
    root = Box()
    for stack, count in stacks.counts.items():
        box = root
        box.samples += count
        for frame in stack:
            box = box.inner.setdefault(frame, Box())
            box.samples += count
    return root


class _Picture:
    def __init__(self, root: Box, hues: Hues) -> None:
        self._root = root
        self._hues = hues
        self._scale = (WIDTH - 2 * MARGIN) / max(root.samples, 1)

    def lines(self, title: str) -> Iterator[str]:
        height = HEAD + self._root.depth(self._scale) * ROW + MARGIN
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'font-family="monospace" font-size="11">'
        )
        yield f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>'
        yield f'<text x="{MARGIN}" y="20" font-size="15">{escape(title)}</text>'
        yield from self._legend()
        yield from self._above(self._root, MARGIN, height - MARGIN)
        yield "</svg>\n"

    def _legend(self) -> Iterator[str]:
        x = float(MARGIN)
        for whose, (_, hue) in self._hues.items():
            yield f'<rect x="{x}" y="31" width="12" height="12" fill="{_colour(hue, 0)}"/>'
            yield f'<text x="{x + 17}" y="41">{escape(whose)}</text>'
            x += 40 + len(whose) * GLYPH
        yield f'<text x="{x}" y="41">samples: {self._root.samples}</text>'

    def _above(self, box: Box, x: float, bottom: float) -> Iterator[str]:
        for frame, inner in sorted(box.inner.items()):
            width = inner.samples * self._scale
            if width > NARROWEST:
                yield self._box(frame, inner, x, bottom - ROW)
                yield from self._above(inner, x, bottom - ROW)
            x += width

    def _box(self, frame: str, box: Box, x: float, y: float) -> str:
        hue = next(hue for words, hue in self._hues.values() if _fits(words, frame))
        name, width = frame.replace("/", "."), box.samples * self._scale
        text = escape(_short(name, int((width - 4) / GLYPH)))
        label = f'<text x="{x + 2:.1f}" y="{y + 12:.0f}">{text}</text>' if text else ""
        return (
            f"<g><title>{escape(name)}: {box.samples / self._root.samples:.1%}</title>"
            f'<rect x="{x:.1f}" y="{y:.0f}" width="{width:.1f}" height="{ROW - 1}" '
            f'fill="{_colour(hue, _shade(frame))}" rx="1"/>{label}</g>'
        )


def _fits(words: str, frame: str) -> bool:
    return not words or any(word in frame for word in words.split())


def _short(name: str, room: int) -> str:
    """The end of a dotted name says more than its beginning."""
    if len(name) <= room:
        return name
    function, _, place = name.partition(" ")
    short = ".".join(function.split(".")[-2:])
    for candidate in (f"{short} {place}".strip(), short, short.rpartition(".")[2]):
        if len(candidate) <= room:
            return candidate
    return short.rpartition(".")[2][: room - 1] + "…" if room > 3 else ""


def _shade(frame: str) -> int:
    """0 to 9, the same in every run."""
    return sum(frame.encode()) % 10


def _colour(hue: int, shade: int) -> str:
    return f"hsl({hue},70%,{78 + shade}%)"
