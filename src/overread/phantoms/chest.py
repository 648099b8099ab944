"""A whole simulated chest CT with planted nodules and their truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from overread.errors import UsageError
from overread.geometry import axial_grid
from overread.image import Intensity, Volume
from overread.phantoms.nodule import KINDS, SURFACES
from overread.phantoms.nodule_block import ATTACHMENTS
from overread.phantoms.phantom import Phantom, Planted
from overread.phantoms.scanner import Oversampling, Scanner, noise, see, to_stored
from overread.phantoms.scene import Scene, fractal
from overread.phantoms.thorax.levels import CoarseGrid
from overread.phantoms.thorax.paint import paint_bones, paint_organs, paint_placed, paint_tubes
from overread.phantoms.thorax.place import Placed, Wanted, make_room, place_nodules
from overread.phantoms.thorax.shape import APEX_MM, BASE_MM, HEART_FAT_MM, draw_build, shape_thorax
from overread.phantoms.thorax.trees import draw_trees

__all__ = ["Wanted", "chest", "draw_wanted"]
_FINEST_SLICE_MM = 1.3
_WHOLE_MM = (BASE_MM - 18, APEX_MM + 12)


def draw_wanted(
    rng: np.random.Generator,
    count: int,
    *,
    diameters_mm: tuple[float, float] = (4.0, 30.0),
    kinds: Sequence[str] = KINDS,
    attachments: Sequence[str] = ATTACHMENTS,
    surfaces: Sequence[str] = SURFACES,
) -> list[Wanted]:
    """Random nodules: diameters even on a log scale, the rest even over what is offered."""
    low, high = np.log(diameters_mm)
    return [
        Wanted(
            diameter_mm=float(np.exp(rng.uniform(low, high))),
            kind=str(rng.choice(kinds)),  # type: ignore[arg-type]
            attachment=str(rng.choice(attachments)),  # type: ignore[arg-type]
            surface=str(rng.choice(surfaces)),  # type: ignore[arg-type]
        )
        for _ in range(count)
    ]


def chest(
    seed: int,
    *,
    nodules: int | Sequence[Wanted] = 6,
    spacing_mm: tuple[float, float, float] = (2.5, 0.9, 0.9),
    matrix: int = 384,
    thickness_mm: float | None = None,
    fwhm_mm: float = 1.1,
    noise_hu: float = 25.0,
    diameters_mm: tuple[float, float] = (4.0, 30.0),
    length_mm: float | None = None,
    name: str = "chest",
) -> Phantom:
    """A chest CT, supine, head first: the same arguments give the same bytes.

    Parameters
    ----------
    seed : int
        Draws the patient, the vessels, the nodules and the noise.
    nodules : int or sequence of Wanted
        How many random nodules, or exactly which.
    spacing_mm : (slice, row, column)
    matrix : int
        Rows and columns.
    thickness_mm : float, optional
        Slice thickness; the slice spacing when not given.
    diameters_mm : (low, high)
        Range of random nodules.
    length_mm : float, optional
        Length along z around the hila; the whole lungs (280 mm) when not given.

    Returns
    -------
    Phantom
        Axial int16 HU. `planted` is sorted by number; settings hold what the scanner did.

    Raises
    ------
    UsageError
        A nodule finds no room, or a length is not positive.
    """
    if length_mm is not None and not length_mm > 0:
        raise UsageError(f"the chest's length is {length_mm} mm, expected more than 0")
    rng = np.random.default_rng(seed)
    scanner = Scanner(thickness_mm=thickness_mm or spacing_mm[0], fwhm_mm=fwhm_mm, noise_hu=noise_hu)
    over = Oversampling(max(1, int(np.ceil(spacing_mm[0] / _FINEST_SLICE_MM))), 1, 1)
    scene, grid, first_slice = _empty_chest(spacing_mm, matrix, over, length_mm)
    thorax = shape_thorax(grid, draw_build(rng))
    trees = draw_trees(rng, thorax)
    wanted = draw_wanted(rng, nodules, diameters_mm=diameters_mm) if isinstance(nodules, int) else list(nodules)
    z_low = scene.first_lps[2]
    z_range = (z_low, z_low + scene.step_mm[0] * (scene.hu.shape[0] - 1))
    placed = place_nodules(rng, thorax, trees, wanted, z_range_mm=z_range)
    trees = make_room(trees, placed)
    paint_organs(scene, thorax, first_slice)
    paint_bones(scene, thorax)
    paint_tubes(scene, thorax, trees)
    for one in placed:
        paint_placed(scene, thorax, one)
    image = see(scene.hu, spacing_mm=spacing_mm, oversampling=over, scanner=scanner)
    size = (image.shape[0], image.shape[1], image.shape[2])
    image += _lung_texture(rng, image, spacing_mm, thorax.build.lung_hu)
    image += noise(rng, size, spacing_mm=spacing_mm, scanner=scanner)
    x, y, z = scene.first_lps
    origin = (x, y, z + (over.slice - 1) / 2 * scene.step_mm[0])
    return Phantom(
        name=name,
        seed=seed,
        volume=Volume(to_stored(image), axial_grid(size, spacing_mm=spacing_mm, origin_lps=origin), Intensity.HU),
        planted=tuple(_truth(n + 1, one) for n, one in enumerate(placed)),
        settings={"thickness_mm": scanner.thickness_mm, "fwhm_mm": fwhm_mm, "noise_hu": noise_hu,
                  "noise_fc_per_mm": scanner.noise_fc_per_mm, "matrix": matrix},
    )  # fmt: skip


def heart_and_chest_mm(seed: int, *, spacing_mm: tuple[float, float, float], matrix: int) -> tuple[float, float]:
    """Widths of the heart with its fat, and of the pleural cage, of the `chest` with this seed, mm."""
    over = Oversampling(max(1, int(np.ceil(spacing_mm[0] / _FINEST_SLICE_MM))), 1, 1)
    _, grid, _ = _empty_chest(spacing_mm, matrix, over, None)
    thorax = shape_thorax(grid, draw_build(np.random.default_rng(seed)))
    across = grid.axes().x.ravel()
    heart, cage = (thorax.heart - np.float32(HEART_FAT_MM)), np.maximum(thorax.cage, -thorax.diaphragm)
    return _width_mm(heart.min(axis=(0, 1)), across), _width_mm(cage.min(axis=(0, 1)), across)


def _width_mm(level: NDArray[np.float32], across: NDArray[np.float32]) -> float:
    """Between the two places where a level passes 0, by linear interpolation."""
    inside = np.flatnonzero(level < 0)
    first, last = int(inside[0]), int(inside[-1])
    low = np.interp(0, [level[first], level[first - 1]], [across[first], across[first - 1]])
    high = np.interp(0, [level[last], level[last + 1]], [across[last], across[last + 1]])
    return float(high - low)


def _empty_chest(
    spacing_mm: tuple[float, float, float], matrix: int, over: Oversampling, length_mm: float | None
) -> tuple[Scene, CoarseGrid, int]:
    """The scene, the coarse grid over the whole chest, and the fine slice of that grid at which the scene begins."""
    step = (spacing_mm[0] / over.slice, spacing_mm[1], spacing_mm[2])
    low, high = _WHOLE_MM
    whole = int(np.ceil((high - low) / spacing_mm[0])) * over.slice
    first = (-(matrix - 1) / 2 * step[2], -(matrix - 1) / 2 * step[1], low)
    ratios = [max(1, round(2.8 / s)) for s in step]
    grid = CoarseGrid((whole, matrix, matrix), step, first, (ratios[0], ratios[1], ratios[2]))
    start, count = 0, whole
    if length_mm is not None and length_mm < high - low:
        count = int(np.ceil(length_mm / spacing_mm[0])) * over.slice
        start = int(np.clip(round((-38.0 - length_mm / 2 - low) / step[0]), 0, whole - count))
    scene_first = (first[0], first[1], first[2] + start * step[0])
    return Scene(np.empty((count, matrix, matrix), dtype=np.float32), step, scene_first), grid, start


def _lung_texture(
    rng: np.random.Generator, image: NDArray[np.float32], spacing_mm: tuple[float, float, float], lung_hu: float
) -> NDArray[np.float32]:
    """Fractal unevenness of lung, drawn at half the in-plane resolution, only where there is lung."""
    half = (image.shape[0], -(-image.shape[1] // 2) + 1, -(-image.shape[2] // 2) + 1)
    field = fractal(rng, half, spacing_mm=(spacing_mm[0], 2 * spacing_mm[1], 2 * spacing_mm[2]))
    field *= np.float32(rng.uniform(14, 24))
    fine = CoarseGrid((image.shape[0], image.shape[1], image.shape[2]), spacing_mm, (0.0, 0.0, 0.0), (1, 2, 2))
    out = np.empty_like(image)
    for k in range(image.shape[0]):
        lungness = np.clip(1 - np.abs(image[k] - np.float32(lung_hu)) / 125, 0, 1)
        out[k] = fine.plane(field, k) * lungness
    return out


def _truth(number: int, one: Placed) -> Planted:
    truths = one.nodule.truths(one.outside)
    x, y, z = (float(c) + truths.pop(f"centroid_{axis}_mm") for c, axis in zip(one.centre, "xyz", strict=True))
    return Planted(number, one.wanted.kind, one.wanted.attachment, (x, y, z), truths)
