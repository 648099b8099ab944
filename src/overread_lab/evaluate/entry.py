"""What became of each case for one question: scored, or held back with a reason. Every case is counted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from overread_lab.datasets import Case


class Status(StrEnum):
    """What became of a case."""

    SCORED = "scored"
    EXCLUDED = "excluded"
    """Its truth is not one of those asked for, or not there."""
    UNREADABLE = "unreadable"
    REFUSED = "refused"
    """The task does not answer for such an image."""
    ABSTAINED = "abstained"
    """The task read the image and gave no answer to this question."""


class Row(Protocol):
    """An answer beside its truth."""

    @property
    def case(self) -> str:
        """Name of the case."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Plain values, from which the same row can be made again."""
        ...


R_co = TypeVar("R_co", bound=Row, covariant=True)


@dataclass(frozen=True, slots=True)
class Held:
    """Why there is no row; `unused` is what the row would be, where there are probabilities all the same."""

    status: Status
    reason: str
    unused: Any = None


@dataclass(frozen=True, slots=True)
class Entry(Generic[R_co]):
    """A case of the manifest, and the row or what held it back."""

    about: Case
    row: R_co | None
    held: Held | None = None

    @property
    def told(self) -> R_co | None:
        """The row, answered or not."""
        held: R_co | None = None if self.held is None else self.held.unused
        return self.row if self.row is not None else held

    @property
    def status(self) -> Status:
        """Scored where there is a row."""
        return Status.SCORED if self.held is None else self.held.status


def counts(entries: Iterable[Entry[Row]]) -> dict[str, int]:
    """Number of cases of each status, all statuses named."""
    found = Counter(entry.status for entry in entries)
    return {status.value: found[status] for status in Status}


def reasons(entries: Iterable[Entry[Row]]) -> list[dict[str, Any]]:
    """Each reason with its status and how often, the most frequent first."""
    found = Counter((entry.held.status.value, entry.held.reason) for entry in entries if entry.held is not None)
    rows = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return [{"status": status, "reason": reason, "n": n} for (status, reason), n in rows]


def cell(case: Case, column: str) -> str:
    """What the manifest says of a case in a column; "" where it says nothing."""
    known = {"label": case.label, "source": case.source, "note": case.note, "group": case.group, "case": case.case}
    return known[column] if column in known else case.extra.get(column, "")
