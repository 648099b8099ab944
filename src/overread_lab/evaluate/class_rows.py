"""An answer of classes beside its truth, and the probabilities that a reading gives."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from overread.cards import Question
from overread.errors import IntegrityError
from overread.findings import Reading


@dataclass(frozen=True, slots=True)
class ClassRow:
    """`probabilities` are in the order of the classes; `low` and `high` limit that of the last class.

    `controls` are probabilities of the second class by heads that see no more than a shortcut would need.
    """

    case: str
    group: str
    truth: str
    answer: str
    probabilities: tuple[float, ...] | None = None
    low: float | None = None
    high: float | None = None
    controls: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, table: dict[str, Any]) -> ClassRow:
        """Back from plain values."""
        p = table["probabilities"]
        return cls(**{**table, "probabilities": None if p is None else tuple(p)})


def probabilities_in(reading: Reading, question: Question) -> tuple[float, ...] | None:
    """Of each class, summing to 1; None where the reading gives none.

    Raises `IntegrityError` where only some classes have one, or they do not sum to 1: the task breaks its contract.
    """
    wanted = {f"{question.name}_{name}": name for name in question.classes}
    found = {wanted[m.name]: m for m in reading.measurements if m.name in wanted}
    if not found or all(math.isnan(m.value) for m in found.values()):
        return None
    values = [found[name].value if name in found else math.nan for name in question.classes]
    sound = all(0 <= v <= 1 for v in values) and all(m.unit == "1" for m in found.values())
    if not sound or abs(sum(values) - 1) > 1e-3:
        raise IntegrityError(
            f"the task gives {values} for the classes of {question.name}, expected probabilities that sum to 1",
            way_out="This is a fault of the task.",
        )
    return tuple(v / sum(values) for v in values)


def controls_in(reading: Reading, question: Question) -> dict[str, float]:
    """Probability of the second class by each control; raises `IntegrityError` where one is missing."""
    given = {m.name: m.value for m in reading.measurements}
    wanted = {name: f"{question.name}_control_{name}" for name in question.controls}
    missing = [key for key in wanted.values() if key not in given]
    if missing:
        raise IntegrityError(
            f"the card names controls of {question.name}, and the reading lacks {', '.join(missing)}",
            way_out="This is a fault of the task.",
        )
    return {name: given[key] for name, key in wanted.items()}
