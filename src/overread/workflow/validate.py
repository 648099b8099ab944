"""Validate: are the Segmentations and structured reports at a path sound, and do they fit their images?"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overread.errors import InputError, NothingReadableError
from overread.evidence.check import Level, ObjectCheck, check_objects, find_objects
from overread.evidence.check.sources import Sources
from overread.io import open_study
from overread.io.door.discover import list_files
from overread.io.study import Study
from overread.runtime import Progress, silent


@dataclass(frozen=True, slots=True)
class Validation:
    """Outcome of `validate`: one check an object, Segmentations before reports."""

    checks: tuple[ObjectCheck, ...]

    def count(self, level: Level) -> int:
        """Number of remarks of one level on all objects."""
        return sum(check.count(level) for check in self.checks)

    @property
    def sound(self) -> bool:
        """No error in any object."""
        return self.count(Level.ERROR) == 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "sound": self.sound,
            **{f"{level.value}s": self.count(level) for level in Level},
            "objects": [check.to_dict() for check in self.checks],
        }


def validate(
    path: str | Path,
    *,
    against: str | Path | None = None,
    outside: bool = True,
    progress: Progress = silent,
) -> Validation:
    """Check every DICOM Segmentation and structured report at or below `path`, ours or anyone's.

    References are followed to the images and objects at `path` and `against`; frames are compared with the images
    in patient millimetres; volumes are computed again from the pixels of the segments.

    Parameters
    ----------
    against : path, optional
        Where the source images lie, if not below `path`.
    outside : bool
        Also ask dciodvfy and dsrdump, where they are installed.

    Raises
    ------
    NothingReadableError
        Nothing exists at a path, or no Segmentation or report lies there.
    InputError
        `path` or `against` may not be read, or no image lies at `against`.
    """
    path = Path(path)
    files, _ = list_files(path, with_results=True)
    objects = find_objects(files)
    if not objects:
        raise NothingReadableError(
            f"none of {len(files)} files is a DICOM Segmentation or structured report",
            where=str(path),
            way_out="Name the objects, or a folder that holds them.",
        )
    studies: list[Study] = []
    if against is not None:
        studies.append(open_study(against, progress=progress))
    with contextlib.suppress(InputError):  # no images beside the objects: said with each of their references
        studies.append(open_study(path, progress=progress))
    return Validation(tuple(check_objects(objects, Sources(studies), outside=outside, progress=progress)))
