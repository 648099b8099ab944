"""Picture files as one picture or a stack. They have no millimetres: a stack has none without the user's word."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.errors import GeometryError
from overread.geometry import Fault, Policy, Severity, Verdict, axial_grid
from overread.geometry.stack import verdict_of
from overread.image import NO_SCALE, Intensity, Radiograph, Source, Volume
from overread.io.files.exact import narrow
from overread.io.files.picture.file import Picture
from overread.io.files.picture.page import Page, read_pages
from overread.io.files.unplaced import callers_scale, picture_verdict, unknown_sides
from overread.io.files.word import Spacing, SpacingWord, intensity_faults, require_lengths, spacing_faults
from overread.io.memory import require_memory
from overread.runtime import Progress, Runtime, silent

LARGEST_STEP = 100
"""Between the numbers of neighbouring slices."""
_NUMBER = re.compile(r"(\d+)(?=\D*$)")


def gather_pictures(pictures: Sequence[Picture], root: Path) -> list[OpenedPictures]:
    """Series of pictures: files of one folder, name, size and kind are one if numbered in steps; others stand alone."""
    groups: dict[object, list[Picture]] = defaultdict(list)
    for picture in pictures:
        path = Path(picture.path)
        numbered = _NUMBER.search(path.stem) is not None and picture.pages == 1
        pattern = _NUMBER.sub("#", path.stem) if numbered else path.name
        groups[path.parent, pattern, path.suffix.lower(), picture.rows, picture.columns, picture.mode].append(picture)
    ordered = [tuple(sorted(group, key=_number)) for group in groups.values()]
    return [
        OpenedPictures(root, series)
        for group in ordered
        for series in ([group] if _are_steps(group) else [(picture,) for picture in group])
    ]


def _are_steps(pictures: Sequence[Picture]) -> bool:
    """Whether most numbers follow each other in one small step; those of unrelated pictures, or digests, do not."""
    steps = np.diff([_number(picture)[0] for picture in pictures])
    if len(steps) == 0:
        return True
    usual = _usual(steps)
    return usual <= LARGEST_STEP and 2 * int(np.count_nonzero(steps == usual)) > len(steps)


def _usual(steps: NDArray[np.int64]) -> int:
    return int(np.sort(steps)[(len(steps) - 1) // 2])


def _number(picture: Picture) -> tuple[int, str]:
    found = _NUMBER.search(Path(picture.path).stem)
    return int(found[1]) if found else 0, picture.path


@dataclass(frozen=True, slots=True, eq=False)
class OpenedPictures:
    """One picture, or several that follow each other in slice order."""

    root: Path
    pictures: tuple[Picture, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(slices, rows, columns)."""
        first = self.pictures[0]
        return sum(picture.pages for picture in self.pictures), first.rows, first.columns

    def source(self) -> Source:
        """These files."""
        return Source(kind="picture", root=self.root, paths=tuple(Path(picture.path) for picture in self.pictures))

    def verdict(self, policy: Policy = Policy.STRICT) -> Verdict:
        """What the headers show; several pictures cannot be placed without the user's word."""
        faults = list(self._merged((picture, picture.faults) for picture in self.pictures))
        if self.shape[0] == 1:
            return picture_verdict(NO_SCALE, faults, policy)
        message = f"{self.shape[0]} pictures of one size do not say how large a pixel is, nor how far apart they are"
        return verdict_of(
            [Fault("no_spacing", Severity.FATAL, message), *faults, *self._number_faults(policy)],
            policy,
            {"slices": self.shape[0]},
        )

    def _number_faults(self, policy: Policy) -> list[Fault]:
        if len(self.pictures) < 3:
            return []
        numbers = [_number(picture)[0] for picture in self.pictures]
        steps = np.diff(numbers)
        odd = np.flatnonzero(steps != _usual(steps)).tolist()
        if not odd:
            return []
        files = tuple(Path(self.pictures[n + more].path).name for n in odd for more in (0, 1))
        message = f"the numbers of the pictures have {len(odd)} gaps, the first between {files[0]} and {files[1]}"
        severity = Severity.WARNING if policy is Policy.AS_IS else Severity.FATAL
        return [Fault("missing_slices", severity, message, None, tuple(dict.fromkeys(files)))]

    def _merged(self, found: Iterable[tuple[Picture, Iterable[Fault]]]) -> list[Fault]:
        """Faults of single pictures, one of each code, with the files it was found in where there are several."""
        first: dict[str, Fault] = {}
        files: dict[str, dict[str, None]] = defaultdict(dict)
        for picture, faults in found:
            for fault in faults:
                first.setdefault(fault.code, fault)
                files[fault.code][Path(picture.path).name] = None
        if len(self.pictures) == 1:
            return list(first.values())
        many = len(self.pictures)
        return [
            replace(fault, message=f"{len(files[code])} of {many} pictures: {fault.message}", files=tuple(files[code]))
            for code, fault in first.items()
        ]

    def load(
        self,
        policy: Policy = Policy.STRICT,
        runtime: Runtime | None = None,
        progress: Progress = silent,
        intensity: Intensity | None = None,
        spacing_mm: SpacingWord | None = None,
    ) -> Volume | Radiograph:
        """One picture as a Radiograph, with lengths if `spacing_mm` is (row, column).

        With (slice, row, column), or for several pictures: one volume, head-up axial axes, colours as lightness.

        Raises
        ------
        GeometryError
            Several pictures and no `spacing_mm`, or numbers are left out and `policy` is not AS_IS.
        UsageError
            `spacing_mm` is not lengths above 0.
        DamagedFileError, ResourceError
            A picture is cut short; too large for memory.
        """
        single = self.shape[0] == 1
        require_lengths(spacing_mm, (2, 3) if single else (3,), str(self.root))
        if spacing_mm is not None and len(spacing_mm) == 3:
            return self._volume(policy, runtime, progress, intensity, spacing_mm)
        if not single:
            raise self._unplaced(self.verdict(policy))
        image = self.picture(0, policy, runtime, intensity=intensity, spacing_mm=spacing_mm)
        progress("read", 1.0)
        return image

    def picture(
        self,
        index: int,
        policy: Policy = Policy.STRICT,
        runtime: Runtime | None = None,
        *,
        intensity: Intensity | None = None,
        spacing_mm: tuple[float, float] | None = None,
    ) -> Radiograph:
        """Picture `index`, from 0, alone; raises as `load`."""
        _, rows, columns = self.shape
        require_memory(8 * rows * columns, runtime or Runtime(), str(self.root))  # RGBA, and RGB of it
        page = self._page(index)
        scale = NO_SCALE if spacing_mm is None else callers_scale(spacing_mm)
        words = (*spacing_faults(spacing_mm), *intensity_faults(intensity))
        verdict = picture_verdict(scale, (*page.faults, *words), policy)
        return Radiograph(page.array, scale, intensity or Intensity.ARBITRARY, self.source(), verdict)

    def _page(self, index: int) -> Page:
        before = 0
        for picture in self.pictures:
            if index < before + picture.pages:
                return read_pages(picture, range(index - before, index - before + 1))[0]
            before += picture.pages
        raise IndexError(index)

    def _volume(
        self,
        policy: Policy,
        runtime: Runtime | None,
        progress: Progress,
        intensity: Intensity | None,
        spacing_mm: Spacing,
    ) -> Volume:
        faults = [unknown_sides(), *self._number_faults(policy), *spacing_faults(spacing_mm)]
        verdict = verdict_of(faults, policy, {"slices": self.shape[0]})
        if verdict.status == "unsound":
            raise self._unplaced(verdict)
        require_memory(6 * math.prod(self.shape), runtime or Runtime(), str(self.root))
        pages: list[tuple[Picture, Page]] = []
        for n, picture in enumerate(self.pictures):
            pages += [(picture, page) for page in read_pages(picture)]
            progress("read", (n + 1) / len(self.pictures))
        found = self._merged((picture, (*page.faults, *_lightness_faults(page))) for picture, page in pages)
        faults = [*verdict.faults, *found, *intensity_faults(intensity)]
        return Volume(
            array=narrow(np.stack([page.lightness() for _, page in pages])),
            grid=axial_grid(self.shape, spacing_mm=spacing_mm),
            intensity=intensity or Intensity.ARBITRARY,
            source=self.source(),
            verdict=verdict_of(faults, policy, verdict.facts),
        )

    def _unplaced(self, verdict: Verdict) -> GeometryError:
        fault = verdict.faults[0]
        ways = {
            "no_spacing": (
                "Give spacing_mm=(slice, row, column) in mm if they are slices; open a file alone if each is a picture "
                "of its own; or use the DICOM files they were made from."
            )
        }
        return GeometryError(fault.message, where=str(self.root), way_out=ways.get(fault.code, "Or load with 'as-is'."))


def _lightness_faults(page: Page) -> list[Fault]:
    """A stack has one value a voxel."""
    if not page.is_colour:
        return []
    return [Fault("colour_to_grey", Severity.WARNING, "coloured; their lightness (ITU-R 601) was taken")]
