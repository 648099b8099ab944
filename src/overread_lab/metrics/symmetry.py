"""Whether a system answers the same for turned and mirrored copies of a picture: HX's test of credibility."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.errors import UsageError
from overread.ops.region import DIHEDRAL
from overread_lab.metrics.average import Score
from overread_lab.metrics.overlap import Mask, dice
from overread_lab.metrics.proportion import proportion

COPIES = len(DIHEDRAL)


@dataclass(frozen=True, slots=True)
class SymmetryAgreement:
    """Answers over the eight copies of each picture.

    Parameters
    ----------
    all_equal : Score
        Share of pictures whose eight copies get one class, with Wilson's interval; 2 / 2^8 = 0.8 % for a coin.
    mode_agreement : float
        Mean share of copies that agree with the most frequent class.
    p_sd : float
        Mean standard deviation (population) of the probability over the copies; NaN where none was given.
    """

    all_equal: Score
    mode_agreement: float
    p_sd: float


def symmetry_agreement(classes: ArrayLike, probabilities: ArrayLike | None = None) -> SymmetryAgreement:
    """How far the eight copies agree.

    Parameters
    ----------
    classes : (pictures, 8) integer
        In the order of `overread.ops.region.DIHEDRAL`.
    probabilities : (pictures, 8) float, optional
        Of the class in question.

    Raises
    ------
    UsageError
        Another shape, no picture, or a probability outside 0 .. 1.
    """
    votes = np.asarray(classes)
    if votes.ndim != 2 or votes.shape[1] != COPIES or not len(votes):
        raise UsageError(f"classes are of shape {votes.shape}, expected (pictures, {COPIES})")
    mode = [np.unique(row, return_counts=True)[1].max() for row in votes]
    hits = int(np.count_nonzero(np.array(mode) == COPIES))
    p_sd = math.nan
    if probabilities is not None:
        p = np.asarray(probabilities, dtype=np.float64)
        if p.shape != votes.shape or not ((p >= 0) & (p <= 1)).all():
            raise UsageError(f"probabilities of shape {p.shape}, expected {votes.shape} within 0 .. 1")
        p_sd = float(p.std(axis=1).mean())
    return SymmetryAgreement(proportion(hits, len(votes)), float(np.mean(mode) / COPIES), p_sd)


def outline_agreement(image: NDArray[Any], segment: Callable[[NDArray[Any]], Mask]) -> Score:
    """Mean Dice between a segmentation and the turned-back segmentations of the seven other copies.

    Parameters
    ----------
    image : (row, column) real
    segment : callable
        From a picture to a bool mask of its shape.
    """
    first = segment(image)
    found = [dice(turn.inverse.array(segment(turn.array(image))), first).value for turn in DIHEDRAL[1:]]
    return Score(float(np.mean(found)), len(found))
