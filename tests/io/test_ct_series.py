"""A sound CT series, however coded, becomes the HU volume that was written, at its place in the patient."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK

from overread.geometry import Policy
from overread.image import Intensity
from overread.io import open_study
from overread.runtime import Runtime

EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
RLE, JPEG_LOSSLESS, JPEG_SV1 = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"
JPEGLS, J2K, HTJ2K = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.201"
LOSSLESS = (EXPLICIT, IMPLICIT, RLE, JPEG_LOSSLESS, JPEG_SV1, JPEGLS, J2K)  # SimpleITK reads these too


def sitk_volume(folder):
    names = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))
    image = SimpleITK.ReadImage(names)
    return SimpleITK.GetArrayFromImage(image), image


def sitk_affine(image):
    """Affine (k, j, i) -> mm of a SimpleITK image, whose own order is (i, j, k)."""
    directions = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = directions[:, ::-1], image.GetOrigin()
    return affine


@pytest.mark.parametrize("syntax", [*LOSSLESS, HTJ2K])
@pytest.mark.parametrize("dtype", [np.int16, np.uint16])
def test_every_lossless_syntax_gives_the_written_hu(writer, stored, syntax, dtype):
    writer.syntax = syntax
    writer.write(stored.astype(dtype))
    series = open_study(writer.folder).only("CT")
    volume = series.load(runtime=Runtime(1))
    assert series.verdict.status == volume.verdict.status == "sound"
    assert (series.transfer_syntax, series.n_files, series.shape) == (syntax, 8, (8, 24, 20))
    assert series.spacing_mm == pytest.approx((2.5, 0.7, 0.9))
    assert volume.array.dtype == np.int16
    assert volume.intensity is Intensity.HU
    np.testing.assert_array_equal(volume.array, stored - 1024)


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_simpleitk_agrees_on_geometry_and_hu(writer, stored, syntax):
    writer.syntax = syntax
    # an oblique right-handed frame
    writer.row, writer.column = (0.8, 0.6, 0.0), (-0.36, 0.48, 0.8)
    writer.write(stored)
    volume = open_study(writer.folder).only().load(runtime=Runtime(2))
    array, image = sitk_volume(writer.folder)
    np.testing.assert_array_equal(volume.array, array)
    np.testing.assert_allclose(volume.grid.affine_lps, sitk_affine(image), atol=1e-5)


def test_bytes_are_equal_at_any_thread_count(writer, stored):
    writer.write(np.concatenate([stored] * 5))
    series = open_study(writer.folder).only()
    one, two, four = (series.load(runtime=Runtime(n)).array.tobytes() for n in (1, 2, 4))
    assert one == two == four


def test_slices_written_backwards_are_sorted_along_the_normal(writer, stored):
    writer.write(stored, writer.positions(8)[::-1])
    volume = open_study(writer.folder).only().load()
    np.testing.assert_array_equal(volume.array, stored[::-1] - 1024)
    np.testing.assert_allclose(volume.grid.affine_lps[:3, 3], writer.origin)
    assert [frame.path.name for frame in volume.source.frames] == [f"{n:03d}.dcm" for n in range(7, -1, -1)]


def test_source_says_where_each_slice_comes_from(writer, stored):
    paths = writer.write(stored)
    source = open_study(writer.folder).only().load().source
    assert source.paths == tuple(paths)
    assert [frame.sop_uid[-2:] for frame in source.frames] == [f".{n}" for n in range(1, 9)]
    third = source.frames[2]
    assert third.position_lps == pytest.approx((-31.0, -42.5, 22.25))
    assert (third.row_lps, third.column_lps) == ((1, 0, 0), (0, 1, 0))
    assert (third.spacing_mm, third.shape, third.frame_number) == ((0.7, 0.9), (24, 20), 1)
    assert (source.facts["kernel"], source.facts["kvp"], source.facts["body_part"]) == ("B30f", 120.0, "CHEST")


@pytest.mark.parametrize("case", ["LIDC-IDRI-0001", "LIDC-IDRI-0002", "LIDC-IDRI-0003"])
def test_real_scans_agree_with_simpleitk(shared_data, case):
    folder = shared_data / "chest_ct" / "dicom" / case
    volume = open_study(folder).only("CT").load(policy=Policy.STRICT, runtime=Runtime(2))
    array, image = sitk_volume(folder)
    np.testing.assert_allclose(volume.grid.affine_lps, sitk_affine(image), atol=1e-4)
    padding = array == volume.verdict.facts["padding_hu"]
    assert padding[0, 0, 0]
    assert np.count_nonzero(padding) == volume.verdict.facts["padded_voxels"]
    array[padding] = -1024  # padding is air here, a number below any tissue there
    np.testing.assert_array_equal(volume.array, array)


@pytest.mark.parametrize(
    ("tag", "step", "differs"), [(20, (0, 0, 2.5), True), (0, (0, 0.9, 2.5), True), (-19.8, (0, 0.9, 2.5), False)]
)
def test_tilt_tag_that_lies_is_said_and_positions_are_used(tag, step, differs, writer, stored):
    writer.step = step
    writer.edit = lambda dataset, n: setattr(dataset, "GantryDetectorTilt", tag)
    writer.write(stored)
    (series,) = open_study(writer.folder).series
    assert series.verdict.has("tilt_tag_differs") is differs
    assert series.load().grid.affine_lps[:3, 0] == pytest.approx(step)


@pytest.mark.parametrize(("tag", "differs"), [(2.5, False), (-2.5, False), (5.0, True)])
def test_spacing_between_slices_that_lies_is_noted(tag, differs, writer, stored):
    writer.edit = lambda dataset, n: setattr(dataset, "SpacingBetweenSlices", tag)
    writer.write(stored)
    (series,) = open_study(writer.folder).series
    assert series.verdict.has("gap_tag_differs") is differs
    assert series.spacing_mm[0] == pytest.approx(2.5)
