"""One slice of an enhancement beside the usual alternatives, with figures; what `overread enhance --compare` adds."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import GeometryError, UsageError
from overread.image import Image, Volume
from overread.io import open_study
from overread.io.files.outline import read_outlines
from overread.ops.peers import PEERS
from overread.ops.picture_figures import PictureFigures, Places, picture_figures
from overread.ops.region import mask_of_polygon

PICTURE, TABLE = "compare.png", "compare.csv"
MOST_PX = 640
"""Side of the window that is compared: larger pictures would hide their noise in the panel."""
DETAIL_PX = 200
"""Least side of what is drawn about a region."""
OURS, BEFORE = "overread enhance", "as it was"
_TABLES = (".csv", ".txt")
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareRequest:
    """What to compare.

    Parameters
    ----------
    slice_number : int, optional
        Slice or frame, from 1 as it was read; by default where the region is largest, else the middle one.
    region : path, optional
        A table of points (`overread.io.files.outline`), or a mask: an image of the size of the picture, or of the
        volume, in which all but 0 is inside. With it contrast to noise is told.
    """

    slice_number: int | None = None
    region: str | Path | None = None

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {"slice_number": self.slice_number, "region": None if self.region is None else str(self.region)}


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """One way to treat the picture: its name, its strength in words, the window of it that is shown, its figures."""

    name: str
    how: str
    picture: NDArray[np.float32]
    figures: PictureFigures


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Versions of one window of one slice.

    Parameters
    ----------
    versions : tuple of Version
        As it was, ours, then the others; pictures of one shape, in the unit of the image.
    slice_number, slices : int
        Which of how many, from 1.
    window : (first row, end row, first column, end column)
        Of the slice.
    region : (row, column) bool or None
        In that window.
    image : Volume, Radiograph or Frames
        Where they come from.
    inputs : dict
        Region file to SHA-256.
    """

    versions: tuple[Version, ...]
    slice_number: int
    slices: int
    window: tuple[int, int, int, int]
    region: Mask | None
    image: Image
    inputs: dict[str, str]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {
            "slice": self.slice_number,
            "slices": self.slices,
            "window_px": list(self.window),
            "region_px": 0 if self.region is None else int(np.count_nonzero(self.region)),
            "unit": self.image.intensity.value,
            "versions": [{"name": v.name, "how": v.how, **v.figures.to_dict()} for v in self.versions],
        }

    def files(self) -> Mapping[str, bytes]:
        """compare.png and compare.csv."""
        from overread.evidence.page.comparison import Cell, comparison_png  # noqa: PLC0415  (draws with Pillow)

        cut = self._detail()
        cells = [Cell(v.name, v.how, v.picture[cut], v.figures.to_dict()) for v in self.versions]
        kind = "slice" if isinstance(self.image, Volume) else "frame"
        where = f"{kind} {self.slice_number} of {self.slices}, " if self.slices > 1 else ""
        corner = self.window[0] + cut[0].start, self.window[2] + cut[1].start
        region = None if self.region is None else self.region[cut]
        picture = comparison_png(cells, region=region, image=self.image, window_rc=corner, where=where)
        return {PICTURE: picture, TABLE: self._table()}

    def _detail(self) -> tuple[slice, slice]:
        """What is drawn: the surroundings of the region, or all; the figures are those of the whole window."""
        shape = self.versions[0].picture.shape
        if self.region is None:
            return slice(0, shape[0]), slice(0, shape[1])
        hits = [np.flatnonzero(self.region.any(axis=1 - axis)) for axis in (0, 1)]
        wanted = max(DETAIL_PX, *(3 * int(hit[-1] - hit[0] + 1) for hit in hits))
        cut = []
        for size, hit in zip(shape, hits, strict=True):
            side = min(size, wanted)
            start = min(max(0, (int(hit[0] + hit[-1]) + 1 - side) // 2), size - side)
            cut.append(slice(start, start + side))
        return cut[0], cut[1]

    def _table(self) -> bytes:
        text = io.StringIO(newline="")
        rows = [{"name": v.name, "how": v.how, **v.figures.to_dict()} for v in self.versions]
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: "" if value is None else value for key, value in row.items()} for row in rows)
        return text.getvalue().encode()


def compare(before: Image, grey: NDArray[Any], done: tuple[Image, str], request: CompareRequest) -> Comparison:
    """Compare an enhanced image with the alternatives.

    Parameters
    ----------
    before : Volume, Radiograph or Frames
    grey : (row, column) or (slice, row, column)
        The values of `before`, colour turned to grey.
    done : (image, words)
        What was made of it, and how.

    Raises
    ------
    UsageError
        No such slice, or a region that does not fit, is empty on the slice or too small.
    InputError
        The region cannot be read.
    """
    stack, enhanced = (a if a.ndim == 3 else a[None] for a in (grey, done[0].array))
    masks, inputs = _region(request, before, stack.shape)
    k = _slice(request.slice_number, masks, len(stack))
    mask = None if masks is None else masks[k if len(masks) > 1 else 0]
    if mask is not None and not mask.any():
        raise UsageError(f"the region is empty on slice {k + 1}", where=str(request.region), way_out="Name another.")
    r0, r1, c0, c1 = window = _window(stack.shape[1:], mask)
    cut = np.s_[r0:r1, c0:c1]
    original = stack[k][cut].astype(np.float32)
    region = None if mask is None else mask[cut]
    places = Places.of(original, region)
    pictures = [(BEFORE, "", original), (OURS, done[1], enhanced[k][cut].astype(np.float32))]
    pictures += [(peer.name, peer.how, peer(original)) for peer in PEERS]
    versions = tuple(Version(name, how, p, picture_figures(p, places)) for name, how, p in pictures)
    return Comparison(versions, k + 1, len(stack), window, region, before, inputs)


def _slice(number: int | None, masks: Mask | None, count: int) -> int:
    if number is not None:
        if not 1 <= number <= count:
            raise UsageError(f"slice {number} of an image of {count}", way_out=f"Give 1 to {count}.")
        return number - 1
    if masks is not None and len(masks) > 1:
        return int(np.argmax(masks.sum(axis=(1, 2))))
    return count // 2


def _window(shape: tuple[int, ...], mask: Mask | None) -> tuple[int, int, int, int]:
    """At most `MOST_PX` a side, about the region or the middle, and all of a region that is larger."""
    ends: list[int] = []
    for axis, size in enumerate(shape):
        first, last = 0, size - 1
        if mask is not None:
            hit = np.flatnonzero(mask.any(axis=1 - axis))
            first, last = int(hit[0]), int(hit[-1])
        side = min(size, max(MOST_PX, last - first + 61 if mask is not None else 0))
        start = min(max(0, (first + last + 1 - side) // 2), size - side)
        ends += [start, start + side]
    return ends[0], ends[1], ends[2], ends[3]


def _region(request: CompareRequest, image: Image, shape: tuple[int, ...]) -> tuple[Mask | None, dict[str, str]]:
    """(slices or 1, row, column) mask."""
    if request.region is None:
        return None, {}
    path = Path(request.region)
    where = str(path)
    if path.suffix.lower() in _TABLES:
        names = sorted({one.name for one in image.source.paths})
        outlines = read_outlines(path, picture=names[0] if len(names) == 1 else "")
        if len(outlines) != 1:
            raise UsageError(
                f"holds {len(outlines)} outlines, expected one", where=where, way_out="Keep the row of one lesion."
            )
        masks = mask_of_polygon(outlines[0].points_rc, (shape[1], shape[2]))[None]
    else:
        masks = _mask_file(path, image, shape)
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    return masks, {f"region {path.name}": digest}


def _mask_file(path: Path, image: Image, shape: tuple[int, ...]) -> Mask:
    mask = open_study(path).only().load()
    values = mask.array if isinstance(mask, Volume) else mask.grey()
    stack = values if values.ndim == 3 else values[None]
    if stack.shape[1:] != shape[1:] or len(stack) not in (1, shape[0]):
        sizes = [" x ".join(map(str, one)) for one in (stack.shape, shape)]
        raise UsageError(
            f"has {sizes[0]} pixels, the image {sizes[1]}", where=str(path), way_out="Draw it on the image."
        )
    if isinstance(mask, Volume) and isinstance(image, Volume) and not mask.grid.same_place(image.grid, within_mm=0.1):
        raise GeometryError("lies elsewhere than the image", where=str(path), way_out="Resample it onto the image.")
    return np.asarray(stack != 0)
