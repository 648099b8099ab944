"""The door: a path to files becomes a Study of Series; a Series becomes a Volume."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from overread.errors import GeometryError, InputError, NothingReadableError, UsageError
from overread.geometry import Policy, Verdict
from overread.geometry.stack import Stack
from overread.image import NO_SCALE, Calibration, Image, Intensity, PixelScale, Radiograph, Source, Volume
from overread.io.dicom.header import Header, first_bytes
from overread.io.dicom.load import load_dicom
from overread.io.dicom.series import DicomSeries, gather, is_localizer
from overread.io.discover import Skipped, list_files
from overread.io.intake import nothing_readable, read_headers
from overread.io.private import as_users_know, users_paths
from overread.io.sniff import kind_of
from overread.io.surroundings import Surroundings
from overread.io.word import Spacing, SpacingWord, refuse_word
from overread.runtime import Progress, Runtime, silent

if TYPE_CHECKING:
    from overread.io.nifti import OpenedNifti
    from overread.io.picture import OpenedPictures
    from overread.io.research import OpenedResearchFile
    from overread.io.video import OpenedVideo

_PATIENT_WORDS = "distances between pixels in the patient"


class Opened(Protocol):
    """What a kind of file gives a Series to load from."""

    def load(
        self,
        policy: Policy,
        runtime: Runtime | None,
        progress: Progress,
        intensity: Intensity | None,
        spacing_mm: SpacingWord | None,
    ) -> Image:
        """The volume, picture or clip."""
        ...


@runtime_checkable
class SinglePictures(Protocol):
    """What gives pictures one by one."""

    def picture(self, index: int, policy: Policy = ..., runtime: Runtime | None = ...) -> Radiograph:
        """Picture `index`, from 0."""
        ...


@dataclass(frozen=True, slots=True)
class Series:
    """One series, headers only.

    Parameters
    ----------
    shape : (slices, rows, columns)
        As the files have it, before any policy.
    spacing_mm : (slice, row, column) or None
        As `load` would give it; where STRICT refuses, what REPAIR or else AS_IS would give. None where no policy
        places the files, and for pictures.
    verdict : Verdict
        Under policy STRICT.
    scale : PixelScale
        Where in-plane lengths come from.
    stack_number : int
        From 1 where several stacks or pictures share the series UID, else 0.
    """

    series_uid: str
    study_uid: str
    modality: str
    description: str
    kind: Literal["dicom", "nifti", "nrrd", "metaimage", "picture", "video"]
    shape: tuple[int, int, int]
    spacing_mm: Spacing | None
    transfer_syntax: str
    n_files: int
    verdict: Verdict
    source: Source = field(repr=False)
    scale: PixelScale = NO_SCALE
    stack_number: int = 0
    is_localizer: bool = False
    opened: Opened | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """What tells the series from all others: its UID, with "#2" behind it for the second of that UID."""
        return f"{self.series_uid}#{self.stack_number}" if self.stack_number else self.series_uid

    def load(
        self,
        *,
        policy: Policy = Policy.STRICT,
        runtime: Runtime | None = None,
        progress: Progress = silent,
        intensity: Intensity | None = None,
        spacing_mm: SpacingWord | None = None,
    ) -> Image:
        """Read the pixels.

        Parameters
        ----------
        intensity : Intensity, optional
            What the values mean, on the caller's word; only for files that do not say it themselves.
        spacing_mm : (slice, row, column) or (row, column), optional
            Only for pictures, which have none: three lengths make a volume of them, two give one picture its scale.

        Returns
        -------
        Volume, Radiograph or Frames
            A volume is int16 where values are whole and fit, else float32; HU for CT. Pictures that have no place in
            the patient become a Radiograph, or Frames if there are several.

        Raises
        ------
        GeometryError
            A fault is fatal under `policy`, or several pictures have no `spacing_mm`.
        DamagedFileError, ResourceError, UsageError
            Broken pixels; not enough memory; a word of the caller that contradicts the files.
        """
        if self.opened is None:
            raise UsageError("this series was made by hand and has no files to load")
        with users_paths():
            return self.opened.load(policy, runtime, progress, intensity, spacing_mm)

    def load_volume(
        self,
        *,
        policy: Policy = Policy.STRICT,
        runtime: Runtime | None = None,
        progress: Progress = silent,
        intensity: Intensity | None = None,
        spacing_mm: SpacingWord | None = None,
    ) -> Volume:
        """As `load`, for callers that need a volume; `GeometryError` where the series is a picture or a clip."""
        image = self.load(policy=policy, runtime=runtime, progress=progress, intensity=intensity, spacing_mm=spacing_mm)
        if not isinstance(image, Volume):
            raise GeometryError(
                f"it is a {type(image).__name__.lower()}, not a stack of slices",
                where=as_users_know(str(self.source.root or "")),
                way_out="Open a CT, MR or PET series, or name a task that reads pictures.",
            )
        return image


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
        fitting = [series for series in self.series if not modality or series.modality == modality]
        # a file that does not say its modality may be of any, but never wins over one that does
        fitting = fitting or [series for series in self.series if not series.modality]
        if not fitting:
            found = ", ".join(sorted({series.modality or series.kind for series in self.series}))
            raise NothingReadableError(f"there is no {modality} series, only {found}", where=str(self.root))
        ranks = [(_rank(series), series) for series in fitting]
        best = max(rank for rank, _ in ranks)
        first = [series for rank, series in ranks if rank == best]
        if first[0].kind != "dicom":
            first = [series for _, series in ranks if series.kind == first[0].kind]  # a mask may be the larger file
        if len(first) > 1:
            names = "; ".join(_say(series) for series in first[:5])
            raise UsageError(
                f"{len(first)} series fit equally well: {names}",
                where=str(self.root),
                way_out="Name one of them, or open its folder.",
            )
        return first[0]


def _say(series: Series) -> str:
    if series.kind != "dicom":
        return series.source.paths[0].name
    return f"{series.description or 'no description'} (...{series.series_uid[-12:]}, {series.n_files} files)"


def _rank(series: Series) -> tuple[bool, bool, bool, int]:
    is_volume = series.spacing_mm is not None
    return series.verdict.status != "unsound", is_volume, not series.is_localizer, series.shape[0]


@dataclass(frozen=True, slots=True, eq=False)
class OpenedDicom:
    """A stack of DICOM slices."""

    series: DicomSeries

    def load(
        self,
        policy: Policy,
        runtime: Runtime | None,
        progress: Progress,
        intensity: Intensity | None,
        spacing_mm: SpacingWord | None,
    ) -> Volume:
        refuse_word(intensity, spacing_mm, str(self.series.root))
        return load_dicom(self.series, policy=policy, runtime=runtime, progress=progress)


def open_study(path: str | Path, *, progress: Progress = silent) -> Study:
    """Read the headers of every image at or below `path`: a folder, a file, or a zip archive.

    Returns
    -------
    Study
        Series in order of kind, series number and UID, localizers after their series.

    Raises
    ------
    NothingReadableError, DamagedFileError, UnsupportedFormatError, InputError
        Nothing exists there, or no file gave an image; the message says why for the first of them.
    """
    with users_paths():
        return _open(Path(path), progress)


def _open(opened: Path, progress: Progress) -> Study:
    root, unpacked = _unpacked_root(opened)
    files, skipped = list_files(root)
    skipped += unpacked
    found = read_headers(files, root, progress)
    skipped += found.skipped
    around = Surroundings.of(root, found.image_files(), skipped, found.missing)
    series = [_series_of(one) for one in gather(found.headers, root, around.faults)]
    if found.dicom_pictures:
        taken = Counter(one.series_uid for one in series)
        series += _dicom_pictures(found.dicom_pictures, root, skipped, taken)
    series += [_series_of_placed(one) for one in found.placed]
    if found.pictures:
        from overread.io.picture import gather_pictures  # noqa: PLC0415  (pillow, only where there are pictures)

        series += [_series_of_pictures(one) for one in gather_pictures(found.pictures, root)]
    series += [_series_of_video(one) for one in found.videos]
    progress("open", 1.0)
    if not series:
        raise nothing_readable(opened, files, skipped)
    series.sort(key=_order)
    told = (replace(one, path=Path(as_users_know(str(one.path))), reason=as_users_know(one.reason)) for one in skipped)
    return Study(opened, tuple(series), tuple(told))


def _unpacked_root(path: Path) -> tuple[Path, tuple[Skipped, ...]]:
    """The folder that an archive, or the index of a medium, stands for; any other path as it is.

    With it, the entries of an archive that could not be unpacked.
    """
    try:
        if not path.is_file():
            return path, ()
        head, _ = first_bytes(str(path))
    except OSError:
        return path, ()  # said where the files are listed
    if kind_of(head) == "zip":
        from overread.io.archive import unpack  # noqa: PLC0415  (only where there is an archive)

        unpacked = unpack(path)
        return unpacked.folder, unpacked.skipped
    return path.parent if path.name.upper() == "DICOMDIR" and kind_of(head) == "dicom" else path, ()


def _order(series: Series) -> tuple[str, float, str, bool, str]:
    number = float(series.source.facts.get("series_number", 0))
    return series.kind, number, series.series_uid, series.is_localizer, series.description


def _series_of(one: DicomSeries) -> Series:
    shared = one.headers[0].shared
    stack, headers = one.assess(Policy.STRICT)
    ordered = [headers[n] for n in stack.order]
    spacing = _spacing(one, stack)
    return Series(
        series_uid=shared.series_uid,
        study_uid=shared.study_uid,
        modality=shared.modality,
        description=" ".join(word for word in (str(shared.facts.get("series_description", "")), shared.stack) if word),
        kind="dicom",
        shape=(len(one.headers), shared.rows, shared.columns),
        spacing_mm=spacing,
        transfer_syntax=shared.transfer_syntax,
        n_files=len({header.path for header in one.headers}),
        verdict=stack.verdict,
        source=one.source(ordered),
        scale=NO_SCALE if spacing is None else PixelScale.of(Calibration.PATIENT, spacing[1:], _PATIENT_WORDS),
        stack_number=shared.stack_number,
        is_localizer=is_localizer(shared),
        opened=OpenedDicom(one),
    )


def _dicom_pictures(
    headers: list[Header], root: Path, skipped: list[Skipped], taken: Mapping[str, int]
) -> list[Series]:
    """Each picture as a series; `taken` counts the stacks that have a series UID already."""
    from overread.io.dicom.pictures import OpenedPicture, numbered  # noqa: PLC0415  (pydicom, only where files need it)

    series = []
    for opened, number in numbered([OpenedPicture(header, root) for header in headers], taken):
        header = opened.header
        shared = header.shared
        try:
            verdict, source = opened.verdict(), opened.source()
        except InputError as error:
            skipped.append(Skipped(Path(header.path), error.what, "damaged"))
            continue
        words = (str(shared.facts.get("series_description", "")), opened.view)
        series.append(
            Series(
                series_uid=shared.series_uid,
                study_uid=shared.study_uid,
                modality=shared.modality,
                description=" ".join(word for word in words if word),
                kind="dicom",
                shape=(opened.frames, shared.rows, shared.columns),
                spacing_mm=None,
                transfer_syntax=shared.transfer_syntax,
                n_files=1,
                verdict=verdict,
                source=source,
                scale=opened.scale,
                stack_number=number,
                opened=opened,
            )
        )
    return series


def _spacing(one: DicomSeries, strict: Stack) -> Spacing | None:
    """Spacing under the first policy that lays a grid."""
    for stack in (strict, *(one.assess(policy)[0] for policy in (Policy.REPAIR, Policy.AS_IS) if strict.grid is None)):
        if stack.grid is not None:
            return stack.grid.spacing_mm
    return None


def _series_of_placed(one: OpenedNifti | OpenedResearchFile) -> Series:
    grid = one.grid()
    return Series(
        series_uid="",
        study_uid="",
        modality="",
        description=one.path.name,
        kind=one.kind,
        shape=one.shape,
        spacing_mm=None if grid is None else grid.spacing_mm,
        transfer_syntax="",
        n_files=1,
        verdict=one.verdict,
        source=one.source(),
        scale=NO_SCALE if one.kind == "nifti" else one.layout.scale or NO_SCALE,
        opened=one,
    )


def _series_of_pictures(one: OpenedPictures) -> Series:
    return Series(
        series_uid="",
        study_uid="",
        modality="",
        description=Path(one.pictures[0].path).name,
        kind="picture",
        shape=one.shape,
        spacing_mm=None,
        transfer_syntax="",
        n_files=len(one.pictures),
        verdict=one.verdict(),
        source=one.source(),
        opened=one,
    )


def _series_of_video(one: OpenedVideo) -> Series:
    return Series(
        series_uid="",
        study_uid="",
        modality="",
        description=one.path.name,
        kind="video",
        shape=one.shape,
        spacing_mm=None,
        transfer_syntax="",
        n_files=1,
        verdict=one.verdict(),
        source=one.source(),
        opened=one,
    )
