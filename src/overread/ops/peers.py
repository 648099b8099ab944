"""The usual enhancements and noise filters of a picture, each at one stated strength; to compare with, not to use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import UsageError
from overread.ops.fractional import EnhancePlan, enhance, grey_range, noise_sd

Picture = NDArray[np.float32]
CONSTANT_ORDER = 0.65
LEAST_NOISE = 1e-3
"""Share of the grey range below which the strength of a noise filter does not fall."""


@dataclass(frozen=True, slots=True)
class Peer:
    """An enhancement of others.

    Parameters
    ----------
    name : str
    how : str
        Its strength, in words.
    """

    name: str
    how: str
    _run: Callable[[Picture, float], NDArray[Any]]

    def __call__(self, picture: NDArray[Any]) -> Picture:
        """(row, column) float32 in the unit of `picture`; a picture of one value comes back as it is.

        Raises
        ------
        UsageError
            No (row, column) picture, or values that are not finite.
        """
        values = np.asarray(picture, np.float32)
        if values.ndim != 2 or not np.isfinite(values).all():
            raise UsageError(f"a picture of {values.shape}, expected finite (row, column) values")
        low, high = grey_range(values)
        if not high > low:
            return values.copy()
        span = np.float32(high - low)
        unit = (values - np.float32(low)) / span
        noise = max(noise_sd(unit), LEAST_NOISE)
        return np.asarray(self._run(unit, noise), np.float32) * span + np.float32(low)


def _clahe(unit: Picture, noise: float) -> NDArray[Any]:
    from skimage.exposure import equalize_adapthist  # noqa: PLC0415  (slow to load)

    return np.asarray(equalize_adapthist(np.clip(unit, 0, 1), clip_limit=0.01))


def _unsharp(unit: Picture, noise: float) -> NDArray[Any]:
    from skimage.filters import unsharp_mask  # noqa: PLC0415

    return np.asarray(unsharp_mask(unit, radius=2, amount=1.0, preserve_range=True))


def _bilateral(unit: Picture, noise: float) -> NDArray[Any]:
    from skimage.restoration import denoise_bilateral  # noqa: PLC0415

    low = unit.min()  # it takes nothing below 0
    out: NDArray[Any] = np.asarray(denoise_bilateral(unit - low, win_size=9, sigma_color=3 * noise, sigma_spatial=2))
    out += low
    return out


def _total_variation(unit: Picture, noise: float) -> NDArray[Any]:
    from skimage.restoration import denoise_tv_chambolle  # noqa: PLC0415

    return np.asarray(denoise_tv_chambolle(unit, weight=2 * noise))


def _means(unit: Picture, noise: float) -> NDArray[Any]:
    from skimage.restoration import denoise_nl_means  # noqa: PLC0415

    return np.asarray(denoise_nl_means(unit, patch_size=5, patch_distance=6, h=0.8 * noise, sigma=noise))


def _constant(unit: Picture, noise: float) -> NDArray[Any]:
    return enhance(unit, EnhancePlan(order=CONSTANT_ORDER))


PEERS = (
    Peer("CLAHE", "8 x 8 tiles, clip limit .01", _clahe),
    Peer("unsharp mask", "radius 2 px, amount 1", _unsharp),
    Peer("bilateral", "9 x 9 px, 3 x noise", _bilateral),
    Peer("total variation", "weight 2 x noise", _total_variation),
    Peer("non-local means", "patch 5, h .8 x noise", _means),
    Peer("constant order", f"fractional, order {CONSTANT_ORDER:g}", _constant),
)
"""Noise is its standard deviation by `noise_sd`, the grey range (percentiles .5 to 99.5) being 1."""
