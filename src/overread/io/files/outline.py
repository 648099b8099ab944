"""Outlines that readers drew, from tables: our own of two columns, and those of BCDR. Points only, no masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError, UsageError
from overread.io.files.table import read_table

BCDR_POINTS = ("lw_x_points", "lw_y_points")
BCDR_PICTURE = "image_filename"
_PAIRS = {("row", "column"): (0, 1), ("x", "y"): (1, 0)}


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """A closed outline.

    Parameters
    ----------
    points_rc : (n, 2) float
        Corners (row, column), pixel centres at whole numbers; the last joins the first.
    picture : str
        Name of the picture it was drawn on, where the table says.
    """

    points_rc: NDArray[np.float64]
    picture: str = ""


def bcdr_points(row: Mapping[str, str]) -> NDArray[np.intp]:
    """(n, 2) (row, column) whole pixels from 0 of a row of bcdr_*_outlines.csv.

    Raises
    ------
    InputError
        The points are no whole numbers, or not as many x as y, or fewer than three.
    """
    try:
        columns, rows = (np.array(row[name].split(), dtype=np.intp) for name in BCDR_POINTS)
    except ValueError:
        raise InputError("its points are no whole numbers") from None
    if len(rows) != len(columns) or len(rows) < 3:
        raise InputError(f"it has {len(columns)} x and {len(rows)} y, expected as many of each, and three or more")
    return np.stack([rows, columns], axis=1)


def read_outlines(path: Path, *, picture: str = "") -> tuple[Outline, ...]:
    """The outlines of a table: columns `row, column` or `x, y` (one outline), or bcdr_*_outlines.csv (one a row).

    Parameters
    ----------
    picture : str, optional
        Only those that were drawn on the picture of this file name; tables of two columns name none and fit all.

    Raises
    ------
    InputError
        It cannot be read, holds other columns, or points that are no numbers.
    UsageError
        None was drawn on that picture.
    """
    rows = read_table(path, ())
    names = set(rows[0]) if rows else set()
    if names >= {*BCDR_POINTS, BCDR_PICTURE}:
        return _of_bcdr(rows, path, picture)
    for pair, order in _PAIRS.items():
        if names >= set(pair):
            try:
                points = np.array([[float(row[pair[n]]) for n in order] for row in rows])
            except (KeyError, ValueError):
                raise InputError(f"the columns {pair[0]} and {pair[1]} hold no numbers", where=str(path)) from None
            return (Outline(points),)
    raise InputError(
        f"holds columns {', '.join(sorted(names)) or 'none'}, expected row and column, x and y, or those of BCDR",
        where=str(path),
        way_out="Write a header `row,column` and one point a line.",
    )


def _of_bcdr(rows: Sequence[Mapping[str, str]], path: Path, picture: str) -> tuple[Outline, ...]:
    found = []
    for number, row in enumerate(rows, start=1):
        name = Path(row[BCDR_PICTURE]).name
        if picture and name != picture:
            continue
        try:
            found.append(Outline(bcdr_points(row).astype(np.float64), name))
        except InputError as error:
            raise InputError(f"outline {number}: {error.what}", where=str(path)) from None
    if not found:
        raise UsageError(f"no outline was drawn on {picture or 'any picture'}", where=str(path))
    return tuple(found)
