"""What the classifier sees: the voxels near the border of the place prior, each as 61 + 3 numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.errors import UsageError
from overread.ops.texture import FEATURES, RoughShape, voxel_features
from overread.runtime import Runtime
from overread.tasks.brain_mr_hippocampus.atlas import Map, Placed

NAMES: tuple[str, ...] = (*FEATURES, "prior_logit", "prior_image", "minus_prior_image")
_LEAST = 0.005


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """The voxels to classify.

    Parameters
    ----------
    points : (n, 3) int
        Index (slice, row, column).
    rows : (n, 64) float32
        In the order of `NAMES`.
    phi_mm : (slice, row, column) float32
        Signed distance to the border of the prior, positive inside.
    """

    points: NDArray[np.intp]
    rows: NDArray[np.float32]
    phi_mm: Map


def signed_distance(inside: NDArray[np.bool_]) -> Map:
    """Distance to the border, mm on a 1 mm grid, positive inside."""
    depth: Map = np.asarray(ndi.distance_transform_edt(inside), np.float32)
    height: Map = np.asarray(ndi.distance_transform_edt(~inside), np.float32)
    return np.where(inside, depth - 0.5, 0.5 - height).astype(np.float32)


def band_of(placed: Placed, band_mm: float, runtime: Runtime) -> Band:
    """Describe the voxels within `band_mm` of the prior's border; raises `UsageError` where the prior is empty."""
    inside = placed.prior.whole > 0.5
    if not inside.any():
        raise UsageError("the place prior is empty", way_out="The region does not hold the hippocampus.")
    phi = signed_distance(inside)
    points = np.argwhere(np.abs(phi) <= band_mm)
    at = tuple(points.T)
    rows = voxel_features(placed.values, RoughShape(phi, (1.0, 1.0, 1.0)), points, runtime=runtime)
    share = np.clip(placed.prior.whole[at], _LEAST, 1 - _LEAST)
    image = placed.prior.image[at]
    extra = np.stack([np.log(share / (1 - share)), image, placed.values[at] - image], axis=1)
    return Band(points, np.concatenate([rows, extra.astype(np.float32)], axis=1), phi)
