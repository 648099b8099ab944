"""Lines and words on a picture, as overlay.png and compare.png have them."""

from __future__ import annotations

from collections.abc import Iterable

from PIL import Image, ImageDraw, ImageFont

from overread.evidence.page.outline import Polyline

OUTLINE = (255, 190, 40)
PAPER, INK, DIM = (16, 18, 22), (238, 240, 244), (160, 166, 176)
_FINE = 3
"""Lines are drawn this many times finer and averaged down: smooth edges."""


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def stroke(
    picture: Image.Image,
    lines: Iterable[Polyline],
    colour: tuple[int, int, int],
    *,
    width: float,
    strength: float = 1.0,
) -> None:
    """Draw polylines (x, y) with smooth edges."""
    layer = Image.new("L", (picture.width * _FINE, picture.height * _FINE), 0)
    pen = ImageDraw.Draw(layer)
    for line in lines:
        points = [(float(x) * _FINE, float(y) * _FINE) for x, y in line]
        pen.line(points, fill=round(255 * strength), width=max(1, round(width * _FINE)), joint="curve")
    picture.paste(Image.new("RGB", picture.size, colour), (0, 0), layer.reduce(_FINE))


def write(
    picture: Image.Image,
    at: tuple[float, float],
    text: str,
    size: int,
    *,
    colour: tuple[int, int, int] = INK,
    anchor: str = "la",
) -> None:
    """Text with a dark rim, readable on any grey."""
    ImageDraw.Draw(picture).text(
        at, text, font=_font(size), fill=colour, anchor=anchor, stroke_width=2, stroke_fill=(0, 0, 0)
    )
