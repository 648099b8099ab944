"""Chest radiographs with lung masks (another model's output) and hand-drawn lung boxes. See the README of the data."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import NothingReadableError, UnsupportedFormatError
from overread.image import Radiograph
from overread.io import open_study

SIDES = ("right_lung", "left_lung")
"""The patient's right and left."""

Rectangle = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels of the picture: columns and rows."""


@dataclass(frozen=True, slots=True)
class FilmCase:
    """One film: where it lies, whose it is, and what is known of its lungs."""

    case: str
    image: Path
    mask: Path | None
    view: str
    source: str
    group: str
    fold: int
    boxes: dict[str, Rectangle] = field(default_factory=dict)


def read_cases(folder: Path) -> tuple[FilmCase, ...]:
    """All films of the set, in the order of its manifest.

    Raises
    ------
    NothingReadableError
        `folder` holds no manifest.csv.
    """
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        raise NothingReadableError(
            "the chest radiographs are not there", where=str(manifest), way_out="Name the folder that holds it."
        )
    boxes: dict[str, dict[str, Rectangle]] = defaultdict(dict)
    with (folder / "lung_boxes.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            boxes[row["case"]][row["label"]] = (float(row["x0"]), float(row["y0"]), float(row["x1"]), float(row["y1"]))
    with manifest.open(encoding="utf-8", newline="") as file:
        return tuple(
            FilmCase(
                case=row["case"],
                image=folder / row["image"],
                mask=folder / row["mask"] if row["mask"] else None,
                view=row["label"],
                source=row["source"],
                group=row["group"],
                fold=int(row["fold"]),
                boxes=dict(boxes.get(row["case"], {})),
            )
            for row in csv.DictReader(file)
        )


def read_grey(path: Path) -> NDArray[Any]:
    """(row, column) of a picture file, as it is read at run time."""
    image = open_study(path).series[0].load()
    if not isinstance(image, Radiograph):
        raise UnsupportedFormatError(f"expected one picture, got {type(image).__name__}", where=str(path))
    return image.grey()


def read_mask(case: FilmCase) -> NDArray[np.bool_]:
    """(row, column) bool, True in the lungs; raises `NothingReadableError` for a film without a mask."""
    if case.mask is None:
        raise NothingReadableError("the film has no mask", where=case.case)
    inside: NDArray[np.bool_] = read_grey(case.mask) > 0
    return inside
