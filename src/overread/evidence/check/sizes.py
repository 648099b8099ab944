"""Size and place of every segment of anyone's Segmentation, from its pixels, in patient millimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.evidence.check.items import first, number, sequence
from overread.evidence.check.seg_object import SegFrame, SegObject
from overread.evidence.check.sources import SourceSeries


@dataclass(frozen=True, slots=True)
class SegmentSize:
    """One segment.

    Parameters
    ----------
    voxels : int
        Pixels of all frames.
    volume_mm3 : float or None
        None where no slice width is known.
    area_mm2 : float or None
        Largest area on one frame; None without pixel spacing.
    reach_mm : float or None
        No straight line inside the segment is longer.
    """

    voxels: int
    volume_mm3: float | None
    area_mm2: float | None
    reach_mm: float | None


def segment_sizes(seg: SegObject, series: SourceSeries | None) -> tuple[dict[int, SegmentSize], str]:
    """Size of each segment with pixels, and where the width of a slice was taken from."""
    widths, how = _widths_mm(seg, series)
    sizes = {}
    for segment in sorted({s for frame in seg.frames for s, where in frame.pixels.items() if len(where)}):
        parts = [(f, f.pixels[segment], f.weights[segment]) for f in seg.frames if len(f.pixels.get(segment, ()))]
        sizes[segment] = _size(parts, widths)
    return sizes, how


def _size(parts: list[tuple[SegFrame, NDArray[np.intp], NDArray[np.float64]]], widths: dict[int, float]) -> SegmentSize:
    voxels = sum(len(where) for _, where, _ in parts)
    if any(frame.spacing_mm is None for frame, _, _ in parts):
        return SegmentSize(voxels, None, None, None)
    areas = [float(w.sum()) * f.spacing_mm[0] * f.spacing_mm[1] for f, _, w in parts if f.spacing_mm is not None]
    known = all(frame.number in widths for frame, _, _ in parts)
    volume = sum(a * widths[f.number] for a, (f, _, _) in zip(areas, parts, strict=True)) if known else None
    reach = None
    if known and all(frame.placed for frame, _, _ in parts):
        points = np.concatenate([frame.points_lps(where[[0, -1]]) for frame, where, _ in parts] + _columns(parts))
        pixel = max(max(f.spacing_mm) for f, _, _ in parts if f.spacing_mm is not None)
        margin = np.hypot(pixel * np.sqrt(2), max(widths.values(), default=0.0))
        reach = float(np.linalg.norm(np.ptp(points, axis=0)) + margin)
    return SegmentSize(voxels, volume, max(areas), reach)


def _columns(parts: list[tuple[SegFrame, NDArray[np.intp], NDArray[np.float64]]]) -> list[NDArray[np.float64]]:
    """The pixels of each frame that lie farthest to the left and right."""
    return [f.points_lps(w[[int(w[:, 1].argmin()), int(w[:, 1].argmax())]]) for f, w, _ in parts]


def _widths_mm(seg: SegObject, series: SourceSeries | None) -> tuple[dict[int, float], str]:
    """Frame number to the extent along its normal that it stands for."""
    placed = [frame for frame in seg.frames if frame.placed]
    if series is not None and len(series.placed) > 1 and placed:
        widths: dict[int, float] = {}
        for frame in placed:
            distance = np.linalg.norm(series.positions - np.array(frame.position_lps), axis=1)
            nearest = int(distance.argmin())
            if distance[nearest] > max(0.01, 0.02 * float(series.widths_mm[nearest])):
                break
            widths[frame.number] = float(series.widths_mm[nearest])
        else:
            return widths, "the distances between the images of the source"
    shared = first(seg.dataset, "SharedFunctionalGroupsSequence")
    holders = [
        item for item in (shared, *sequence(seg.dataset, "PerFrameFunctionalGroupsSequence")) if item is not None
    ]
    measures = [m for m in (first(item, "PixelMeasuresSequence") for item in holders) if m is not None]
    for keyword, words in (("SpacingBetweenSlices", "Spacing Between Slices"), ("SliceThickness", "Slice Thickness")):
        said = {v for v in (number(item, keyword) for item in measures) if v is not None and v > 0}
        if len(said) == 1:
            width = said.pop()
            return {frame.number: width for frame in seg.frames}, f"its {words}"
    return {}, "nowhere: neither the source images nor a slice distance are at hand"
