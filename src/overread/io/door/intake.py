"""Every file of a path looked at once: headers by kind, and the reason for each file that gave none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from overread.errors import DamagedFileError, InputError, NothingReadableError, UnsupportedFormatError
from overread.io.dicom.classes import DIRECTORY_CLASS
from overread.io.dicom.header import Header, NoPixelsError, SharedCache, first_bytes, read_header
from overread.io.dicom.pixels import cannot_read
from overread.io.dicom.series import ENHANCED_CLASSES, is_picture, refusal
from overread.io.door.discover import SkipKind, Skipped
from overread.io.door.sniff import kind_of
from overread.runtime import Progress

if TYPE_CHECKING:
    from overread.io.dicom.index import Listed
    from overread.io.files.nifti import OpenedNifti
    from overread.io.files.picture import Picture
    from overread.io.files.research import OpenedResearchFile
    from overread.io.files.video import OpenedVideo


@dataclass(slots=True)
class Found:
    """Headers by kind, and what gave none."""

    headers: list[Header] = field(default_factory=list)
    dicom_pictures: list[Header] = field(default_factory=list)
    placed: list[OpenedNifti | OpenedResearchFile] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    videos: list[OpenedVideo] = field(default_factory=list)
    indexes: list[str] = field(default_factory=list)
    missing: list[Listed] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def image_files(self) -> Iterator[str]:
        """Paths of the files that gave an image."""
        yield from (header.path for header in (*self.headers, *self.dicom_pictures))
        yield from (str(one.path) for one in self.placed)
        yield from (one.path for one in self.pictures)
        yield from (str(one.path) for one in self.videos)


class _NotAnImageError(Exception):
    """A kind of file that is not known."""


def read_headers(files: list[str], root: Path, progress: Progress) -> Found:
    """Headers of all files, in the given order; nothing about a single file is raised."""
    found = Found()
    cache: SharedCache = {}
    refusals: dict[int, tuple[SkipKind, str] | None] = {}
    step = max(1, len(files) // 50)
    for n, file in enumerate(files):
        if n % step == 0:
            progress("open", n / len(files))
        try:
            header = _read_one(file, root, cache, found)
        except (_NotAnImageError, NoPixelsError, InputError, OSError) as error:
            found.skipped.append(_skip(file, error))
            if isinstance(error, NoPixelsError) and error.sop_class_uid == DIRECTORY_CLASS:
                found.indexes.append(file)
            continue
        if header is None:
            continue
        key = id(header.shared)
        if key not in refusals:
            refusals[key] = refusal(header.shared)
        reason = refusals[key]
        if reason is not None:
            found.skipped.append(Skipped(Path(file), reason[1], reason[0]))
            continue
        try:
            _sort_in(header, found)
        except InputError as error:
            found.skipped.append(_skip(file, error))
    if found.indexes:
        _read_indexes(found, files)
    return found


def _sort_in(header: Header, found: Found) -> None:
    """A slice, the slices of a multi-frame object, or a picture."""
    shared = header.shared
    if shared.frames > header.file_size:
        raise DamagedFileError(
            f"the header says {shared.frames} frames, more than its {header.file_size} bytes can hold",
            where=header.path,
        )
    if shared.frames > 1 or shared.sop_class_uid in ENHANCED_CLASSES:
        from overread.io.dicom.enhanced import expand  # noqa: PLC0415  (pydicom, only where files need it)

        frames = [] if shared.samples != 1 else expand(header)
        if frames:
            found.headers += frames
        else:
            found.dicom_pictures.append(header)
    elif is_picture(shared):
        found.dicom_pictures.append(header)
    else:
        found.headers.append(header)


def _read_one(file: str, root: Path, cache: SharedCache, found: Found) -> Header | None:
    """The header of a DICOM file; other kinds go to `found` straight away."""
    head, size = first_bytes(file)
    kind = kind_of(head)
    if kind == "dicom":
        return read_header(file, cache, head, size)
    if kind == "nifti":
        from overread.io.files.nifti import open_nifti  # noqa: PLC0415  (nibabel, only where there is NIfTI)

        found.placed.append(open_nifti(file, root))
    elif kind == "nrrd":
        from overread.io.files.nrrd import parse_nrrd  # noqa: PLC0415
        from overread.io.files.research import open_research_file  # noqa: PLC0415

        found.placed.append(open_research_file(file, root, "nrrd", parse_nrrd))
    elif kind == "metaimage":
        from overread.io.files.metaimage import parse_metaimage  # noqa: PLC0415
        from overread.io.files.research import open_research_file  # noqa: PLC0415

        found.placed.append(open_research_file(file, root, "metaimage", parse_metaimage))
    elif kind == "picture":
        from overread.io.files.picture import open_picture  # noqa: PLC0415  (pillow, only where there are pictures)

        found.pictures.append(open_picture(file))
    elif kind == "video":
        from overread.io.files.video import open_video  # noqa: PLC0415  (PyAV, only where there is a video)

        found.videos.append(open_video(file, root))
    elif kind == "zip":
        raise _NotAnImageError("a zip archive inside what was opened: unpack it, then open its folder")
    else:
        raise _NotAnImageError("the file is empty" if size == 0 else _not_known(head))
    return None


def _not_known(head: bytes) -> str:
    from overread.io.door.foreign import describe  # noqa: PLC0415  (only where something else lies beside the images)

    name = describe(head)
    return "not an image that overread knows" + (f" ({name})" if name else "")


def _skip(file: str, error: Exception) -> Skipped:
    if isinstance(error, NoPixelsError):
        return Skipped(Path(file), f"{error}, not an image", "no_pixels")
    if isinstance(error, OSError) and not isinstance(error, InputError):
        return Skipped(Path(file), cannot_read(file, error).what, "no_permission")
    kinds: tuple[tuple[type[Exception], SkipKind], ...] = (
        (DamagedFileError, "damaged"),
        (UnsupportedFormatError, "unsupported"),
    )
    kind: SkipKind = next((kind for type_, kind in kinds if isinstance(error, type_)), "not_an_image")
    return Skipped(Path(file), error.what if isinstance(error, InputError) else str(error), kind)


def _read_indexes(found: Found, files: list[str]) -> None:
    """Name the files that indexes list and that are not there."""
    from overread.io.dicom.index import not_there, read_index  # noqa: PLC0415  (pydicom, only where there is an index)

    for index in found.indexes:
        try:
            listed = read_index(Path(index))
        except InputError as error:
            found.skipped.append(Skipped(Path(index), f"the index cannot be followed: {error.what}", "damaged"))
            continue
        missing = not_there(listed, files)
        found.missing += missing
        reason = "listed in the DICOMDIR, but not there"
        found.skipped += [Skipped(one.path, reason, "missing") for one in missing]


def nothing_readable(root: Path, files: list[str], skipped: list[Skipped]) -> InputError:
    """The error for a path without any image."""
    if not files and not skipped:
        return NothingReadableError("the folder is empty", where=str(root), way_out="Name a folder with images.")
    kinds = Counter(one.kind for one in skipped)
    by_kind: dict[SkipKind, type[InputError]] = {
        "damaged": DamagedFileError,
        "unsupported": UnsupportedFormatError,
        "no_permission": InputError,
        "missing": NothingReadableError,
    }
    kind = next((kind for kind in by_kind if kinds[kind]), skipped[0].kind)
    first = next(one for one in skipped if one.kind == kind)
    if kind == "missing":
        what = (
            f"the DICOMDIR lists {kinds[kind]} files that are not there, the first {first.path}, and there is no other"
        )
        return NothingReadableError(what, where=str(root), way_out="Copy the whole medium, not its index alone.")
    if files == [str(root)]:
        what = first.reason
    else:
        count = max(len(files), len(skipped))  # entries of an archive may be skipped before they are files
        what = f"none of {count} files is an image that can be read; the first: {first.path.name}: {first.reason}"
    return by_kind.get(kind, NothingReadableError)(
        what,
        where=str(root),
        way_out="overread reads DICOM, NIfTI, NRRD and MetaImage, and PNG, JPEG, TIFF, BMP or PGM pictures.",
    )
