"""What scores of classifiers take: truth, scores and probabilities, checked at the door."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.errors import UsageError
from overread.models.checked import distributions, finite, indices


def two_classes(truth: ArrayLike) -> NDArray[np.bool_]:
    """(n,) bool from bool or 0/1; raises `UsageError` for anything else."""
    array = np.asarray(truth)
    if array.ndim != 1 or array.size == 0:
        raise UsageError(f"truth has shape {array.shape}, expected a list of one or more cases")
    if array.dtype == np.bool_:
        return array
    if not np.isin(finite(array, "truth"), (0.0, 1.0)).all():
        raise UsageError("truth holds values other than 0 and 1")
    return np.asarray(array == 1)


def scores_of(scores: ArrayLike, n: int, name: str = "scores") -> NDArray[np.float64]:
    """(n,) finite scores; raises `UsageError` for another length."""
    array = finite(scores, name)
    if array.shape != (n,):
        raise UsageError(f"{name} has shape {array.shape}, truth has {n} cases")
    return array


def probabilities_of(probabilities: ArrayLike, n: int) -> NDArray[np.float64]:
    """(n,) probabilities of the positive class, each in 0..1."""
    array = scores_of(probabilities, n, "probabilities")
    if np.any(array < 0) or np.any(array > 1):
        raise UsageError(f"probabilities run from {array.min():g} to {array.max():g}, expected 0 to 1")
    return array


def class_probabilities(probabilities: ArrayLike, n: int) -> NDArray[np.float64]:
    """(n, classes) probabilities whose rows sum to 1."""
    array = distributions(probabilities)
    if len(array) != n:
        raise UsageError(f"probabilities have shape {array.shape}, expected {n} rows")
    return array


class_indices = indices


def group_members(groups: Sequence[str]) -> tuple[list[str], list[NDArray[np.intp]]]:
    """Names of the groups in order, and the indices of the items of each."""
    if len(groups) == 0:
        raise UsageError("no cases")
    names, which = np.unique(np.asarray([str(group) for group in groups]), return_inverse=True)
    return [str(name) for name in names], [np.flatnonzero(which == i) for i in range(len(names))]
