"""Frames of a Segmentation against the images it was made from: place, direction, spacing, size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from overread.evidence.check.items import text
from overread.evidence.check.remarks import Remark, error, note, warning
from overread.evidence.check.seg_object import SegFrame, SegObject
from overread.evidence.check.sources import SourceImage, Sources, SourceSeries
from overread.image import SourceFrame

SAME_PLACE_MM = 0.01
SAME_COSINE = 1e-3
"""A frame is where its source is within this: decimals in headers are rounded."""
UNIT_COSINE = 1e-3


def check_geometry(seg: SegObject, sources: Sources, series: SourceSeries | None) -> Iterator[Remark]:
    """What is wrong with the places of frames.

    Parameters
    ----------
    series : SourceSeries or None
        The series it refers to, if that is at hand.
    """
    yield from _frame_of_reference(seg, series)
    rows, columns = int(seg.dataset.Rows), int(seg.dataset.Columns)
    for code, (frames, amount) in _by_code(seg, sources, series, (rows, columns)).items():
        level, words = _WORDS[code]
        many = f"{len(frames)} of {len(seg.frames)} frames" if len(frames) > 1 else f"frame {frames[0]}"
        worst = f", at most {amount:.3g} {_UNIT[code]}" if code in _UNIT else ""
        yield level(code, f"{many}: {words}{worst}")


_UNIT = {"frame_misplaced": "mm", "frame_off_source": "mm", "orientation_differs": "degrees"}
_WORDS = {
    "frame_without_place": (error, "no position, direction or pixel spacing, though the source has them"),
    "not_right_angled": (error, "row and column directions are not of length 1 at a right angle"),
    "frame_misplaced": (error, "it does not lie on the image it says it was made from"),
    "frame_off_source": (note, "it lies between the images of the source, on a grid of its own"),
    "orientation_differs": (error, "its directions are not those of the image it says it was made from"),
    "spacing_differs": (error, "as many pixels as the source, and another pixel spacing"),
    "size_differs": (
        error,
        "the pixel spacing of the source, and another number of pixels, without being a part of it",
    ),
    "own_pixels": (note, "pixels of its own, not those of the source"),
}


def _by_code(
    seg: SegObject, sources: Sources, series: SourceSeries | None, shape: tuple[int, int]
) -> dict[str, tuple[list[int], float]]:
    """Code of each fault to the numbers of its frames and its largest amount."""
    found: dict[str, tuple[list[int], float]] = {}
    for frame in seg.frames:
        for code, amount in _faults(frame, sources, series, shape):
            frames, worst = found.get(code, ([], 0.0))
            found[code] = ([*frames, frame.number], max(worst, amount))
    return found


def _faults(
    frame: SegFrame, sources: Sources, series: SourceSeries | None, shape: tuple[int, int]
) -> Iterator[tuple[str, float]]:
    """Code of each fault of one frame with how large it is."""
    source = _source_frame(frame, sources)
    placed_source = source is not None and np.isfinite(source.position_lps).all()
    if not frame.placed:
        if placed_source or (series is not None and len(series.placed)):
            yield "frame_without_place", 0.0
        elif source is not None and source.shape != shape:
            yield "size_differs", 0.0
        return
    assert frame.cosines is not None and frame.spacing_mm is not None  # noqa: S101, PT018
    row, column = np.array(frame.cosines[:3]), np.array(frame.cosines[3:])
    off = float(np.abs([np.linalg.norm(row) - 1, np.linalg.norm(column) - 1, row @ column]).max())
    if off > UNIT_COSINE:
        yield "not_right_angled", off
        return
    if source is not None and placed_source:
        yield from _against_frame(frame, source, shape)
    elif series is not None and len(series.placed):
        away = _nearest_plane_mm(frame, series)
        if away > max(SAME_PLACE_MM, 0.02 * float(series.widths_mm.min())):
            yield "frame_off_source", away


def _against_frame(frame: SegFrame, source: SourceFrame, shape: tuple[int, int]) -> Iterator[tuple[str, float]]:
    assert frame.cosines is not None and frame.spacing_mm is not None  # noqa: S101, PT018
    cosines = np.array([*source.row_lps, *source.column_lps])
    same_spacing = np.allclose(frame.spacing_mm, source.spacing_mm, rtol=1e-4)
    if np.abs(np.array(frame.cosines) - cosines).max() > SAME_COSINE:
        if shape == source.shape:
            yield "orientation_differs", _angle_deg(np.array(frame.cosines), cosines)
        else:
            yield "own_pixels", 0.0
        return
    offset = np.array(frame.position_lps) - np.array(source.position_lps)
    normal = np.cross(cosines[:3], cosines[3:])
    through = abs(float(offset @ normal))
    if through > SAME_PLACE_MM:
        yield "frame_misplaced", through
    if shape == source.shape:
        if not same_spacing:
            yield "spacing_differs", 0.0
        elif (inside := float(np.linalg.norm(offset - (offset @ normal) * normal))) > SAME_PLACE_MM:
            yield "frame_misplaced", inside
    elif not same_spacing:
        yield "own_pixels", 0.0
    elif not _is_part(frame, source, offset, shape):
        yield "size_differs", 0.0


def _is_part(frame: SegFrame, source: SourceFrame, offset: NDArray[np.float64], shape: tuple[int, int]) -> bool:
    """Whether the pixels of the frame are some of the pixels of the source: a crop."""
    along = float(offset @ np.array(source.row_lps)) / source.spacing_mm[1]
    down = float(offset @ np.array(source.column_lps)) / source.spacing_mm[0]
    whole = abs(along - round(along)) < 0.02 and abs(down - round(down)) < 0.02
    inside = 0 <= round(down) <= source.shape[0] - shape[0] and 0 <= round(along) <= source.shape[1] - shape[1]
    return whole and inside


def _angle_deg(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Largest angle between the two row or the two column directions."""
    return float(max(np.degrees(np.arccos(np.clip(a[n : n + 3] @ b[n : n + 3], -1, 1))) for n in (0, 3)))


def _source_frame(frame: SegFrame, sources: Sources) -> SourceFrame | None:
    """The one source frame that the frame names; None where it names none at hand, or several."""
    named = [sources.images[uid].frames.get(n) for uid, n in frame.derived_from if uid in sources.images]
    found = [one for one in named if one is not None]
    return found[0] if len(found) == 1 else None


def _nearest_plane_mm(frame: SegFrame, series: SourceSeries) -> float:
    assert frame.cosines is not None  # noqa: S101
    normal = np.cross(frame.cosines[:3], frame.cosines[3:])
    return float(np.abs((series.positions - np.array(frame.position_lps)) @ normal).min())


def _frame_of_reference(seg: SegObject, series: SourceSeries | None) -> Iterator[Remark]:
    own = text(seg.dataset, "FrameOfReferenceUID")
    if series is None:
        return
    theirs = series.frame_of_reference_uid
    if own and theirs and own != theirs:
        yield error("frame_of_reference_differs", "its Frame of Reference UID is not that of the source images")
    elif theirs and not own:
        yield warning("no_frame_of_reference", "it has no Frame of Reference UID, and the source images have one")


def referenced_images(seg: SegObject, sources: Sources) -> list[SourceImage]:
    """The images at hand that frames say they were made from, each once."""
    uids = dict.fromkeys(uid for frame in seg.frames for uid, _ in frame.derived_from)
    return [sources.images[uid] for uid in uids if uid in sources.images]
