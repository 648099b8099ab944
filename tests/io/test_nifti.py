"""NIfTI: types, scaling, the two placements, units, damage; and SimpleITK's opinion of where voxels are."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
import SimpleITK

from overread.errors import DamagedFileError, GeometryError, NothingReadableError, UnsupportedFormatError, UsageError
from overread.image import Intensity
from overread.io import open_study

AFFINE = np.array([[-0.9, 0, 0, 31], [0, -0.7, 0, 42.5], [0, 0, 2.5, 17.25], [0, 0, 0, 1]])


@pytest.fixture
def values():
    """(i, j, k) int16, different along every axis."""
    return np.random.default_rng(3).integers(-1000, 300, (11, 9, 6)).astype(np.int16)


def save(folder, values, *, name="a.nii", affine=AFFINE, slope=None, sform=1, qform=1, units="mm"):
    image = nibabel.Nifti1Image(values, affine)
    image.set_sform(affine, sform)
    image.set_qform(affine, qform)
    if units:
        image.header.set_xyzt_units(units)
    if slope:
        image.header.set_slope_inter(*slope)
    image.to_filename(folder / name)
    return folder / name


def load(path, **options):
    return open_study(path).only().load(**options)


def codes(thing):
    return {fault.code for fault in thing.verdict.faults}


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_simpleitk_agrees(tmp_path, values, name):
    path = save(tmp_path, values, name=name)
    volume = load(tmp_path)
    image = SimpleITK.ReadImage(str(path))
    np.testing.assert_array_equal(volume.array, SimpleITK.GetArrayFromImage(image))
    for index in [(0, 0, 0), (10, 8, 5), (3, 1, 4)]:
        np.testing.assert_allclose(
            volume.grid.to_lps(index[::-1]), image.TransformIndexToPhysicalPoint(index), atol=1e-4
        )
    assert volume.grid.spacing_mm == pytest.approx((2.5, 0.7, 0.9))


def test_values_are_hu_only_on_word(tmp_path, values):
    save(tmp_path, values)
    plain, told = load(tmp_path), load(tmp_path, intensity=Intensity.HU)
    assert (plain.intensity, told.intensity) == (Intensity.ARBITRARY, Intensity.HU)
    assert "intensity_on_word" not in codes(plain)
    (note,) = [fault for fault in told.verdict.faults if fault.code == "intensity_on_word"]
    assert "HU on the user's word" in note.message


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.int32, np.float32, np.float64])
def test_whole_values_become_int16(tmp_path, values, dtype):
    whole = np.abs(values) % 200 if dtype == np.uint8 else values
    save(tmp_path, whole.astype(dtype))
    volume = load(tmp_path)
    assert volume.array.dtype == np.int16
    np.testing.assert_array_equal(volume.array, whole.transpose(2, 1, 0))


@pytest.mark.parametrize("more", [0.25, 40000])
def test_other_values_become_float32(tmp_path, values, more):
    save(tmp_path, values.astype(np.float64) + more)
    volume = load(tmp_path)
    assert volume.array.dtype == np.float32
    np.testing.assert_array_equal(
        volume.array, (values.astype(np.float64) + more).transpose(2, 1, 0).astype(np.float32)
    )


@pytest.mark.parametrize(("slope", "dtype"), [((2, -50), np.int16), ((0.5, 3), np.float32)])
def test_scaling_of_the_file_is_applied(tmp_path, values, slope, dtype):
    image = nibabel.Nifti1Image(values, AFFINE)
    path = tmp_path / "a.nii"
    image.to_filename(path)
    data = bytearray(path.read_bytes())
    data[112:120] = np.array(slope, "<f4").tobytes()  # scl_slope, scl_inter
    path.write_bytes(data)
    volume = load(path)
    assert volume.array.dtype == dtype
    np.testing.assert_allclose(volume.array, values.transpose(2, 1, 0) * slope[0] + slope[1])


def test_placements_that_disagree_are_a_warning_with_mm(tmp_path, values):
    image = nibabel.Nifti1Image(values, AFFINE)
    moved = AFFINE.copy()
    moved[0, 3] += 4.0
    image.set_sform(AFFINE, 1)
    image.set_qform(moved, 1)
    image.header.set_xyzt_units("mm")
    image.to_filename(tmp_path / "a.nii")
    series = open_study(tmp_path).only()
    (fault,) = series.verdict.faults
    assert (fault.code, series.verdict.status) == ("sform_qform_disagree", "caution")
    assert fault.amount_mm == pytest.approx(4.0, abs=1e-4)
    np.testing.assert_allclose(series.load().grid.to_lps((0, 0, 0)), (-31, -42.5, 17.25))


def test_no_code_means_unknown_orientation(tmp_path, values):
    save(tmp_path, values, sform=0, qform=0)
    series = open_study(tmp_path).only()
    assert "orientation_unknown" in codes(series)
    assert series.spacing_mm == pytest.approx((2.5, 0.7, 0.9))


@pytest.mark.parametrize(("units", "factor"), [("mm", 1), ("meter", 1000), ("micron", 0.001), (None, 1)])
def test_units_of_length(tmp_path, values, units, factor):
    save(tmp_path, values, units=units)
    series = open_study(tmp_path).only()
    assert series.spacing_mm == pytest.approx(np.multiply((2.5, 0.7, 0.9), factor))
    assert ("unit_unknown" in codes(series)) == (units is None)


@pytest.mark.parametrize("bad", [0.0, np.nan])
def test_an_affine_that_places_nothing_is_refused(tmp_path, values, bad):
    path = save(tmp_path, values)
    data = bytearray(path.read_bytes())
    data[280:328] = np.full(12, bad, "<f4").tobytes()  # srow_x, srow_y, srow_z
    path.write_bytes(data)
    series = open_study(tmp_path).only()
    assert (series.verdict.status, series.spacing_mm) == ("unsound", None)
    with pytest.raises(GeometryError, match="places no voxels"):
        series.load()


def test_nan_voxels_are_counted(tmp_path, values):
    some = values.astype(np.float32)
    some[0, 0, :2] = np.nan
    save(tmp_path, some)
    (fault,) = [one for one in load(tmp_path).verdict.faults if one.code == "not_finite"]
    assert fault.message.startswith("2 values")


def test_trailing_axis_of_one_is_dropped_and_more_is_refused(tmp_path, values):
    save(tmp_path, values[..., None])
    assert load(tmp_path).array.shape == (6, 9, 11)
    (tmp_path / "b").mkdir()
    save(tmp_path / "b", np.stack([values, values], axis=-1))
    with pytest.raises(UnsupportedFormatError, match="4 axes"):
        open_study(tmp_path / "b")


@pytest.mark.parametrize(("name", "keep"), [("a.nii", 600), ("a.nii", 300), ("a.nii.gz", 700), ("a.nii.gz", 120)])
def test_cut_short(tmp_path, values, name, keep):
    path = save(tmp_path, values, name=name)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises((DamagedFileError, NothingReadableError)):
        load(tmp_path)


def test_spacing_is_not_for_the_caller_to_say(tmp_path, values):
    save(tmp_path, values)
    with pytest.raises(UsageError):
        load(tmp_path, spacing_mm=(1.0, 1.0, 1.0))


def test_two_files_are_ambiguous_even_when_one_is_larger(tmp_path, values):
    save(tmp_path, values, name="image.nii")
    save(tmp_path, np.concatenate([values, values], axis=2), name="mask.nii")
    with pytest.raises(UsageError, match=r"image\.nii; mask\.nii"):
        open_study(tmp_path).only()
    assert open_study(tmp_path / "image.nii").only().shape == (6, 9, 11)


def test_real_tumour_scans_open(shared_data):
    folder = shared_data / "chest_ct" / "masks"
    study = open_study(folder)
    dicom = open_study(shared_data / "chest_ct" / "dicom" / "LIDC-IDRI-0001").only("CT").load()
    (mask,) = [one for one in study.series if "0001" in one.description]
    assert mask.load().grid.same_place(dicom.grid)
