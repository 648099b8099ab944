"""Which voxels are the nodule: the 50 % level, growth from the seed, cuts at vessels and wall. Not how big it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.measure.distance import Distance, level_distance
from overread.measure.patch import Bool, Float, Patch
from overread.measure.wall import Wall, find_wall

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
    """How a vessel was cut off: radius of the opening ball, and the area of the cuts."""

    ball_mm: float
    area_mm2: float


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
    cut_volumes_mm3 : tuple
        Volume at the 50 % level for each opening radius tried; the first is `inside`.
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
    cut_volumes_mm3: tuple[float, ...] = ()
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
    ball_share: float,
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
    ball_share : float
        Radius of the opening ball over the radius of the nodule.

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
    inside, cut, volumes = _cut_vessels(
        free, start, spacing, radius_mm=radius_mm, share=ball_share, voxel_mm3=patch.fine_voxel_mm3
    )
    distance = level_distance(field, dense, levels.level_hu, spacing)
    if distance is None or not inside.any():
        return None
    own = inside[tuple(distance.nearest)]
    own &= ~(dense & ~inside)
    contact, wall_sd = 0.0, 0.0
    if wall is not None:
        behind = wall.behind(grown.shape, spacing)
        own &= ~behind
        contact = _contact_mm2(inside, behind & dense, spacing)
        if contact == 0.0:
            wall = None
        else:
            touching = inside & ndi.binary_dilation(behind)
            wall_sd = wall.height_sd_mm(np.argwhere(touching) * np.array(spacing))
    return Segment(inside, dense, distance, own, wall, contact, wall_sd, cut, volumes, reaches_border(inside))


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
    share: float,
    voxel_mm3: float,
) -> tuple[Bool, Cut | None, tuple[float, ...]]:
    """Opening by balls of several radii; what is removed and reaches far is vessel, the rest is given back."""
    depth = ndi.distance_transform_edt(np.pad(grown, 1, mode="edge"), sampling=spacing)[1:-1, 1:-1, 1:-1]
    core = float(depth[_ball(grown.shape, start, spacing, max(radius_mm, 2.0)) & grown].max())
    volumes, chosen, cut = [], grown, None
    for factor in (1.0, 0.8, 1.25):
        ball = float(np.clip(share * factor * core, 0.4, 0.85 * core))
        inside, area = _open_once(grown, depth, start, spacing, ball=ball, core=core)
        volumes.append(float(np.count_nonzero(inside)) * voxel_mm3)
        if factor == 1.0:
            chosen = inside
            if area == 0.0:
                return grown, None, (volumes[0],)
            cut = Cut(ball, area)
    return chosen, cut, tuple(volumes)


def _open_once(
    grown: Bool,
    depth: NDArray[np.float64],
    start: tuple[int, ...],
    spacing: tuple[float, float, float],
    *,
    ball: float,
    core: float,
) -> tuple[Bool, float]:
    """Opening by one ball: the nodule, and the area of the cuts (0 when nothing was cut)."""
    eroded = depth > ball
    centre = nearest_dense(eroded, np.array(start, dtype=np.float64), spacing, 2 * core + 4.0)
    if centre is None:
        return grown, 0.0
    eroded = component_of(eroded, centre)
    away = ndi.distance_transform_edt(~eroded, sampling=spacing)
    opened = grown & (away <= ball)
    removed = grown & ~opened
    clear = removed & (away > ball + 0.8)
    labels, count = ndi.label(clear, structure=ALL_NEIGHBOURS)
    if not count:
        return grown, 0.0
    reach = ndi.maximum(away, labels, index=np.arange(1, count + 1)) - ball
    border = np.zeros(count + 1, dtype=bool)
    for axis in range(3):
        for end in (0, -1):
            border[np.unique(np.take(labels, end, axis=axis))] = True
    border[0] = False
    vessel_labels = np.flatnonzero(border[1:] | (reach > max(4.0, 1.1 * core))) + 1
    if not len(vessel_labels):
        return grown, 0.0
    vessel = np.isin(labels, vessel_labels)
    near_vessel = ndi.distance_transform_edt(~vessel, sampling=spacing) <= 2.0
    taken = vessel | (removed & near_vessel)
    inside = component_of(grown & ~taken, centre)
    return inside, _contact_mm2(inside, grown & ~inside, spacing)


def _ball(
    shape: tuple[int, ...], centre: tuple[int, ...], spacing: tuple[float, float, float], radius_mm: float
) -> Bool:
    """Voxels within `radius_mm` of `centre`."""
    k, j, i = (((np.arange(n) - c) * s) ** 2 for n, c, s in zip(shape, centre, spacing, strict=True))
    return np.asarray((k[:, None, None] + j[None, :, None] + i[None, None, :]) <= radius_mm**2)


def look_again(levels: Levels, background_hu: float, plateau_hu: float) -> Levels:
    """The same noise with new levels."""
    return replace(levels, background_hu=background_hu, plateau_hu=plateau_hu)
