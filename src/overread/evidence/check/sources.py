"""The images that an object may refer to, by SOP Instance UID."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from overread.evidence.check import items
from overread.evidence.segments import widths_mm
from overread.image import SourceFrame
from overread.io.quiet import quiet
from overread.io.study import Series, Study


@dataclass(frozen=True)
class SourceSeries:
    """One series, with the frames of one stack sorted by nothing but their order in the files."""

    series: Series

    @cached_property
    def placed(self) -> tuple[SourceFrame, ...]:
        """Its frames that have a place in the patient."""
        return tuple(f for f in self.series.source.frames if np.isfinite(f.position_lps).all())

    @cached_property
    def positions(self) -> NDArray[np.float64]:
        """(frame, 3): centre of the first pixel, mm, LPS."""
        return np.array([frame.position_lps for frame in self.placed], dtype=np.float64).reshape(-1, 3)

    @cached_property
    def widths_mm(self) -> NDArray[np.float64]:
        """(frame,): extent along the normal that each frame stands for, mm."""
        return widths_mm(self.placed) if self.placed else np.zeros(0)

    @property
    def frame_of_reference_uid(self) -> str:
        """Empty where the images have none."""
        return self.series.source.frame_of_reference_uid


@dataclass(frozen=True, slots=True)
class SourceImage:
    """One object of a series; `frames` by frame number from 1."""

    of: SourceSeries
    sop_class_uid: str
    path: Path
    frames: dict[int, SourceFrame] = field(default_factory=dict)


class Sources:
    """All images at the checked path and beside it, headers only."""

    def __init__(self, studies: Iterable[Study]) -> None:
        self.series = [SourceSeries(one) for study in studies for one in study.series if one.kind == "dicom"]
        self.images: dict[str, SourceImage] = {}
        for one in self.series:
            for frame in one.series.source.frames:
                image = self.images.setdefault(frame.sop_uid, SourceImage(one, frame.sop_class_uid, frame.path))
                image.frames[frame.frame_number] = frame

    def of_series(self, series_uid: str) -> SourceSeries | None:
        """The series with this UID, its largest stack if there are several."""
        fitting = [one for one in self.series if one.series.series_uid == series_uid]
        return max(fitting, key=lambda one: len(one.series.source.frames), default=None)

    def header(self, image: SourceImage) -> Dataset | None:
        """The header of an image, read again; None where that fails by now."""
        try:
            with quiet("pydicom"):
                return pydicom.dcmread(image.path, stop_before_pixels=True, force=True)
        except Exception:  # noqa: BLE001  (it was readable a moment ago; patient and study are then not compared)
            return None


def same_text(a: Dataset, b: Dataset, keyword: str) -> bool:
    """Whether two data sets say the same, as far as both say anything."""
    left, right = items.text(a, keyword), items.text(b, keyword)
    return not left or not right or left == right
