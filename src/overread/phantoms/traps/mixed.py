"""Traps of files that share a series UID without being one stack."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from overread.geometry import Grid, Policy
from overread.phantoms.traps.target import Target, stack_grid
from overread.phantoms.traps.trap import CT_INTERCEPT, Change, Trap, as_mr, at, edit, join, setting, sound

MOVED = Target(centre_lps=(30.0, -14.0, 31.0))
"""The same object 8 mm further left, as another phase might show it."""


def _two_stacks(first: Change, second: Change) -> Callable[[Path], None]:
    """The object and, at the same places under the same series UID, the moved one."""

    def write(folder: Path) -> None:
        paths = sound(folder, change=first)
        other = MOVED.paint(stack_grid()).array

        def change(dataset: Dataset, n: int) -> None:
            dataset.PixelData = (other[n] + np.int16(-CT_INTERCEPT)).astype("<i2").tobytes()
            second(dataset, n)

        join(folder, paths, "second", lambda apart: sound(apart, seed=2, change=change))

    return write


def _copies(*numbers: int, change: Change | None = None, empty: bool = False) -> Callable[[Path], None]:
    """The stack, and some of its slices (counted from 0) once more, with other UIDs; `empty` pictures if so told."""

    def write(folder: Path) -> None:
        paths = sound(folder)

        def alter(dataset: Dataset, n: int) -> None:
            if empty:
                dataset.PixelData = bytes(len(dataset.PixelData))
            if change is not None:
                change(dataset, n)

        lay = lambda apart: sound(apart, seed=2, slices=numbers, change=alter)  # noqa: E731
        join(folder, paths, "again", lay)

    return write


def _with(name: str, lay: Callable[[Path], list[Path]]) -> Callable[[Path], None]:
    """The stack, and other files under its series UID."""

    def write(folder: Path) -> None:
        join(folder, sound(folder), name, lay)

    return write


def _coronal(pixel_mm: float = 1.2) -> Grid:
    return stack_grid(row=(1.0, 0.0, 0.0), column=(0.0, 0.0, -1.0), spacing_mm=(1.5, pixel_mm, pixel_mm))


def _sagittal() -> Grid:
    return stack_grid(row=(0.0, 1.0, 0.0), column=(0.0, 0.0, -1.0))


def _pilot(folder: Path) -> None:
    paths = sound(folder)
    join(folder, paths, "coronal", lambda apart: sound(apart, _coronal()))
    join(folder, paths, "sagittal", lambda apart: sound(apart, _sagittal()))


def _scout(apart: Path) -> list[Path]:
    grid = _coronal(0.8)
    return sound(apart, grid, seed=2, slices=(18,), change=setting(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]))


def _own_rescale(dataset: Dataset, n: int) -> None:
    """The same HU, stored differently in every third file."""
    stored = np.frombuffer(dataset.PixelData, "<i2") + np.int16(100 * (n % 3))
    dataset.PixelData, dataset.RescaleIntercept = stored.tobytes(), CT_INTERCEPT - 100 * (n % 3)


MIXED = (
    Trap(
        name="time_points",
        story="two time points in one series",
        write=_two_stacks(as_mr(TemporalPositionIdentifier=1), as_mr(TemporalPositionIdentifier=2)),
        code="split_series",
        words="part 1 of 2, time 1",
        parts=2,
    ),
    Trap(
        name="echoes",
        story="two echoes in one series",
        write=_two_stacks(as_mr(EchoTime=2.3), as_mr(EchoTime=4.6)),
        code="split_series",
        words=r"part 1 of 2, echo time, ms 2\.3",
        parts=2,
    ),
    Trap(
        name="b_values",
        story="two b-values in one series",
        write=_two_stacks(as_mr(DiffusionBValue=0.0), as_mr(DiffusionBValue=1000.0)),
        code="split_series",
        words="part 1 of 2, b-value, s/mm2 0",
        parts=2,
    ),
    Trap(
        name="acquisitions",
        story="two acquisitions in one series",
        write=_two_stacks(setting(AcquisitionNumber=1), setting(AcquisitionNumber=2)),
        code="split_series",
        words="part 1 of 2, acquisition 1",
        parts=2,
    ),
    Trap(
        name="slice_sent_twice",
        story="two slices were sent twice",
        write=_copies(14, 20),
        code="duplicate_frame",
        words="2 of 38 frames are copies of another and were left out",
    ),
    Trap(
        name="stack_sent_twice",
        story="the whole stack was sent twice, with another acquisition number",
        write=_copies(*range(36), change=setting(AcquisitionNumber=2)),
        code="duplicate_frame",
        words="36 of 72 frames are copies",
    ),
    Trap(
        name="other_picture_at_a_place",
        story="one place has a second, empty picture",
        write=_copies(17, empty=True),
        code="duplicate_position",
        words="1 of 37 frames are at the place of another with other pixels",
        cure=Policy.REPAIR,
    ),
    Trap(
        name="localizer",
        story="a scout view shares the series UID",
        write=_with("scout", _scout),
        code="localizer_apart",
        words=r"1 scout view shares the series UID, set apart: scout_CT0001\.dcm",
        parts=2,
    ),
    Trap(
        name="stray_plane",
        story="one coronal picture among axial slices",
        write=_with("stray", lambda apart: sound(apart, _coronal(), seed=2, slices=(18,))),
        code="stray_slices",
        words=r"coronal, 48 x 52\): stray_CT0001\.dcm",
        parts=2,
    ),
    Trap(
        name="stray_size",
        story="one smaller picture among the slices",
        write=_with("stray", lambda apart: sound(apart, stack_grid(spacing_mm=(1.5, 2.4, 2.4)), seed=2, slices=(18,))),
        code="stray_slices",
        words=r"axial, 24 x 26\): stray_CT0001\.dcm",
        parts=2,
    ),
    Trap(
        name="three_planes",
        story="three stacks of three planes in one series",
        write=_pilot,
        code="split_series",
        words="part 1 of 3, axial, 48 x 52",
        parts=3,
    ),
    Trap(
        name="other_pixel_spacing",
        story="one slice has larger pixels",
        write=lambda folder: sound(folder, change=at(17, setting(PixelSpacing=[1.3, 1.3]))),
        code="mixed_spacing",
        words=r"1 of 36 files have another pixel spacing: 1\.3 x 1\.3 mm, not 1\.2 x 1\.2 mm",
        cure=None,
    ),
    Trap(
        name="two_patients",
        story="slices of another patient in the series",
        write=lambda folder: edit(sound(folder)[20:], setting(PatientID="SOMEONE-ELSE")),
        code="mixed_patients",
        words="files of different patients carry one series UID",
        cure=None,
    ),
    Trap(
        name="two_frames_of_reference",
        story="slices of another frame of reference in the series",
        write=lambda folder: edit(sound(folder)[20:], setting(FrameOfReferenceUID="2.25.4711")),
        code="mixed_frame_of_reference",
        words="16 of 36 files have another frame of reference",
        cure=None,
    ),
    Trap(
        name="own_rescale",
        story="each slice has a rescale of its own",
        write=lambda folder: sound(folder, change=_own_rescale),
    ),
)
