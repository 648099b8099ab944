"""What a task can be asked by `evaluate` and `calibrate`: a question, and where a set of cases holds its truth."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from overread.errors import UsageError


class QuestionKind(StrEnum):
    """How an answer looks, and so how it is scored."""

    CLASSES = "classes"
    """One of several classes, with a probability each."""
    MASK = "mask"
    """Which pixels belong to something."""
    NUMBER = "number"
    """A measurement of the whole image."""
    FINDINGS = "findings"
    """Things at places, each with a score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question.

    Parameters
    ----------
    name : str
        Lower-case letters, digits and `_`. An answer of classes is a label of this name in the reading, with one
        image-level measurement `{name}_{class}` a class (unit "1"): calibrated probabilities that sum to 1. An answer
        of number is the image-level measurement of this name.
    column : str
        Column of a set's manifest with the truth; "mask" for masks and findings.
    classes : tuple of str
        Of two, the second is the one looked for (disease, a view). For masks: names of segments; none means anything
        against background.
    truth : dict
        Value in the column (for masks and findings: label in the picture) to class. Values left out are excluded and
        counted; labels left out are background. "*" is any other value of the column that is not empty. Masks and
        findings without it: every label above 0.
    unit : str
        UCUM unit of a number, in the answer and in the column.
    controls : tuple of str
        For two classes: names of heads that see no more than a shortcut would need (an outer frame, a thumbnail). A
        reading gives the image-level measurement `{name}_control_{control}` for each: its probability of the second
        class. `evaluate` and `calibrate` say whether the task does better.
    """

    name: str
    kind: QuestionKind
    column: str = ""
    classes: tuple[str, ...] = ()
    truth: dict[str, str] = field(default_factory=dict)
    unit: str = ""
    controls: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise UsageError(f"question {self.name!r}: a name is lower-case letters, digits and _")
        needs_column = self.kind in (QuestionKind.CLASSES, QuestionKind.NUMBER)
        if needs_column and not self.column:
            raise UsageError(f"question {self.name}: needs the column that holds its truth")
        if self.kind is QuestionKind.CLASSES and len(set(self.classes)) < 2:
            raise UsageError(f"question {self.name}: needs two different classes or more")
        if len(set(self.classes)) != len(self.classes):
            raise UsageError(f"question {self.name}: a class is named twice")
        if self.controls and (self.kind is not QuestionKind.CLASSES or len(self.classes) != 2):
            raise UsageError(f"question {self.name}: controls need two classes")
        if self.kind is QuestionKind.NUMBER and not self.unit:
            raise UsageError(f"question {self.name}: a number needs a unit")
        strange = sorted(set(self.truth.values()) - set(self.classes))
        if strange:
            raise UsageError(f"question {self.name}: truth leads to {strange}, which are not among its classes")
        if self.kind in (QuestionKind.MASK, QuestionKind.FINDINGS):
            odd = sorted(value for value in self.truth if not value.isdecimal() or int(value) == 0)
            if odd or (self.classes and not self.truth):
                raise UsageError(
                    f"question {self.name}: each class of a mask needs labels above 0; got {odd or 'none'}"
                )
        if self.kind is QuestionKind.CLASSES and set(self.truth.values()) != set(self.classes):
            raise UsageError(f"question {self.name}: no value of {self.column} leads to some of its classes")
