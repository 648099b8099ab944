"""A study of series whose headers were read; a series becomes a volume, a picture or a clip."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from overread.errors import GeometryError, NothingReadableError, UsageError
from overread.geometry import Policy, Verdict
from overread.image import NO_SCALE, Image, Intensity, PixelScale, Radiograph, Source, Volume
from overread.io.door.discover import Skipped
from overread.io.door.private import as_users_know, users_paths
from overread.io.files.word import Spacing, SpacingWord
from overread.runtime import Progress, Runtime, silent


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
