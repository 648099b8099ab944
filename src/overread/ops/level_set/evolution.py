"""A region grown or shrunk to an object by a narrow-band level set (Chan & Vese 2001): rough, whole, with distances."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.errors import UsageError
from overread.ops.anisotropy import require_spacing
from overread.ops.level_set.kernels import evolve, redistance
from overread.ops.pool import block_mean

Mask = NDArray[np.bool_]
CHECK = 10
"""Steps between two looks at whether the surface has settled."""
SMALLEST = 16
"""Voxels along the image, and in the start, below which a coarser grid is left out."""
STABLE = 0.8
WIDTH = 1.0
"""Width of the smeared delta function, in voxels."""


class Ending(StrEnum):
    """Why the evolution ended: it settled, it ran out of steps, or nothing was left inside or outside."""

    SETTLED = "settled"
    STEPS = "steps"
    VANISHED = "vanished"


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelSetPlan:
    """Parameters; "voxel" is the finest spacing.

    The force is +1 where a value is the mean inside and -1 where it is that outside, whatever the contrast: then
    `length` has one meaning for all images, and a gain or offset of the values changes nothing.

    Parameters
    ----------
    length : float
        Price of surface against that force, per voxel of curvature radius.
    balloon : float
        Added pull inwards (above 0) or outwards.
    step : float
        Time step; 2 moves the surface by at most about 0.6 voxels. Shortened where a dear `length` asks for it.
    band : float
        Half width in voxels in which the surface lives between two redistancings, 3 or more.
    most_steps : int
    settled : float
        Share of the band's voxels that may change sides in ten steps once it has settled.
    local_mm : float or None
        Means within this radius instead of those of all voxels, against uneven brightness.
    geodesic : float or None
        Length is cheap on edges: weight 1 / (1 + (|gradient| / (geodesic x contrast per voxel))^2), after a blur of 1.
    reach : float
        How far distances are given in the result, voxels.
    coarser : int
        So many coarser grids, each of double voxels, are settled first, as far as image and start have voxels enough.
    """

    length: float = 0.3
    balloon: float = 0.0
    step: float = 2.0
    band: float = 4.0
    most_steps: int = 300
    settled: float = 0.001
    local_mm: float | None = None
    geodesic: float | None = None
    reach: float = 8.0
    coarser: int = 3

    def __post_init__(self) -> None:
        sound = {
            "length": 0 <= self.length <= 2,
            "balloon": abs(self.balloon) <= 1,
            "step": 0 < self.step <= 2.5,
            "band": 3 <= self.band <= 20,
            "most_steps": self.most_steps >= 1,
            "settled": 0 <= self.settled < 1,
            "local_mm": self.local_mm is None or 0 < self.local_mm < math.inf,
            "geodesic": self.geodesic is None or 0 < self.geodesic < math.inf,
            "reach": 1 <= self.reach <= 100,
            "coarser": 0 <= self.coarser <= 6,
        }
        for name, holds in sound.items():
            if not holds:
                raise UsageError(f"{name} is {getattr(self, name)}, which is out of range", way_out="See LevelSetPlan.")


@dataclass(frozen=True, slots=True, eq=False)
class LevelSet:
    """What the evolution came to.

    Parameters
    ----------
    phi_mm : float64, the shape of the image
        Signed distance to the surface, positive inside; clipped at `reach` voxels.
    ending : Ending
    steps : int
        On all grids together.
    mean_inside, mean_outside : float
        Of all voxels, in the unit of the image; NaN where there is none.
    """

    phi_mm: NDArray[np.float64]
    ending: Ending
    steps: int
    mean_inside: float
    mean_outside: float

    @property
    def inside(self) -> Mask:
        """Where `phi_mm` is above 0."""
        return self.phi_mm > 0


def level_set(
    image: NDArray[Any], start: Mask, spacing_mm: tuple[float, ...], plan: LevelSetPlan | None = None
) -> LevelSet:
    """Move the surface of `start` until values inside are alike and unlike those outside.

    dphi/dt = delta(phi) (length div(g grad phi / |grad phi|) - balloon + force). The surface keeps its place between
    voxels when distances are renewed, so slow motion is not lost. New parts far from the surface do not arise.

    Parameters
    ----------
    image : (row, column) or (slice, row, column) real
    start : bool, the shape of `image`
        At least one voxel, not all.
    spacing_mm : as many lengths as axes

    Raises
    ------
    UsageError
        Shapes differ, `start` is empty or full, the image is constant or not finite, or a spacing is not above 0
        or more than ten times another.
    """
    plan = plan or LevelSetPlan()
    values, inside, h, unit_mm = _require_input(image, start, spacing_mm)
    steps = 0
    for factors in _pyramid(values.shape, inside, h, plan):
        coarse = block_mean(values, factors)
        begun = block_mean(inside, factors) > 0.5
        done = _evolve(coarse, begun, h * factors, unit_mm, plan)
        steps += done.steps
        if done.ending is not Ending.VANISHED:
            inside = _finer(done.phi, factors, values.shape)
    done = _evolve(values, inside, h, unit_mm, plan)
    reached = np.where(done.phi > 0, plan.reach + 1, -plan.reach - 1)
    reached[tuple(done.band.T)] = done.phi[tuple(done.band.T)]
    redistance(reached, done.band, h, plan.reach, *_scratch(values.shape))
    phi_mm = np.clip(reached, -plan.reach, plan.reach).reshape(image.shape) * unit_mm
    inner, outer = (float(done.sums[n] / done.sums[n + 1]) if done.sums[n + 1] > 0.5 else math.nan for n in (0, 2))
    return LevelSet(phi_mm, done.ending, steps + done.steps, inner, outer)


@dataclass(frozen=True, slots=True, eq=False)
class _Done:
    """Where one evolution ended: distances in voxels, band, and sums and counts inside and outside."""

    phi: NDArray[np.float64]
    band: NDArray[np.intp]
    sums: NDArray[np.float64]
    ending: Ending
    steps: int


def _evolve(
    values: NDArray[np.float32], inside: Mask, h: NDArray[np.float64], unit_mm: float, plan: LevelSetPlan
) -> _Done:
    """The evolution on one grid; `h` is the spacing in units of the finest of all grids."""
    h = h / h.min()
    phi, scratch = np.where(inside, plan.band + 1, -plan.band - 1), _scratch(values.shape)
    band = _in_order(redistance(phi, _rim(inside), h, plan.band, *scratch), phi.shape)
    whole = values.astype(np.float64)
    sums = np.array([whole[inside].sum(), inside.sum(), whole[~inside].sum(), (~inside).sum()])
    edge = _edges(values, plan, h, abs(sums[0] / sums[1] - sums[2] / sums[3]))
    axes = sum(n > 1 for n in values.shape)
    # beyond this an explicit step of the curvature overshoots: the delta function is at most 1 / (pi WIDTH)
    step = min(plan.step, STABLE * np.pi * WIDTH / (2 * axes * max(plan.length, 1e-9)))
    steps, since, ending, before = 0, 0, Ending.STEPS, inside
    while steps < plan.most_steps:
        local = _local_means(values, phi, plan, h * unit_mm)
        most = min(CHECK - since, plan.most_steps - steps)
        settings = np.array([plan.length, plan.balloon, step, WIDTH, most, plan.band - 1.5])
        made, _ = evolve(phi, values, band, h, edge, local, settings, sums)
        steps, since = steps + made, since + made
        if min(sums[1], sums[3]) < 0.5:
            ending = Ending.VANISHED
            break
        touched = len(band)
        band = _in_order(redistance(phi, band, h, plan.band, *scratch), phi.shape)
        if since >= CHECK:
            now = phi > 0
            if np.count_nonzero(now != before) <= plan.settled * touched:
                ending = Ending.SETTLED
                break
            before, since = now, 0
    return _Done(phi, band, sums, ending, steps)


def _scratch(shape: tuple[int, ...]) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    return np.empty(shape, np.int32), np.zeros(shape, np.int8)


def _in_order(band: NDArray[np.intp], shape: tuple[int, ...]) -> NDArray[np.intp]:
    """By place in memory, which is twice as quick to walk through."""
    ordered: NDArray[np.intp] = band[np.argsort(np.ravel_multi_index(tuple(band.T), shape))]
    return ordered


def _pyramid(
    shape: tuple[int, ...], inside: Mask, h: NDArray[np.float64], plan: LevelSetPlan
) -> list[tuple[int, int, int]]:
    """Factors of the coarser grids, coarsest first: nearly cubic voxels, and enough of them in image and start."""
    found = []
    for level in range(plan.coarser, 0, -1):
        a, b, c = (max(1, round(2**level / s)) if n > 1 else 1 for s, n in zip(h, shape, strict=True))
        left = [n // f for n, f in zip(shape, (a, b, c), strict=True) if n > 1]
        size = np.count_nonzero(block_mean(inside, (a, b, c)) > 0.5)
        if min(left) >= SMALLEST and size >= SMALLEST and (a, b, c) not in found:
            found.append((a, b, c))
    return found


def _finer(phi: NDArray[np.float64], factors: tuple[int, int, int], shape: tuple[int, ...]) -> Mask:
    """The inside of a coarse result on the fine grid, by linear interpolation of the distance."""
    for axis, (factor, count) in enumerate(zip(factors, shape, strict=True)):
        if factor > 1:
            at = np.clip((np.arange(count) + 0.5) / factor - 0.5, 0, phi.shape[axis] - 1)
            low = np.minimum(at.astype(np.intp), max(phi.shape[axis] - 2, 0))
            part = (at - low).reshape([-1 if n == axis else 1 for n in range(3)])
            phi = phi.take(low, axis) * (1 - part) + phi.take(np.minimum(low + 1, phi.shape[axis] - 1), axis) * part
    return phi > 0


def _require_input(
    image: NDArray[Any], start: Mask, spacing_mm: tuple[float, ...]
) -> tuple[NDArray[np.float32], Mask, NDArray[np.float64], float]:
    """Values and start as (slice, row, column), spacing in units of the finest, and that in mm."""
    if image.ndim not in (2, 3) or start.shape != image.shape:
        raise UsageError(f"an image of {image.shape} and a start of {start.shape}, expected one 2-D or 3-D shape")
    require_spacing(spacing_mm, image.shape, way_out="Resample the image, or evolve slice by slice.")
    if start.dtype != np.bool_ or not start.any() or start.all():
        raise UsageError(
            f"the start holds {np.count_nonzero(start)} of {start.size} voxels ({start.dtype}), expected some but not"
            " all, as bool",
            way_out="Start from a ball around the object, or from a threshold.",
        )
    spacing = np.array(spacing_mm, dtype=np.float64)
    values = np.ascontiguousarray(image, dtype=np.float32)
    if not np.isfinite(values).all():
        raise UsageError("the image holds values that are not finite", way_out="Replace NaN and infinity first.")
    if values.min() == values.max():
        raise UsageError("the image is constant, so no surface is better than another")
    if image.ndim == 2:
        values, start, spacing = values[None], start[None], np.array([spacing.min(), *spacing])
    unit_mm = float(spacing.min())
    return values, np.ascontiguousarray(start), spacing / unit_mm, unit_mm


def _rim(inside: Mask) -> NDArray[np.intp]:
    """(n, 3) voxels with a neighbour on the other side."""
    inner = inside & ~ndi.binary_erosion(inside, border_value=1)
    outer = ndi.binary_dilation(inside) & ~inside
    return np.argwhere(inner | outer)


def _edges(
    values: NDArray[np.float32], plan: LevelSetPlan, h: NDArray[np.float64], contrast: float
) -> NDArray[np.float32]:
    """Weight of length; a single 1 where it is the same everywhere."""
    if plan.geodesic is None:
        return np.ones((1, 1, 1), np.float32)
    axes = [axis for axis in range(3) if values.shape[axis] > 1]
    blurred = ndi.gaussian_filter(values, [1 / h[axis] if axis in axes else 0 for axis in range(3)])
    square = np.zeros(values.shape, np.float32)
    for axis in axes:
        square += np.gradient(blurred, h[axis], axis=axis) ** 2
    scale = (plan.geodesic * contrast) ** 2
    weight: NDArray[np.float32] = (1 / (1 + square / max(scale, 1e-30))).astype(np.float32)
    return weight


def _local_means(
    values: NDArray[np.float32], phi: NDArray[np.float64], plan: LevelSetPlan, spacing_mm: NDArray[np.float64]
) -> NDArray[np.float32]:
    """(2, slice, row, column) means in a box of half side `local_mm`; those of all voxels where it lies on one side."""
    if plan.local_mm is None:
        return np.zeros((2, 1, 1, 1), np.float32)
    size = [2 * int(plan.local_mm / s) + 1 if n > 1 else 1 for s, n in zip(spacing_mm, values.shape, strict=True)]
    found = []
    for side in (phi > 0, phi <= 0):
        share = ndi.uniform_filter(side.astype(np.float64), size)
        total = ndi.uniform_filter(np.where(side, values, 0).astype(np.float64), size)
        everywhere = float(values[side].mean(dtype=np.float64))
        enough = share > 0.5 / np.prod(size)
        found.append(np.where(enough, total / np.where(enough, share, 1), everywhere))
    return np.stack(found).astype(np.float32)
