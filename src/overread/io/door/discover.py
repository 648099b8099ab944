"""Files below a path, each looked at once: loops, pipes, locked folders and hidden files do not stop it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from overread.errors import InputError, NothingReadableError
from overread.io.door.results import is_result_folder, refuse_results

SkipKind = Literal["not_an_image", "no_pixels", "unsupported", "damaged", "no_permission", "missing"]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that gave no image, and why in plain words; `missing` if an index lists it in vain."""

    path: Path
    reason: str
    kind: SkipKind = "not_an_image"


def relative(path: str, root: Path) -> str:
    """`path` below `root`, or its last part when `root` is the file itself."""
    below = path.removeprefix(str(root)).lstrip("/\\")
    return below or Path(path).name


def list_files(root: Path, *, with_results: bool = False) -> tuple[list[str], list[Skipped]]:
    """All regular files at or below `root`, sorted by path, and what could not be looked at.

    A folder that a symbolic link leads to a second time is not walked again.

    Parameters
    ----------
    with_results : bool
        Walk result folders of ours as well, to check them.

    Raises
    ------
    NothingReadableError
        Nothing exists at `root`, or it is a result folder of ours.
    InputError
        `root` itself may not be read.
    """
    try:
        root.stat()
    except FileNotFoundError:
        raise NothingReadableError("there is no such file or folder", where=str(root)) from None
    except OSError as error:
        raise _locked(root, error) from None
    if not root.is_dir():
        if not root.is_file():
            raise InputError("it is neither a file nor a folder", where=str(root))
        return [str(root)], []
    if not with_results:
        refuse_results(root)
    files: list[str] = []
    skipped: list[Skipped] = []
    seen: set[tuple[int, int]] = set()
    todo = [str(root)]
    while todo:
        folder = todo.pop()
        try:
            if not with_results and seen and is_result_folder(folder):
                skipped.append(Skipped(Path(folder), "results of overread, not images"))
                continue
            _scan(folder, seen, todo, files, skipped)
        except OSError as error:
            if folder == str(root):
                raise _locked(root, error) from None
            skipped.append(Skipped(Path(folder), f"the folder cannot be read ({error.strerror})", "no_permission"))
    files.sort()
    return files, skipped


def _scan(folder: str, seen: set[tuple[int, int]], todo: list[str], files: list[str], skipped: list[Skipped]) -> None:
    status = os.stat(folder)  # noqa: PTH116  (string paths: a study has thousands of files)
    identity = (status.st_dev, status.st_ino)
    if identity in seen:
        return
    seen.add(identity)
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                if entry.is_file():
                    files.append(entry.path)
                elif entry.is_dir():
                    todo.append(entry.path)
                else:
                    skipped.append(Skipped(Path(entry.path), "it is not a regular file, or its link leads nowhere"))
            except OSError as error:  # a link that leads to itself
                skipped.append(Skipped(Path(entry.path), f"it cannot be followed ({error.strerror})"))


def _locked(root: Path, error: OSError) -> InputError:
    if isinstance(error, PermissionError):
        return InputError("no permission to read it", where=str(root), way_out="Change its permissions or copy it.")
    return InputError(f"it cannot be read ({error.strerror})", where=str(root))
