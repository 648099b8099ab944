"""Agreement of categories beyond chance: Cohen's kappa, plain and with quadratic weights."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from overread.errors import UsageError
from overread_lab.metrics.average import Score
from overread_lab.metrics.confusion import require_matrix


def kappa(matrix: ArrayLike, *, weights: Literal["none", "quadratic"] = "none") -> Score:
    """1 - sum wO / sum wE of a square table of counts (rows and columns: the two ways of answering).

    Plain: w is 0 on the diagonal, else 1, which is (po - pe) / (1 - pe). Quadratic: w = (i - j)^2 / (k - 1)^2.
    Where chance alone agrees fully the figure is undefined, but 1, noted, where all agree too.
    """
    table = require_matrix(matrix)
    k, total = len(table), float(table.sum())
    if weights not in ("none", "quadratic"):
        raise UsageError(f"unknown weights {weights!r}", way_out="Use none or quadratic.")
    if k < 2:
        raise UsageError(f"{k} category: agreement needs two or more")
    if total == 0:
        return Score(math.nan, 0, None, "no cases")
    row, column = np.indices(table.shape)
    weight = (row != column).astype(float) if weights == "none" else ((row - column) / (k - 1)) ** 2
    observed = float(np.sum(weight * table)) / total
    chance = np.outer(table.sum(axis=1), table.sum(axis=0)) / total**2
    expected = float(np.sum(weight * chance))
    n = round(total)
    if expected == 0:
        return Score(1.0, n, None, "one category only") if observed == 0 else Score(math.nan, n, None, "undefined")
    return Score(1 - observed / expected, n)
