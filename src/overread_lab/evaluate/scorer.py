"""What every kind of question offers; and the one for a question of a card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from overread.cards import Question, QuestionKind
from overread.findings import Reading
from overread.image import Image
from overread_lab.datasets import Case
from overread_lab.evaluate.classes import Classes
from overread_lab.evaluate.entry import Held
from overread_lab.evaluate.figure import Figure
from overread_lab.evaluate.masks import Masks
from overread_lab.evaluate.numbers import Numbers
from overread_lab.evaluate.places import Places
from overread_lab.evaluate.plots import Plot
from overread_lab.metrics import ItemStatistic


class Scorer(Protocol):
    """Scores one question; rows are of its own type throughout."""

    question: Question

    def truth_of(self, case: Case) -> Any | Held:
        """The truth of a case, or why there is none; reads no image."""
        ...

    def take(self, case: Case, reading: Reading, truth: Any, image: Image) -> Any | Held:
        """A row, or why the reading gives none."""
        ...

    def row_from(self, table: dict[str, Any]) -> Any:
        """A row from the plain values that it gave."""
        ...

    def primary(self, rows: Sequence[Any]) -> Figure:
        """The one figure that is named first, and compared between subgroups and models."""
        ...

    def figures(self, rows: Sequence[Any]) -> list[Figure]:
        """All figures, the primary one first."""
        ...

    def plots(self, rows: Sequence[Any]) -> list[Plot]:
        """What is drawn."""
        ...

    def worst(self, rows: Sequence[Any], most: int) -> list[tuple[str, str]]:
        """Cases that went worst: (case, words)."""
        ...

    def comparison(self, first: Sequence[Any], second: Sequence[Any]) -> tuple[str, ItemStatistic]:
        """Name of the primary figure and its statistic over (which of two models, item), for the same cases."""
        ...


def scorer_for(question: Question, *, seed: int) -> Scorer:
    """The scorer of this kind of question."""
    kinds: dict[QuestionKind, type[Classes | Numbers | Masks | Places]] = {
        QuestionKind.CLASSES: Classes,
        QuestionKind.NUMBER: Numbers,
        QuestionKind.MASK: Masks,
        QuestionKind.FINDINGS: Places,
    }
    return kinds[question.kind](question, seed)
