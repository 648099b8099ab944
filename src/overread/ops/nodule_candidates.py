"""Candidates for lung nodules and the numbers that describe them: a solid and a subsolid branch. No verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.geometry import Grid, orient
from overread.image import Volume
from overread.ops.blobness import Blobs, find_blobs
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
CLIP_HU = (-1000, 100)


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
    faint_sigma_mm, faint_below_hu, faint_at_most : float, float, int
        Blobs of the plain image that are this wide and not denser also go to the subsolid branch.
    """

    grid_mm: float = 1.4
    solid_sigmas_mm: tuple[float, ...] = (1.2, 1.7, 2.4, 3.4, 4.8, 6.8, 9.6)
    solid_threshold_hu: float = 22.0
    solid_at_most: int = 500
    subsolid_sigmas_mm: tuple[float, ...] = (2.0, 2.8, 4.0, 5.6, 8.0)
    subsolid_threshold_hu: float = 10.0
    subsolid_at_most: int = 150
    faint_sigma_mm: float = 1.7
    faint_below_hu: float = -200.0
    faint_at_most: int = 120


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
    low, high, fill = np.array([*CLIP_HU, level], dtype=array.dtype)  # the image's own type: half the memory
    masked = np.where(part, np.clip(array[box], low, high), fill)
    factors = pool_factors(grid.spacing_mm, target_mm=plan.grid_mm)
    hu = block_mean(masked, factors)
    share = block_mean(part.view(np.uint8), factors)
    coarse = _pooled_grid(grid, box, factors, hu.shape)
    spacing = coarse.spacing_mm
    return SearchField(RayField(hu, share, spacing), without_vessels(hu, spacing), coarse, level)


def bright_blobs(field: SearchField, plan: CandidatePlan) -> Blobs:
    """Bright blobs of the plain image, strongest first."""
    return find_blobs(
        field.rays.image_hu,
        field.rays.spacing_mm,
        sigmas_mm=plan.solid_sigmas_mm,
        threshold_hu=plan.solid_threshold_hu,
        at_most=plan.solid_at_most,
    )


def find_candidates(field: SearchField, plan: CandidatePlan, runtime: Runtime) -> tuple[CandidateTable, CandidateTable]:
    """The solid and the subsolid candidates of a scan."""
    blobs = bright_blobs(field, plan)
    return solid_candidates(field, runtime, blobs), subsolid_candidates(field, plan, runtime, solid=blobs)


def solid_candidates(field: SearchField, runtime: Runtime, blobs: Blobs) -> CandidateTable:
    """`blobs` of the plain image with ray features and surroundings."""
    rays = ray_features(field.rays, blobs.index_kji, BALL * blobs.sigma_mm, runtime)
    own = np.stack([blobs.sigma_mm, blobs.strength_hu], axis=1).astype(np.float32)
    table = np.concatenate([own, rays.table, surroundings(field.rays, rays.index_kji)], axis=1)
    return CandidateTable("solid", SOLID_FEATURES, rays.index_kji, rays.radius_mm, table)


def subsolid_candidates(field: SearchField, plan: CandidatePlan, runtime: Runtime, *, solid: Blobs) -> CandidateTable:
    """Faint blobs of the lung without vessels, and the faint ones among the `solid` blobs of the plain image.

    Features come from both images at the same place.
    """
    wide = find_blobs(
        field.wiped,
        field.rays.spacing_mm,
        sigmas_mm=plan.subsolid_sigmas_mm,
        threshold_hu=plan.subsolid_threshold_hu,
        at_most=plan.subsolid_at_most,
    )
    faint = _faint(field, solid, plan)
    index = np.concatenate([wide.index_kji, solid.index_kji[faint]])
    sigma = np.concatenate([wide.sigma_mm, solid.sigma_mm[faint]])
    strength = np.concatenate([wide.strength_hu, solid.strength_hu[faint]])
    wiped = ray_features(replace(field.rays, image_hu=field.wiped), index, BALL * sigma, runtime)
    plain = ray_features(field.rays, wiped.index_kji, wiped.radius_mm, runtime)
    own = np.stack([sigma, strength], axis=1).astype(np.float32)
    where = surroundings(field.rays, wiped.index_kji)
    table = np.concatenate([own, wiped.table, plain.table, where], axis=1)
    return CandidateTable("subsolid", SUBSOLID_FEATURES, wiped.index_kji, wiped.radius_mm, table)


def _faint(field: SearchField, blobs: Blobs, plan: CandidatePlan) -> NDArray[np.intp]:
    """Numbers of the blobs that are wide enough and not dense at their peak."""
    peak = ndi.map_coordinates(field.rays.image_hu, blobs.index_kji.T, order=1, mode="nearest", prefilter=False)
    suits = (peak < plan.faint_below_hu) & (blobs.sigma_mm >= plan.faint_sigma_mm)
    return np.flatnonzero(suits)[: plan.faint_at_most]


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
