"""All 48 orientations of one anisotropic phantom, through DICOM and NIfTI, give one volume at one place."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from overread.geometry import ORIENTATIONS, axial_grid, orient
from overread.image import Intensity
from overread.io import open_study

SHAPE, SPACING, ORIGIN = (6, 9, 11), (2.5, 0.7, 0.9), (-31.0, -42.5, 17.25)


@pytest.fixture(scope="module")
def phantom():
    """(array, grid): HU noise with a bright box off centre, different along every axis."""
    array = np.random.default_rng(3).integers(-1000, -700, SHAPE).astype(np.int16)
    array[1:4, 2:4, 5:10] = 100
    return array, axial_grid(SHAPE, spacing_mm=SPACING, origin_lps=ORIGIN)


def box_of(volume):
    """Volume (mm3) and centroid (mm) of the bright box."""
    inside = np.argwhere(volume.array > 0)
    return len(inside) * volume.grid.voxel_volume_mm3, volume.grid.to_lps(inside.mean(axis=0))


def expect_the_phantom(volume, phantom):
    array, grid = phantom
    size, centre = box_of(volume)
    assert size == pytest.approx(3 * 2 * 5 * np.prod(SPACING))
    np.testing.assert_allclose(centre, (-31 + 7 * 0.9, -42.5 + 2.5 * 0.7, 17.25 + 2 * 2.5), atol=1e-6)
    back, home = orient(volume.array, volume.grid, "SPL")
    np.testing.assert_array_equal(back, array)
    assert home.same_place(grid)


@pytest.mark.parametrize("letters", ORIENTATIONS)
def test_through_dicom(writer, phantom, letters):
    array, grid = orient(*phantom, letters)
    affine = grid.affine_lps
    writer.spacing_mm = grid.spacing_mm
    writer.row, writer.column = (tuple(affine[:3, n] / np.linalg.norm(affine[:3, n])) for n in (2, 1))
    writer.origin, writer.step = tuple(affine[:3, 3]), tuple(affine[:3, 0])
    writer.write(np.ascontiguousarray(array) + np.int16(1024))
    series = open_study(writer.folder).only("CT")
    assert series.verdict.status == "sound"
    expect_the_phantom(series.load(), phantom)


@pytest.mark.parametrize("letters", ORIENTATIONS)
@pytest.mark.parametrize("form", ["sform", "qform"])
def test_through_nifti(tmp_path, phantom, letters, form):
    array, grid = orient(*phantom, letters)
    ras = np.diag((-1.0, -1.0, 1.0, 1.0)) @ grid.affine_lps[:, [2, 1, 0, 3]]
    image = nibabel.Nifti1Image(array.transpose(2, 1, 0), ras)
    image.set_sform(ras, 1 if form == "sform" else 0)
    image.set_qform(ras, 1 if form == "qform" else 0)
    image.header.set_xyzt_units("mm")
    image.to_filename(tmp_path / "phantom.nii.gz")
    series = open_study(tmp_path).only()
    assert series.verdict.status == "sound"
    volume = series.load(intensity=Intensity.HU)
    assert volume.array.dtype == np.int16
    # a qform holds float32 quaternions
    expect_the_phantom(volume, phantom)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pose=st.tuples(*[st.floats(-3.1, 3.1)] * 3, st.floats(-0.4, 0.4)),
    spacing=st.tuples(st.floats(0.5, 6), st.floats(0.3, 1.5), st.floats(0.3, 1.5)),
    shuffle=st.permutations(range(6)),
)
def test_any_rotation_tilt_spacing_and_file_order(writer, phantom, pose, spacing, shuffle):
    """read(write(x)) puts every voxel where it was written, whatever the grid and the order of files."""
    for old in writer.folder.glob("*.dcm"):
        old.unlink()
    a, b, c, tilt = pose
    turn = np.linalg.qr(np.eye(3) + np.array([[0, -a, b], [a, 0, -c], [-b, c, 0]]))[0]
    writer.row, writer.column, normal = tuple(turn[:, 0]), tuple(turn[:, 1]), np.cross(turn[:, 0], turn[:, 1])
    writer.spacing_mm = tuple(round(mm, 4) for mm in spacing)
    writer.step = tuple((normal + np.tan(tilt) * turn[:, 1]) * writer.spacing_mm[0])
    array = phantom[0] + np.int16(1024)
    order = list(shuffle)
    writer.write(array[order], writer.positions(6)[order])
    volume = open_study(writer.folder).only().load()
    np.testing.assert_array_equal(volume.array, phantom[0])
    k, j, i = 4, 7, 9
    true = (
        np.array(writer.origin)
        + k * np.array(writer.step)
        + j * writer.spacing_mm[1] * turn[:, 1]
        + i * writer.spacing_mm[2] * turn[:, 0]
    )
    np.testing.assert_allclose(volume.grid.to_lps((k, j, i)), true, atol=1e-4)
