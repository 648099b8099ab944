"""A set in the making: copies images, writes masks and the manifest, keeps what was left out and why."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from overread.errors import InputError, UsageError
from overread.evidence.nifti import write_nifti
from overread.evidence.picture_mask import mask_name, write_picture_mask
from overread.image import LabelMap, PictureMask
from overread_lab.datasets.manifest import Case, fold_of, write_manifest

_DOUBLE = (".nii.gz",)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something of the source that is not in the set, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the source says of a case."""

    label: str
    group: str
    note: str
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class SetWriter:
    """Where a reader of a format puts its cases.

    `names` is what the labels of all masks mean; `notes` is what a user of the set must know (the patients are not
    given, a mask is only a ball).
    """

    root: Path
    folder: Path
    source: str
    cases: list[Case] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _taken: set[str] = field(default_factory=set)

    def add(
        self, name: str, files: Path | Sequence[Path], known: Known, mask: LabelMap | PictureMask | None = None
    ) -> None:
        """Copy the image (one file, or several that belong together), write the mask, keep the row."""
        case = re.sub(r"[^\w.-]+", "_", name).strip("_.")
        if not case or case in self._taken:
            self.leave_out(name, "another case has the same name" if case else "its name has no letter")
            return
        self._taken.add(case)
        image = self._copy(case, files)
        path = None if mask is None else self._write_mask(case, mask)
        row = (known.label, known.group, self.source, fold_of(known.group), known.note)
        self.cases.append(Case(case, image, path, *row, extra=known.extra))

    def _copy(self, case: str, files: Path | Sequence[Path]) -> Path:
        images = self.folder / "images"
        images.mkdir(exist_ok=True)
        if isinstance(files, Path):
            target = images / (case + _suffix(files))
            shutil.copyfile(files, target)
            return target
        (images / case).mkdir()
        for file in files:
            shutil.copyfile(file, images / case / file.name)
        return images / case

    def _write_mask(self, case: str, mask: LabelMap | PictureMask) -> Path:
        folder = self.folder / "masks"
        folder.mkdir(exist_ok=True)
        if isinstance(mask, LabelMap):
            path = folder / f"{case}.nii.gz"
            write_nifti(mask, path)
        else:
            path = folder / (case + Path(mask_name(mask)).suffix)
            write_picture_mask(mask, path)
        return path

    def leave_out(self, what: str | Path, why: str) -> None:
        """Say that something of the source is not in the set."""
        shown = what.relative_to(self.root).as_posix() if isinstance(what, Path) else what
        self.left_out.append(LeftOut(shown, why))

    @contextmanager
    def or_left_out(self, what: str | Path) -> Iterator[None]:
        """Whatever cannot be read inside is left out with the reason, and the rest goes on."""
        try:
            yield
        except (InputError, UsageError) as error:
            self.leave_out(what, error.what)

    def finish(self) -> None:
        """Write manifest.csv, labels.csv and left_out.csv."""
        write_manifest(self.folder, sorted(self.cases, key=lambda case: case.case))
        _table(self.folder / "left_out.csv", ("what", "why"), [(one.what, one.why) for one in self.left_out])
        if self.names:
            _table(self.folder / "labels.csv", ("label", "name"), [(str(n), w) for n, w in sorted(self.names.items())])


def find_one(root: Path, pattern: str, what: str) -> Path:
    """The only file below `root` that fits; raises `InputError` where there is none, or more."""
    found = sorted(root.rglob(pattern))
    if len(found) != 1:
        raise InputError(
            f"{len(found)} files {pattern} ({what}), expected one",
            where=str(root),
            way_out="Name the folder that holds the set as it was published (`overread datasets list`).",
        )
    return found[0]


def _suffix(file: Path) -> str:
    return next((double for double in _DOUBLE if file.name.endswith(double)), file.suffix)


def _table(path: Path, header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows((header, *rows))
