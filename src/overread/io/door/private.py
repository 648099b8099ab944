"""Private folders that stand for an archive of the user: their names stay out of what people read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from overread.errors import OverreadError

_stands_for: dict[str, str] = {}


def stand_for(folder: Path, archive: Path) -> None:
    """From now on, `folder` is called `archive` in messages."""
    _stands_for[str(folder)] = str(archive)


def as_users_know(text: str) -> str:
    """A text with the archive's path in the place of its private folder, as in "scans.zip/series/001.dcm"."""
    for folder, archive in _stands_for.items():
        text = text.replace(folder, archive)
    return text


@contextmanager
def users_paths() -> Iterator[None]:
    """Errors of ours that leave name the user's paths."""
    try:
        yield
    except OverreadError as error:
        if _stands_for:
            error.what, error.where, error.way_out = map(as_users_know, (error.what, error.where, error.way_out))
            error.args = (error.what,)
        raise
