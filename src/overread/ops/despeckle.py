"""Speckle reduction of envelope or intensity images: Lee's filter, and speckle reducing anisotropic diffusion (SRAD).

Both take speckle as multiplicative: its deviation grows with the mean. Log-compressed pictures must be expanded first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.errors import UsageError

Picture = NDArray[np.floating[Any]]
_QUIET_SHARE = 0.2
"""Of the local coefficients of variation: the most even part of a picture shows speckle alone."""


def lee(image: NDArray[np.generic], *, window: int = 7, speckle: float | None = None) -> NDArray[np.float32]:
    """Lee's filter: the local mean where there is only speckle, the pixel itself where there is more.

    Parameters
    ----------
    image : (row, column) or (slice, row, column)
        0 or more; slices are filtered one by one.
    window : int
        Odd side of the neighbourhood, pixels.
    speckle : float, optional
        Coefficient of variation of the speckle (1 / sqrt of the number of looks); by default that of the most even
        fifth of the picture.

    Raises
    ------
    UsageError
        Negative values, no numbers, or a window that is even or larger than the picture.

    Notes
    -----
    Lee 1980, multiplicative noise: k = vx / (vx + m^2 c^2), vx = (v - m^2 c^2) / (1 + c^2), out = m + k (I - m).
    """
    values = _checked(image)
    if window < 3 or window % 2 == 0 or window > min(values.shape[-2:]):
        raise UsageError(f"window is {window}, expected an odd number of 3 to {min(values.shape[-2:])}")
    size = (1,) * (values.ndim - 2) + (window, window)
    mean = ndi.uniform_filter(values, size, mode="reflect")
    variance = np.maximum(ndi.uniform_filter(values * values, size, mode="reflect") - mean * mean, 0)
    c = _speckle_of(mean, variance) if speckle is None else float(speckle)
    if not 0 <= c < np.inf:
        raise UsageError(f"speckle is {c}, expected 0 or more")
    noise = (mean * c) ** 2
    signal = np.maximum(variance - noise, 0) / (1 + c * c)
    share = np.divide(signal, signal + noise, out=np.ones_like(signal), where=signal + noise > 0)
    return np.asarray(mean + share * (values - mean), dtype=np.float32)


def srad(image: NDArray[np.generic], *, iterations: int = 60, step: float = 0.1) -> NDArray[np.float32]:
    """Speckle reducing anisotropic diffusion: smooths where the picture varies as speckle does, and not across edges.

    Parameters
    ----------
    image : (row, column) or (slice, row, column)
        0 or more; slices are filtered one by one.
    iterations : int
        0 gives the image back.
    step : float
        Of time, up to 0.25.

    Raises
    ------
    UsageError
        Negative values, no numbers, or a step outside 0 to 0.25.

    Notes
    -----
    Yu and Acton 2002. The scale of speckle is taken anew in each iteration from the median step of the logarithm
    between neighbours (after Aja-Fernandez and Alberola-Lopez 2006), so no even region has to be named.
    """
    values = _checked(image)
    if iterations < 0 or not 0 < step <= 0.25:
        raise UsageError(f"{iterations} iterations of {step}: expected 0 or more, of up to 0.25")
    if values.ndim == 3:
        return np.stack([_diffused(one, iterations, step) for one in values]).astype(np.float32)
    return _diffused(values, iterations, step).astype(np.float32)


def _checked(image: NDArray[np.generic]) -> NDArray[np.float64]:
    values = np.asarray(image, dtype=np.float64)
    if values.ndim not in (2, 3) or min(values.shape, default=0) < 1 or min(values.shape[-2:]) < 3:
        raise UsageError(f"the image is {values.shape}, expected (row, column) or (slice, row, column) of 3 or more")
    if not np.isfinite(values).all():
        raise UsageError(f"{int((~np.isfinite(values)).sum())} values are no numbers", way_out="Fill or crop them.")
    if values.min() < 0:
        raise UsageError(
            f"the least value is {values.min():g}, expected 0 or more: speckle multiplies",
            way_out="Shift HU, or expand a log-compressed picture, first.",
        )
    return values


def _speckle_of(mean: NDArray[np.float64], variance: NDArray[np.float64]) -> float:
    """Mean coefficient of variation of the most even fifth of what is not black."""
    lit = mean > 1e-6 * float(mean.max())
    if not lit.any():
        return 0.0
    variation = np.sqrt(variance[lit]) / mean[lit]
    return float(np.quantile(variation, _QUIET_SHARE))


def _diffused(image: NDArray[np.float64], iterations: int, step: float) -> NDArray[np.float64]:
    scale = float(image.max())
    if scale == 0:
        return image.copy()
    u = image / scale + 1e-6
    for _ in range(iterations):
        near = np.pad(u, 1, mode="edge")
        north, south = near[:-2, 1:-1] - u, near[2:, 1:-1] - u
        west, east = near[1:-1, :-2] - u, near[1:-1, 2:] - u
        gradient = (north**2 + south**2 + west**2 + east**2) / u**2
        laplacian = (north + south + west + east) / u
        q2 = np.maximum(0.5 * gradient - laplacian**2 / 16, 0) / (1 + laplacian / 4) ** 2
        q02 = _speckle_scale(u) ** 2
        if q02 == 0:
            break
        c = 1 / (1 + np.maximum(q2 - q02, -q02) / (q02 * (1 + q02)))
        c = np.clip(c, 0, 1)
        below, right = np.pad(c, ((0, 1), (0, 0)), mode="edge")[1:], np.pad(c, ((0, 0), (0, 1)), mode="edge")[:, 1:]
        u = u + step * (below * south + c * north + right * east + c * west)
        u = np.maximum(u, 1e-9)
    return (u - 1e-6) * scale


def _speckle_scale(u: NDArray[np.float64]) -> float:
    """What q is in speckle alone: its square is on average 2.75 times that of the coefficient of variation."""
    logarithm = np.log(u)
    steps = np.concatenate([np.diff(logarithm, axis=axis).ravel() for axis in (0, 1)])
    variation = 1.4826 * float(np.median(np.abs(steps))) / np.sqrt(2)
    return float(np.sqrt(2.75) * variation)
