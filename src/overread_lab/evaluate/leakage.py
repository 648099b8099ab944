"""Whether cases were learned from, or are there twice: a figure on them says nothing of unseen patients."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from overread.cards import TaskCard
from overread_lab.datasets import Case


@dataclass(frozen=True, slots=True)
class Leakage:
    """Result of the audit.

    Parameters
    ----------
    possible : bool
        False where the card names no training groups although there are weights: nothing can be said then.
    trained_on : tuple of str
        Cases whose group was in training.
    twins : tuple of tuple of str
        Cases of different groups with byte for byte the same files.
    """

    possible: bool
    words: str
    trained_on: tuple[str, ...]
    twins: tuple[tuple[str, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "possible": self.possible,
            "words": self.words,
            "trained_on": list(self.trained_on),
            "twins": [list(cases) for cases in self.twins],
        }


def audit(card: TaskCard, cases: Sequence[Case], digests: Mapping[str, str]) -> Leakage:
    """Compare groups with the digests on the card, and files with each other; `digests` is of the cases read."""
    by_digest: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        if digests.get(case.case):
            by_digest[digests[case.case]].append(case)
    twins = tuple(
        tuple(case.case for case in same) for same in by_digest.values() if len({case.group for case in same}) > 1
    )
    groups = card.training_groups
    if groups is None:
        words = (
            "The card names no training groups: whether these cases were learned from cannot be told."
            if card.weights
            else "The task has no weights: nothing was learned from any case."
        )
        return Leakage(not card.weights, words, (), twins)
    trained = tuple(case.case for case in cases if groups.hold(case.group))
    words = (
        f"{len(trained)} of {len(cases)} cases belong to patients that the task learned from: figures that hold them "
        "flatter."
        if trained
        else f"None of {len(cases)} cases belongs to one of the {len(groups.groups_sha256)} patients learned from."
    )
    return Leakage(True, words, trained, twins)
