"""How slices are laid on a screen: the reader's usual side up, square millimetres, letters, scale bar, crops."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from overread.evidence.page.outline import Polyline, outlines
from overread.evidence.segments import voxels_by_label
from overread.findings import Finding, ImageRegion, Reading, Shape
from overread.geometry import Grid, orient, orientation_of
from overread.geometry.orientation import closest_letters
from overread.image import Image as AnyImage
from overread.image import Intensity, LabelMap, Volume, Window
from overread.image.window import LUNG

USUAL = {"S": "SPL", "I": "SPL", "A": "PIL", "P": "PIL", "L": "LIP", "R": "LIP"}
"""Where (slice, row, column) point on a screen, by where slices point in the file."""
_OPPOSITE = dict(zip("SIAPLR", "ISPARL", strict=True))
_PLANES = {"S": "axial", "P": "coronal", "L": "sagittal"}
DETAIL_MM = 44.0


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """An image turned for reading: rows downwards, columns to the right, as radiologists hang it.

    Parameters
    ----------
    array, labels : (slice, row, column)
        Views of the image and of the label map (None without segments).
    grid : Grid
        Of both.
    plane : str
        "axial", "coronal" or "sagittal", with "oblique" before it if the slices are turned by more than 10 degrees.
    edges : (left, right, top, bottom)
        Letters at the edges of the picture.
    flipped : bool
        Slice k here is slice `slices - 1 - k` of the image; false for sections across its slices.
    regions : dict
        Number of a finding to its region, in a picture.
    marks : tuple of ImageRegion
        Lines of the image as a whole, in a picture.
    unit : str
        What the spacing of the grid is in: "mm", or "pixels" for a picture without calibration.
    detail_side : float
        Least side of a detail, in that unit.
    is_volume : bool
        Pictures and clips are no volume; their edges have no letters.
    """

    array: NDArray[np.generic]
    labels: NDArray[np.integer] | None
    grid: Grid
    plane: str
    edges: tuple[str, str, str, str]
    flipped: bool
    where: dict[int, NDArray[np.intp]] = field(default_factory=dict)
    regions: dict[int, ImageRegion] = field(default_factory=dict)
    marks: tuple[ImageRegion, ...] = ()
    unit: str = "mm"
    detail_side: float = DETAIL_MM
    is_volume: bool = True

    @property
    def slices(self) -> int:
        """Number of slices."""
        return self.grid.shape[0]

    def slice_of(self, finding: Finding) -> int:
        """The slice on which the segment of a finding is largest; without one, that nearest to its point."""
        voxels = self.where.get(finding.number)
        if voxels is not None:
            return int(np.bincount(voxels[:, 0]).argmax())
        return min(max(round(self.index_of(finding)[0]), 0), self.slices - 1)

    def index_of(self, finding: Finding) -> tuple[float, float, float]:
        """(slice, row, column) of the centre of a finding."""
        if finding.region is not None:
            return (float(finding.region.frame_index), *finding.region.centre_rc)
        assert finding.point_lps is not None  # noqa: S101  (a finding has one of the two)
        k, row, column = (float(v) for v in self.grid.to_index(finding.point_lps))
        return k, row, column

    def image_slice(self, k: int) -> int:
        """Number of slice k in the image as it was read, from 1."""
        return (self.slices - 1 - k if self.flipped else k) + 1

    def samples(self) -> list[int]:
        """Slices that stand for all: at a quarter, the middle and three quarters."""
        return sorted({quarter * self.slices // 4 for quarter in (1, 2, 3)})

    def words(self, k: int) -> str:
        """Slice k in words: "axial slice 3 of 40", "frame 3 of 40", "picture"."""
        if self.is_volume:
            return f"{self.plane} slice {self.image_slice(k)} of {self.slices}"
        return self.plane if self.slices == 1 else f"{self.plane} {k + 1} of {self.slices}"


def volume_stack(reading: Reading, image: Volume, letters: str | None = None) -> Stack:
    """Turn image and segments for reading, in the plane of its slices or along `letters`; nothing is resampled."""
    first = orientation_of(image.grid)[0]
    letters = letters or USUAL[first]
    array, grid = orient(image.array, image.grid, letters)
    labels = None
    if isinstance(reading.segments, LabelMap):
        labels = orient(reading.segments.array, image.grid, letters)[0]
    down, right = grid.affine_lps[:3, 1], grid.affine_lps[:3, 2]
    edges = (closest_letters(-right), closest_letters(right), closest_letters(-down), closest_letters(down))
    tilt = float(np.abs(grid.slice_normal).max())
    plane = _PLANES[letters[0]] if tilt > math.cos(math.radians(10)) else f"oblique {_PLANES[letters[0]]}"
    where = {} if labels is None else voxels_by_label(labels)
    return Stack(array, labels, grid, plane, edges, _OPPOSITE[first] == letters[0], where)


def three_planes(reading: Reading, image: Volume) -> tuple[tuple[Stack, int], ...]:
    """Axial, coronal and sagittal stack, each with the section on which all segments together are largest."""
    found = []
    for letters in dict.fromkeys(USUAL.values()):
        stack = volume_stack(reading, image, letters)
        inside = np.concatenate([voxels[:, 0] for voxels in stack.where.values()])
        found.append((stack, int(np.bincount(inside).argmax())))
    return tuple(found)


def windows_of(reading: Reading, image: AnyImage) -> tuple[Window, ...]:
    """The windows of the reading; else of the image; else lung for CT, or from the 1st to the 99th percentile."""
    chosen = reading.windows or image.windows
    if chosen:
        return tuple(chosen)
    if image.intensity is Intensity.HU:
        return (LUNG,)
    if isinstance(image, Volume):
        return (middle_window(image.array[:: max(1, image.grid.shape[0] // 16)]),)
    return (_FULL_8_BITS if image.is_colour else middle_window(image.array),)


_FULL_8_BITS = Window(128, 256, "all values")


def middle_window(values: NDArray[np.generic]) -> Window:
    """From the 1st to the 99th percentile of the values that are numbers."""
    real = np.asarray(values, dtype=np.float32)
    known = real[np.isfinite(real)]
    low, high = (float(v) for v in np.percentile(known, (1, 99))) if known.size else (0.0, 1.0)
    return Window((low + high) / 2, max(high - low, 2.0), "1st to 99th percentile")


def detail_windows(stack: Stack, k: int, finding: Finding, windows: tuple[Window, ...]) -> tuple[Window, Window]:
    """Windows for the marked and the unmarked detail: second and third, unless the finding is black or white there."""
    voxels = stack.where.get(finding.number)
    on_slice = voxels[voxels[:, 0] == k] if voxels is not None else np.empty((0, 3), dtype=np.intp)
    marked, clean = (*windows[1:], windows[0]), (*windows[2:], *windows[:2][::-1])
    if not len(on_slice):
        return marked[0], clean[0]
    middle = np.median(stack.array[on_slice[:, 0], on_slice[:, 1], on_slice[:, 2]].astype(np.float32))

    def shows(window: Window) -> bool:
        return bool(20 < int(window.apply(middle)) < 252)

    return next(filter(shows, marked), marked[0]), next(filter(shows, clean), clean[0])


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle of one slice, in pixels of the slice: centre (row, column) and extent (rows, columns)."""

    centre: tuple[float, float]
    extent: tuple[float, float]


def whole(stack: Stack) -> Frame:
    """All of a slice, squared up with the shorter side padded."""
    _, rows, columns = stack.grid.shape
    _, dr, dc = stack.grid.spacing_mm
    side_mm = max(rows * dr, columns * dc)
    return Frame(((rows - 1) / 2, (columns - 1) / 2), (side_mm / dr, side_mm / dc))


def around(stack: Stack, finding: Finding) -> Frame:
    """A square around a finding: at least the least detail of the stack, and twice its extent."""
    _, dr, dc = stack.grid.spacing_mm
    voxels = stack.where.get(finding.number)
    if voxels is not None:
        points = voxels[:, 1:].astype(np.float64)
    elif finding.region is not None:
        points = np.array(finding.region.outline_rc())
    else:
        points = np.array([stack.index_of(finding)[1:]])
    low, high = points.min(axis=0), points.max(axis=0)
    row, column = (float(v) for v in (low + high) / 2)
    size = (high - low + 1) * np.array([dr, dc])
    side = max(stack.detail_side, 2.0 * float(size.max()))
    return Frame((row, column), (side / dr, side / dc))


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """A picture ready to be drawn.

    Parameters
    ----------
    values : (rows, columns) float32
        In the unit of the image, resampled to the size of the panel; outside the slice is the smallest value.
    contours : list of (number, polylines)
        In pixels (x, y) of the panel.
    lines : list of polylines
        Axes of measurements that lie on this slice.
    mm_per_px : float
        In the unit of the stack.
    unit : str
        That unit.
    """

    values: NDArray[np.float32]
    contours: list[tuple[int, list[Polyline]]]
    lines: list[Polyline]
    mm_per_px: float
    k: int
    edges: tuple[str, str, str, str]
    unit: str = "mm"

    @property
    def size(self) -> int:
        """Side of the square panel in pixels."""
        return int(self.values.shape[0])


def _resample(values: NDArray[np.float32], frame: Frame, size: int) -> NDArray[np.float32]:
    """The part of a slice in `frame`, `size` x `size` pixels, bicubic; outside the slice the smallest value."""
    rows, columns = values.shape
    r0, c0 = (frame.centre[n] + 0.5 - frame.extent[n] / 2 for n in (0, 1))
    scale = [size / frame.extent[n] for n in (0, 1)]
    canvas = np.full((size, size), values.min(), dtype=np.float32)
    box = [max(c0, 0.0), max(r0, 0.0), min(c0 + frame.extent[1], columns), min(r0 + frame.extent[0], rows)]
    x0, x1 = round((box[0] - c0) * scale[1]), round((box[2] - c0) * scale[1])
    y0, y1 = round((box[1] - r0) * scale[0]), round((box[3] - r0) * scale[0])
    if x1 > x0 and y1 > y0:
        part = Image.fromarray(values).resize(
            (x1 - x0, y1 - y0), Image.Resampling.BICUBIC, box=(box[0], box[1], box[2], box[3])
        )
        canvas[y0:y1, x0:x1] = np.asarray(part)
    return canvas


def _to_panel(points_rc: Polyline, frame: Frame, size: int) -> Polyline:
    """(row, column) in pixels of the slice to (x, y) in pixels of the panel."""
    start = np.array([frame.centre[n] + 0.5 - frame.extent[n] / 2 for n in (0, 1)])
    xy: Polyline = ((points_rc + 0.5 - start) * (size / np.array(frame.extent)))[:, ::-1]
    return xy


def slice_outlines(stack: Stack, k: int) -> list[tuple[int, list[Polyline]]]:
    """Outlines of every label and region on slice k, (row, column) in pixels of the slice."""
    drawn = []
    if stack.labels is not None:
        labels = stack.labels[k]
        present = [number for number, voxels in stack.where.items() if (voxels[:, 0] == k).any()]
        drawn = [(number, outlines(labels == number)) for number in present]
    regions = ((number, region) for number, region in stack.regions.items() if number not in stack.where)
    return drawn + [
        (n, [_ring(stack, r) if r.shape is Shape.POINT else np.array(r.outline_rc())])
        for n, r in regions
        if r.frame_index == k
    ]


def _ring(stack: Stack, region: ImageRegion) -> Polyline:
    """A small ring around a point, so that nothing covers it."""
    radius = 0.02 * max(stack.grid.shape[1:])
    row, column = region.centre_rc
    ring = ImageRegion(Shape.CIRCLE, ((row, column), (row + radius, column)))
    return np.array(ring.outline_rc())


def make_panel(stack: Stack, k: int, frame: Frame, size: int, finding: Finding | None = None) -> Panel:
    """Resample one slice, and carry outlines and the axes of `finding` with it."""
    values = np.ascontiguousarray(stack.array[k], dtype=np.float32)
    if not np.isfinite(values).all():  # unknown is drawn as the least value
        known = values[np.isfinite(values)]
        values = np.where(np.isfinite(values), values, known.min() if known.size else np.float32(0))
    values = _resample(values, frame, size)
    contours = [(n, [_to_panel(line, frame, size) for line in lines]) for n, lines in slice_outlines(stack, k)]
    axes = []
    for line in finding.lines if finding else ():
        index = stack.grid.to_index(line.points_lps)
        if np.abs(index[:, 0] - k).max() <= 0.5:
            axes.append(_to_panel(index[:, 1:], frame, size))
    for mark in (*stack.marks, *(finding.marks if finding else ())):
        if mark.frame_index == k:
            axes.append(_to_panel(np.array(mark.outline_rc()), frame, size))
    mm_per_px = frame.extent[0] * stack.grid.spacing_mm[1] / size
    return Panel(values, contours, axes, mm_per_px, k, stack.edges, stack.unit)


def scale_bar_mm(mm_per_px: float, size: int) -> float:
    """A round length (1, 2 or 5 times a power of ten) near a quarter of the panel, mm."""
    wish = mm_per_px * size / 3.2
    power = 10.0 ** math.floor(math.log10(wish))
    return float(max(step * power for step in (1, 2, 5) if step * power <= wish))
