"""Traps of tags that contradict the positions, and of orientations and pixels that are not plain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from overread.phantoms.ellipsoid import Point
from overread.phantoms.traps.places import tilted_grid
from overread.phantoms.traps.target import Target, stack_grid
from overread.phantoms.traps.trap import Trap, edit, setting, sound

LEFT = Target(centre_lps=(92.0, -14.0, 31.0))
"""So far to the left that no picture around it reaches the middle of the scanner."""
OBLIQUE = np.array([[0.8, 0.36, 0.48], [-0.6, 0.48, 0.64], [0.0, -0.8, 0.6]])
"""Columns: row direction, column direction, normal."""


def _direction(column: int) -> Point:
    x, y, z = OBLIQUE[:, column]
    return float(x), float(y), float(z)


def _slowly_turned(folder: Path) -> None:
    """Row and column turned by about 20 degrees, cosines of three digits: not quite at right angles."""
    a, b = np.radians(20.0), np.radians(13.0)
    row = (float(np.cos(a)), float(np.sin(a)), 0.0)
    column = (float(-np.sin(a) * np.cos(b)), float(np.cos(a) * np.cos(b)), float(np.sin(b)))

    def change(dataset: Dataset, _: int) -> None:
        dataset.ImageOrientationPatient = [round(float(c), 3) for c in dataset.ImageOrientationPatient]

    sound(folder, stack_grid(row=row, column=column), change=change)


def _interleaved() -> tuple[int, ...]:
    return (*range(0, 36, 2), *range(1, 36, 2))


def _enhanced(folder: Path) -> None:
    """The slices of a tilted gantry as the frames of one object, by the conversion that the standard foresees."""
    import pydicom  # noqa: PLC0415
    from highdicom.legacy import LegacyConvertedEnhancedCTImage  # noqa: PLC0415  (heavy, for this trap only)

    from overread.phantoms.dicom_series import phantom_uid  # noqa: PLC0415

    paths = sound(folder, tilted_grid())
    slices = [pydicom.dcmread(path) for path in paths]
    one = LegacyConvertedEnhancedCTImage(
        slices,
        series_instance_uid=phantom_uid("trap", "enhanced series"),
        series_number=1,
        sop_instance_uid=phantom_uid("trap", "enhanced"),
        instance_number=1,
    )
    for path in paths:
        path.unlink()
    del one.ReferencedSeriesSequence  # validators want it only where the frames name their sources, too
    one.save_as(folder / "enhanced.dcm")


TAGS = (
    Trap(
        name="reversed_numbers",
        story="instance numbers run from head to foot",
        write=lambda folder: sound(folder, slices=range(35, -1, -1)),
        code="reversed_order",
        words="from 36 at the first slice to 1 at the last",
    ),
    Trap(
        name="interleaved_numbers",
        story="instance numbers follow an interleaved acquisition",
        write=lambda folder: sound(folder, slices=_interleaved()),
        code="shuffled_order",
        words="17 of 35 steps go back",
    ),
    Trap(
        name="overlap",
        story="slices are twice as thick as they are apart",
        write=lambda folder: sound(folder, change=setting(SliceThickness=3.0)),
        code="thickness_differs",
        words=r"3\.00 mm thick and 1\.50 mm apart: they overlap by 1\.50 mm",
    ),
    Trap(
        name="gaps",
        story="slices are a third as thick as they are apart",
        write=lambda folder: sound(folder, change=setting(SliceThickness=0.5)),
        code="slices_apart",
        words=r"1\.50 mm apart but 0\.50 mm thick: tissue between them was not imaged",
    ),
    Trap(
        name="thicker_slices",
        story="five slices are thicker than the others",
        write=lambda folder: edit(sound(folder)[15:20], setting(SliceThickness=5.0)),
        code="thickness_varies",
        words=r"5 slices are of another thickness, 5\.00 mm against 1\.50 mm of most",
    ),
    Trap(
        name="spacing_tag_lies",
        story="Spacing Between Slices says 3 mm, the slices are 1.5 mm apart",
        write=lambda folder: sound(folder, change=setting(SpacingBetweenSlices=3.0)),
        code="gap_tag_differs",
        words=r"3\.00 mm between slices, the positions 1\.50",
    ),
    Trap(
        name="laterality_lies",
        story="the tag says right, the pictures lie on the left",
        write=lambda folder: sound(folder, target=LEFT, change=setting(BodyPartExamined="HIP", Laterality="R")),
        code="laterality_differs",
        words="says the right side, but all of the picture lies to the left",
        target=LEFT,
    ),
    Trap(
        name="coronal",
        story="slices run from front to back",
        write=lambda folder: sound(folder, stack_grid(row=(1.0, 0.0, 0.0), column=(0.0, 0.0, -1.0))),
        plane="coronal",
    ),
    Trap(
        name="sagittal",
        story="slices run from left to right",
        write=lambda folder: sound(folder, stack_grid(row=(0.0, 1.0, 0.0), column=(0.0, 0.0, -1.0))),
        plane="sagittal",
    ),
    Trap(
        name="oblique",
        story="no axis of the picture is one of the patient",
        write=lambda folder: sound(folder, stack_grid(row=_direction(0), column=_direction(1))),
        plane="coronal, turned by 50 degrees",
    ),
    Trap(
        name="rows_run_up",
        story="rows run from back to front, slices against their normal",
        write=lambda folder: sound(folder, stack_grid(column=(0.0, -1.0, 0.0), step=(0.0, 0.0, 1.0))),
        code="reversed_order",
        words="from 36 at the first slice to 1 at the last",
    ),
    Trap(
        name="rounded_cosines",
        story="direction cosines have three digits",
        write=_slowly_turned,
        code="cosines_not_orthonormal",
        words="put right",
        plane="axial, turned by 13 degrees",
    ),
    Trap(
        name="broken_cosines",
        story="row and column are not at right angles",
        write=lambda folder: sound(folder, change=setting(ImageOrientationPatient=[1, 0, 0, 0.2, 0.98, 0])),
        code="cosines_not_orthonormal",
        words="not two unit vectors at right angles",
        cure=None,
    ),
    Trap(
        name="oblong_pixels",
        story="pixels are twice as high as wide",
        write=lambda folder: sound(folder, stack_grid(spacing_mm=(1.5, 1.2, 0.6))),
        code="anisotropic_pixels",
        words=r"1\.200 x 0\.600 mm",
    ),
    Trap(
        name="enhanced_tilt",
        story="a tilted gantry, all slices in one multi-frame object",
        write=_enhanced,
        code="tilted_gantry",
        words=r"sheared by 18\.00 degrees",
        plane="axial, turned by 18 degrees",
    ),
)
