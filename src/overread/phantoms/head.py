"""A plain head with one bleed of known volume and place, as a tilted gantry would scan it. No anatomy beyond that."""

from __future__ import annotations

import numpy as np

from overread.geometry import Grid
from overread.image import Intensity, Volume
from overread.phantoms.ellipsoid import Ellipsoid, Point
from overread.phantoms.phantom import Phantom, Planted

AIR_HU, BONE_HU, BRAIN_HU, VENTRICLE_HU, BLOOD_HU = -1000.0, 1100.0, 35.0, 8.0, 76.0
"""Half way from brain to blood lies between two whole HU, so that rounding moves no voxel across it."""
_SKULL_MM = 7.0


def tilted_grid(
    shape: tuple[int, int, int], *, tilt_deg: float, spacing_mm: tuple[float, float, float], middle_lps: Point
) -> Grid:
    """Slices turned about x while the table runs along z, as a tilted gantry takes them.

    Parameters
    ----------
    shape : (slices, rows, columns)
    tilt_deg : float
        Above 0 the back of the head lies higher in a slice than the face.
    spacing_mm : (slice, row, column)
        The first is the way of the table along z; slices are nearer than that along their normal.
    middle_lps : (x, y, z)
        Middle of the stack, mm.
    """
    turn = np.radians(tilt_deg)
    affine = np.eye(4)
    affine[:3, :3] = np.stack([(0, 0, 1), (0, np.cos(turn), np.sin(turn)), (1, 0, 0)], axis=1) * spacing_mm
    affine[:3, 3] = middle_lps - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Grid(shape, affine)


def head(
    seed: int,
    *,
    tilt_deg: float = 18.0,
    spacing_mm: tuple[float, float, float] = (2.5, 1.0, 1.0),
    noise_hu: float = 3.0,
) -> Phantom:
    """A head of 150 x 190 x 160 mm with a bleed of 12.7 mL on the right; white noise.

    Returns
    -------
    Phantom
        CT in HU on a sheared grid (straight at 0 degrees), 170 mm along z, so that leaning slices cut brow and nape.
        `planted` is the bleed, with `volume_mm3` and its centroid: half contrast to the brain is exactly its surface.
    """
    bleed = Ellipsoid((-28.5, 12.0, 19.0), (18.0, 12.0, 14.0))
    shape = (round(170 / spacing_mm[0]), round(230 / spacing_mm[1]), round(170 / spacing_mm[2]))
    grid = tilted_grid(shape, tilt_deg=tilt_deg, spacing_mm=spacing_mm, middle_lps=(0.0, 0.0, 10.0))
    outer = (75.0, 95.0, 80.0)
    inner = tuple(axis - _SKULL_MM for axis in outer)
    hu = np.full(shape, AIR_HU)
    for part, value in (
        (Ellipsoid((0.0, 0.0, 5.0), outer), BONE_HU),
        (Ellipsoid((0.0, 0.0, 5.0), (inner[0], inner[1], inner[2])), BRAIN_HU),
        (Ellipsoid((9.0, -5.0, 15.0), (5.0, 22.0, 9.0)), VENTRICLE_HU),
        (Ellipsoid((-6.0, -15.0, 15.0), (4.0, 14.0, 9.0)), VENTRICLE_HU),
        (bleed, BLOOD_HU),
    ):
        hu += part.share_on(grid) * (value - hu)
    hu += np.random.default_rng(seed).normal(0, noise_hu, shape)
    volume = Volume(np.rint(np.clip(hu, -1024, 3000)).astype(np.int16), grid, Intensity.HU)
    truths = {"volume_mm3": bleed.volume_mm3, "mean_hu": BLOOD_HU}
    planted = Planted(1, "haemorrhage", "isolated", bleed.centre_lps, truths)
    return Phantom("head", seed, volume, (planted,), {"tilt_deg": tilt_deg, "noise_hu": noise_hu})
