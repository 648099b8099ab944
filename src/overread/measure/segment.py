"""Which voxels are the nodule: the 50 % level, growth from the seed, cuts at vessels and wall. Not how big it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.measure.distance import Distance, level_distance
from overread.measure.patch import Bool, Float, Patch
from overread.measure.regions import component_near, contact_mm2, nearest_dense, reaches_border
from overread.measure.vessels import Cut, cut_vessels
from overread.measure.wall import Wall, find_wall

CLOSE_MM = 5.0
"""Surroundings kept around a segment."""


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


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """The nodule, in a patch cut close around it; arrays are on its refined grid.

    Parameters
    ----------
    patch : Patch
        Closer than the one it was grown in.
    field : (slice, row, column) float32
        The refined image in which it was grown: smoothed where the contrast is low.
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
        The nodule reaches the border of the wide patch.
    """

    patch: Patch
    field: Float
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
    grown = component_near(open_, seed, spacing, max(radius_mm, 2.0))
    if grown is None:
        return None
    seed_mm = seed * np.array(spacing)
    wall = None
    if (grown & ~lung).any() and _sits_on_body(grown & ~lung, patch):
        wall = find_wall(dense, lung, spacing, seed_mm, radius_mm)
    free = grown
    if wall is not None:
        free = grown & ~wall.behind(grown.shape, spacing)
        part = component_near(free, seed, spacing, max(radius_mm, 2.0))
        if part is None:
            return None
        free = part
    behind = None if wall is None else wall.behind(grown.shape, spacing)
    middle = nearest_dense(free, seed, spacing, np.inf)
    if middle is None:
        return None
    inside, cut = cut_vessels(free, middle, spacing, radius_mm=radius_mm, behind=behind)
    if not inside.any():
        return None
    leaks = reaches_border(inside)
    near = patch.around(inside, CLOSE_MM)
    box = patch.fine_box(near)
    field, inside, dense = field[box], inside[box], dense[box]
    distance = level_distance(field, dense, levels.level_hu, spacing)
    if distance is None:
        return None
    own = inside[tuple(distance.nearest)] & ~(dense & ~inside)
    contact, wall_sd = 0.0, 0.0
    if wall is not None and behind is not None:
        behind = behind[box]
        own &= ~behind
        contact = contact_mm2(inside, behind & dense, spacing)
        corner = np.array([part.start for part in box])
        touching = inside & ndi.binary_dilation(behind)
        if contact == 0.0 or not touching.any():
            wall = None
        else:
            wall_sd = wall.height_sd_mm((np.argwhere(touching) + corner) * np.array(spacing))
    return Segment(near, field, inside, dense, distance, own, wall, contact, wall_sd, cut, leaks)


def _sits_on_body(outside_lung: Bool, patch: Patch) -> bool:
    """Whether the grown part outside the lung field is more than a scrap."""
    return float(np.count_nonzero(outside_lung)) * patch.fine_voxel_mm3 > 30.0
