"""The sets in a folder, by their manifests alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overread.errors import InputError, NothingReadableError
from overread_lab.datasets.manifest import NAME, read_manifest

_LABELS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ListedSet:
    """What a manifest says; `problem` is why it cannot be read, and then all counts are 0."""

    folder: Path
    cases: int = 0
    groups: int = 0
    sources: int = 0
    folds: int = 0
    masks: int = 0
    labels: tuple[tuple[str, int], ...] = ()
    problem: str = ""

    def row(self) -> list[str]:
        """Cells of the table for people."""
        counts = (self.cases, self.groups, self.sources, self.folds, self.masks)
        shown = [f"{label or '(unknown)'} {count}" for label, count in self.labels[:_LABELS_SHOWN]]
        more = [f"{len(self.labels) - _LABELS_SHOWN} more"] if len(self.labels) > _LABELS_SHOWN else []
        return [str(self.folder), *map(str, counts), ", ".join(shown + more), self.problem]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return {
            "folder": str(self.folder),
            "cases": self.cases,
            "groups": self.groups,
            "sources": self.sources,
            "folds": self.folds,
            "masks": self.masks,
            "labels": dict(self.labels),
            "problem": self.problem,
        }


def list_sets(folder: str | Path) -> list[ListedSet]:
    """The set at `folder`, or those in the folders directly below; one that cannot be read is listed with the reason.

    Raises
    ------
    NothingReadableError
        There is no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise NothingReadableError("there is no such folder", where=str(root), way_out="Name a folder of sets.")
    return [_one(path.parent) for path in sorted((*root.glob(NAME), *root.glob(f"*/{NAME}")))]


def _one(folder: Path) -> ListedSet:
    try:
        cases = read_manifest(folder).cases
    except InputError as error:
        return ListedSet(folder, problem=str(error))
    return ListedSet(
        folder,
        len(cases),
        len({case.group for case in cases}),
        len({case.source for case in cases if case.source}),
        len({case.fold for case in cases}),
        sum(case.mask is not None for case in cases),
        tuple(Counter(case.label for case in cases).most_common()),
    )
