"""The contact sheet: what the workers saw, each with the histograms they counted."""

from pathlib import Path
from typing import Any

import numpy
from PIL import Image, ImageDraw, ImageFont

COLUMNS = 4
CELL = (300, 300)
MARGIN = 12
COLOURS = ((214, 69, 65), (38, 166, 91), (52, 116, 214))
INK = (40, 44, 52)
PAPER = (250, 250, 247)


def curve(counts: list[int], width: int, height: int, peak: float) -> list[tuple[float, float]]:
    """A histogram as a line; square-root scale, so that small counts are seen."""
    return [
        (i * width / 255, height - height * (count / peak) ** 0.5) for i, count in enumerate(counts)
    ]


def draw_cell(
    draw: ImageDraw.ImageDraw, sheet: Image.Image, photo: dict[str, Any], left: int, top: int
) -> None:
    thumbnail = Image.fromarray(numpy.load(photo["thumbnail"]))
    thumbnail.thumbnail((CELL[0] - 2 * MARGIN, 150))
    sheet.paste(thumbnail, (left + MARGIN, top + MARGIN))
    base, height, width = top + 175, 60, CELL[0] - 2 * MARGIN
    peak = max(max(counts) for counts in photo["histograms"])
    for counts, colour in zip(photo["histograms"], COLOURS, strict=True):
        points = [(left + MARGIN + x, base + y) for x, y in curve(counts, width, height, peak)]
        draw.line(points, fill=colour, width=1)
    draw.line([(left + MARGIN, base + height), (left + MARGIN + width, base + height)], fill=INK)
    rows, columns, _ = photo["shape"]
    red, green, blue = photo["mean"]
    font = ImageFont.load_default(12)
    text = f"{photo['name']}   {columns} x {rows}   worker {photo['pid']}"
    text += f"\nmean R {red}  G {green}  B {blue}"
    draw.text((left + MARGIN, base + height + 8), text, fill=INK, font=font)


def write(photographs: list[dict[str, Any]], file: Path) -> None:
    """Draws all photographs, in order of their names."""
    rows = -(-len(photographs) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * CELL[0], rows * CELL[1]), PAPER)
    draw = ImageDraw.Draw(sheet)
    for at, photo in enumerate(sorted(photographs, key=lambda photo: photo["name"])):
        draw_cell(draw, sheet, photo, at % COLUMNS * CELL[0], at // COLUMNS * CELL[1])
    sheet.save(file)
