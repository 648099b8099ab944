"""NRRD and MetaImage files with two axes are one picture; other formats of pictures are named with a way out."""

import numpy as np
import pytest
import SimpleITK

from overread.errors import DamagedFileError, NothingReadableError, UnsupportedFormatError, UsageError
from overread.image import Calibration, Intensity, Radiograph
from overread.io import middle_picture, open_study

VALUES = np.arange(12).reshape(3, 4) * 20


def write(path, values=VALUES, spacing=(0.2, 0.1), packed=False):
    """`spacing` is (row, column)."""
    image = SimpleITK.GetImageFromArray(values)
    image.SetSpacing(spacing[::-1])
    SimpleITK.WriteImage(image, str(path), packed)


def opened(path):
    (series,) = open_study(path).series
    return series


@pytest.mark.parametrize("name", ["one.nrrd", "one.mha", "one.mhd"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        (np.uint8, np.uint8),
        (np.uint16, np.uint16),
        (np.int16, np.int16),
        (np.int32, np.int16),
        (np.float64, np.int16),
    ],
)
def test_two_axes_are_a_radiograph(name, packed, kind, kept, tmp_path):
    write(tmp_path / name, VALUES.astype(kind), packed=packed)
    series = opened(tmp_path / name)
    image = series.load()
    assert isinstance(image, Radiograph)
    assert image.array.dtype == kept
    assert np.array_equal(image.array, VALUES)
    assert (series.shape, series.spacing_mm) == ((1, 3, 4), None)
    assert image.scale == series.scale
    assert image.scale.calibration is Calibration.UNSAID
    assert image.scale.require_mm() == pytest.approx((0.2, 0.1))
    assert {fault.code for fault in image.verdict.faults} == {"orientation_unknown", "calibration"}
    assert np.array_equal(middle_picture(series).array, VALUES)


@pytest.mark.parametrize("name", ["one.nrrd", "one.mha"])
def test_one_by_one_is_no_spacing_but_the_user_may_know(name, tmp_path):
    write(tmp_path / name, spacing=(1, 1))
    series = opened(tmp_path / name)
    assert series.load().scale.spacing_mm is None
    assert "1 x 1" in series.scale.words
    image = series.load(spacing_mm=(0.3, 0.4), intensity=Intensity.HU)
    assert (image.scale.calibration, image.scale.require_mm()) == (Calibration.CALLER, (0.3, 0.4))
    assert image.intensity is Intensity.HU
    with pytest.raises(UsageError, match=r"two \(row, column\) lengths above 0"):
        series.load(spacing_mm=(0, 1))


@pytest.mark.parametrize("given", [(0.2, 0.1), (1, 0.2, 0.1)])
def test_a_file_that_knows_its_spacing_is_not_told_it(given, tmp_path):
    write(tmp_path / "one.mha")
    with pytest.raises(UsageError, match="its own spacing"):
        opened(tmp_path / "one.mha").load(spacing_mm=given)


def test_unit_and_vectors_of_nrrd(tmp_path):
    head = (
        "NRRD0004\ntype: uchar\ndimension: 2\nspace: left-posterior-superior\nsizes: 4 3\n"
        'space directions: (0.006,0.008,0) (0,0,0.02)\nspace units: "cm" "cm" "cm"\nencoding: raw\n\n'
    )
    (tmp_path / "one.nrrd").write_bytes(head.encode() + VALUES.astype(np.uint8).tobytes())
    assert opened(tmp_path / "one.nrrd").scale.require_mm() == pytest.approx((0.2, 0.1))


def test_without_any_spacing(tmp_path):
    head = "NRRD0004\ntype: uchar\ndimension: 2\nsizes: 4 3\nencoding: raw\n\n"
    (tmp_path / "one.nrrd").write_bytes(head.encode() + VALUES.astype(np.uint8).tobytes())
    assert opened(tmp_path / "one.nrrd").scale.calibration is Calibration.NONE


@pytest.mark.parametrize("spacing", [b"0 0.1", b"nan 0.1", b"0.1"])
def test_broken_spacing(spacing, tmp_path):
    write(tmp_path / "one.mha", spacing=(0.25, 0.5))
    raw = (tmp_path / "one.mha").read_bytes()
    assert b"ElementSpacing = 0.5 0.25" in raw
    (tmp_path / "one.mha").write_bytes(raw.replace(b"ElementSpacing = 0.5 0.25", b"ElementSpacing = " + spacing))
    with pytest.raises(DamagedFileError):
        open_study(tmp_path / "one.mha")


@pytest.mark.parametrize("name", ["one.nrrd", "one.mha"])
def test_four_axes_are_refused(name, tmp_path):
    SimpleITK.WriteImage(SimpleITK.JoinSeries([SimpleITK.GetImageFromArray(np.zeros((2, 3, 4)))]), str(tmp_path / name))
    with pytest.raises(UnsupportedFormatError, match="has 4 axes"):
        open_study(tmp_path)


def test_gif_is_named_with_a_way_out(tmp_path):
    (tmp_path / "x.gif").write_bytes(b"GIF89a" + bytes(100))
    with pytest.raises(NothingReadableError, match="a GIF picture: save its pictures as PNG"):
        open_study(tmp_path)
