"""The door: every image at a path opened, headers only, as the series of one study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from overread.errors import InputError
from overread.geometry import Policy
from overread.geometry.stack import Stack
from overread.image import NO_SCALE, Calibration, Intensity, PixelScale, Volume
from overread.io.dicom.header import Header, first_bytes
from overread.io.dicom.load import load_dicom
from overread.io.dicom.series import DicomSeries, gather, is_localizer
from overread.io.door.discover import Skipped, list_files
from overread.io.door.intake import nothing_readable, read_headers
from overread.io.door.private import as_users_know, users_paths
from overread.io.door.sniff import kind_of
from overread.io.door.surroundings import Surroundings
from overread.io.files.word import Spacing, SpacingWord, refuse_word
from overread.io.study import Series, Study
from overread.runtime import Progress, Runtime, silent

if TYPE_CHECKING:
    from overread.io.files.nifti import OpenedNifti
    from overread.io.files.picture import OpenedPictures
    from overread.io.files.research import OpenedResearchFile
    from overread.io.files.video import OpenedVideo

_PATIENT_WORDS = "distances between pixels in the patient"


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
        from overread.io.files.picture import gather_pictures  # noqa: PLC0415  (pillow, only where there are pictures)

        series += [_series_of_file(one, Path(one.pictures[0].path)) for one in gather_pictures(found.pictures, root)]
    series += [_series_of_file(one, one.path) for one in found.videos]
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
        from overread.io.door.archive import unpack  # noqa: PLC0415  (only where there is an archive)

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


def _series_of_file(one: OpenedPictures | OpenedVideo, first: Path) -> Series:
    """What no header places: pictures, and clips of video."""
    return Series(
        series_uid="",
        study_uid="",
        modality="",
        description=first.name,
        kind="video" if one.source().kind == "video" else "picture",
        shape=one.shape,
        spacing_mm=None,
        transfer_syntax="",
        n_files=len(one.source().paths),
        verdict=one.verdict(),
        source=one.source(),
        opened=one,
    )
