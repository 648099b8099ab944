"""Traps of the places of slices: tilted, missing, uneven, moved, in an odd plane."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from overread.geometry import Grid, Policy
from overread.phantoms.ellipsoid import Point
from overread.phantoms.traps.target import TARGET, stack_grid
from overread.phantoms.traps.trap import CT_INTERCEPT, Trap, at, edit, setting, sound

TILT_DEG = 18.0
Z: Point = (0.0, 0.0, 1.0)


def tilted_grid() -> Grid:
    """Slices turned about x by 18 degrees while the table runs along z."""
    turn = np.radians(TILT_DEG)
    return stack_grid(column=(0.0, float(np.cos(turn)), float(np.sin(turn))), step=Z)


def _tilted(folder: Path, tag: float | None) -> None:
    paths = sound(folder, tilted_grid())
    if tag is not None:
        edit(paths, setting(GantryDetectorTilt=tag))


def _without(*lost: int) -> tuple[int, ...]:
    return tuple(k for k in range(36) if k not in lost)


def _unreadable(folder: Path) -> None:
    path = sound(folder)[17]
    path.write_bytes(path.read_bytes()[:400])


def _cut(folder: Path) -> None:
    path = sound(folder)[17]
    path.write_bytes(path.read_bytes()[:-1000])


def _uneven(folder: Path) -> None:
    """Half a millimetre between the slices painted; those sent are 1.5 mm apart below the middle and 2.5 mm above."""
    grid = stack_grid(spacing_mm=(0.5, 1.2, 1.2))
    _, rows, columns = grid.shape
    sound(folder, grid.crop((-36, 0, 0), (108, rows, columns)), slices=(*range(0, 55, 3), *range(59, 108, 5)))


def _moved(folder: Path, numbers: range, way: Point) -> None:
    """Some slices taken elsewhere, `way` mm from their place in the stack; they show what lies there, and say so."""
    grid = stack_grid()
    affine = grid.affine_lps.copy()
    affine[:3, 3] += way
    elsewhere = Grid(grid.shape, affine)
    stored = np.asarray(TARGET.paint(elsewhere).array, dtype=np.int16) - np.int16(CT_INTERCEPT)

    def change(dataset: Dataset, n: int) -> None:
        if n in numbers:
            dataset.ImagePositionPatient = [f"{mm:.6f}" for mm in elsewhere.to_lps((n, 0, 0))]
            dataset.PixelData = stored[n].astype("<i2").tobytes()

    sound(folder, grid, change=change)


def _rounded(folder: Path) -> None:
    grid = stack_grid(spacing_mm=(1.25, 1.2, 1.2))

    def change(dataset: Dataset, _: int) -> None:
        dataset.ImagePositionPatient = [round(float(mm), 1) for mm in dataset.ImagePositionPatient]

    sound(folder, grid, change=change)


PLACES = (
    Trap(name="sound", story="nothing is wrong", write=lambda folder: sound(folder) and None),
    Trap(
        name="gantry_tilt",
        story="the gantry was tilted by 18 degrees",
        write=lambda folder: _tilted(folder, None),
        code="tilted_gantry",
        words=r"sheared by 18\.00 degrees",
        plane="axial, turned by 18 degrees",
    ),
    Trap(
        name="tilt_without_tag",
        story="the gantry was tilted, the tag says 0",
        write=lambda folder: _tilted(folder, 0.0),
        code="tilt_tag_differs",
        words=r"tilt of 0\.0 degrees, the positions 18\.0",
        plane="axial, turned by 18 degrees",
    ),
    Trap(
        name="tilt_in_tag_only",
        story="the tag says 20 degrees, the slices lie straight",
        write=lambda folder: sound(folder, change=setting(GantryDetectorTilt=20.0)),
        code="tilt_tag_differs",
        words=r"tilt of 20\.0 degrees, the positions 0\.0",
    ),
    Trap(
        name="missing_slice",
        story="one slice in the middle was not sent",
        write=lambda folder: sound(folder, slices=_without(14)),
        code="missing_slices",
        words=r"1 slice is missing: 1 between CT0014\.dcm and CT0015\.dcm \(3\.00 mm\)",
        cure=Policy.REPAIR,
    ),
    Trap(
        name="missing_slices",
        story="three slices at two places were not sent",
        write=lambda folder: sound(folder, slices=_without(12, 13, 21)),
        code="missing_slices",
        words=r"3 slices are missing: 2 between .* \(4\.50 mm\), 1 between .* \(3\.00 mm\)",
        cure=Policy.REPAIR,
    ),
    Trap(
        name="unreadable_slice",
        story="one file ends inside its header",
        write=_unreadable,
        code="missing_slices",
        words=r"1 slice is missing: .*CT0018\.dcm cannot be read and may be it",
        cure=Policy.REPAIR,
    ),
    Trap(
        name="cut_slice",
        story="one file ends inside its pixels",
        write=_cut,
        code="truncated_file",
        words="1 of 36 files end inside their pixels",
        cure=Policy.REPAIR,
    ),
    Trap(
        name="uneven_spacing",
        story="slices are 1.5 mm apart below and 2.5 mm above",
        write=_uneven,
        code="uneven_spacing",
        words=r"from 1\.50 to 2\.50 mm",
        cure=Policy.REPAIR,
    ),
    Trap(
        name="rounded_positions",
        story="positions were rounded to a tenth of a mm",
        write=_rounded,
        code="rounded_positions",
        words=r"up to 0\.0\d+ mm off an even distance",
    ),
    Trap(
        name="slice_moved_aside",
        story="one slice was taken 6 mm to the left of its place",
        write=lambda folder: _moved(folder, range(17, 18), (6.0, 0.0, 0.0)),
        code="shifted_slices",
        words=r"shifted sideways by up to 6\.00 mm",
        cure=None,
    ),
    Trap(
        name="field_moved",
        story="the picture was moved by 5 mm between two halves",
        write=lambda folder: _moved(folder, range(18, 36), (0.0, 5.0, 0.0)),
        code="shifted_slices",
        words="shifted sideways",
        cure=None,
    ),
    Trap(
        name="no_position",
        story="one slice does not say where it is",
        write=lambda folder: sound(folder, change=at(17, setting(ImagePositionPatient=None))),
        code="no_position",
        words="1 of 36 files have no usable position",
        cure=None,
    ),
    Trap(
        name="single_slice",
        story="only one slice was sent",
        write=lambda folder: sound(folder, slices=(18,)),
        code="single_slice",
        words="one slice only",
        cure=None,
    ),
)
