"""Examples of lung fields for training: films cut off, framed, beside air, turned and in other tones.

The contrast is never inverted: an inverted film is a fault that the reader must notice, not tolerate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage as ndi

from overread.ops.film import fit_square, standardise
from overread_lab.train.batches import rng_of

Film = NDArray[np.float32]
Inside = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class FilmBatches:
    """Batches of squares drawn from films with masks.

    Parameters
    ----------
    films : sequence of ((row, column), (row, column) bool)
        The film as it was read, and its lungs.
    size : int
        Side of the square, pixels.
    """

    films: Sequence[tuple[Film, Inside]]
    size: int

    def draw(self, *, seed: int, step: int, places: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(n, 1, size, size) images and targets (1 in the lungs)."""
        images, targets = [], []
        for place in places:
            rng = rng_of(seed=seed, step=step, place=place)
            image, target = lung_example(*self.films[int(rng.integers(len(self.films)))], self.size, rng)
            images.append(image)
            targets.append(target)
        return np.stack(images)[:, None], np.stack(targets)[:, None]


def lung_example(film: Film, inside: Inside, size: int, rng: np.random.Generator) -> tuple[Film, Film]:
    """One film changed at random: (size, size) image in 0..1 and target."""
    film = np.asarray(film, dtype=np.float32)
    if rng.random() < 0.4:
        film, inside = cut_off(film, inside, rng)
    if rng.random() < 0.3:
        film, inside = beside_air(film, inside, rng)
    if rng.random() < 0.3:
        film, inside = framed(film, inside, rng)
    if rng.random() < 0.5:
        film, inside = film[:, ::-1], inside[:, ::-1]
    square, _ = fit_square(standardise(film), size)
    target, _ = fit_square(inside.astype(np.float32), size)
    square, target = turned(square, target, rng)
    return other_tone(square, rng), (target > 0.5).astype(np.float32)


def cut_off(film: Film, inside: Inside, rng: np.random.Generator) -> tuple[Film, Inside]:
    """The film without up to a quarter of some of its sides."""
    rows, columns = film.shape
    share = np.where(rng.random(4) < 0.4, rng.uniform(0, 0.25, 4), 0)
    top, bottom = int(share[0] * rows), rows - int(share[1] * rows)
    left, right = int(share[2] * columns), columns - int(share[3] * columns)
    return film[top:bottom, left:right], inside[top:bottom, left:right]


def framed(film: Film, inside: Inside, rng: np.random.Generator) -> tuple[Film, Inside]:
    """The film with plain bars at some of its sides: black mostly, white at times."""
    rows, columns = film.shape
    share = np.where(rng.random(4) < 0.5, rng.uniform(0, 0.25, 4), 0)
    bars = ((int(share[0] * rows), int(share[1] * rows)), (int(share[2] * columns), int(share[3] * columns)))
    tone = float(film.min() if rng.random() < 0.75 else film.max())
    return np.pad(film, bars, constant_values=tone), np.pad(inside, bars)


def beside_air(film: Film, inside: Inside, rng: np.random.Generator) -> tuple[Film, Inside]:
    """The film as the trunk of a smaller patient: dark air beside it, and at times an arm beyond the air.

    Air beside the arms is as dark as lung, and stands upright beside bright bands just as lungs do.
    """
    rows, columns = film.shape
    low, high = (float(v) for v in np.percentile(film, (1, 95)))
    air = low + rng.uniform(0, 0.25) * (high - low)
    wide = [int(rng.uniform(0.05, 0.3) * columns) for _ in range(2)]
    film, inside = np.pad(film, ((0, 0), wide), constant_values=air), np.pad(inside, ((0, 0), wide))
    at = np.arange(rows)[:, None] / rows
    for side in range(2):
        if rng.random() < 0.3:
            continue
        reach = wide[side] * rng.uniform(0.3, 0.9) * (1 + rng.uniform(-0.4, 0.4) * np.sin(np.pi * (at + rng.random())))
        half = columns * rng.uniform(0.03, 0.09)
        column = np.arange(film.shape[1])[None, :]
        away = wide[0] - column if side == 0 else column - (wide[0] + columns - 1)
        arm = 1 / (1 + np.exp((np.abs(away - reach) - half) / (0.15 * half + 1)))
        tone = air + rng.uniform(0.3, 0.8) * (high - air)
        film = np.where(away > 0, film + arm * (tone - film), film)
    grain = ndi.gaussian_filter(rng.standard_normal(film.shape).astype(np.float32), 1) * 0.03 * (high - low)
    return (film + grain).astype(np.float32), inside


def turned(square: Film, target: Film, rng: np.random.Generator) -> tuple[Film, Film]:
    """Both turned by up to 12 degrees, scaled by .86-1.28, squeezed by up to 15 % and moved by up to 8 %."""
    size = square.shape[0]
    angle = np.deg2rad(rng.uniform(-12, 12))
    scale, squeeze = np.exp(rng.uniform(-0.15, 0.25)), np.exp(rng.uniform(-0.15, 0.15))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    back = turn / np.array([[scale * squeeze], [scale / squeeze]])
    middle = np.full(2, (size - 1) / 2)
    offset = middle - back @ (middle + rng.uniform(-0.08, 0.08, 2) * size)
    rows = (*back[0], offset[0], *back[1], offset[1])
    way = Image.Transform.AFFINE, rows, Image.Resampling.BILINEAR
    images = [Image.fromarray(np.ascontiguousarray(part)).transform((size, size), *way) for part in (square, target)]
    return np.asarray(images[0], dtype=np.float32), np.asarray(images[1], dtype=np.float32)


def other_tone(square: Film, rng: np.random.Generator) -> Film:
    """Other gamma, brightness, contrast, sharpness and noise; always the same way up."""
    image = square ** np.float32(np.exp(rng.uniform(-0.5, 0.5)))
    if rng.random() < 0.5:
        image = (image - 0.5) * np.float32(rng.uniform(0.7, 1.4)) + np.float32(0.5 + rng.uniform(-0.15, 0.15))
    if rng.random() < 0.3:
        image = ndi.gaussian_filter(image, rng.uniform(0.3, 1.5))
    if rng.random() < 0.5:
        image = image + rng.standard_normal(image.shape).astype(np.float32) * np.float32(rng.uniform(0, 0.08))
    clipped: Film = np.clip(image, 0, 1).astype(np.float32)
    return clipped
