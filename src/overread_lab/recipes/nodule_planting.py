"""Scans with planted nodules: where nodules may go, and what else is done to a scan before it is searched."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.geometry import Grid
from overread.image import Volume
from overread.ops.lung_field import lung_field
from overread.ops.nodule_candidates import CandidatePlan, search_field
from overread.phantoms.nodule import Kind, Surface
from overread.phantoms.phantom import Planted
from overread.phantoms.put_in import put_in
from overread.runtime import Runtime

Attachment = Literal["isolated", "juxtavascular", "juxtapleural"]
ATTACHMENTS: tuple[Attachment, ...] = ("isolated", "juxtavascular", "juxtapleural")
KIND_SHARE: dict[Kind, float] = {"solid": 0.5, "part_solid": 0.2, "ground_glass": 0.25, "calcified": 0.05}
SURFACES: tuple[Surface, ...] = ("smooth", "lobulated", "spiculated")
TISSUE_HU = -400.0
SHELL_MM = 2.5
MOST_TISSUE = {"isolated": 0.02, "juxtavascular": 0.30, "juxtapleural": 0.50}
"""A place is taken only if at most this share of the nodule's ball is soft tissue already: it must be seen."""


class Wear(StrEnum):
    """What is done to a scan so that one scanner stands for several."""

    NONE = "none"
    NOISE = "noise"
    SMOOTH = "smooth"
    SHARP = "sharp"
    THICK = "thick"


@dataclass(frozen=True, slots=True)
class Marked:
    """A place in a scan that is no background: `centre_lps` mm and `radius_mm`."""

    centre_lps: NDArray[np.float64]
    radius_mm: float


@dataclass(frozen=True, slots=True)
class PlantedScan:
    """A scan with planted nodules; `marked` are lesions that were there before."""

    name: str
    patient: str
    volume: Volume
    planted: tuple[Planted, ...]
    marked: tuple[Marked, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """Where nodules may go: HU, share of lung and depth (mm) on the search grid."""

    hu: NDArray[np.float32]
    depth_mm: NDArray[np.float32]
    grid: Grid

    @classmethod
    def of(cls, volume: Volume) -> Ground:
        """The ground of a scan; costs one lung field."""
        lung = lung_field(volume, Runtime(1))
        field = search_field(volume, lung, CandidatePlan())
        depth = ndi.distance_transform_edt(np.pad(field.rays.inside > 0.5, 1), sampling=field.rays.spacing_mm)
        return cls(field.rays.image_hu, depth[1:-1, 1:-1, 1:-1].astype(np.float32), field.grid)


def plant(
    scan: PlantedScan,
    ground: Ground,
    rng: np.random.Generator,
    *,
    count: int,
    diameters_mm: tuple[float, float] = (4.0, 30.0),
) -> PlantedScan:
    """Put up to `count` nodules into a scan: log-uniform diameters, all kinds, surfaces and attachments.

    No nodule comes within 4 mm of another or of a marked place. Fewer are planted when no place is found.
    """
    volume, planted = scan.volume, list(scan.planted)
    taken = [(m.centre_lps, m.radius_mm) for m in scan.marked]
    kinds, shares = tuple(KIND_SHARE), np.array(list(KIND_SHARE.values()))
    for _ in range(count):
        diameter = float(np.exp(rng.uniform(*np.log(diameters_mm))))
        attachment = ATTACHMENTS[int(rng.integers(len(ATTACHMENTS)))]
        at = _place(ground, rng, diameter / 2, attachment, taken)
        if at is None:
            continue
        volume, one = put_in(
            volume,
            rng,
            at_lps=(float(at[0]), float(at[1]), float(at[2])),
            diameter_mm=diameter,
            kind=kinds[int(rng.choice(len(kinds), p=shares))],
            shape=SURFACES[int(rng.integers(len(SURFACES)))],
            attachment=attachment,
            number=len(planted) + 1,
        )
        planted.append(one)
        taken.append((at, diameter / 2))
    return replace(scan, volume=volume, planted=tuple(planted))


def _place(
    ground: Ground,
    rng: np.random.Generator,
    radius_mm: float,
    attachment: Attachment,
    taken: list[tuple[NDArray[np.float64], float]],
) -> NDArray[np.float64] | None:
    """A point (x, y, z) in mm that suits, or None after 60 tries."""
    pool = np.argwhere(_eligible(ground, radius_mm, attachment))
    spacing = np.array(ground.grid.spacing_mm)
    for _ in range(60 if len(pool) else 0):
        index = pool[int(rng.integers(len(pool)))].astype(np.float64)
        if attachment == "juxtavascular":
            away = rng.normal(size=3)
            index = index + away / np.linalg.norm(away) * radius_mm * rng.uniform(0.5, 1.05) / spacing
        point = ground.grid.to_lps(index)
        free = all(np.linalg.norm(point - centre) > radius_mm + other + 4 for centre, other in taken)
        if free and _suits(ground, index, radius_mm, attachment):
            return np.asarray(point)
    return None


def _eligible(ground: Ground, radius_mm: float, attachment: Attachment) -> NDArray[np.bool_]:
    """Voxels from which a place is drawn."""
    depth = ground.depth_mm
    if attachment == "isolated":
        return np.asarray(depth > radius_mm + SHELL_MM)
    if attachment == "juxtavascular":
        return np.asarray((ground.hu > TISSUE_HU + 100) & (depth > 3.0))
    return np.asarray((depth > 0.2 * radius_mm) & (depth < 0.95 * radius_mm))


def _suits(ground: Ground, index: NDArray[np.float64], radius_mm: float, attachment: Attachment) -> bool:
    spacing = np.array(ground.grid.spacing_mm)
    reach = np.ceil((radius_mm + SHELL_MM) / spacing).astype(int)
    centre = np.rint(index).astype(int)
    low, high = centre - reach, centre + reach + 1
    middle = radius_mm * 0.5 / spacing[0]
    if index[0] < middle or index[0] > ground.hu.shape[0] - 1 - middle:
        return False  # at least three quarters of it must be on the scan
    clipped = [slice(max(0, int(a)), max(0, int(b))) for a, b in zip(low, high, strict=True)]
    hu, depth = ground.hu[tuple(clipped)], ground.depth_mm[tuple(clipped)]
    axes = [np.arange(s.start, s.start + n) for s, n in zip(clipped, hu.shape, strict=True)]
    away = np.sqrt(
        sum(((g - c) * s) ** 2 for g, c, s in zip(np.meshgrid(*axes, indexing="ij"), index, spacing, strict=True))
    )
    ball = away <= radius_mm
    shell = (away > radius_mm) & (away <= radius_mm + SHELL_MM)
    if not ball.any() or not shell.any():
        return False
    tissue = (hu > TISSUE_HU) | (depth <= 0)
    inside, around = float(tissue[ball].mean()), float(tissue[shell].mean())
    if attachment == "isolated":
        return inside <= MOST_TISSUE[attachment] and around <= MOST_TISSUE[attachment]
    if attachment == "juxtavascular":
        off_wall = bool((depth[ball | shell] > 0).all())
        return off_wall and inside + around > 0.02 and max(inside, around) <= MOST_TISSUE[attachment]
    return inside <= MOST_TISSUE[attachment] and around <= 0.7


def wear(scan: PlantedScan, kind: Wear, rng: np.random.Generator) -> PlantedScan:
    """The scan as another scanner might have made it; truths stay where they are in mm."""
    array: NDArray[Any] = scan.volume.array.astype(np.float32)
    grid = scan.volume.grid
    if kind is Wear.NOISE:
        grain = ndi.gaussian_filter(rng.standard_normal(array.shape, dtype=np.float32), (0, 0.7, 0.7))
        array += grain * np.float32(rng.uniform(15, 40) / grain.std())
    elif kind is Wear.SMOOTH:
        array = ndi.gaussian_filter(array, (0.3, 0.9, 0.9))
    elif kind is Wear.SHARP:
        array += np.float32(0.7) * (array - ndi.gaussian_filter(array, (0, 1.0, 1.0)))
    elif kind is Wear.THICK and grid.slice_gap_mm < 2:
        even = array.shape[0] // 2 * 2
        array = (array[0:even:2] + array[1:even:2]) / 2
        affine = grid.affine_lps.copy()
        affine[:3, 3] += affine[:3, 0] / 2
        affine[:3, 0] *= 2
        grid = Grid((array.shape[0], array.shape[1], array.shape[2]), affine)
    worn = np.clip(np.rint(array), -1024, 3071).astype(np.int16)
    return replace(scan, volume=replace(scan.volume, array=worn, grid=grid))
