"""What the probabilities of a question say whether or not the task decided, and beside its controls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cards import Question, QuestionKind
from overread_lab import metrics
from overread_lab.evaluate.class_rows import ClassRow
from overread_lab.evaluate.entry import Entry
from overread_lab.evaluate.figure import Figure, by_patient


def told(question: Question, entries: Sequence[Entry[Any]], *, seed: int) -> list[Figure]:
    """Area under the curve of all cases with probabilities, where some were left undecided, and gains over controls.

    Only for questions of two classes; a task that decides nothing can be measured by these.
    """
    if question.kind is not QuestionKind.CLASSES or len(question.classes) != 2:
        return []
    rows = [entry.told for entry in entries if entry.told is not None and entry.told.probabilities is not None]
    found = []
    if any(entry.row is None for entry in entries if entry.told is not None):
        p, truth = _scores(question, rows)
        found.append(
            by_patient(
                "area under the ROC curve, decided or not",
                lambda i: metrics.area(p[i], truth[i]),
                [row.group for row in rows],
                seed=seed,
            )
        )
    return found + [gain_over(question, rows, name, seed=seed) for name in question.controls]


def gain_over(question: Question, rows: Sequence[ClassRow], control: str, *, seed: int) -> Figure:
    """Area of the task less that of a control, with an interval over patients; the same draws for both."""
    p, truth = _scores(question, rows)
    other = np.array([row.controls[control] for row in rows])

    def gain(i: NDArray[np.intp]) -> float:
        return metrics.area(p[i], truth[i]) - metrics.area(other[i], truth[i])

    return by_patient(f"gain in area over {control} alone", gain, [row.group for row in rows], seed=seed)


def _scores(question: Question, rows: Sequence[ClassRow]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    p = np.array([row.probabilities[1] for row in rows if row.probabilities is not None])
    return p, np.array([row.truth == question.classes[1] for row in rows])
