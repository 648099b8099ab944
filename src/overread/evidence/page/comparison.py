"""compare.png: one picture treated in several ways, each with its figures, in one grey window."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from overread._version import __version__
from overread.evidence.page.display import USUAL, middle_window
from overread.evidence.page.outline import outlines
from overread.evidence.page.pen import DIM, INK, OUTLINE, PAPER, stroke, write
from overread.evidence.result_json import DISCLAIMER
from overread.evidence.vocabulary import ascii_text
from overread.geometry import Grid, orient, orientation_of
from overread.geometry.orientation import closest_letters
from overread.image import Image as AnyImage
from overread.image import PixelScale, Volume
from overread.units import UNITS

SIDE, GAP, WORDS, COLUMNS = 400, 14, 158, 4
_LINES = (
    ("noise in flat parts, sd", "flat_noise_sd", ""),
    ("edge width, 10-90 %", "edge_width_px", " px"),
    ("mean gradient", "mean_gradient_per_px", "/px"),
    ("entropy", "entropy_bits", " bits"),
)
_IN_UNIT = ("flat_noise_sd", "mean_gradient_per_px")
_CNR = (
    "CNR = contrast to noise = |mean inside - mean of a ring 3 to 12 px outside| / m. rms: m is the rms of both "
    "standard deviations; sum: the root of their",
    "summed squares; ring: that of the ring; union: that of all pixels together. A filter that blurs gains contrast to "
    "noise and loses edges: read it beside the edge width. x: ratio to the picture as it was.",
)
_PLAIN = ("Name a region (--region) to be told contrast to noise. x is the ratio to the picture as it was.",)


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """A version of the picture: name, strength in words, values in the unit of the image, figures by name."""

    name: str
    how: str
    picture: NDArray[np.float32]
    figures: Mapping[str, float | None]


def comparison_png(
    cells: Sequence[Cell], *, region: NDArray[np.bool_] | None, image: AnyImage, window_rc: tuple[int, int], where: str
) -> bytes:
    """The sheet as PNG; the first cell is the picture as it was, and bears the outline of the region.

    Parameters
    ----------
    region : (row, column) bool or None
    image : Volume, Radiograph or Frames
        Gives the usual side up, the size of a pixel, the unit and the window.
    window_rc : (row, column)
        First pixel of the cells in the image.
    where : str
        Which slice, in words.
    """
    shown = image.windows[0] if image.windows else middle_window(cells[0].picture)
    turn = _Turn.of(image, cells[0].picture.shape)
    rows = -(-len(cells) // COLUMNS)
    legend = _PLAIN if region is None else _CNR
    height = 50 + rows * (SIDE + WORDS + GAP) + 20 * len(legend) + 40
    sheet = Image.new("RGB", (COLUMNS * (SIDE + GAP) + GAP, height), PAPER)
    code = image.intensity.value
    unit = UNITS[code].display if code in UNITS else code
    unit = f" {unit}" if unit else ""
    size = " x ".join(map(str, cells[0].picture.shape))
    at = f"{size} pixels shown, from row {window_rc[0]}, column {window_rc[1]}"
    title = f"Enhancement beside the usual alternatives: {where}{at}, all in one window (W {shown.width:g} L"
    write(sheet, (GAP, 12), ascii_text(f"{title} {shown.center:g}{unit})"), 20)
    for n, cell in enumerate(cells):
        x, y = GAP + n % COLUMNS * (SIDE + GAP), 50 + n // COLUMNS * (SIDE + WORDS + GAP)
        picture = turn.picture(shown.apply(cell.picture))
        if n == 0 and region is not None:
            lines = turn.lines(region)
            stroke(picture, lines, (0, 0, 0), width=3.0, strength=0.55)
            stroke(picture, lines, OUTLINE, width=1.4)
        for place, letter, anchor in turn.letters:
            write(picture, place, letter, 16, colour=DIM, anchor=anchor)
        sheet.paste(picture, (x, y))
        _words(sheet, (x, y + SIDE + 6), (cell, cells[0]), unit)
    y = 50 + rows * (SIDE + WORDS + GAP)
    for line in legend:
        write(sheet, (GAP, y), line, 15, colour=DIM)
        y += 20
    write(sheet, (GAP, y + 6), ascii_text(f"{DISCLAIMER} Do not measure on an enhanced image."), 16, colour=OUTLINE)
    write(sheet, (sheet.width - GAP, y + 8), f"overread {__version__}", 14, colour=DIM, anchor="ra")
    stream = io.BytesIO()
    sheet.save(stream, "PNG", compress_level=4)
    return stream.getvalue()


def _words(sheet: Image.Image, at: tuple[int, int], pair: tuple[Cell, Cell], of_image: str) -> None:
    """Name and figures of a cell, told beside those of the first; `of_image` is the unit of the image."""
    (x, y), (cell, first) = at, pair
    write(sheet, (x, y), cell.name, 19, colour=INK)
    write(sheet, (x + SIDE, y + 4), ascii_text(cell.how), 14, colour=DIM, anchor="ra")
    y += 28
    f = cell.figures
    if f.get("cnr_rms") is not None:
        readings = (("rms", "cnr_rms"), ("sum", "cnr_sum"), ("ring", "cnr_background"), ("union", "cnr_union"))
        write(sheet, (x, y), "CNR", 15, colour=INK)
        text = "   ".join(f"{name} {_number(f.get(key))}" for name, key in readings)
        write(sheet, (x + SIDE, y), text, 15, colour=INK, anchor="ra")
        y += 23
    for words, key, ending in _LINES:
        value, before = f.get(key), first.figures.get(key)
        write(sheet, (x, y), words, 15, colour=DIM)
        ratio = f"  (x {value / before:.2f})" if value is not None and before and cell is not first else ""
        unit = f"{of_image}{ending}" if key in _IN_UNIT else ending
        text = "none found" if value is None else f"{_number(value)}{unit}{ratio}"
        write(sheet, (x + SIDE, y), text, 15, colour=INK, anchor="ra")
        y += 23


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


@dataclass(frozen=True, slots=True, eq=False)
class _Turn:
    """How the pixels of a slice are laid on a square cell: turned for reading, square millimetres, letters."""

    grid: Grid | None
    shape: tuple[int, int]
    size: tuple[int, int]
    letters: tuple[tuple[tuple[float, float], str, str], ...]

    @classmethod
    def of(cls, image: AnyImage, shape: tuple[int, ...]) -> _Turn:
        rows, columns = shape
        grid: Grid | None = None
        letters: tuple[tuple[tuple[float, float], str, str], ...] = ()
        spacing = (1.0, 1.0)
        if isinstance(image, Volume):
            grid = Grid((1, rows, columns), image.grid.affine_lps)
            turned = orient(np.zeros((1, rows, columns), np.uint8), grid, USUAL[orientation_of(grid)[0]])[1]
            (_, rows, columns), spacing = turned.shape, turned.spacing_mm[1:]
            down, right = turned.affine_lps[:3, 1], turned.affine_lps[:3, 2]
            half, end = SIDE / 2, SIDE - 6
            letters = (
                ((6, half), closest_letters(-right), "lm"),
                ((end, half), closest_letters(right), "rm"),
                ((half, 5), closest_letters(-down), "ma"),
                ((half, end), closest_letters(down), "md"),
            )
        elif isinstance(image.scale, PixelScale) and image.scale.spacing_mm is not None:
            spacing = image.scale.spacing_mm
        extent = np.array([rows * spacing[0], columns * spacing[1]])
        height, width = (max(1, round(float(v))) for v in SIDE * extent / extent.max())
        return cls(grid, (rows, columns), (height, width), letters)

    def _turned(self, array: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self.grid is None:
            return array
        turned: NDArray[np.uint8] = orient(array[None], self.grid, USUAL[orientation_of(self.grid)[0]])[0][0]
        return turned

    def picture(self, grey: NDArray[np.uint8]) -> Image.Image:
        """A square RGB cell."""
        height, width = self.size
        small = Image.fromarray(np.ascontiguousarray(self._turned(grey))).resize(
            (width, height), Image.Resampling.BICUBIC
        )
        cell = Image.new("RGB", (SIDE, SIDE), (0, 0, 0))
        cell.paste(small.convert("RGB"), ((SIDE - width) // 2, (SIDE - height) // 2))
        return cell

    def lines(self, region: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
        """Outline of a region, (x, y) in the cell."""
        height, width = self.size
        scale = np.array([height / self.shape[0], width / self.shape[1]])
        start = np.array([(SIDE - height) // 2, (SIDE - width) // 2])
        turned = self._turned(region.astype(np.uint8)).astype(bool)
        return [((line + 0.5) * scale + start)[:, ::-1] for line in outlines(turned)]
