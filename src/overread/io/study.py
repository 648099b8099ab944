"""The door: a path to files becomes a Study of Series; a Series becomes a Volume."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from overread.errors import DamagedFileError, InputError, NothingReadableError, UnsupportedFormatError, UsageError
from overread.geometry import Policy, Verdict
from overread.image import Intensity, Source, Volume
from overread.io.dicom import DicomSeries, gather, is_localizer, refusal
from overread.io.discover import SkipKind, Skipped, list_files
from overread.io.header import Header, NoPixelsError, SharedCache, first_bytes, read_header
from overread.io.load_dicom import load_dicom
from overread.io.pixels import cannot_read
from overread.runtime import Progress, Runtime, silent

Spacing = tuple[float, float, float]


class Opened(Protocol):
    """What a kind of file gives a Series to load from."""

    def load(
        self,
        policy: Policy,
        runtime: Runtime | None,
        progress: Progress,
        intensity: Intensity | None,
        spacing_mm: Spacing | None,
    ) -> Volume:
        """The volume."""
        ...


@dataclass(frozen=True, slots=True)
class Series:
    """One series, headers only.

    Parameters
    ----------
    shape : (slices, rows, columns)
        As the files have it, before any policy.
    spacing_mm : (slice, row, column) or None
        None where the files do not say (pictures) or the verdict is fatal.
    verdict : Verdict
        Under policy STRICT.
    """

    series_uid: str
    study_uid: str
    modality: str
    description: str
    kind: Literal["dicom", "nifti", "picture"]
    shape: tuple[int, int, int]
    spacing_mm: Spacing | None
    transfer_syntax: str
    n_files: int
    verdict: Verdict
    source: Source = field(repr=False)
    is_localizer: bool = False
    opened: Opened | None = field(default=None, repr=False, compare=False)

    def load(
        self,
        *,
        policy: Policy = Policy.STRICT,
        runtime: Runtime | None = None,
        progress: Progress = silent,
        intensity: Intensity | None = None,
        spacing_mm: Spacing | None = None,
    ) -> Volume:
        """Read the pixels.

        Parameters
        ----------
        intensity : Intensity, optional
            What the values mean, on the caller's word; only for files that do not say it themselves.
        spacing_mm : (slice, row, column), optional
            Only for pictures, which have none.

        Returns
        -------
        Volume
            int16 where values are whole and fit, else float32; HU for CT.

        Raises
        ------
        GeometryError
            A fault is fatal under `policy`, or a picture has no `spacing_mm`.
        DamagedFileError, ResourceError, UsageError
            Broken pixels; not enough memory; a word of the caller that contradicts the files.
        """
        if self.opened is None:
            raise UsageError("this series was made by hand and has no files to load")
        return self.opened.load(policy, runtime, progress, intensity, spacing_mm)


@dataclass(frozen=True, slots=True)
class Study:
    """Everything readable at a path, and what was skipped with the reason."""

    root: Path
    series: tuple[Series, ...]
    skipped: tuple[Skipped, ...] = ()

    def only(self, modality: str = "") -> Series:
        """The one series to work on: the single one, or the best of a modality.

        Series that load come before those that do not, volumes before localizers and single slices; then the one
        with most slices.

        Raises
        ------
        NothingReadableError
            No series has the modality.
        UsageError
            Several are equally good.
        """
        fitting = [series for series in self.series if not modality or series.modality in (modality, "")]
        if not fitting:
            found = ", ".join(sorted({series.modality or series.kind for series in self.series}))
            raise NothingReadableError(f"there is no {modality} series, only {found}", where=str(self.root))
        ranks = [(_rank(series), series) for series in fitting]
        best = max(rank for rank, _ in ranks)
        first = [series for rank, series in ranks if rank == best]
        if len(first) > 1:
            names = "; ".join(f"{s.description or 'no description'} ...{s.series_uid[-12:]}" for s in first)
            raise UsageError(
                f"{len(first)} series fit equally well: {names}",
                where=str(self.root),
                way_out="Name one of them, or open its folder.",
            )
        return first[0]


def _rank(series: Series) -> tuple[bool, bool, int]:
    return series.verdict.status != "unsound", not series.is_localizer, series.shape[0]


@dataclass(frozen=True, slots=True, eq=False)
class _OpenedDicom:
    series: DicomSeries

    def load(
        self,
        policy: Policy,
        runtime: Runtime | None,
        progress: Progress,
        intensity: Intensity | None,
        spacing_mm: Spacing | None,
    ) -> Volume:
        if intensity is not None or spacing_mm is not None:
            raise UsageError(
                "DICOM files say themselves what their values and distances are",
                where=str(self.series.root),
                way_out="Leave intensity and spacing_mm out.",
            )
        return load_dicom(self.series, policy=policy, runtime=runtime, progress=progress)


def open_study(path: str | Path, *, progress: Progress = silent) -> Study:
    """Read the headers of every image at or below `path`.

    Returns
    -------
    Study
        Series in order of kind, series number and UID.

    Raises
    ------
    NothingReadableError, DamagedFileError, UnsupportedFormatError, InputError
        Nothing exists there, or no file gave an image; the message says why for the first of them.
    """
    root = Path(path)
    files, skipped = list_files(root)
    headers, more = _read_headers(files, progress)
    skipped += more
    series = [_series_of(one) for one in gather(headers, root)]
    progress("open", 1.0)
    if not series:
        raise _nothing(root, files, skipped)
    series.sort(key=lambda s: (s.kind, s.source.facts.get("series_number", 0), s.series_uid))
    return Study(root, tuple(series), tuple(skipped))


def _read_headers(files: list[str], progress: Progress) -> tuple[list[Header], list[Skipped]]:
    headers: list[Header] = []
    skipped: list[Skipped] = []
    cache: SharedCache = {}
    refusals: dict[int, tuple[SkipKind, str] | None] = {}
    step = max(1, len(files) // 50)
    for n, file in enumerate(files):
        if n % step == 0:
            progress("open", n / len(files))
        try:
            header = _read_one(file, cache)
        except (_NotAnImageError, NoPixelsError, InputError, OSError) as error:
            skipped.append(_skip(file, error))
            continue
        key = id(header.shared)
        if key not in refusals:
            refusals[key] = refusal(header.shared)
        reason = refusals[key]
        if reason is None:
            headers.append(header)
        else:
            skipped.append(Skipped(Path(file), reason[1], reason[0]))
    return headers, skipped


class _NotAnImageError(Exception):
    """Neither DICOM nor another kind that is known."""


def _read_one(file: str, cache: SharedCache) -> Header:
    head, size = first_bytes(file)
    if head[128:132] == b"DICM" or head[:2] in (b"\x08\0", b"\x02\0", b"\0\x08"):
        return read_header(file, cache, head, size)
    raise _NotAnImageError("the file is empty" if size == 0 else "not an image that overread knows")


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


def _series_of(one: DicomSeries) -> Series:
    shared = one.headers[0].shared
    stack, headers = one.assess(Policy.STRICT)
    ordered = [headers[n] for n in stack.order]
    return Series(
        series_uid=shared.series_uid,
        study_uid=shared.study_uid,
        modality=shared.modality,
        description=str(shared.facts.get("series_description", "")),
        kind="dicom",
        shape=(len(one.headers), shared.rows, shared.columns),
        spacing_mm=None if stack.grid is None else stack.grid.spacing_mm,
        transfer_syntax=shared.transfer_syntax,
        n_files=len(one.headers),
        verdict=stack.verdict,
        source=one.source(ordered),
        is_localizer=is_localizer(shared),
        opened=_OpenedDicom(one),
    )


def _nothing(root: Path, files: list[str], skipped: list[Skipped]) -> InputError:
    """The error for a path without any image."""
    if not files and not skipped:
        return NothingReadableError("the folder is empty", where=str(root), way_out="Name a folder with images.")
    kinds = Counter(one.kind for one in skipped)
    by_kind: dict[SkipKind, type[InputError]] = {
        "damaged": DamagedFileError,
        "unsupported": UnsupportedFormatError,
        "no_permission": InputError,
    }
    kind = next((kind for kind in by_kind if kinds[kind]), skipped[0].kind)
    first = next(one for one in skipped if one.kind == kind)
    if len(files) == 1 and not root.is_dir():
        what = first.reason
    else:
        what = f"none of {len(files)} files is an image that can be read; the first: {first.path.name}: {first.reason}"
    return by_kind.get(kind, NothingReadableError)(
        what, where=str(root), way_out="overread reads CT series as DICOM, NIfTI, and PNG, JPEG or TIFF pictures."
    )
