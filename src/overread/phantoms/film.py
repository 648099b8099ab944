"""A chest radiograph projected from the simulated chest: parallel rays, Beer-Lambert, scatter, photon noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.errors import UsageError
from overread.image import Calibration, PixelScale, Radiograph, Volume
from overread.phantoms.chest import chest, heart_and_chest_mm
from overread.phantoms.phantom import FilmPhantom

WATER_PER_MM = 0.0193
"""Attenuation of water at 70 keV."""
SCATTER, SCATTER_MM = 0.3, 30.0
PHOTONS = 40_000.0
SIDE = 480
SPACING_MM, MATRIX = (3.0, 2.4, 2.4), 160
TOP = 4095
VIEWS = {"frontal": 1, "lateral": 2}
"""Axis of the (slice, row, column) volume along which the rays run."""


def project(volume: Volume, axis: int) -> NDArray[np.float64]:
    """(slice, other axis): line integrals of attenuation along one axis of an axial volume in HU."""
    per_mm = WATER_PER_MM * np.clip(1 + volume.array.astype(np.float64) / 1000, 0, None)
    return np.asarray(per_mm.sum(axis=axis) * volume.grid.spacing_mm[axis])


def chest_film(seed: int, *, view: str = "frontal") -> FilmPhantom:
    """A film of one simulated chest, head up, dense is bright, 12 bits; the patient's right is left on a frontal one.

    Parameters
    ----------
    view : str
        "frontal" or "lateral".

    Raises
    ------
    UsageError
        Another view.
    """
    if view not in VIEWS:
        raise UsageError(f"unknown view {view!r}", way_out=f"Use {' or '.join(VIEWS)}.")
    body = chest(seed, nodules=(), spacing_mm=SPACING_MM, matrix=MATRIX, length_mm=300.0).volume
    paths = project(body, VIEWS[view])[::-1]  # slices rise towards the head, rows of a film go down
    rng = np.random.default_rng([seed, VIEWS[view]])
    rows_mm, columns_mm = body.grid.spacing_mm[0], body.grid.spacing_mm[2]
    pixel_mm = max(paths.shape[0] * rows_mm, paths.shape[1] * columns_mm) / SIDE
    fine = np.asarray(ndi.zoom(paths, (rows_mm / pixel_mm, columns_mm / pixel_mm), order=1))
    primary = np.exp(-fine)
    scattered = (1 - SCATTER) * primary + SCATTER * ndi.gaussian_filter(primary, SCATTER_MM / pixel_mm)
    counted = np.maximum(rng.poisson(PHOTONS * scattered), 1)
    density = -np.log(counted / PHOTONS)
    low, high = np.percentile(density, (1, 99.5))
    film = np.rint(np.clip((density - low) / (high - low), 0, 1) * TOP).astype(np.uint16)
    words = "simulated by parallel rays: as large as in the patient"
    scale = PixelScale.of(Calibration.GEOMETRY, (pixel_mm, pixel_mm), words)
    truths: dict[str, float | int | str] = {"pixel_mm": round(float(pixel_mm), 6)}
    if view == "frontal":
        heart, cage = heart_and_chest_mm(seed, spacing_mm=SPACING_MM, matrix=MATRIX)
        truths |= {"heart_mm": round(heart, 3), "chest_mm": round(cage, 3), "heart_to_chest": round(heart / cage, 4)}
    return FilmPhantom("chest_film", seed, Radiograph(film, scale), view, truths)
