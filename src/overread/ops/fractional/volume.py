"""How long the steps of the 26 rays through a volume are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from overread.errors import UsageError
from overread.ops.anisotropy import require_spacing
from overread.ops.fractional.plan import Diagonal, EnhancePlan


def logs_of_steps(
    shape: tuple[int, ...], spacing_mm: tuple[float, ...] | None, plan: EnhancePlan
) -> NDArray[np.float64]:
    """(7,) logarithm of the length of a step over the least spacing, by class; 0 where all rays count the same.

    Parameters
    ----------
    shape : (slice, row, column)
    spacing_mm : (slice, row, column)

    Raises
    ------
    UsageError
        No volume, no spacing, or voxels too long one way.
    """
    if len(shape) != 3 or shape[0] <= plan.rings:
        raise UsageError(
            f"three dimensions and {plan.rings} rings take a volume of more than {plan.rings} slices, got {shape}",
            way_out="Use dimensions=2, which takes each slice on its own.",
        )
    require_spacing(spacing_mm, shape, way_out="Use dimensions=2, or resample the volume first.")
    assert spacing_mm is not None  # noqa: S101  (it was refused)
    if plan.diagonal is Diagonal.EQUAL:
        return np.zeros(7)
    moves = np.array([[(c >> 2) & 1, (c >> 1) & 1, c & 1] for c in range(1, 8)])
    lengths = np.sqrt((moves * np.array(spacing_mm) ** 2).sum(axis=1))
    logs: NDArray[np.float64] = np.log(lengths / min(spacing_mm))
    return logs
