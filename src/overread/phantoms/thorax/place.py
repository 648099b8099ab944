"""Where nodules go in a chest: alone, on a vessel, on the costal pleura. No painting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.errors import UsageError
from overread.phantoms.nodule import Kind, Surface
from overread.phantoms.nodule_block import Attachment, Nodule, draw_nodule
from overread.phantoms.nodule_truth import Level
from overread.phantoms.thorax.levels import Field
from overread.phantoms.thorax.shape import Thorax
from overread.phantoms.thorax.trees import LungTrees, Points, push_out

_TRIES = 4000


@dataclass(frozen=True, slots=True)
class Wanted:
    """A nodule to be planted."""

    diameter_mm: float
    kind: Kind = "solid"
    attachment: Attachment = "isolated"
    surface: Surface = "smooth"


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A nodule with its place; `outside` gives the depth of lung around it where the wall covers part of it."""

    wanted: Wanted
    nodule: Nodule
    centre: Points
    reach_mm: float
    outside: Level | None
    vessel_branch: int | None


def place_nodules(
    rng: np.random.Generator, thorax: Thorax, trees: LungTrees, wanted: list[Wanted], *, z_range_mm: tuple[float, float]
) -> list[Placed]:
    """Places for all nodules, the largest first; each at least 6 mm clear of the others.

    Raises `UsageError` when a nodule finds no room, with its size and attachment.
    """
    inside = thorax.lung < 0
    depth = ndi.distance_transform_edt(inside, sampling=thorax.grid.node_mm).astype(np.float32)
    placed: list[Placed] = []
    for want in sorted(wanted, key=lambda w: -w.diameter_mm):
        nodule = draw_nodule(rng, diameter_mm=want.diameter_mm, kind=want.kind, surface=want.surface)
        reach = nodule.shape.reach_mm()
        finder = _Finder(thorax, trees, depth, nodule, reach, z_range_mm, placed)
        found = {"isolated": finder.alone, "juxtavascular": finder.on_vessel, "juxtapleural": finder.on_wall}[
            want.attachment
        ](rng)
        if found is None:
            raise UsageError(
                f"no room for a {want.attachment} nodule of {want.diameter_mm:.1f} mm in this chest",
                way_out="Ask for fewer or smaller nodules, or a longer chest.",
            )
        centre, outside, branch = found
        placed.append(Placed(want, nodule, centre, reach, outside, branch))
    return placed


Found = tuple[Points, Level | None, int | None]


@dataclass(frozen=True, slots=True, eq=False)
class _Finder:
    thorax: Thorax
    trees: LungTrees
    depth: Field
    nodule: Nodule
    reach: float
    z_range: tuple[float, float]
    placed: list[Placed]

    def _free(self, centre: Points, *, clear_of_fissures: bool) -> bool:
        """In the window, off the other nodules, large vessels and airways, and off the fissures when asked."""
        reach, grid = self.reach, self.thorax.grid
        if not self.z_range[0] + reach + 3 < centre[2] < self.z_range[1] - reach - 3:
            return False
        if any(np.linalg.norm(centre - other.centre) < reach + other.reach_mm + 6 for other in self.placed):
            return False
        for tubes, limit in ((self.trees.vessels, 2.4), (self.trees.airway, 2.2)):
            wide = tubes.radius[:, 0] > limit
            if (tubes.distance_from(centre) - tubes.radius[:, 0] < reach + 2)[wide].any():
                return False
        off_mediastinum = bool(grid.at(self.thorax.mediastinum, centre) > reach + 2)
        return off_mediastinum and not (clear_of_fissures and self._on_fissure(centre))

    def _on_fissure(self, centre: Points) -> bool:
        """A fissure passes within 1.5 mm of the nodule."""
        limit, grid = self.reach + 1.5, self.thorax.grid
        oblique = float(grid.at(self.thorax.oblique, centre))
        if abs(oblique) < limit:
            return True
        return centre[0] < 0 and oblique > 0 and bool(abs(grid.at(self.thorax.horizontal, centre)) < limit)

    def _node_points(self, chosen: NDArray[np.bool_], rng: np.random.Generator) -> Points:
        grid = self.thorax.grid
        nodes = np.argwhere(chosen)
        if len(nodes) == 0:
            return np.zeros((0, 3))
        picked = nodes[rng.integers(0, len(nodes), _TRIES)]
        jitter = rng.uniform(-0.5, 0.5, picked.shape)
        return np.asarray((picked + jitter)[:, ::-1] * np.array(grid.node_mm[::-1]) + np.array(grid.first_lps))

    def _deep_enough(self, centre: Points) -> bool:
        """The whole nodule, with 2 mm around it, lies in the lung (the distance map is good to half a node)."""
        return float(self.thorax.grid.at(self.depth, centre)) > self.reach + 3.5

    def alone(self, rng: np.random.Generator) -> Found | None:
        """Anywhere in the lung with nothing but pushed small vessels around."""
        for centre in self._node_points(self.depth > self.reach + 3, rng):
            if self._deep_enough(centre) and self._free(centre, clear_of_fissures=True):
                return centre, None, None
        return None

    def on_vessel(self, rng: np.random.Generator) -> Found | None:
        """Beside a vessel of .8-2.2 mm radius that runs into its surface."""
        vessels = self.trees.vessels
        fit = np.flatnonzero((vessels.radius[:, 0] > 0.8) & (vessels.radius[:, 0] < 2.2))
        if len(fit) == 0:
            return None
        surface = self.nodule.shape.surface_points(1500)
        for piece in fit[rng.integers(0, len(fit), _TRIES)]:
            middle = (vessels.start[piece] + vessels.end[piece]) / 2
            side = np.cross(vessels.end[piece] - vessels.start[piece], rng.normal(size=3))
            side /= max(float(np.linalg.norm(side)), 1e-9)
            foot = surface[np.argmin(surface @ side)]  # the point of the nodule that faces the vessel
            overlap = rng.uniform(0.5, 1.0) * vessels.radius[piece, 0]
            centre = middle + side * (vessels.radius[piece, 0] - overlap) - foot
            if self._deep_enough(centre) and self._free(centre, clear_of_fissures=False):
                return centre, None, int(vessels.branch[piece])
        return None

    def on_wall(self, rng: np.random.Generator) -> Found | None:
        """On the costal pleura, cut so that half or more of the nodule is on the lung's side."""
        thorax, grid = self.thorax, self.thorax.grid
        costal = (np.abs(thorax.lung) < 4) & (np.abs(thorax.cage) < 4) & (thorax.diaphragm > 8 + self.reach)
        radius = self.nodule.shape.scale_mm
        whole = self.nodule.shape.volume_mm3()
        for point in self._node_points(costal, rng):
            inside_mm = rng.uniform(0.2, 0.85) * radius
            centre = point
            for _ in range(4):
                slope = self._slope(centre)
                centre = centre - slope * (float(grid.at(thorax.lung, centre)) + inside_mm) / max(
                    float(slope @ slope), 0.25
                )
            if abs(float(grid.at(thorax.lung, centre)) + inside_mm) > 0.3 or not self._free(
                centre, clear_of_fissures=False
            ):
                continue
            outside = _depth_around(thorax, centre)
            if 0.5 < _share_outside(self.nodule, outside, whole) < 0.985:
                return centre, outside, None
        return None

    def _slope(self, centre: Points) -> Points:
        steps = np.eye(3)
        ahead = self.thorax.grid.at(self.thorax.lung, centre + steps)
        behind = self.thorax.grid.at(self.thorax.lung, centre - steps)
        return (ahead - behind) / 2


def _depth_around(thorax: Thorax, centre: Points) -> Level:
    def depth(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return -thorax.grid.at(thorax.lung, points + centre)

    return depth


def _share_outside(nodule: Nodule, outside: Level, whole_mm3: float) -> float:
    """Rough share of the nodule on the lung's side, from a coarse grid of points."""
    line = (np.arange(24) - 11.5) / 12 * nodule.shape.reach_mm()
    points = np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1)
    inside = nodule.shape.level(points) < 0
    return float((inside & (outside(points) > 0)).sum() / max(int(inside.sum()), 1))


def make_room(trees: LungTrees, placed: list[Placed]) -> LungTrees:
    """Trees bent around the nodules; the vessel that a nodule sits on stays where it is."""
    vessels, airway, lumen = trees.vessels, trees.airway, trees.lumen
    for nodule in placed:
        kept = None if nodule.vessel_branch is None else vessels.branch == nodule.vessel_branch
        vessels = push_out(vessels, nodule.centre, nodule.reach_mm + 1.5, kept=kept)
        airway = push_out(airway, nodule.centre, nodule.reach_mm + 1.5)
        lumen = push_out(lumen, nodule.centre, nodule.reach_mm + 1.5)
    return LungTrees(vessels, airway, lumen)
