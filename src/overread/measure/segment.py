"""Which voxels are the nodule: the 50 % level, growth from the seed, cuts at vessels and wall. Not how big it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.measure.distance import Distance, level_distance
from overread.measure.patch import Bool, Float, Patch
from overread.measure.star import Star, fit_star, hidden_from, outside_star
from overread.measure.wall import Wall, find_wall

BALL_SHARE = 0.45
"""Radius of the ball that fills the nodule up to a vessel, over the radius of the largest ball inside it."""
LARGEST_BALL_MM = 3.0
SLACK_MM = 0.7
"""What lies this far beyond the balls is looked at: it is vessel where it goes far."""
ALL_NEIGHBOURS = np.ones((3, 3, 3), dtype=bool)


@dataclass(frozen=True, slots=True)
class Levels:
    """HU of nodule and surroundings, and the level half-way between."""

    background_hu: float
    plateau_hu: float
    noise_sd_hu: float
    background_sd_hu: float

    @property
    def level_hu(self) -> float:
        """The 50 % level."""
        return (self.background_hu + self.plateau_hu) / 2

    @property
    def contrast_hu(self) -> float:
        """Nodule minus surroundings."""
        return self.plateau_hu - self.background_hu


@dataclass(frozen=True, slots=True)
class Cut:
    """How a vessel was cut off: area of the cuts, how rough the free surface is about the smooth one, its radius."""

    area_mm2: float
    rough_mm: float
    radius_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """The nodule on the refined grid of a patch.

    Parameters
    ----------
    inside : (slice, row, column) bool
        Above the level and on the nodule's side of every cut.
    dense : (slice, row, column) bool
        Everything above the level.
    distance : Distance
        To the surface of `dense`.
    own : (slice, row, column) bool
        The space whose nearest dense voxel is the nodule's, on the nodule's side of the cuts.
    wall : Wall or None
        The fitted wall, where the nodule sits on one.
    contact_mm2 : float
        Area of the nodule's contact with the wall.
    wall_sd_mm : float
        Sd of the wall's mean height beneath the nodule.
    vessel : Cut or None
    leaks : bool
        The nodule still reaches the border of the patch.
    """

    inside: Bool
    dense: Bool
    distance: Distance
    own: Bool
    wall: Wall | None = None
    contact_mm2: float = 0.0
    wall_sd_mm: float = 0.0
    vessel: Cut | None = None
    leaks: bool = False

    @property
    def attachment(self) -> str:
        """One of "juxtapleural", "juxtavascular", "isolated"."""
        if self.wall is not None:
            return "juxtapleural"
        return "juxtavascular" if self.vessel is not None else "isolated"


def nearest_dense(
    dense: Bool, seed: NDArray[np.float64], spacing: tuple[float, float, float], reach_mm: float
) -> tuple[int, ...] | None:
    """Index of the dense voxel nearest to a seed, or None beyond `reach_mm`."""
    where = np.argwhere(dense)
    if not len(where):
        return None
    away = np.linalg.norm((where - seed) * np.array(spacing), axis=1)
    best = int(np.argmin(away))
    return tuple(int(n) for n in where[best]) if away[best] <= reach_mm else None


def component_of(inside: Bool, voxel: tuple[int, ...]) -> Bool:
    """The 26-connected component that holds `voxel`."""
    labels, _ = ndi.label(inside, structure=ALL_NEIGHBOURS)
    return np.asarray(labels == labels[voxel])


def reaches_border(inside: Bool) -> bool:
    """Whether any voxel lies on the border of the array."""
    return any(bool(np.take(inside, end, axis=axis).any()) for axis in range(3) for end in (0, -1))


def segment_nodule(
    patch: Patch,
    field: Float,
    lung: Bool,
    seed: NDArray[np.float64],
    *,
    radius_mm: float,
    levels: Levels,
    others: Bool | None = None,
) -> Segment | None:
    """Grow the nodule from its seed and cut it free.

    Parameters
    ----------
    field : (slice, row, column) float32
        The refined image, smoothed where the contrast is low.
    lung : (slice, row, column) bool
        Closed lung field on the refined grid.
    seed : (3,)
        On the refined grid.

    Returns
    -------
    Segment or None
        None when nothing near the seed is above the level.
    """
    spacing = patch.fine_mm
    dense = field > levels.level_hu
    open_ = dense if others is None else dense & ~others
    start = nearest_dense(open_, seed, spacing, max(radius_mm, 2.0))
    if start is None:
        return None
    seed_mm = seed * np.array(spacing)
    grown = component_of(open_, start)
    wall = None
    if (grown & ~lung).any() and _sits_on_body(grown & ~lung, patch):
        wall = find_wall(dense, lung, spacing, seed_mm, radius_mm)
    free = grown
    if wall is not None:
        free = grown & ~wall.behind(grown.shape, spacing)
        start = nearest_dense(free, seed, spacing, max(radius_mm, 2.0))
        if start is None:
            return None
        free = component_of(free, start)
    behind = None if wall is None else wall.behind(grown.shape, spacing)
    middle = nearest_dense(free, seed, spacing, max(radius_mm, 2.0)) or start
    inside, cut = _cut_vessels(free, middle, spacing, radius_mm=radius_mm, behind=behind)
    distance = level_distance(field, dense, levels.level_hu, spacing)
    if distance is None or not inside.any():
        return None
    own = inside[tuple(distance.nearest)]
    own &= ~(dense & ~inside)
    contact, wall_sd = 0.0, 0.0
    if wall is not None and behind is not None:
        own &= ~behind
        contact = _contact_mm2(inside, behind & dense, spacing)
        if contact == 0.0:
            wall = None
        else:
            touching = inside & ndi.binary_dilation(behind)
            wall_sd = wall.height_sd_mm(np.argwhere(touching) * np.array(spacing))
    return Segment(inside, dense, distance, own, wall, contact, wall_sd, cut, reaches_border(inside))


def _sits_on_body(outside_lung: Bool, patch: Patch) -> bool:
    """Whether the grown part outside the lung field is more than a scrap."""
    return float(np.count_nonzero(outside_lung)) * patch.fine_voxel_mm3 > 30.0


def _contact_mm2(inside: Bool, others: Bool, spacing: tuple[float, float, float]) -> float:
    """Area of the faces between two touching sets, corrected for the staircase (mean over directions: 2/3)."""
    area = 0.0
    for axis in range(3):
        a = np.take(inside, range(inside.shape[axis] - 1), axis=axis) & np.take(
            others, range(1, inside.shape[axis]), axis=axis
        )
        b = np.take(others, range(inside.shape[axis] - 1), axis=axis) & np.take(
            inside, range(1, inside.shape[axis]), axis=axis
        )
        face = float(np.prod(spacing)) / spacing[axis]
        area += face * (np.count_nonzero(a) + np.count_nonzero(b))
    return area * 2 / 3


def _cut_vessels(
    grown: Bool,
    start: tuple[int, ...],
    spacing: tuple[float, float, float],
    *,
    radius_mm: float,
    behind: Bool | None,
) -> tuple[Bool, Cut | None]:
    """Cut off what leaves the nodule's smooth surface and goes far; give back what ends soon."""
    star = fit_star(grown, np.array(start) * np.array(spacing), spacing, radius_mm, behind)
    where = np.argwhere(grown)
    outside = np.zeros(grown.shape, dtype=np.float32)
    outside[tuple(where.T)] = outside_star(where, star, spacing)
    reach = max(3.0, 0.9 * star.radius_mm)
    if float(outside.max()) < reach:
        return grown, None
    away = _beyond_balls(grown, outside, star, spacing)
    if away is None:
        return grown, None
    labels, count = ndi.label(grown & (away > SLACK_MM), structure=ALL_NEIGHBOURS)
    far = ndi.maximum(outside, labels, index=np.arange(1, count + 1)) >= reach
    vessel = np.concatenate([[False], far])[labels]
    if not vessel.any():
        return grown, None
    near = vessel | ((ndi.distance_transform_edt(~vessel, sampling=spacing) <= SLACK_MM + 0.3) & (away > 0) & grown)
    where = np.argwhere(near)
    taken = np.zeros_like(grown)
    taken[tuple(where.T)] = hidden_from(where, star, spacing)
    inside = grown & ~taken
    centre = nearest_dense(inside, star.centre_mm / np.array(spacing), spacing, 2 * star.radius_mm + 2.0)
    if centre is None:
        return grown, None
    inside = component_of(inside, centre)
    area = _contact_mm2(inside, grown & ~inside, spacing)
    return inside, Cut(area, star.residual_mm, star.radius_mm)


def _beyond_balls(grown: Bool, outside: Float, star: Star, spacing: tuple[float, float, float]) -> Float | None:
    """Distance, mm, from the union of balls that fit into the grown part with their centres deep in the star."""
    depth = ndi.distance_transform_edt(np.pad(grown, 1, mode="edge"), sampling=spacing)[1:-1, 1:-1, 1:-1]
    core = float(depth[outside < -0.3 * star.radius_mm].max(initial=0.0))
    ball = min(BALL_SHARE * min(core, star.radius_mm), LARGEST_BALL_MM)
    seeds = (depth > ball) & (outside < -0.75 * ball)
    if not seeds.any():
        return None
    return np.asarray(ndi.distance_transform_edt(~seeds, sampling=spacing) - ball, dtype=np.float32)
