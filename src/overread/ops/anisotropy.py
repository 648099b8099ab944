"""Which grids have a third dimension worth the name: spacings above 0, and not too unlike each other."""

from __future__ import annotations

import math
from collections.abc import Sequence

from overread.errors import UsageError

MOST_ANISOTROPIC = 10.0
"""Longest over shortest side of a voxel, beyond which neighbours across slices tell nothing of a texture or a shape."""


def require_spacing(spacing_mm: Sequence[float] | None, shape: Sequence[int], *, way_out: str) -> None:
    """Refuse spacings that are none, and voxels more than `MOST_ANISOTROPIC` times as long one way as another.

    Parameters
    ----------
    spacing_mm : a length in mm for each axis of `shape`
    shape : ints
        Axes of one voxel do not count.

    Raises
    ------
    UsageError
        With `way_out` where voxels are too long.
    """
    if spacing_mm is None or len(spacing_mm) != len(shape) or not all(math.isfinite(s) and s > 0 for s in spacing_mm):
        raise UsageError(
            f"spacing_mm is {spacing_mm}, expected a spacing for each axis, above 0",
            way_out="Give spacing_mm=volume.grid.spacing_mm.",
        )
    counted = [s for s, n in zip(spacing_mm, shape, strict=True) if n > 1] or [1.0]
    ratio = max(counted) / min(counted)
    if ratio > MOST_ANISOTROPIC * (1 + 1e-9):
        raise UsageError(
            f"voxels are {ratio:.1f} times as long one way as another, expected at most {MOST_ANISOTROPIC:g}",
            way_out=way_out,
        )
