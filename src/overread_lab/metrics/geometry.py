"""Errors of angles and landmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.errors import UsageError
from overread_lab.metrics.average import Score, finite
from overread_lab.metrics.proportion import proportion


def angle_difference_deg(value: ArrayLike, truth: ArrayLike) -> NDArray[np.float64]:
    """`value` - `truth` in degrees, wrapped into (-180, 180]."""
    values, truths = finite(value, "value"), finite(truth, "truth")
    if values.shape != truths.shape:
        raise UsageError(f"{values.shape} values for {truths.shape} truths")
    return 180.0 - np.mod(180.0 - (values - truths), 360.0)


@dataclass(frozen=True, slots=True)
class AngleErrors:
    """Of n angles, degrees: mean, mean of the absolute errors, and mean -+ 1.96 sd (NaN below 3)."""

    n: int
    mean: float
    mae: float
    limits: tuple[float, float]


def angle_errors(value_deg: ArrayLike, truth_deg: ArrayLike) -> AngleErrors:
    """Summary of wrapped errors; no angle at all: NaN."""
    errors = np.atleast_1d(angle_difference_deg(value_deg, truth_deg))
    n, nan = len(errors), float("nan")
    if n == 0:
        return AngleErrors(0, nan, nan, (nan, nan))
    mean = float(errors.mean())
    half = 1.96 * float(errors.std(ddof=1)) if n >= 3 else nan
    return AngleErrors(n, mean, float(np.abs(errors).mean()), (mean - half, mean + half))


def range_of_motion_deg(flexion_deg: float, extension_deg: float) -> float:
    """Absolute difference of two signed angles: flexion -4.0 and extension 6.5 give 10.5 degrees."""
    return abs(float(angle_difference_deg(extension_deg, flexion_deg)))


@dataclass(frozen=True, slots=True)
class LandmarkErrors:
    """Distances of the landmarks that were given, and the share of all within each radius; missing ones fail.

    `median` is over the landmarks given (NaN if none); `missing` counts the others. Unit as the points.
    """

    n: int
    missing: int
    median: float
    within: dict[float, Score]


def landmark_errors(
    points: Sequence[ArrayLike | None], truths: ArrayLike, *, radii: Sequence[float] = (1, 2, 4)
) -> LandmarkErrors:
    """`points` (n) against `truths` (n, 2 or 3), in mm, or in pixels where there is no scale; None is missing."""
    true = finite(truths, "truths")
    if true.ndim != 2 or len(points) != len(true):
        raise UsageError(f"{len(points)} points for truths of shape {true.shape}")
    given = [(finite(p, "points"), t) for p, t in zip(points, true, strict=True) if p is not None]
    if any(p.shape != t.shape for p, t in given):
        raise UsageError(f"a point has another shape than {true.shape[1:]}")
    distance = np.array([float(np.linalg.norm(p - t)) for p, t in given])
    within = {float(r): proportion(int(np.count_nonzero(distance <= r)), len(true)) for r in radii}
    median = float(np.median(distance)) if len(distance) else float("nan")
    return LandmarkErrors(len(true), len(true) - len(given), median, within)
