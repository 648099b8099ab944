"""Cut off what clings to an object: neighbours that touch it over a neck (HX 2.3). Not which object is wanted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage as ndi
from skimage.morphology import reconstruction
from skimage.segmentation import watershed

from overread.errors import UsageError

Mask = NDArray[np.bool_]
_NEIGHBOURS = np.ones((3, 3, 3), bool)


@dataclass(frozen=True, slots=True, eq=False)
class Separated:
    """The object alone.

    Parameters
    ----------
    inside : (slice, row, column) bool
        Part of the mask that was given.
    basins : int
        How many bodies the mask held; 0 where it is too thin for the ball everywhere, and then it is kept as it was.
    removed_mm3 : float
    """

    inside: Mask
    basins: int
    removed_mm3: float


def separate(
    mask: Mask,
    seed_kji: ArrayLike,
    spacing_mm: tuple[float, float, float],
    *,
    radius_mm: float = 2.0,
    depth_mm: float = 1.0,
) -> Separated:
    """The body around a point, without what hangs on it by a neck.

    Opening with a ball; where the distance to the border still has several peaks, `depth_mm` above the passes between
    them, a watershed parts the bodies and that of the seed is kept. It grows back by at most the ball's radius inside
    the mask and outside the other bodies; holes that the ball left are filled, the largest component kept, the border
    smoothed by the majority of 3 x 3 x 3.

    Parameters
    ----------
    mask : (slice, row, column) bool
    seed_kji : (3,) float
        A point of the object, or near it: the nearest body counts.
    spacing_mm : (slice, row, column)
    radius_mm : float
        Of the ball; necks thinner than twice this are cut.

    Raises
    ------
    UsageError
        An empty mask, a seed outside the image, or a length that is not above 0.
    """
    seed = np.asarray(seed_kji, dtype=np.float64)
    if mask.ndim != 3 or mask.dtype != np.bool_ or not mask.any():
        raise UsageError(f"a mask of {mask.shape} {mask.dtype} with {np.count_nonzero(mask)} voxels, expected 3-D bool")
    if seed.shape != (3,) or not ((seed > -0.5) & (seed < np.array(mask.shape) - 0.5)).all():
        raise UsageError(f"the seed {seed.tolist()} lies outside the image of {mask.shape}")
    if min(*spacing_mm, radius_mm, depth_mm) <= 0:
        raise UsageError(f"spacing {spacing_mm}, radius {radius_mm} and depth {depth_mm} mm, expected above 0")
    box = _box(mask)
    small, count = _separate(mask[box], seed - [part.start for part in box], spacing_mm, radius_mm, depth_mm)
    kept = np.zeros_like(mask)
    kept[box] = small
    return Separated(kept, count, np.count_nonzero(mask & ~kept) * float(np.prod(spacing_mm)))


def _separate(
    mask: Mask, seed: NDArray[np.float64], spacing_mm: tuple[float, float, float], radius_mm: float, depth_mm: float
) -> tuple[Mask, int]:
    core = _distance(mask, spacing_mm) > radius_mm
    if not core.any():
        return mask, 0
    opened = mask & (ndi.distance_transform_edt(~core, sampling=spacing_mm) <= radius_mm)
    bodies, count = _bodies(opened, spacing_mm, depth_mm)
    wanted = _nearest(bodies, seed, spacing_mm)
    kept, others = bodies == wanted, (bodies > 0) & (bodies != wanted)
    kept = mask & ~others & (ndi.distance_transform_edt(~kept, sampling=spacing_mm) <= radius_mm)
    kept = _largest(ndi.binary_fill_holes(kept))
    majority = ndi.uniform_filter(kept.astype(np.float32), 3, mode="nearest") > 0.5
    kept = _largest(majority & mask & ~others) if majority.any() else kept
    return kept, count


def _box(mask: Mask) -> tuple[slice, slice, slice]:
    """Where the mask lies, with two voxels round it as far as the image goes: more changes nothing."""
    found = ndi.find_objects(mask.astype(np.uint8))[0]
    k, j, i = (slice(max(part.start - 2, 0), min(part.stop + 2, n)) for part, n in zip(found, mask.shape, strict=True))
    return k, j, i


def _distance(mask: Mask, spacing_mm: tuple[float, float, float]) -> NDArray[np.float64]:
    """Distance to the nearest voxel outside; what lies beyond the image counts as outside."""
    padded = np.pad(mask, 1)
    distance: NDArray[np.float64] = ndi.distance_transform_edt(padded, sampling=spacing_mm)[1:-1, 1:-1, 1:-1]
    return distance


def _bodies(opened: Mask, spacing_mm: tuple[float, float, float], depth_mm: float) -> tuple[NDArray[np.int32], int]:
    """Labels of the bodies, one for each peak of the distance that rises `depth_mm` above its passes."""
    distance = _distance(opened, spacing_mm)
    lowered = reconstruction(distance - depth_mm, distance, footprint=_NEIGHBOURS)
    peaks, count = ndi.label((distance - lowered >= depth_mm * (1 - 1e-9)) & opened, _NEIGHBOURS)
    if count < 2:
        return opened.astype(np.int32), max(count, 1)
    return watershed(-distance, peaks, mask=opened, connectivity=_NEIGHBOURS).astype(np.int32), count


def _nearest(bodies: NDArray[np.int32], seed: NDArray[np.float64], spacing_mm: tuple[float, float, float]) -> int:
    where = np.argwhere(bodies > 0)
    away = (((where - seed) * np.array(spacing_mm)) ** 2).sum(axis=1)
    return int(bodies[tuple(where[np.argmin(away)])])


def _largest(mask: Mask) -> Mask:
    labels, count = ndi.label(mask)
    if count < 2:
        return mask
    largest: Mask = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
    return largest
