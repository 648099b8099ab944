"""Logits to probabilities by one temperature (Guo et al. 2017). Not an interval: see `venn_abers`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.errors import UsageError
from overread.models.checked import distributions, finite, indices

LEAST = 1e-7
"""Probabilities below this are taken as this before their logarithm."""

RANGE = (0.05, 20.0)
"""Temperatures that are tried; a better one outside is no temperature but a broken model."""


def softmax(logits: ArrayLike) -> NDArray[np.float64]:
    """(n, classes) logits to probabilities that sum to 1."""
    table = finite(logits, "logits")
    if table.ndim != 2 or table.shape[1] < 2:
        raise UsageError(f"logits have shape {table.shape}, expected (cases, two classes or more)")
    raised = np.exp(table - table.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def logits_of(probabilities: ArrayLike) -> NDArray[np.float64]:
    """(n, classes) probabilities to logits: `softmax` gives them back, but for those below 1e-7."""
    return np.log(np.maximum(distributions(probabilities), LEAST))


@dataclass(frozen=True, slots=True)
class Temperature:
    """Divides logits: above 1 makes answers less sure, below 1 surer; their order stays.

    `note` says why a fit was not possible and the value is 1.
    """

    value: float = 1.0
    note: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and self.value > 0):
            raise UsageError(f"temperature is {self.value}, expected above 0")

    def probabilities(self, logits: ArrayLike) -> NDArray[np.float64]:
        """(n, classes) calibrated probabilities; a list (n,) of logits of the positive class gives (n, 2)."""
        table = finite(logits, "logits")
        if table.ndim == 1:
            table = np.column_stack([np.zeros(len(table)), table])
        return softmax(table / self.value)


def negative_log_likelihood(logits: ArrayLike, truth: ArrayLike, temperature: float = 1.0) -> float:
    """Mean -ln p of the true class, `truth` (n,) class indices."""
    p = Temperature(temperature).probabilities(logits)
    true = indices(truth, p.shape[1])
    if len(true) != len(p):
        raise UsageError(f"{len(true)} truths for {len(p)} cases")
    return float(-np.log(np.maximum(p[np.arange(len(true)), true], LEAST)).mean())


def fit_temperature(logits: ArrayLike, truth: ArrayLike) -> Temperature:
    """The temperature with the least negative log likelihood on held-out cases; `truth` are class indices.

    Where every case is right any smaller temperature looks better: the value is then 1, and `note` says so.
    """
    from scipy.optimize import minimize_scalar  # noqa: PLC0415  (only to calibrate)

    p = Temperature().probabilities(logits)
    true = indices(truth, p.shape[1])
    if len(true) != len(p):
        raise UsageError(f"{len(true)} truths for {len(p)} cases")
    others = np.where(np.eye(p.shape[1], dtype=bool)[true], -1.0, p).max(axis=1)
    if np.all(p[np.arange(len(true)), true] > others):
        return Temperature(1.0, "every case is right: no temperature can be fitted")
    found = minimize_scalar(
        lambda log_t: negative_log_likelihood(logits, true, math.exp(log_t)),
        bounds=(math.log(RANGE[0]), math.log(RANGE[1])),
        method="bounded",
        options={"xatol": 1e-5},
    )
    value = math.exp(float(found.x))
    beyond = value < 1.01 * RANGE[0] or value > 0.99 * RANGE[1]
    return Temperature(value, "at the end of its range: the answers hardly tell the classes apart" if beyond else "")
