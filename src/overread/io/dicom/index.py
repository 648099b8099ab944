"""The index of a medium, DICOMDIR (PS3.3 annex F): which files it lists, and for which series. No patient is kept."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pydicom
from pydicom.dataset import Dataset

from overread.io.dicom.fallback import understood

_VERSION = re.compile(r";\d+$")  # ISO 9660 writes "IM0001;1"
_NEXT, _LOWER = "OffsetOfTheNextDirectoryRecord", "OffsetOfReferencedLowerLevelDirectoryEntity"


class Listed(NamedTuple):
    """A file that an index lists; `series_uid` is empty where the index does not say it."""

    path: Path
    series_uid: str


def read_index(index: Path) -> list[Listed]:
    """The files that a DICOMDIR lists, in its order; records that are not in use are left out.

    Raises
    ------
    DamagedFileError
        It cannot be read.
    """
    with understood(str(index)):
        dataset = pydicom.dcmread(index)
        records = {record.seq_item_tell: record for record in dataset.get("DirectoryRecordSequence", None) or ()}
        series = _series_of_records(records)
        return [
            Listed(index.parent.joinpath(*parts), series.get(offset, ""))
            for offset, record in records.items()
            if (parts := _file_of(record)) and record.get("RecordInUseFlag", 0xFFFF) != 0
        ]


def _file_of(record: Dataset) -> list[str]:
    value = record.get("ReferencedFileID", None)
    if not value:
        return []
    parts = [value] if isinstance(value, str) else [str(part) for part in value]
    return [part for one in parts for part in one.replace("\\", "/").split("/") if part]


def _series_of_records(records: dict[int, Dataset]) -> dict[int, str]:
    """Series UID of each record below a series record, by the offset of both."""
    found: dict[int, str] = {}
    for record in records.values():
        if record.get("DirectoryRecordType", "") == "SERIES":
            uid = str(record.get("SeriesInstanceUID", "") or "")
            found |= dict.fromkeys(_chain(records, int(record.get(_LOWER, 0) or 0)), uid)
    return found


def _chain(records: dict[int, Dataset], offset: int) -> Iterator[int]:
    """Offsets of a record and of those that follow it; a chain that bites its tail ends there."""
    seen = set()
    while offset in records and offset not in seen:
        seen.add(offset)
        yield offset
        offset = int(records[offset].get(_NEXT, 0) or 0)


def not_there(listed: Iterable[Listed], files: Iterable[str]) -> list[Listed]:
    """Listed files that do not exist; among `files`, case and the version numbers of ISO 9660 make no difference."""
    there = {_key(file) for file in files}
    return [one for one in listed if _key(str(one.path)) not in there and not os.path.lexists(one.path)]


def _key(path: str) -> str:
    return _VERSION.sub("", path).rstrip(".").casefold()
