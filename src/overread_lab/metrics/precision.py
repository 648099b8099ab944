"""Average precision of detectors and of classifiers for rare classes. Not hits and misses: see `detection`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.errors import UsageError
from overread_lab.metrics.average import Score
from overread_lab.metrics.checked import scores_of, two_classes
from overread_lab.metrics.detection import FALSE_POSITIVE, ScanOutcome

PrecisionReading = Literal["envelope", "eleven", "plain"]


def average_precision(
    scores: ArrayLike, hit: ArrayLike, *, truths: int, reading: PrecisionReading = "envelope"
) -> Score:
    """Area under precision against recall; `hit` (n,) bool says which candidates are right, of `truths` to find.

    "envelope": the best precision at this recall or beyond, all points. "eleven": the same at recalls 0, .1 ... 1, as
    older tables have it. "plain": the step sum without envelope, as scikit-learn has it. No truth and no candidate:
    undefined (the class is skipped); candidates without a truth: 0. Equal scores enter together.
    """
    if reading not in ("envelope", "eleven", "plain"):
        raise UsageError(f"unknown reading {reading!r}", way_out="Use envelope, eleven or plain.")
    n = np.asarray(scores).size
    if truths < 0:
        raise UsageError(f"{truths} truths, expected 0 or more")
    if n == 0 or truths == 0:
        return Score(math.nan, 0, None, "no truth and no candidate") if n == truths == 0 else Score(0.0, truths)
    right = two_classes(hit)
    value = scores_of(scores, len(right))
    if np.count_nonzero(right) > truths:
        raise UsageError(f"{np.count_nonzero(right)} candidates are right, of {truths} truths")
    recall, precision = _curve(value, right, truths)
    if reading == "plain":
        return Score(float(np.sum(np.diff(recall, prepend=0.0) * precision)), truths)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    if reading == "envelope":
        return Score(float(np.sum(np.diff(recall, prepend=0.0) * envelope)), truths)
    levels = np.arange(11) / 10
    reached = [float(envelope[recall >= level - 1e-12].max(initial=0.0)) for level in levels]
    return Score(float(np.mean(reached)), truths)


def _curve(
    value: NDArray[np.float64], right: NDArray[np.bool_], truths: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    order = np.argsort(-value, kind="stable")
    value, right = value[order], right[order]
    last = np.flatnonzero(np.append(value[1:] != value[:-1], True))
    hits = np.cumsum(right)[last]
    return hits / truths, hits / (last + 1)


def detection_precision(outcomes: Sequence[ScanOutcome], *, reading: PrecisionReading = "envelope") -> Score:
    """Average precision of all scans together; candidates that count neither way are left out."""
    score = np.concatenate([scan.score for scan in outcomes]) if outcomes else np.array([])
    outcome = np.concatenate([scan.outcome for scan in outcomes]) if outcomes else np.array([])
    counts = (outcome >= 0) | (outcome == FALSE_POSITIVE)
    truths = sum(scan.truths for scan in outcomes)
    return average_precision(score[counts], outcome[counts] >= 0, truths=truths, reading=reading)
