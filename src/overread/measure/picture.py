"""Lengths and ratios of lengths on a picture; how its millimetres were found is part of the error bar."""

from __future__ import annotations

import math

import numpy as np

from overread.errors import UsageError
from overread.findings import Component, Interval, Measurement
from overread.image import PixelScale

_Z = 1.959964
Point = tuple[float, float]


def picture_length(name: str, ends_rc: tuple[Point, Point], scale: PixelScale, *, sd_px: float) -> Measurement:
    """The distance between two points of a picture in mm.

    Each side of the interval is the root sum square of what the ends may be off and of what the calibration may be
    off on that side: a length on the detector can only be too long.

    Parameters
    ----------
    ends_rc : two (row, column)
        In pixels.
    sd_px : float
        Standard deviation of each end along the line, in pixels.

    Raises
    ------
    GeometryError
        The picture has no calibration.
    """
    spacing = np.array(scale.require_mm())
    if not sd_px >= 0:
        raise UsageError(f"the standard deviation of an end is {sd_px} pixels, expected 0 or more")
    step = (np.subtract(ends_rc[1], ends_rc[0])) * spacing
    length = float(np.linalg.norm(step))
    along = step / length if length else np.full(2, math.sqrt(0.5))
    end_sd = math.sqrt(2) * sd_px * float(np.linalg.norm(along * spacing))
    low, high = scale.length_bounds_mm(length)
    edges = _Z * end_sd
    interval = Interval(max(0.0, length - math.hypot(length - low, edges)), length + math.hypot(high - length, edges))
    parts = (Component("ends", end_sd), Component("calibration", (high - low) / (2 * _Z)))
    return Measurement(name, length, "mm", interval, f"between two points; {scale.calibration.value}", components=parts)


def length_ratio(
    name: str, top_rc: tuple[Point, Point], bottom_rc: tuple[Point, Point], *, sd_px: float
) -> Measurement:
    """The ratio of two lengths along rows or columns of square pixels, such as heart to chest; no calibration enters.

    Parameters
    ----------
    top_rc, bottom_rc : two (row, column) each
        Ends of the two lengths, in pixels.
    sd_px : float
        Standard deviation of each end, in pixels.
    """
    top, bottom = (float(np.linalg.norm(np.subtract(ends[1], ends[0]))) for ends in (top_rc, bottom_rc))
    if not (top > 0 and bottom > 0):
        raise UsageError(f"{name} is a ratio of {top:g} to {bottom:g} pixels")
    ratio = top / bottom
    sd = ratio * math.sqrt(2) * sd_px * math.hypot(1 / top, 1 / bottom)
    interval = Interval(max(0.0, ratio - _Z * sd), ratio + _Z * sd)
    return Measurement(name, ratio, "1", interval, "ratio of two lengths", components=(Component("ends", sd),))
