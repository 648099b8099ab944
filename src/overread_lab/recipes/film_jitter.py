"""Copies of a film as another hospital might have made it: aspect, turn, crop, tone, sharpness, coding, noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from overread.ops.film import recode, standardise

TURN_DEG = 8.0
CROP = 0.1
ASPECT_LOG, TONE_LOG = 0.25, 0.5
NOISE_SD = 0.03
LEAST_PIXELS = 40


def jitter(film: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """One copy of a harmonised film; never mirrored, since the heart has a side.

    Parameters
    ----------
    film : (row, column) float32
        0..1, from `harmonise`.

    Returns
    -------
    (row, column) float32
        0..1, of another size.
    """
    height, width = film.shape
    aspect = float(np.exp(rng.uniform(-ASPECT_LOG, ASPECT_LOG)))
    size = (int(width * min(aspect, 1.0)), int(height / max(aspect, 1.0)))
    picture = _picture(film).resize((max(size[0], LEAST_PIXELS), max(size[1], LEAST_PIXELS)), Image.Resampling.BILINEAR)
    picture = picture.rotate(float(rng.uniform(-TURN_DEG, TURN_DEG)), Image.Resampling.BILINEAR)
    turned = _values(picture)
    top, bottom, left, right = (int(rng.uniform(0, CROP) * n) for n in (*turned.shape[:1] * 2, *turned.shape[1:] * 2))
    part = turned[top : turned.shape[0] - bottom, left : turned.shape[1] - right]
    toned = standardise(part) ** np.float32(np.exp(rng.uniform(-TONE_LOG, TONE_LOG)))
    coded = _coded(toned, float(rng.uniform(0.25, 1.0)), int(rng.uniform(40, 95)))
    noisy = coded + rng.normal(0, rng.uniform(0, NOISE_SD), coded.shape)
    return np.clip(noisy, 0, 1).astype(np.float32)


def _picture(film: NDArray[np.float32]) -> Image.Image:
    return Image.fromarray((film * 255).astype(np.uint8))


def _values(picture: Image.Image) -> NDArray[np.float32]:
    return np.asarray(picture, np.float32) / np.float32(255)


def _coded(film: NDArray[np.float32], scale: float, quality: int) -> NDArray[np.float32]:
    """Smaller, and through a JPEG file of that quality."""
    picture = _picture(film)
    size = (max(int(picture.width * scale), LEAST_PIXELS), max(int(picture.height * scale), LEAST_PIXELS))
    return recode(_values(picture.resize(size, Image.Resampling.BILINEAR)), quality)
