"""Distances between the surfaces of two masks: HD95, HD, ASSD, surface Dice. Not their overlap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.errors import UsageError
from overread_lab.metrics.average import Score, finite

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceDistances:
    """From each surface voxel of one mask to the nearest of the other, in the unit of the spacing.

    Parameters
    ----------
    a_to_b, b_to_a : (points,) float
        Empty where a mask is; `diagonal` of the image then stands for the distance.
    """

    a_to_b: NDArray[np.float64]
    b_to_a: NDArray[np.float64]
    diagonal: float
    both_empty: bool
    missed: bool

    def _or_stand_in(self, value: float) -> Score:
        if self.both_empty:
            return Score(0.0, note="both_empty")
        return Score(self.diagonal, note="missed") if self.missed else Score(value)

    def _worst(self, percent: float) -> Score:
        if self.both_empty or self.missed:
            return self._or_stand_in(0.0)
        return Score(max(float(np.percentile(self.a_to_b, percent)), float(np.percentile(self.b_to_a, percent))))

    @property
    def hd95(self) -> Score:
        """max(P95(dAB), P95(dBA)), percentiles by linear interpolation."""
        return self._worst(95)

    @property
    def hd(self) -> Score:
        """max(dAB, dBA)."""
        return self._worst(100)

    @property
    def hd95_pooled(self) -> Score:
        """P95 of both lists together: another number than `hd95`."""
        if self.both_empty or self.missed:
            return self._or_stand_in(0.0)
        return Score(float(np.percentile(np.concatenate([self.a_to_b, self.b_to_a]), 95)))

    @property
    def assd(self) -> Score:
        """(sum dAB + sum dBA) / (nA + nB)."""
        if self.both_empty or self.missed:
            return self._or_stand_in(0.0)
        return Score(float((self.a_to_b.sum() + self.b_to_a.sum()) / (len(self.a_to_b) + len(self.b_to_a))))

    def surface_dice(self, tolerance: float) -> Score:
        """Share of both surfaces within `tolerance` of the other. Both empty: 1; one empty: 0."""
        if not (math.isfinite(tolerance) and tolerance >= 0):
            raise UsageError(f"tolerance is {tolerance}, expected 0 or more")
        if self.both_empty:
            return Score(1.0, note="both_empty")
        if self.missed:
            return Score(0.0, note="missed")
        near = np.count_nonzero(self.a_to_b <= tolerance) + np.count_nonzero(self.b_to_a <= tolerance)
        return Score(float(near / (len(self.a_to_b) + len(self.b_to_a))))


def surface_of(inside: Mask) -> Mask:
    """Mask minus its erosion by face neighbours; voxels on the edge of the array count as surface."""
    from scipy import ndimage as ndi  # noqa: PLC0415  (not needed to print help)

    eroded: Mask = ndi.binary_erosion(inside, ndi.generate_binary_structure(inside.ndim, 1), border_value=0)
    return inside & ~eroded


def surface_distances(a: Mask, b: Mask, *, spacing: Sequence[float]) -> SurfaceDistances:
    """Exact Euclidean distances between surface voxel centres of two bool masks of one shape.

    `spacing` is in array order (mm, or 1 a pixel where there is no scale). The diagonal that stands for a missed
    object is that of the whole array.
    """
    from scipy import ndimage as ndi  # noqa: PLC0415

    step, diagonal = checked_pair(a, b, spacing)
    nothing = np.array([], dtype=np.float64)
    if not a.any() or not b.any():
        both = not a.any() and not b.any()
        return SurfaceDistances(nothing, nothing, diagonal, both, not both)
    box = ndi.find_objects((a | b).astype(np.uint8))[0]
    at_a, at_b = surface_of(a[box]), surface_of(b[box])
    to_b, to_a = (ndi.distance_transform_edt(~at, sampling=step) for at in (at_b, at_a))
    return SurfaceDistances(to_b[at_a], to_a[at_b], diagonal, both_empty=False, missed=False)


def checked_pair(a: Mask, b: Mask, spacing: Sequence[float]) -> tuple[NDArray[np.float64], float]:
    """Spacing and diagonal of the array; raises `UsageError` where two masks cannot be compared."""
    if a.dtype != np.bool_ or b.dtype != np.bool_:
        raise UsageError(f"masks are {a.dtype} and {b.dtype}, expected bool", way_out="Compare the labels first.")
    if a.shape != b.shape:
        raise UsageError(f"masks have shapes {a.shape} and {b.shape}", way_out="Put both on one grid first.")
    step = finite(spacing, "spacing")
    if step.shape != (a.ndim,) or np.any(step <= 0):
        raise UsageError(f"spacing is {list(spacing)}, expected {a.ndim} lengths above 0")
    return step, float(np.linalg.norm(np.array(a.shape) * step))
