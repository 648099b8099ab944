"""How good an image is: gain over other methods, PSNR, SSIM, edge spread, speckle. Not what a reader sees in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.errors import UsageError
from overread_lab.metrics.average import finite
from overread_lab.metrics.bootstrap import Bootstrap, bootstrap
from overread_lab.metrics.checked import group_members

LEAST_PIXELS = 20


def gain_over_best(
    ours: ArrayLike, alternatives: Sequence[ArrayLike], groups: Sequence[str], *, seed: int = 0
) -> Bootstrap:
    """mean(ours) / max over alternatives of their means - 1, paired by image, with an interval over patients."""
    first, others = finite(ours, "ours"), finite(np.asarray(alternatives), "alternatives")
    if first.ndim != 1 or others.ndim != 2 or others.shape[1:] != first.shape or len(groups) != len(first):
        raise UsageError(
            f"{first.shape} figures, alternatives of {others.shape}, {len(groups)} groups: one each an image"
        )
    _, members = group_members(groups)

    def statistic(drawn: NDArray[np.intp]) -> float:
        items = np.concatenate([members[i] for i in drawn])
        best = float(others[:, items].mean(axis=1).max())
        return float(first[items].mean()) / best - 1 if best > 0 else math.nan

    return bootstrap(statistic, len(members), seed=seed)


def _same_shape(image: ArrayLike, reference: ArrayLike, value_range: float) -> tuple[NDArray[np.float64], ...]:
    a, b = finite(image, "image"), finite(reference, "reference")
    if a.shape != b.shape or a.size == 0:
        raise UsageError(f"image {a.shape} against reference {b.shape}: expected one shape")
    if not (math.isfinite(value_range) and value_range > 0):
        raise UsageError(f"value_range is {value_range}, expected above 0")
    return a, b


def psnr_db(image: ArrayLike, reference: ArrayLike, *, value_range: float) -> float:
    """10 log10(L^2 / mean squared error) in dB, L = `value_range` (2000 HU for CT); infinite for equal images."""
    a, b = _same_shape(image, reference, value_range)
    error = float(((a - b) ** 2).mean())
    return math.inf if error == 0 else 10 * math.log10(value_range**2 / error)


def ssim(image: ArrayLike, reference: ArrayLike, *, value_range: float) -> float:
    """Structural similarity (Wang 2004): Gaussian window of 11, sigma 1.5, K 0.01 and 0.03, L = `value_range`."""
    from skimage.metrics import structural_similarity  # noqa: PLC0415  (slow to load)

    a, b = _same_shape(image, reference, value_range)
    if min(a.shape) < 11:
        raise UsageError(f"an image of {a.shape}, expected 11 or more along each axis")
    return float(
        structural_similarity(
            a, b, data_range=value_range, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, win_size=11
        )
    )


@dataclass(frozen=True, slots=True)
class EdgeSpread:
    """Rise of an edge from 10 to 90 % in the unit of the positions; NaN with a note where no edge can be fitted."""

    rise: float
    contrast: float
    note: str = ""


def edge_spread(position: ArrayLike, value: ArrayLike) -> EdgeSpread:
    """Of an averaged profile: an error function is fitted to `value` at `position` (mm), and its 10-90 % rise given."""
    from scipy.optimize import curve_fit  # noqa: PLC0415
    from scipy.special import erf, erfinv  # noqa: PLC0415

    x, y = finite(position, "position"), finite(value, "value")
    if x.shape != y.shape or x.ndim != 1 or len(x) < 6:
        raise UsageError(f"{y.shape} values at {x.shape} positions: expected two lists of 6 or more")
    low, high = float(y[np.argmin(x)]), float(y[np.argmax(x)])
    span = float(np.ptp(x))
    if low == high or span == 0:
        return EdgeSpread(math.nan, 0.0, "both ends are equal: no edge")

    def profile(
        at: NDArray[np.float64], centre: float, log_sigma: float, base: float, step: float
    ) -> NDArray[np.float64]:
        return np.asarray(base + step / 2 * (1 + erf((at - centre) / (math.sqrt(2) * math.exp(log_sigma)))))

    middle = float(x[np.argmin(np.abs(y - (low + high) / 2))])
    try:
        fitted, _ = curve_fit(profile, x, y, p0=(middle, math.log(span / 10), low, high - low), maxfev=5000)
    except RuntimeError:
        return EdgeSpread(math.nan, high - low, "the fit did not settle")
    sigma = math.exp(float(fitted[1]))
    if not x.min() <= fitted[0] <= x.max():
        return EdgeSpread(math.nan, high - low, "the edge lies outside the profile")
    return EdgeSpread(2 * math.sqrt(2) * float(erfinv(0.8)) * sigma, float(fitted[3]))


def speckle_snr(envelope: ArrayLike) -> float:
    """mean / sd of the envelope in a uniform region, before log compression; fully developed speckle has 1.913."""
    values = finite(envelope, "envelope").ravel()
    if len(values) < LEAST_PIXELS or np.any(values < 0):
        raise UsageError(f"{len(values)} values of an envelope, expected {LEAST_PIXELS} or more, none below 0")
    sd = float(values.std())
    return math.inf if sd == 0 else float(values.mean()) / sd
