"""A simulated nodule made by other code than the one under test: a ball or ellipsoid, blurred and sampled."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.geometry import Grid, axial_grid
from overread.image import Intensity, Volume


@dataclass(frozen=True)
class BallScan:
    """A scan of one ellipsoid with its truth."""

    image: Volume
    lung: NDArray[np.bool_]
    seed: NDArray[np.float64]
    centre_lps: NDArray[np.float64]
    semi_axes_mm: tuple[float, float, float]

    @property
    def volume_mm3(self) -> float:
        return 4 / 3 * np.pi * float(np.prod(self.semi_axes_mm))


@lru_cache(maxsize=32)
def scan_ellipsoid(
    semi_axes_mm: tuple[float, float, float],
    *,
    spacing_mm: tuple[float, float, float] = (1.25, 0.7, 0.65),
    sigma_mm: float = 0.47,
    hu: float = 40.0,
    noise_hu: float = 20.0,
    seed: int = 3,
) -> BallScan:
    """(slice, row, column) semi-axes; slice profile is a box of the spacing; white noise."""
    rng = np.random.default_rng(seed)
    half = max(semi_axes_mm) * 1.4 + 11.0
    shape = tuple(int(2 * half / s) for s in spacing_mm)
    parts = (5, 4, 4)
    fine = [(np.arange(n * p) + 0.5) * s / p for n, p, s in zip(shape, parts, spacing_mm, strict=True)]
    centre = np.array([n * s / 2 for n, s in zip(shape, spacing_mm, strict=True)]) + rng.uniform(-0.5, 0.5, 3)
    square = [((f - c) / a) ** 2 for f, c, a in zip(fine, centre, semi_axes_mm, strict=True)]
    radius = np.sqrt(square[0][:, None, None] + square[1][None, :, None] + square[2][None, None, :])
    scale = float(np.prod(semi_axes_mm)) ** (1 / 3)
    scene = np.clip(0.5 - (radius - 1) * scale / 0.2, 0, 1).astype(np.float32)
    blurred = ndi.gaussian_filter(scene, [0, sigma_mm / spacing_mm[1] * 4, sigma_mm / spacing_mm[2] * 4])
    k, j, i = shape
    image = blurred.reshape(k, 5, j, 4, i, 4).mean(axis=(1, 3, 5)) * (hu + 850) - 850
    image = np.rint(image + rng.normal(0, noise_hu, shape)).astype(np.int16)
    grid: Grid = axial_grid(shape, spacing_mm=spacing_mm, origin_lps=(-30.0, 12.0, -101.0))
    index = centre / np.array(spacing_mm) - 0.5
    return BallScan(
        Volume(image, grid, Intensity.HU), np.ones(shape, dtype=bool), index, grid.to_lps(index), semi_axes_mm
    )


@pytest.fixture(scope="session")
def ball_scan():
    """The function that simulates a scan of an ellipsoid."""
    return scan_ellipsoid
