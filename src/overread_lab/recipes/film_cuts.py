"""Copies of frontal films with a known part of the lungs cut off, or cropped close around whole lungs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.models import Network
from overread.ops.film import Box
from overread.ops.film_cut import NUMBERS, cut_numbers
from overread.ops.film_lungs import bounds, segment_lungs
from overread_lab.datasets.chest_xray import FilmCase, read_grey
from overread_lab.recipes.film_quality_data import Say, stored_arrays

Film = NDArray[np.float32]

SHARE = 0.15
"""Of the box around both lungs that is cut off, along the direction of the cut."""
CLOSE = 0.06
"""Of the box around both lungs that a close crop leaves beside it."""
COPIES = ("whole", "close", "top", "bottom", "left", "right", "left_lung", "right_lung")
"""`left` and `right` are sides of the picture; `left_lung` cuts `SHARE` off the one lung at its left."""
LEAST_SIDE = 48
"""Pixels along each side of the box around both lungs."""


@dataclass(frozen=True, slots=True)
class LungBoxes:
    """Boxes of the lung at the left and at the right of the picture, in pixels."""

    left: Box
    right: Box

    @property
    def both(self) -> Box:
        """Around both."""
        rows = min(self.left.rows[0], self.right.rows[0]), max(self.left.rows[1], self.right.rows[1])
        return Box(rows, (self.left.columns[0], self.right.columns[1]))


def lung_boxes(case: FilmCase, film: Film, run: Network) -> LungBoxes | None:
    """As drawn by hand where they were, else as the network finds them; None where a lung is missing."""
    if {"left_lung", "right_lung"} <= set(case.boxes):
        drawn = {
            name: Box((round(y0), round(y1)), (round(x0), round(x1))) for name, (x0, y0, x1, y1) in case.boxes.items()
        }
        return _in_order(drawn["right_lung"], drawn["left_lung"])
    lungs = segment_lungs(film, run)
    found = bounds(lungs.right), bounds(lungs.left)
    return None if found[0] is None or found[1] is None else _in_order(found[0], found[1])


def _in_order(one: Box, other: Box) -> LungBoxes | None:
    """None where they lie over each other: then they are not two lungs side by side."""
    first, second = sorted((one, other), key=lambda box: sum(box.columns))
    whole = LungBoxes(first, second)
    good = first.columns[0] < second.columns[0] and first.columns[1] < second.columns[1]
    return whole if good and min(whole.both.shape) > LEAST_SIDE else None


def copies(film: Film, boxes: LungBoxes) -> dict[str, Film]:
    """The copies by their names in `COPIES`."""
    both, rows, columns = boxes.both, film.shape[0], film.shape[1]
    high, wide = (SHARE * n for n in both.shape)
    near = [CLOSE * n for n in both.shape]
    left, right = (SHARE * box.shape[1] for box in (boxes.left, boxes.right))
    cut = {
        "whole": (0, rows, 0, columns),
        "close": (both.rows[0] - near[0], both.rows[1] + near[0], both.columns[0] - near[1], both.columns[1] + near[1]),
        "top": (both.rows[0] + high, rows, 0, columns),
        "bottom": (0, both.rows[1] - high, 0, columns),
        "left": (0, rows, both.columns[0] + wide, columns),
        "right": (0, rows, 0, both.columns[1] - wide),
        "left_lung": (0, rows, both.columns[0] + left, columns),
        "right_lung": (0, rows, 0, both.columns[1] - right),
    }
    parts = {}
    for name, (top, bottom, first, last) in cut.items():
        box = Box((max(0, round(top)), min(rows, round(bottom))), (max(0, round(first)), min(columns, round(last))))
        parts[name] = np.ascontiguousarray(box.of(film))
    return parts


@dataclass(frozen=True, slots=True, eq=False)
class Cuts:
    """Frontal films whose two lungs are known, each with its copies.

    Parameters
    ----------
    index : (n,)
        Of the film in the set.
    drawn : (n,) bool
        Whether its boxes were drawn by hand.
    numbers : (n, copy, NUMBERS) float64
        `cut_numbers`.
    """

    index: NDArray[np.intp]
    drawn: NDArray[np.bool_]
    numbers: NDArray[np.float64]


def read_cuts(cases: tuple[FilmCase, ...], lungs: Mapping[int, Network], cache: Path, say: Say) -> Cuts:
    """Of all frontal films, by the lung network of their own fold; kept in the file `cache` between runs.

    Parameters
    ----------
    lungs : dict
        Fold to the network that never saw it.
    """
    names = [repr(COPIES), str(NUMBERS), *(lungs[fold].sha256 for fold in sorted(lungs)), *(one.case for one in cases)]
    key = hashlib.sha256("\n".join(names).encode()).hexdigest()
    stored = stored_arrays(cache, key)
    if stored is not None:
        return Cuts(stored["index"], stored["drawn"], stored["numbers"])
    index, drawn, numbers = [], [], []
    for n, case in enumerate(cases):
        if n % 50 == 0:
            say(f"cuts of film {n} of {len(cases)}")
        film, run = read_grey(case.image).astype(np.float32), lungs[case.fold]
        boxes = None if case.view == "lateral" else lung_boxes(case, film, run)
        if boxes is None:
            continue
        index.append(n)
        drawn.append(bool(case.boxes))
        numbers.append([cut_numbers(part, run) for part in copies(film, boxes).values()])
    found = Cuts(np.array(index), np.array(drawn), np.array(numbers))
    np.savez(
        cache, key=np.frombuffer(key.encode(), np.uint8), index=found.index, drawn=found.drawn, numbers=found.numbers
    )
    return found
