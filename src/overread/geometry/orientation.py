"""Orientation of a grid's axes in the patient, and turning arrays together with their grid. No resampling."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations, product
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from overread.errors import UsageError
from overread.geometry.grid import Grid

_LETTERS = (("L", "R"), ("P", "A"), ("S", "I"))
_PLANES = ("sagittal", "coronal", "axial")  # across x, y, z
_WORLD_AXIS = {letter: axis for axis, pair in enumerate(_LETTERS) for letter in pair}
Scalar = TypeVar("Scalar", bound=np.generic)

ORIENTATIONS: tuple[str, ...] = tuple(
    "".join(_LETTERS[axis][flip] for axis, flip in zip(axes, flips, strict=True))
    for axes in permutations(range(3))
    for flips in product((0, 1), repeat=3)
)
"""The 48 ways to lay (slice, row, column) along the patient; each letter is where the axis points to."""


def closest_letters(direction_lps: NDArray[np.float64], *, obliqueness: float = 0.25) -> str:
    """Letters of a direction in falling order of weight, such as "L" or "PS".

    A letter is given for each component larger than `obliqueness` of the length (0..1).
    """
    unit = np.asarray(direction_lps, dtype=np.float64) / np.linalg.norm(direction_lps)
    order = np.argsort(-np.abs(unit), kind="stable")
    return "".join(_LETTERS[a][0 if unit[a] > 0 else 1] for a in order if abs(unit[a]) > obliqueness)


def plane_name(normal_lps: NDArray[np.float64]) -> str:
    """The plane across a direction: "axial", "coronal" or "sagittal", with the turn where it is above a degree.

    Such as "axial, turned by 18 degrees". The sign of the direction does not matter.
    """
    unit = np.abs(np.asarray(normal_lps, dtype=np.float64)) / np.linalg.norm(normal_lps)
    axis = int(np.argmax(unit))
    turn_deg = float(np.degrees(np.arccos(min(1.0, unit[axis]))))
    name = _PLANES[axis]
    return name if turn_deg <= 1 else f"{name}, turned by {turn_deg:.0f} degrees"


def orientation_of(grid: Grid) -> str:
    """Three letters: where the slice, row and column index of `grid` point to; "SPL" is axial, head-up."""
    columns = grid.affine_lps[:3, :3] / np.linalg.norm(grid.affine_lps[:3, :3], axis=0)
    axes = max(permutations(range(3)), key=lambda p: sum(abs(columns[p[n], n]) for n in range(3)))
    return "".join(_LETTERS[a][0 if columns[a, n] > 0 else 1] for n, a in enumerate(axes))


def orient(array: NDArray[Scalar], grid: Grid, letters: str = "SPL") -> tuple[NDArray[Scalar], Grid]:
    """Turn array and grid so that (slice, row, column) point to `letters`. Voxels stay where they are.

    Returns a view and its grid. Raises `UsageError` for letters that are not one of `ORIENTATIONS`.
    """
    if letters not in ORIENTATIONS:
        raise UsageError(f"unknown orientation {letters!r}", way_out="Give three letters such as SPL (axial, head-up).")
    current = orientation_of(grid)
    world = [_WORLD_AXIS[letter] for letter in current]
    a, b, c = (world.index(_WORLD_AXIS[letter]) for letter in letters)
    turned = tuple(current[n] != letter for n, letter in zip((a, b, c), letters, strict=True))
    flips = (turned[0], turned[1], turned[2])
    view = array.transpose(a, b, c)
    view = view[tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)]
    return view, grid.permute((a, b, c), flips)


def right_angled(
    row_lps: Sequence[float] | NDArray[np.float64], column_lps: Sequence[float] | NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The row direction of length 1, and the column direction of length 1 at a right angle to it.

    Grid, frames and written objects all take rounded cosines through here, so that they agree. Directions that span
    no plane come back as they are.
    """
    row, column = np.asarray(row_lps, dtype=np.float64), np.asarray(column_lps, dtype=np.float64)
    length = float(np.linalg.norm(row))
    if not (np.isfinite(length) and length > 0):
        return row, column
    unit = row / length
    across = column - (column @ unit) * unit
    height = float(np.linalg.norm(across))
    return (unit, across / height) if np.isfinite(height) and height > 0 else (row, column)
