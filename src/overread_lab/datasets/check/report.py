"""What a check of a set found, in plain words. Not how it was found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from overread_lab.metrics import Bootstrap


class Level(StrEnum):
    """How much a remark matters to a study that uses the set."""

    ERROR = "error"
    """Figures from this set are wrong, or it cannot be used as it is."""
    WARNING = "warning"
    """Figures may flatter; to be looked at and said beside them."""
    NOTE = "note"
    """To be known."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing found; `code` is for programs, `message` for people, `cases` are all that it is about."""

    level: Level
    code: str
    message: str
    cases: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"level": self.level.value, "code": self.code, "message": self.message, "cases": list(self.cases)}


@dataclass(frozen=True, slots=True)
class Probe:
    """How well something that shows no disease tells a class.

    `question` is what is told ("label", "source", or "label has WORD"), `where` the source it was tried inside ("" is
    all), `told_by` what it is told by. `accuracy` is balanced accuracy in 0..1 of group cross-validation, with a
    bootstrap interval by group; `chance` is 1 / number of classes.
    """

    question: str
    where: str
    told_by: str
    classes: tuple[str, ...]
    cases: int
    chance: float
    accuracy: Bootstrap

    @property
    def is_shortcut(self) -> bool:
        """Whether the whole interval lies more than 0.1 above chance.

        With labels drawn by lot this was so in 3 of 100 sets of 30 cases and in none of 100 sets of 60.
        """
        interval = self.accuracy.interval
        return interval is not None and interval.low > self.chance + 0.1

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        interval = self.accuracy.interval
        return {
            "question": self.question,
            "inside_source": self.where,
            "told_by": self.told_by,
            "classes": list(self.classes),
            "cases": self.cases,
            "groups": self.accuracy.groups,
            "chance": self.chance,
            "balanced_accuracy": None if interval is None else self.accuracy.value,
            "interval": None if interval is None else [interval.low, interval.high, interval.coverage],
            "interval_method": self.accuracy.method,
            "notes": list(self.accuracy.notes),
            "is_shortcut": self.is_shortcut,
        }


@dataclass(frozen=True, slots=True)
class SetReport:
    """A checked set; `counts` are numbers of cases, groups, sources and folds."""

    folder: Path
    counts: dict[str, int]
    remarks: tuple[Remark, ...]
    probes: tuple[Probe, ...]

    def count(self, level: Level) -> int:
        """Number of remarks of a level."""
        return sum(remark.level is level for remark in self.remarks)

    @property
    def sound(self) -> bool:
        """Whether nothing was found that makes figures from this set wrong."""
        return self.count(Level.ERROR) == 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return {
            "folder": str(self.folder),
            "sound": self.sound,
            "counts": self.counts,
            "remarks": [remark.to_dict() for remark in self.remarks],
            "shortcuts": [probe.to_dict() for probe in self.probes],
        }
