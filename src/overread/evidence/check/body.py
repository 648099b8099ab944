"""Segments that lie in the air around a patient: the image of a CT says where the body is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from overread.errors import OverreadError
from overread.evidence.check.remarks import Remark, error, note, warning
from overread.evidence.check.seg_object import SegFrame, SegObject
from overread.evidence.check.sources import SourceSeries
from overread.geometry import Policy
from overread.image import Intensity, Volume

SKIN_HU = -300.0
SMALLEST_PART = 0.05
"""An arm or a leg is a part of its own on a slice, at least this share of the largest."""
MOST_OUTSIDE = 0.05
"""Share of a segment that may lie outside: masks end at the skin, not inside it."""


def check_body(seg: SegObject, series: SourceSeries | None) -> Iterator[Remark]:
    """Segments of which more than a twentieth lies outside the body, by the CT slices at hand."""
    if series is None or series.series.modality != "CT" or not any(_has_pixels(frame) for frame in seg.frames):
        return
    try:
        image = series.series.load(policy=Policy.AS_IS)
    except OverreadError as trouble:
        yield note(
            "source_not_read", f"the source images cannot be read, so the body was not looked for: {trouble.what}"
        )
        return
    if not isinstance(image, Volume) or image.intensity is not Intensity.HU:
        return
    inside: dict[int, float] = {}
    total: dict[int, float] = {}
    bodies: dict[int, NDArray[np.bool_]] = {}
    for frame in seg.frames:
        for segment, where in frame.pixels.items():
            if not frame.placed or not len(where):
                continue
            weights = frame.weights[segment]
            total[segment] = total.get(segment, 0.0) + float(weights.sum())
            inside[segment] = inside.get(segment, 0.0) + float(weights[_in_body(frame, where, image, bodies)].sum())
    for segment, whole in total.items():
        outside = 1 - inside[segment] / whole
        if outside > MOST_OUTSIDE:
            level = error if outside > 0.5 else warning
            yield level("outside_body", f"{100 * outside:.0f} % of it lies outside the body", f"segment {segment}")


def _has_pixels(frame: SegFrame) -> bool:
    return frame.placed and any(len(where) for where in frame.pixels.values())


def _in_body(
    frame: SegFrame, where: NDArray[np.intp], image: Volume, bodies: dict[int, NDArray[np.bool_]]
) -> NDArray[np.bool_]:
    """(n,): whether each pixel is in the body; one outside the image is not."""
    index = np.rint(image.grid.to_index(frame.points_lps(where))).astype(int)
    within = ((index >= 0) & (index < image.grid.shape)).all(axis=1)
    result = np.zeros(len(where), dtype=bool)
    for k in np.unique(index[within, 0]):
        if k not in bodies:
            bodies[int(k)] = _body(image.array[k])
        here = within & (index[:, 0] == k)
        result[here] = bodies[int(k)][index[here, 1], index[here, 2]]
    return result


def _body(hu: NDArray[Any]) -> NDArray[np.bool_]:
    """(row, column): the dense parts of a slice with the air inside them; small things beside the patient left out."""
    labels, count = ndimage.label(hu > SKIN_HU)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    large = sizes >= max(1, SMALLEST_PART * sizes.max())
    body: NDArray[np.bool_] = ndimage.binary_fill_holes(large[labels])
    return body
