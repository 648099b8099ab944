"""A chest of ellipsoids whose lungs are known exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from overread.geometry import axial_grid
from overread.image import Intensity, Volume

LUNG_HU, TISSUE_HU, AIR_HU = -860.0, 30.0, -1000.0


@dataclass(frozen=True)
class SimpleChest:
    """`lungs` is 1 right and 2 left, nodules and vessels included."""

    volume: Volume
    lungs: NDArray[np.uint8]
    nodules: tuple[tuple[NDArray[np.float64], float], ...]
    pleural: NDArray[np.bool_]


def make_simple_chest(spacing_mm: tuple[float, float, float] = (2.5, 1.1, 1.3), seed: int = 3) -> SimpleChest:
    """Body, two lungs, trachea, bowel gas, table; balls of 12 mm (isolated) and 16 mm (on the ribs), left."""
    length_mm, height_mm, width_mm = 180.0, 240.0, 340.0
    shape = tuple(round(n / s) for n, s in zip((length_mm, height_mm, width_mm), spacing_mm, strict=True))
    grid = axial_grid((shape[0], shape[1], shape[2]), spacing_mm=spacing_mm, origin_lps=(-width_mm / 2, -110.0, -300.0))
    points = grid.to_lps(np.stack(np.indices(grid.shape), axis=-1))
    x, y, z = points[..., 0], points[..., 1], points[..., 2] + 300.0

    def ball(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> NDArray[np.bool_]:
        return sum(((p - c) / r) ** 2 for p, c, r in zip((x, y, z), centre, radii, strict=True)) <= 1  # type: ignore[no-any-return, return-value]

    hu = np.full(grid.shape, AIR_HU)
    hu[(x / 155) ** 2 + (y / 95) ** 2 <= 1] = TISSUE_HU
    hu[(np.abs(y - 108) < 3) & (np.abs(x) < 150)] = 200.0
    right, left = ball((-75, 0, 100), (50, 70, 75)), ball((75, 0, 100), (50, 70, 75))
    hu[right | left] = LUNG_HU
    hu[(np.hypot(x, y) <= 9) & (z > 60)] = -990.0
    hu[ball((60, -40, 8), (18, 18, 8))] = -1000.0
    isolated, on_ribs = (75.0, 0.0, 100.0), (122.0, 0.0, 100.0)
    lone, pleural = ball(isolated, (6, 6, 6)), ball(on_ribs, (8, 8, 8))
    hu[lone | pleural] = TISSUE_HU
    rng = np.random.default_rng(seed)
    hu += rng.normal(0, 20, hu.shape)
    lungs = np.zeros(grid.shape, dtype=np.uint8)
    lungs[right], lungs[left] = 1, 2
    volume = Volume(np.rint(np.clip(hu, -1024, 3071)).astype(np.int16), grid, Intensity.HU)
    centres = tuple((np.array(c), r) for c, r in ((isolated, 6.0), (on_ribs, 8.0)))
    shifted = tuple((c + np.array([0, 0, -300.0]), r) for c, r in centres)
    return SimpleChest(volume, lungs, shifted, pleural & (right | left))


@pytest.fixture(scope="session")
def simple_chest() -> SimpleChest:
    """The chest on an anisotropic grid."""
    return make_simple_chest()
