"""A set made from a public format: it appears whole or not at all, with a report of what was left out and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overread.errors import NothingReadableError, UsageError
from overread.evidence.folder import result_folder
from overread.runtime import Progress, silent
from overread_lab.datasets.formats.table import Format, format_named
from overread_lab.datasets.formats.writer import LeftOut, SetWriter

_SHOWN_REASONS = 3


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became a set, and what did not."""

    format: str
    folder: Path
    cases: int
    groups: int
    masks: int
    notes: tuple[str, ...]
    left_out: tuple[LeftOut, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return {
            "format": self.format,
            "folder": str(self.folder),
            "cases": self.cases,
            "groups": self.groups,
            "masks": self.masks,
            "notes": list(self.notes),
            "left_out": [{"what": one.what, "why": one.why} for one in self.left_out],
        }


def import_set(name: str, source: str | Path, out: str | Path, *, progress: Progress = silent) -> ImportReport:
    """Read a published set and write `out` with manifest.csv, images, masks, labels.csv, left_out.csv and README.md.

    Images are copied as they are; masks become label images of the size of their image. Folds are `fold_of` the group.

    Raises
    ------
    UsageError
        There is no format `name`, or `out` exists.
    NothingReadableError
        `source` is no folder, or gave no case.
    InputError
        The tables of the set are missing or cannot be read; a bad image or mask is left out instead.
    """
    known, root, target = format_named(name), Path(source), Path(out)
    if not root.is_dir():
        raise NothingReadableError("there is no such folder", where=str(root), way_out="Unpack the set, and name it.")
    if target.resolve().is_relative_to(root.resolve()):
        raise UsageError("the new set would lie inside its source", where=str(target), way_out="Give another folder.")
    with result_folder(target, overwrite=False) as folder:
        writer = SetWriter(root, folder, known.title)
        known.read(root, writer, progress)
        if not writer.cases:
            reasons = "; ".join(f"{one.what}: {one.why}" for one in writer.left_out[:_SHOWN_REASONS])
            raise NothingReadableError(
                f"no case of {known.title} could be made ({reasons or 'nothing fits'})",
                where=str(root),
                way_out=f"The folder should hold {known.layout}.",
            )
        writer.finish()
        _write_readme(folder, known, writer)
    groups = len({case.group for case in writer.cases})
    masks = sum(case.mask is not None for case in writer.cases)
    counts = (len(writer.cases), groups, masks)
    return ImportReport(name, target, *counts, tuple(writer.notes), tuple(writer.left_out))


def _write_readme(folder: Path, known: Format, writer: SetWriter) -> None:
    lines = [
        f"# {known.title}",
        "",
        f"Made by `overread datasets import {known.name}`. Licence and citation are those of the publisher.",
        "",
        f"- {len(writer.cases)} cases, {len({case.group for case in writer.cases})} groups (patient: {known.group})",
        f"- masks: {known.masks}",
        "- fold = sha256(group) mod 5",
        f"- {len(writer.left_out)} things of the source are not here: see left_out.csv",
        *(f"- {note}" for note in writer.notes),
    ]
    (folder / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
