"""Reading and writing manifest.csv, the list of cases of a set. Not what may be trained on what: see `sets`."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from overread.errors import DamagedFileError, InputError, NothingReadableError

NAME = "manifest.csv"
COLUMNS = ("case", "image", "mask", "label", "group", "source", "fold", "note")
FOLDS = 5
_FOLD_DIGITS = 4
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Case:
    """One row: an image, its mask, and what is known of them.

    Parameters
    ----------
    image, mask : Path or None
        Absolute; None where the cell is empty. Whether they exist is not known here.
    label, source, note : str
        "" is unknown.
    group : str
        The patient, or the nearest thing known.
    fold : int
        From 0.
    line : int
        In manifest.csv, from 1.
    extra : mapping
        Columns beyond the eight.
    """

    case: str
    image: Path | None
    mask: Path | None
    label: str
    group: str
    source: str
    fold: int
    note: str
    line: int = 0
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The rows of a manifest.csv as they are; `folds_given` is False where `fold_of` made the folds."""

    folder: Path
    cases: tuple[Case, ...]
    folds_given: bool


def fold_of(group: str) -> int:
    """sha256 of the group's name mod 5: the same for one patient on any machine and on any day."""
    return int(hashlib.sha256(group.encode()).hexdigest(), 16) % FOLDS


def read_manifest(folder: str | Path) -> Manifest:
    """Read and check every cell of `folder`/manifest.csv; the files it names are not touched.

    Folds are either given in every row or in none (or the column is missing): then each is `fold_of` its group.

    Raises
    ------
    NothingReadableError
        There is no manifest.csv, or no case in it.
    InputError
        It cannot be opened or is not UTF-8.
    DamagedFileError
        A column is missing or twice, or a cell is not what its column holds; the message names line and column.
    """
    root = Path(folder)
    path = root / NAME
    if not path.is_file():
        raise NothingReadableError(
            f"there is no {NAME}", where=str(root), way_out="Make one with `overread datasets import`, or by hand."
        )
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            columns = _columns(next(reader, []), path)
            rows = [(reader.line_num, _cells(row, columns, path, reader.line_num)) for row in reader if row]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as UTF-8 text ({type(error).__name__})", where=str(path)) from error
    except csv.Error as error:
        raise DamagedFileError(f"is no table of comma-separated values: {error}", where=str(path)) from error
    if not rows:
        raise NothingReadableError("it lists no case", where=str(path))
    given = _folds_given(rows, path)
    inside = root.resolve()
    cases = tuple(_case(line, cells, path, (root, inside), given=given) for line, cells in rows)
    _refuse_twice(cases, path)
    return Manifest(root, cases, given)


def write_manifest(folder: Path, cases: Iterable[Case]) -> None:
    """Write `folder`/manifest.csv; paths become relative to the folder, with forward slashes."""
    listed = list(cases)
    extra = sorted({name for case in listed for name in case.extra})
    with (folder / NAME).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*COLUMNS, *extra))
        for case in listed:
            files = ["" if path is None else path.relative_to(folder).as_posix() for path in (case.image, case.mask)]
            known = (case.label, case.group, case.source, case.fold, case.note)
            writer.writerow((case.case, *files, *known, *(case.extra.get(name, "") for name in extra)))


def _columns(header: list[str], path: Path) -> list[str]:
    columns = [name.strip() for name in header]
    missing = [name for name in COLUMNS if name not in columns and name != "fold"]
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if missing or twice:
        what = f"columns {', '.join(missing)} are missing" if missing else f"columns {', '.join(twice)} stand twice"
        raise DamagedFileError(
            f"{what}; got {', '.join(columns) or 'nothing'}",
            where=f"{path}, line 1",
            way_out=f"The first line names {', '.join(COLUMNS)}; fold may be left out, more columns may follow.",
        )
    return columns


def _cells(row: list[str], columns: list[str], path: Path, line: int) -> dict[str, str]:
    if len(row) != len(columns):
        raise DamagedFileError(
            f"the row has {len(row)} cells, expected {len(columns)}",
            where=f"{path}, line {line}",
            way_out="Put cells that hold a comma in double quotes.",
        )
    return {name: cell.strip() for name, cell in zip(columns, row, strict=True)}


def _folds_given(rows: list[tuple[int, dict[str, str]]], path: Path) -> bool:
    empty = [line for line, cells in rows if not cells.get("fold")]
    if empty and len(empty) < len(rows):
        raise _bad(path, empty[0], "fold", "is empty, but other rows have one", "Fill in all folds, or none.")
    return not empty


def _case(line: int, cells: dict[str, str], path: Path, roots: tuple[Path, Path], *, given: bool) -> Case:
    for name in ("case", "group"):
        if not cells[name]:
            raise _bad(path, line, name, "is empty", "Name the patient, or the case where the patient is not known.")
    fold = cells.get("fold", "")
    if given and not (fold.isascii() and fold.isdigit() and len(fold) <= _FOLD_DIGITS):
        raise _bad(path, line, "fold", f"is {fold!r}, expected a whole number from 0", "Number the folds 0, 1, 2 ...")
    image, mask = (_inside(cells[name], path, line, name, roots) for name in ("image", "mask"))
    if image is None and mask is None:
        raise _bad(path, line, "image", "is empty, and so is mask", "Name a file in one of them.")
    return Case(
        case=cells["case"],
        image=image,
        mask=mask,
        label=cells["label"],
        group=cells["group"],
        source=cells["source"],
        fold=int(fold) if given else fold_of(cells["group"]),
        note=cells["note"],
        line=line,
        extra={name: cell for name, cell in cells.items() if name not in COLUMNS},
    )


def _inside(cell: str, path: Path, line: int, name: str, roots: tuple[Path, Path]) -> Path | None:
    if not cell:
        return None
    root, resolved = roots
    pure, windows = PurePosixPath(cell), PureWindowsPath(cell)
    if not pure.parts:
        raise _bad(path, line, name, "is the folder of the set itself", "Name a file, or a folder of slices.")
    leaves = pure.is_absolute() or windows.drive or windows.root or ".." in windows.parts or "\0" in cell
    if len(cell) > _LONGEST:
        raise _bad(path, line, name, f"has {len(cell)} characters, which no path has", "Put the path of a file there.")
    if leaves or not (root / cell).resolve().is_relative_to(resolved):
        raise _bad(path, line, name, f"leaves the folder: {cell!r}", "Put the file inside, and its path from there.")
    return root / cell


def _refuse_twice(cases: tuple[Case, ...], path: Path) -> None:
    first: dict[str, int] = {}
    for case in cases:
        if case.case in first:
            raise _bad(path, case.line, "case", f"{case.case!r} also stands in line {first[case.case]}", "Rename one.")
        first[case.case] = case.line


def _bad(path: Path, line: int, column: str, what: str, way_out: str) -> DamagedFileError:
    return DamagedFileError(what, where=f"{path}, line {line}, column {column}", way_out=way_out)
