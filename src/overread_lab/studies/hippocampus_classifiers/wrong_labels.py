"""Labels of the band as a careless reader might leave them: voxels flipped, whole outlines moved or too wide."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread_lab.recipes.hippocampus_fit import Ready, labels_of
from overread_lab.studies.hippocampus_classifiers.score import Bools

MOVED_MM, WIDER_MM = 3, 1.5


def right(train: Sequence[Ready]) -> list[Bools]:
    """The labels as they are."""
    return [one.truth for one in train]


def flipped(train: Sequence[Ready], share: float, *, seed: int) -> list[Bools]:
    """Each voxel of each band with the other label, by chance `share`."""
    rng = np.random.default_rng(seed)
    return [one.truth ^ (rng.random(len(one.truth)) < share) for one in train]


def moved(train: Sequence[Ready], cases: int, *, seed: int) -> list[Bools]:
    """`cases` outlines, drawn at random, moved by 3 mm along an axis at random."""
    rng = np.random.default_rng(seed)
    told = right(train)
    for n in _drawn(rng, train, cases):
        step = np.zeros(3, int)
        step[rng.integers(3)] = MOVED_MM * rng.choice((-1, 1))
        told[n] = _in_band(train[n], ndi.shift(labels_of(train[n]) > 0, step, order=0, output=bool))
    return told


def wider(train: Sequence[Ready], cases: int, *, seed: int) -> list[Bools]:
    """`cases` outlines, drawn at random, too wide by 1.5 mm all round."""
    told = right(train)
    for n in _drawn(np.random.default_rng(seed), train, cases):
        told[n] = _in_band(train[n], ndi.distance_transform_edt(labels_of(train[n]) == 0) <= WIDER_MM)
    return told


def _drawn(rng: np.random.Generator, train: Sequence[Ready], cases: int) -> NDArray[np.intp]:
    drawn: NDArray[np.intp] = rng.choice(len(train), min(cases, len(train)), replace=False)
    return drawn


def _in_band(one: Ready, inside: Bools) -> Bools:
    found: Bools = inside[tuple(one.band.points.T)]
    return found
