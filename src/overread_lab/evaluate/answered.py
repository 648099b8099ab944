"""How often a task answers at all, and how it does if silence counts as wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from overread.cards import Question, QuestionKind
from overread_lab.evaluate.entry import Entry, Status
from overread_lab.evaluate.figure import Figure, share


def answered(question: Question, entries: Sequence[Entry[Any]], *, seed: int) -> list[Figure]:
    """Share of the cases asked that got an answer; for classes also the share answered rightly of all asked.

    Asked are all cases with a truth, unreadable ones included. A task cannot gain in these by refusing.
    """
    asked = [entry for entry in entries if entry.status is not Status.EXCLUDED]
    groups = [entry.about.group for entry in asked]
    found = [share("cases answered", [entry.row is not None for entry in asked], groups, seed=seed)]
    if question.kind is QuestionKind.CLASSES:
        right = [entry.row is not None and entry.row.truth == entry.row.answer for entry in asked]
        found.append(share("accuracy, no answer counts as wrong", right, groups, seed=seed))
    return found
