"""A result folder that appears whole or not at all: written beside its place, synced, renamed once."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from overread.errors import IntegrityError, OverreadError, ResourceError, UsageError
from overread.evidence.manifest import differences

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def _is_alive(pid: int) -> bool:
    if pid == os.getpid() or os.name == "nt":  # there, signal 0 would be Ctrl-C
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def clean_stale(out: Path) -> None:
    """Remove what killed processes left beside `out`; a result that was being replaced is put back."""
    pattern = re.compile(rf"\.{re.escape(out.name)}\.(partial|old)-(\d+)")
    for path in sorted(out.parent.glob(".*")):
        found = pattern.fullmatch(path.name)
        if not found or _is_alive(int(found[2])):
            continue
        if found[1] == "old" and not out.exists():
            path.rename(out)
        else:
            shutil.rmtree(path, ignore_errors=True)


def _require_free(out: Path, *, overwrite: bool) -> None:
    if not out.exists() and not out.is_symlink():
        return
    if not overwrite:
        raise UsageError(
            "the output folder exists", where=str(out), way_out="Give another folder, or overwrite (--overwrite)."
        )
    if not out.is_dir() or out.is_symlink():
        raise UsageError("the output is not a folder", where=str(out), way_out="Give another folder.")
    if not any(out.iterdir()):
        return
    try:
        foreign = [d.path for d in differences(out) if d.kind == "extra"]
    except IntegrityError:
        raise UsageError(
            "the folder was not written by overread, so it is not overwritten",
            where=str(out),
            way_out="Give another folder.",
        ) from None
    if foreign:
        raise UsageError(
            f"the folder also holds files that overread did not write: {', '.join(foreign[:5])}",
            where=str(out),
            way_out="Move them away, or give another folder.",
        )


def _make_parents(parent: Path) -> list[Path]:
    """Create missing parents; returns those made, innermost first."""
    missing = []
    for folder in (parent, *parent.parents):
        if folder.exists():
            break
        missing.append(folder)
    parent.mkdir(parents=True, exist_ok=True)
    return missing


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # a folder cannot be opened there
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _swap_in(partial: Path, out: Path, *, overwrite: bool) -> None:
    for path in partial.iterdir():
        _sync(path)
    _sync(partial)
    old = out.with_name(f".{out.name}.old-{os.getpid()}")
    replaced = overwrite and out.exists()
    if replaced:
        out.rename(old)
    try:
        partial.rename(out)
    except BaseException:
        if replaced:
            old.rename(out)
        raise
    _sync(out.parent)
    if replaced:
        shutil.rmtree(old, ignore_errors=True)


def _explain(error: OSError, out: Path) -> OverreadError:
    if error.errno in _FULL:
        return ResourceError(
            "the disk is full", where=str(out), way_out="Free some space, or give a folder elsewhere. Nothing was left."
        )
    if error.errno in {errno.ENOTEMPTY}:
        return UsageError("another run wrote this folder meanwhile", where=str(out), way_out="Give another folder.")
    if error.errno in {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOTDIR,
        errno.ENAMETOOLONG,
        errno.EISDIR,
        errno.EEXIST,
    }:
        return UsageError(
            f"cannot write there: {error.strerror}", where=str(out), way_out="Give a folder that you may write to."
        )
    return ResourceError(f"writing failed: {error.strerror or error}", where=str(out), way_out="Nothing was left.")


@contextmanager
def result_folder(out: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield an empty folder beside `out`; on leaving, its files are synced and it becomes `out` by one rename.

    On any exception, an interrupt included, it is removed and nothing is left.

    Raises
    ------
    UsageError
        `out` exists, cannot be written, or holds what overread did not write.
    ResourceError
        The disk is full, or fails.
    """
    out = Path(os.path.abspath(out))  # noqa: PTH100  (resolve() would follow a link that is to be refused)
    made: list[Path] = []
    partial = out.with_name(f".{out.name}.partial-{os.getpid()}")
    owned = False
    try:
        if out.parent.is_dir():
            clean_stale(out)
        _require_free(out, overwrite=overwrite)
        made = _make_parents(out.parent)
        partial.mkdir()
        owned = True
        yield partial
        _swap_in(partial, out, overwrite=overwrite)
    except BaseException as error:
        if owned:
            shutil.rmtree(partial, ignore_errors=True)
        for folder in made:
            if not any(folder.iterdir()):
                folder.rmdir()
        if isinstance(error, FileExistsError) and error.filename == str(partial):
            raise UsageError("another run is writing to this folder", where=str(out), way_out="Wait for it.") from error
        if isinstance(error, OSError) and not isinstance(error, OverreadError):
            raise _explain(error, out) from error
        raise
