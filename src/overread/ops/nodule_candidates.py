"""Candidates for lung nodules and the numbers that describe them: a solid and a subsolid branch. No verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from overread.geometry import Grid, orient
from overread.image import Volume
from overread.ops.blobness import find_blobs
from overread.ops.ground_glass import without_vessels
from overread.ops.lung_field import LungField
from overread.ops.pool import block_mean, pool_factors
from overread.ops.rays import FEATURES, RayField, ray_features
from overread.ops.surroundings import SURROUNDINGS, surroundings
from overread.runtime import Runtime

Branch = Literal["solid", "subsolid"]
SOLID_FEATURES: tuple[str, ...] = ("sigma_mm", "strength_hu", *FEATURES, *SURROUNDINGS)
SUBSOLID_FEATURES: tuple[str, ...] = (
    *("sigma_mm", "strength_hu"),
    *(f"wiped.{name}" for name in FEATURES),
    *FEATURES,
    *SURROUNDINGS,
)
BALL = 3**0.5
"""Radius of a ball over the scale of the Hessian at which it answers best."""
CLIP_HU = (-1000.0, 100.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatePlan:
    """Parameters of the search.

    Parameters
    ----------
    grid_mm : float
        Voxels are averaged to about this size first: less noise, and scanners look alike.
    solid_sigmas_mm, subsolid_sigmas_mm : tuple of float
        Scales; a ball of diameter d answers best at d / (2 sqrt 3).
    solid_threshold_hu, subsolid_threshold_hu : float
        Least blobness.
    solid_at_most, subsolid_at_most : int
        Strongest candidates kept in one scan.
    """

    grid_mm: float = 1.4
    solid_sigmas_mm: tuple[float, ...] = (1.2, 1.7, 2.4, 3.4, 4.8, 6.8, 9.6)
    solid_threshold_hu: float = 22.0
    solid_at_most: int = 500
    subsolid_sigmas_mm: tuple[float, ...] = (2.0, 2.8, 4.0, 5.6, 8.0)
    subsolid_threshold_hu: float = 12.0
    subsolid_at_most: int = 150


@dataclass(frozen=True, slots=True, eq=False)
class SearchField:
    """The lung on the coarser grid of the search, upright (slices to the head, columns to the left).

    `rays` holds HU and lung share, `grid` places them, `wiped` is the image without vessels, `lung_hu` the level of
    aerated lung.
    """

    rays: RayField
    wiped: NDArray[np.float32]
    grid: Grid
    lung_hu: float


@dataclass(frozen=True, slots=True, eq=False)
class CandidateTable:
    """Candidates of one branch, strongest blob first.

    `index_kji` (n, 3) float on the grid of the search field, `radius_mm` (n,), `table` (n, features) float32 in the
    order of `names`.
    """

    branch: Branch
    names: tuple[str, ...]
    index_kji: NDArray[np.float64]
    radius_mm: NDArray[np.float64]
    table: NDArray[np.float32]


def search_field(image: Volume, lung: LungField, plan: CandidatePlan) -> SearchField:
    """Crop to the lung, set what is outside to the level of lung, average to the search grid, wipe out vessels.

    Parameters
    ----------
    image : Volume
        CT in HU, any orientation.
    lung : LungField
        Of the same image, with `found` True.
    """
    array: NDArray[Any]
    array, grid = orient(image.array, image.grid)
    inside, _ = orient(lung.inside, image.grid)
    box = _upright_box(lung, image)
    part = inside[box]
    level = _lung_level(array[box], part)
    masked = np.where(part, np.clip(array[box], *CLIP_HU), np.asarray(level, dtype=array.dtype))
    factors = pool_factors(grid.spacing_mm, target_mm=plan.grid_mm)
    hu = block_mean(masked, factors)
    share = block_mean(part.view(np.uint8), factors)
    coarse = _pooled_grid(grid, box, factors, hu.shape)
    spacing = coarse.spacing_mm
    return SearchField(RayField(hu, share, spacing), without_vessels(hu, spacing), coarse, level)


def solid_candidates(field: SearchField, plan: CandidatePlan, runtime: Runtime) -> CandidateTable:
    """Bright blobs of the lung with ray features and surroundings."""
    blobs = find_blobs(
        field.rays.image_hu,
        field.rays.spacing_mm,
        sigmas_mm=plan.solid_sigmas_mm,
        threshold_hu=plan.solid_threshold_hu,
        at_most=plan.solid_at_most,
    )
    rays = ray_features(field.rays, blobs.index_kji, BALL * blobs.sigma_mm, runtime)
    own = np.stack([blobs.sigma_mm, blobs.strength_hu], axis=1).astype(np.float32)
    table = np.concatenate([own, rays.table, surroundings(field.rays, rays.index_kji)], axis=1)
    return CandidateTable("solid", SOLID_FEATURES, rays.index_kji, rays.radius_mm, table)


def subsolid_candidates(field: SearchField, plan: CandidatePlan, runtime: Runtime) -> CandidateTable:
    """Wide faint blobs of the lung without vessels; features from both images at the same place."""
    blobs = find_blobs(
        field.wiped,
        field.rays.spacing_mm,
        sigmas_mm=plan.subsolid_sigmas_mm,
        threshold_hu=plan.subsolid_threshold_hu,
        at_most=plan.subsolid_at_most,
    )
    wiped = ray_features(replace(field.rays, image_hu=field.wiped), blobs.index_kji, BALL * blobs.sigma_mm, runtime)
    plain = ray_features(field.rays, wiped.index_kji, wiped.radius_mm, runtime)
    own = np.stack([blobs.sigma_mm, blobs.strength_hu], axis=1).astype(np.float32)
    where = surroundings(field.rays, wiped.index_kji)
    table = np.concatenate([own, wiped.table, plain.table, where], axis=1)
    return CandidateTable("subsolid", SUBSOLID_FEATURES, wiped.index_kji, wiped.radius_mm, table)


def _upright_box(lung: LungField, image: Volume) -> tuple[slice, slice, slice]:
    """The box of the lung field on the upright array."""
    mark = np.zeros((2, 2, 2), dtype=bool)
    corners = np.array([[s.start, s.stop - 1] for s in lung.box], dtype=np.float64)
    _, grid = orient(image.array, image.grid)
    points = image.grid.to_lps([[corners[0, a], corners[1, b], corners[2, c]] for a, b, c in np.argwhere(~mark)])
    index = np.rint(grid.to_index(points)).astype(int)
    low, high = index.min(axis=0), index.max(axis=0) + 1
    a, b, c = (slice(int(p), int(q)) for p, q in zip(low, high, strict=True))
    return a, b, c


def _lung_level(array: NDArray[Any], inside: NDArray[np.bool_]) -> float:
    """Median HU of aerated lung, on every third voxel; what stands outside the lung is set to it."""
    values = array[::2, ::3, ::3][inside[::2, ::3, ::3]]
    aerated = values[values < -600]
    return float(np.clip(np.median(aerated), -930, -780)) if len(aerated) else -850.0


def _pooled_grid(
    grid: Grid, box: tuple[slice, slice, slice], factors: tuple[int, int, int], shape: tuple[int, ...]
) -> Grid:
    first = [s.start + (f - 1) / 2 for s, f in zip(box, factors, strict=True)]
    affine = grid.affine_lps.copy()
    affine[:3, 3] = grid.to_lps(first)
    affine[:3, :3] *= np.array(factors, dtype=np.float64)
    return Grid((shape[0], shape[1], shape[2]), affine)
