"""Arrays of numbers, checked at the door."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.errors import UsageError


def finite(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """`values` as float64; raises `UsageError` if one is NaN or infinite."""
    array = np.asarray(values, dtype=np.float64)
    if not np.all(np.isfinite(array)):
        raise UsageError(
            f"{name} holds {np.count_nonzero(~np.isfinite(array))} values that are not finite",
            way_out="Leave out what was not measured, and report how many that were.",
        )
    return array


def indices(values: ArrayLike, classes: int, name: str = "truth") -> NDArray[np.intp]:
    """(n,) class indices in 0..classes-1, one or more; raises `UsageError` for others."""
    array = finite(values, name)
    if array.ndim != 1 or array.size == 0:
        raise UsageError(f"{name} has shape {array.shape}, expected a list of one or more cases")
    if np.any(array != np.rint(array)) or np.any(array < 0) or np.any(array >= classes):
        raise UsageError(f"{name} holds something that is no class index from 0 to {classes - 1}")
    return array.astype(np.intp)


def distributions(values: ArrayLike, name: str = "probabilities", *, tolerance: float = 1e-4) -> NDArray[np.float64]:
    """(n, classes) probabilities whose rows sum to 1 within `tolerance`; raises `UsageError` for others."""
    array = finite(values, name)
    if array.ndim != 2 or array.shape[1] < 2:
        raise UsageError(f"{name} have shape {array.shape}, expected (cases, two classes or more)")
    if np.any(array < 0) or np.any(array > 1):
        raise UsageError(f"{name} run from {array.min():g} to {array.max():g}, expected 0 to 1")
    off = float(np.abs(array.sum(axis=1) - 1).max(initial=0.0))
    if off > tolerance:
        raise UsageError(f"{name} of a case miss 1 by {off:g}", way_out="Give one probability a class.")
    return array
