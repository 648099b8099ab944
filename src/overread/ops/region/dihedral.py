"""The eight turns and mirrors of a picture (dihedral group D4): lossless, invertible, also for points and boxes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.errors import UsageError


@dataclass(frozen=True, slots=True)
class Turn:
    """Mirror left to right, if `mirror`, then `quarters` quarter turns anticlockwise."""

    quarters: int
    mirror: bool

    @property
    def inverse(self) -> Turn:
        """The turn that undoes this one: a mirrored turn undoes itself."""
        return self if self.mirror else Turn(-self.quarters % 4, False)

    def array(self, image: NDArray[Any]) -> NDArray[Any]:
        """Turn the last two axes of (..., row, column); a copy in memory order."""
        turned = image[..., ::-1] if self.mirror else image
        return np.ascontiguousarray(np.rot90(turned, self.quarters, axes=(-2, -1)))

    def shape(self, shape: tuple[int, int]) -> tuple[int, int]:
        """(rows, columns) after the turn."""
        return shape if self.quarters % 2 == 0 else (shape[1], shape[0])

    def points(self, points_rc: ArrayLike, shape: tuple[int, int]) -> NDArray[np.float64]:
        """(n, 2) points (row, column) of an image of `shape` where they lie after the turn."""
        points = np.array(points_rc, dtype=np.float64).reshape(-1, 2)
        rows, columns = shape
        if self.mirror:
            points[:, 1] = columns - 1 - points[:, 1]
        for _ in range(self.quarters):
            points = np.stack([columns - 1 - points[:, 1], points[:, 0]], axis=1)
            rows, columns = columns, rows
        return points

    def box(self, box: tuple[float, float, float, float], shape: tuple[int, int]) -> tuple[float, float, float, float]:
        """(first row, first column, last row, last column) after the turn, the smaller ends first."""
        corners = self.points([box[:2], box[2:]], shape)
        (top, left), (bottom, right) = corners.min(axis=0), corners.max(axis=0)
        return float(top), float(left), float(bottom), float(right)

    def side(self, side: str) -> str:
        """Which side of the patient the picture shows after the turn; "left" and "right" change with a mirror.

        Raises
        ------
        UsageError
            Neither "left", "right" nor "".
        """
        other = {"left": "right", "right": "left", "": ""}
        if side not in other:
            raise UsageError(f"side is {side!r}, expected 'left', 'right' or ''")
        return other[side] if self.mirror else side


DIHEDRAL = tuple(Turn(quarters, mirror) for mirror in (False, True) for quarters in range(4))
"""All eight; the first changes nothing. Never mirror where the side is what is to be told."""


def eightfold(image: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """The eight copies of (..., row, column), in the order of `DIHEDRAL`."""
    return tuple(turn.array(image) for turn in DIHEDRAL)


def mean_of_eight(image: NDArray[Any], answer: Callable[[NDArray[Any]], NDArray[Any]]) -> NDArray[np.float64]:
    """Mean answer over the eight copies (test-time augmentation).

    Parameters
    ----------
    answer : callable
        From an image to a map of its size, which is turned back before the mean, or to numbers that no turn concerns,
        (classes,) or a scalar.
    """
    found = []
    for turn in DIHEDRAL:
        given = np.asarray(answer(turn.array(image)), dtype=np.float64)
        found.append(turn.inverse.array(given) if given.ndim >= 2 else given)
    mean: NDArray[np.float64] = np.mean(found, axis=0)
    return mean
