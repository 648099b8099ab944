"""What lies, or should lie, beside the files of a series: damaged ones, and ones that an index lists in vain."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from overread.geometry import Fault, Severity
from overread.io.dicom.header import Header
from overread.io.door.discover import Skipped, relative

if TYPE_CHECKING:
    from overread.io.dicom.index import Listed


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Of one opened path.

    Parameters
    ----------
    unreadable : (folder, file) pairs
        Each file that is damaged or locked, with the innermost folder around it that has images in it or below.
    missing : tuple of Listed
        Files that an index lists and that are not there.
    """

    root: Path
    unreadable: tuple[tuple[str, Path], ...]
    missing: tuple[Listed, ...]

    @classmethod
    def of(
        cls, root: Path, images: Iterable[str], skipped: Iterable[Skipped], missing: Iterable[Listed]
    ) -> Surroundings:
        """From the paths of all files that gave an image, and from what gave none."""
        bad = [one.path for one in skipped if one.kind in ("damaged", "no_permission")]
        inhabited = _folders_around(images) if bad else set()
        return cls(root, tuple((_nearest(path, inhabited), path) for path in bad), tuple(missing))

    def faults(self, headers: Sequence[Header]) -> tuple[Fault, ...]:
        """Warnings for one series: slices of it may be among the files that cannot be read or are not there."""
        return (*self._damaged(headers), *self._missing(headers))

    def _damaged(self, headers: Sequence[Header]) -> Iterator[Fault]:
        mine = _folders_around(header.path for header in headers) if self.unreadable else set()
        files = tuple(relative(str(path), self.root) for folder, path in self.unreadable if folder in mine)
        if files:
            message = (
                f"{len(files)} files beside it cannot be read, the first {files[0]}; slices may be missing at its ends"
            )
            yield Fault("unreadable_files", Severity.WARNING, message, None, files)

    def _missing(self, headers: Sequence[Header]) -> Iterator[Fault]:
        uid = headers[0].shared.series_uid
        files = tuple(relative(str(one.path), self.root) for one in self.missing if uid and one.series_uid == uid)
        if files:
            message = (
                f"the DICOMDIR lists {len(files)} files of this series that are not there, the first {files[0]}; "
                "slices may be missing at its ends"
            )
            yield Fault("missing_files", Severity.WARNING, message, None, files)


def _folders_around(files: Iterable[str]) -> set[str]:
    """The folders that files lie in, and all folders around these."""
    found: set[str] = set()
    for folder in {os.path.dirname(file) for file in files}:  # noqa: PTH120  (strings: a study has thousands of files)
        one = folder
        while one not in found:
            found.add(one)
            one = os.path.dirname(one)  # noqa: PTH120
    return found


def _nearest(path: Path, inhabited: set[str]) -> str:
    return next((str(folder) for folder in path.parents if str(folder) in inhabited), "")
