"""Gruenwald-Letnikov coefficients and the eight-ray template that they fill. Formulas only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def coefficients(order: float, rings: int) -> Floats:
    """(rings + 1,) c_0 .. c_n of the fractional difference of `order`: c_0 = 1, c_k = c_{k-1} (k - 1 - v) / k."""
    c = np.ones(rings + 1)
    for k in range(1, rings + 1):
        c[k] = c[k - 1] * (k - 1 - order) / k
    return c


def mean_gain(order: float, rings: int) -> float:
    """Sum of c_0 .. c_n, the share of the mean that the template keeps: the product of 1 - v / j, j = 1 .. n."""
    return float(np.prod(1 - order / np.arange(1, rings + 1)))


def template(order: float, rings: int) -> Floats:
    """(2 n + 1, 2 n + 1) the template as printed: c_k at k steps along each of the eight rays, 8 in the centre.

    Layout of Pu, Zhou & Yuan 2010, IEEE Trans Image Process 19(2): 491-511. For reference and tests: `enhance` never
    builds it, since ring sums give every order at once.
    """
    c = coefficients(order, rings)
    size = 2 * rings + 1
    cells = np.zeros((size, size))
    for k in range(1, rings + 1):
        for row in (-k, 0, k):
            for column in (-k, 0, k):
                cells[rings + row, rings + column] = c[k]
    cells[rings, rings] = 8 * c[0]
    return cells


def noise_gain(order: float, rings: int, *, mode: str = "signed", strength: float = 1.0) -> float:
    """How many times the standard deviation of white noise grows under a constant `order`."""
    c, g = coefficients(order, rings)[1:], mean_gain(order, rings)
    ring = 8 * float((c**2).sum())
    if mode == "signed":
        return float(np.sqrt((1 + strength * (1 - g)) ** 2 + strength**2 * ring / 64))
    return float(np.sqrt(64 + ring)) / {"raw": 1.0, "paper": 8.0, "mean_preserving": 8 * g}[mode]
