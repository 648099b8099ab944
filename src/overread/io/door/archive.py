"""Zip archives of images: unpacked into a private folder that goes with the process. Bombs are refused unopened."""

from __future__ import annotations

import atexit
import errno
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from overread.errors import DamagedFileError, InputError, ResourceError, UnsupportedFormatError
from overread.io.door.discover import Skipped
from overread.io.door.private import stand_for

MOST_RATIO = 200
"""Medical images pack to a tenth at best; padding and masks to a hundredth."""
RATIO_FROM_BYTES = 1 << 20
MOST_FILES = 200_000
KEEP_FREE_BYTES = 1 << 30
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The private folder with the files of an archive, and the entries that are not in it, by their place there."""

    folder: Path
    skipped: tuple[Skipped, ...]


_unpacked: dict[tuple[str, int, int], Unpacked] = {}


def unpack(archive: Path) -> Unpacked:
    """Unpack a zip archive; one that did not change is unpacked once a process. A broken entry costs no other.

    Raises
    ------
    InputError
        An entry would be written outside the folder, or is a link.
    UnsupportedFormatError
        Entries are encrypted.
    ResourceError
        It unpacks to more than a bomb's share of its size, or to more than the disk holds.
    DamagedFileError
        Its list of entries is broken.
    """
    status = archive.stat()
    key = (str(archive.resolve()), status.st_mtime_ns, status.st_size)
    if key in _unpacked and _unpacked[key].folder.is_dir():
        stand_for(_unpacked[key].folder, archive)
        return _unpacked[key]
    try:
        with zipfile.ZipFile(archive) as opened:
            if not all(entry.filename for entry in opened.infolist()):
                raise zipfile.BadZipFile("an entry without a name")
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
            _require_harmless(archive, entries)
            folder = Path(tempfile.mkdtemp(prefix="overread-"))
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            stand_for(folder, archive)
            skipped = [why for entry in entries if (why := _unpack_entry(opened, entry, folder)) is not None]
    except OSError as error:
        kind = ResourceError if error.errno in (errno.ENOSPC, errno.EDQUOT) else InputError
        raise kind(
            f"the archive cannot be unpacked ({error.strerror or type(error).__name__})",
            where=str(archive),
            way_out="Unpack it yourself.",
        ) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DamagedFileError(
            f"the archive is damaged ({type(error).__name__})", where=str(archive), way_out="Copy or send it again."
        ) from None
    _unpacked[key] = Unpacked(folder, tuple(skipped))
    return _unpacked[key]


def _unpack_entry(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> Skipped | None:
    """Write one entry; why not, where it is broken, packed in another way, or there already."""
    target = folder / _safe_name(folder, entry)
    if target.exists():
        return Skipped(target, "the archive holds several entries of this name; the first was taken", "damaged")
    try:
        _write(opened, entry, target)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        target.unlink(missing_ok=True)
        return Skipped(target, f"the entry is damaged inside the archive ({type(error).__name__})", "damaged")
    except NotImplementedError:
        target.unlink(missing_ok=True)
        return Skipped(target, "the entry is packed in a way that is not known here: unpack it first", "unsupported")
    return None


def _require_harmless(archive: Path, entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MOST_FILES:
        raise ResourceError(
            f"the archive holds {len(entries)} files, at most {MOST_FILES} are unpacked",
            where=str(archive),
            way_out="Unpack it first.",
        )
    for entry in entries:
        _safe_name(archive, entry)
        if entry.flag_bits & 1:
            raise UnsupportedFormatError(
                f"the archive needs a password ({entry.filename})", where=str(archive), way_out="Unpack it first."
            )
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise InputError(
                f"the archive holds a link ({entry.filename})", where=str(archive), way_out="Pack the files themselves."
            )
    large, packed = sum(entry.file_size for entry in entries), archive.stat().st_size
    if large > RATIO_FROM_BYTES and large > MOST_RATIO * packed:
        raise ResourceError(
            f"the archive of {packed / 2**20:.1f} MiB would unpack to {large / 2**20:.0f} MiB, as bombs do",
            where=str(archive),
            way_out="Unpack it yourself if you trust it.",
        )
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if large + KEEP_FREE_BYTES > free:
        raise ResourceError(
            f"the archive unpacks to {large / 2**20:.0f} MiB, and {free / 2**20:.0f} MiB of disk are free",
            where=str(archive),
            way_out="Free some space, or unpack it elsewhere.",
        )


def _safe_name(archive: Path, entry: zipfile.ZipInfo) -> Path:
    """The entry as a path below the folder; raises `InputError` where it leads outside."""
    name = entry.filename.replace("\\", "/")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or _DRIVE.match(name) or "\0" in name:
        raise InputError(
            f"the archive holds an entry that leads outside it ({entry.filename!r})",
            where=str(archive),
            way_out="Do not trust it; ask the sender.",
        )
    return Path(*path.parts)


def _write(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    """One entry, no longer than it says, so that a false size does not fill the disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    left = entry.file_size
    with opened.open(entry) as source, target.open("wb") as out:
        while chunk := source.read(min(1 << 20, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise zipfile.BadZipFile("an entry is longer than it says")
            out.write(chunk)
