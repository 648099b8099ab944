"""What a check of a written object says: one remark a thing found, in plain words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any


class Level(StrEnum):
    """How much a remark matters to whoever opens the object."""

    ERROR = "error"
    """What the object says is wrong, or another system is right to refuse it."""
    WARNING = "warning"
    """A reader may misunderstand it, or it breaks a duty that few systems check."""
    NOTE = "note"
    """What was not checked, or is odd and harmless."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing found.

    Parameters
    ----------
    code : str
        Stable name, such as "volume_differs".
    message : str
        Got against expected, with units.
    part : str
        Which part of the object, such as "segment 2" or "group 1"; empty for the whole.
    """

    level: Level
    code: str
    message: str
    part: str = ""


def error(code: str, message: str, part: str = "") -> Remark:
    """A remark of level ERROR."""
    return Remark(Level.ERROR, code, message, part)


def warning(code: str, message: str, part: str = "") -> Remark:
    """A remark of level WARNING."""
    return Remark(Level.WARNING, code, message, part)


def note(code: str, message: str, part: str = "") -> Remark:
    """A remark of level NOTE."""
    return Remark(Level.NOTE, code, message, part)


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A stated number beside what the pixels of its segment give, both in `unit`."""

    part: str
    name: str
    stated: float
    recomputed: float
    unit: str


@dataclass(frozen=True, slots=True)
class ObjectCheck:
    """All remarks on one object, worst first.

    Parameters
    ----------
    kind : str
        "segmentation", "structured report", or what else the file says it is.
    summary : str
        What the object holds, in words.
    """

    path: Path
    kind: str
    sop_uid: str
    summary: str
    remarks: tuple[Remark, ...]
    recomputed: tuple[Recomputed, ...] = ()

    def count(self, level: Level) -> int:
        """Number of remarks of one level."""
        return sum(remark.level is level for remark in self.remarks)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "file": str(self.path),
            "kind": self.kind,
            "sop_instance_uid": self.sop_uid,
            "summary": self.summary,
            "remarks": [
                {"level": r.level.value, "code": r.code, "part": r.part, "message": r.message} for r in self.remarks
            ],
            "recomputed": [
                {"part": r.part, "name": r.name, "stated": r.stated, "recomputed": r.recomputed, "unit": r.unit}
                for r in self.recomputed
            ],
        }


def worst_first(remarks: Iterable[Remark]) -> tuple[Remark, ...]:
    """Each different remark once, errors before warnings before notes."""
    order = list(Level)
    return tuple(sorted(dict.fromkeys(remarks), key=lambda remark: order.index(remark.level)))
