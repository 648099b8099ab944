"""Whether probabilities mean what they say: reliability bins, ECE and ACE with their null, slope and intercept."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.errors import UsageError
from overread.findings import Interval
from overread_lab.metrics.checked import class_indices, class_probabilities, probabilities_of, two_classes
from overread_lab.metrics.probabilities import CLIP
from overread_lab.metrics.proportion import wilson

BINS = 15


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Cases whose probability falls in a bin: mean probability against share of positives with Wilson's interval."""

    n: int
    mean_probability: float
    share: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class CalibrationError:
    """Expected calibration error; `null_mean` is what a perfectly calibrated model would score at this n.

    The figure is biased upwards at small n: read it against `null_mean`, never alone.
    """

    value: float
    n: int
    null_mean: float


def _equal_width(p: NDArray[np.float64], bins: int) -> NDArray[np.intp]:
    """Bin of each case: [0, 1/k], (1/k, 2/k] ..."""
    return np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], p, side="left")


def _equal_mass(p: NDArray[np.float64], bins: int) -> NDArray[np.intp]:
    """Bin of each case by rank; equal probabilities stay together, in the bin of the first of them."""
    first = np.searchsorted(np.sort(p), p, side="left")
    return (first * bins // len(p)).astype(np.intp)


def _binned_error(p: NDArray[np.float64], y: NDArray[np.floating], where: NDArray[np.intp], bins: int) -> float:
    return float(np.abs(np.bincount(where, y - p, bins)).sum() / len(p))


def _confidence(probabilities: ArrayLike, truth: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Binary as they are; of (n, classes) the top probability and whether that class is right."""
    if np.ndim(probabilities) == 2:
        rows = np.asarray(probabilities)
        table = class_probabilities(rows, len(rows))
        true = class_indices(truth, table.shape[1])
        if len(true) != len(table):
            raise UsageError(f"{len(true)} truths for {len(table)} cases")
        return table.max(axis=1), np.argmax(table, axis=1) == true
    y = two_classes(truth)
    return probabilities_of(probabilities, len(y)), y


def _error(
    probabilities: ArrayLike, truth: ArrayLike, *, bins: int, mass: bool, draws: int, seed: int
) -> CalibrationError:
    if bins < 1 or draws < 1:
        raise UsageError(f"{bins} bins and {draws} draws: expected at least one of each")
    p, y = _confidence(probabilities, truth)
    where = _equal_mass(p, bins) if mass else _equal_width(p, bins)
    rng = np.random.default_rng(seed)
    null = [_binned_error(p, (rng.random(len(p)) < p).astype(float), where, bins) for _ in range(draws)]
    return CalibrationError(_binned_error(p, y.astype(float), where, bins), len(p), float(np.mean(null)))


def ece(
    probabilities: ArrayLike, truth: ArrayLike, *, bins: int = BINS, draws: int = 500, seed: int = 0
) -> CalibrationError:
    """sum n_b / n |mean p - mean y| over equal-width bins, empty ones skipped; of many classes: top-1 confidence."""
    return _error(probabilities, truth, bins=bins, mass=False, draws=draws, seed=seed)


def ace(
    probabilities: ArrayLike, truth: ArrayLike, *, bins: int = BINS, draws: int = 500, seed: int = 0
) -> CalibrationError:
    """As `ece`, over bins of equal numbers of cases."""
    return _error(probabilities, truth, bins=bins, mass=True, draws=draws, seed=seed)


def reliability(probabilities: ArrayLike, truth: ArrayLike, *, bins: int = 10) -> tuple[ReliabilityBin, ...]:
    """The bins of a reliability diagram, by equal numbers of cases; empty bins are left out."""
    p, y = _confidence(probabilities, truth)
    where = _equal_mass(p, bins)
    found = []
    for i in np.unique(where):
        inside = where == i
        n, hits = int(inside.sum()), int(y[inside].sum())
        found.append(ReliabilityBin(n, float(p[inside].mean()), hits / n, wilson(hits, n)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class CalibrationLine:
    """Logistic fit of truth on logit p: slope 1 and intercept 0 are perfect; a slope below 1 means overconfidence.

    NaN where the fit has no meaning; `note` says why. Intervals are Wald's.
    """

    slope: float
    intercept: float
    slope_interval: Interval | None
    intercept_interval: Interval | None
    n: int
    note: str = ""


def _undefined(n: int, note: str) -> CalibrationLine:
    return CalibrationLine(math.nan, math.nan, None, None, n, note)


def calibration_line(probabilities: ArrayLike, truth: ArrayLike) -> CalibrationLine:
    """Slope and intercept of (n,) probabilities by maximum likelihood (Cox 1958); p is clipped as for the log loss."""
    y = two_classes(truth)
    p = np.clip(probabilities_of(probabilities, len(y)), CLIP, 1 - CLIP)
    x = np.log(p) - np.log1p(-p)
    if y.all() or not y.any():
        return _undefined(len(y), "only one class")
    if np.ptp(x) == 0:
        return _undefined(len(y), "all probabilities are equal")
    if x[y].min() >= x[~y].max() or x[y].max() <= x[~y].min():
        return _undefined(len(y), "the probabilities separate the classes fully")
    design = np.column_stack([np.ones(len(x)), x])
    beta = np.array([0.0, 1.0])
    hessian = np.eye(2)

    def loss(b: NDArray[np.float64]) -> float:
        return float(np.sum(np.logaddexp(0, design @ b) - y * (design @ b)))

    for _ in range(100):
        q = 1 / (1 + np.exp(-np.clip(design @ beta, -700, 700)))
        hessian = design.T @ (design * (q * (1 - q))[:, None])
        step = np.linalg.lstsq(hessian, design.T @ (y - q), rcond=None)[0]
        share = 1.0
        while loss(beta + share * step) > loss(beta) + 1e-12 and share > 1e-6:
            share /= 2
        beta = beta + share * step
        if np.abs(share * step).max() < 1e-10:
            break
    else:
        return _undefined(len(y), "the fit did not settle")
    half = 1.96 * np.sqrt(np.diag(np.linalg.pinv(hessian)))
    (intercept, slope), (half_a, half_b) = beta.tolist(), half.tolist()
    return CalibrationLine(
        slope,
        intercept,
        Interval(slope - half_b, slope + half_b),
        Interval(intercept - half_a, intercept + half_a),
        len(y),
    )
