"""Float Pixel Data and Double Float Pixel Data: slices and pictures whose stored values are real numbers."""

import numpy as np
import pydicom
import pytest

from overread.errors import DamagedFileError, UnsupportedFormatError
from overread.geometry import Policy
from overread.image import Intensity, Radiograph
from overread.io import open_study

EXPLICIT, IMPLICIT, DEFLATED, BIG = (f"1.2.840.10008.1.2{tail}" for tail in (".1", "", ".1.99", ".2"))
NAMES = {np.float32: "FloatPixelData", np.float64: "DoubleFloatPixelData"}


@pytest.fixture
def reals():
    """(slice, row, column) numbers that only some type of real number holds."""
    return np.random.default_rng(4).normal(0, 300, (4, 6, 5)).astype(np.float32)


def as_reals(values, kind, **tags):
    def edit(ds, n):
        del ds.PixelData, ds.BitsStored, ds.HighBit, ds.PixelRepresentation
        ds.BitsAllocated = 8 * np.dtype(kind).itemsize
        order = ">" if ds.file_meta.TransferSyntaxUID == BIG else "<"
        setattr(ds, NAMES[kind], values[n].astype(np.dtype(kind).newbyteorder(order)).tobytes())
        for name, value in tags.items():
            setattr(ds, name, value)

    return edit


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, DEFLATED, BIG])
def test_a_stack_of_reals(writer, stored, reals, kind, syntax):
    writer.edit = as_reals(reals, kind)
    paths = writer.write(stored[:4, :6, :5])
    if syntax != EXPLICIT:
        for path in paths:
            ds, read = pydicom.Dataset(), pydicom.dcmread(path)
            ds.update({element.tag: element for element in read})
            ds.file_meta = read.file_meta
            ds.file_meta.TransferSyntaxUID = syntax
            values = np.frombuffer(ds[NAMES[kind]].value, kind)
            ds[NAMES[kind]].value = values.astype(np.dtype(kind).newbyteorder(">" if syntax == BIG else "<")).tobytes()
            ds.save_as(path, enforce_file_format=True)
    volume = open_study(writer.folder).only().load()
    assert volume.array.dtype == np.float32
    assert volume.intensity is Intensity.HU
    np.testing.assert_array_equal(volume.array, reals - 1024)
    assert volume.verdict.status == "sound"


@pytest.mark.parametrize("kind", NAMES)
def test_a_picture_of_reals(writer, stored, reals, kind):
    writer.edit = as_reals(reals, kind, SOPClassUID="1.2.840.10008.5.1.4.1.1.1.1", Modality="DX", RescaleIntercept=0)
    writer.write(stored[:1, :6, :5])
    image = open_study(writer.folder).only().load()
    assert isinstance(image, Radiograph)
    assert image.array.dtype == np.float32
    np.testing.assert_array_equal(image.array, reals[0])


def test_frames_of_reals(writer, stored, reals):
    def edit(ds, n):
        as_reals(reals, np.float32, SOPClassUID="1.2.840.10008.5.1.4.1.1.7", Modality="OT", RescaleIntercept=0)(ds, n)
        ds.NumberOfFrames, ds.FloatPixelData = 4, reals.tobytes()

    writer.edit = edit
    writer.write(stored[:1, :6, :5])
    image = open_study(writer.folder).only().load()
    np.testing.assert_array_equal(image.array, reals)


@pytest.mark.parametrize("kind", NAMES)
def test_padding_of_reals_becomes_air(writer, stored, reals, kind):
    reals[:, 0] = -3000.5
    name = {np.float32: "FloatPixelPaddingValue", np.float64: "DoubleFloatPixelPaddingValue"}[kind]
    writer.edit = as_reals(reals, kind, **{name: -3000.5})
    writer.write(stored[:4, :6, :5])
    volume = open_study(writer.folder).only().load()
    assert set(volume.array[:, 0].flat) == {-1024}
    np.testing.assert_array_equal(volume.array[:, 1:], reals[:, 1:] - 1024)
    assert volume.verdict.facts["padded_voxels"] == 20


def test_numbers_that_are_none_are_counted(writer, stored, reals):
    reals[1, 2, 3] = np.nan
    writer.edit = as_reals(reals, np.float32)
    writer.write(stored[:4, :6, :5])
    (fault,) = [one for one in open_study(writer.folder).only().load().verdict.faults if one.code == "not_finite"]
    assert (fault.message, fault.files) == ("1 values are not a number", ("001.dcm",))


def test_numbers_too_large_are_counted(writer, stored):
    reals = np.ones((4, 6, 5))
    reals[2, 0, :3] = 1e300
    writer.edit = as_reals(reals, np.float64)
    writer.write(stored[:4, :6, :5])
    (fault,) = [one for one in open_study(writer.folder).only().load().verdict.faults if one.code == "not_finite"]
    assert fault.message == "3 values are not a number"


def test_a_slope_that_overflows_is_said(writer, stored):
    writer.slope = 1e38
    writer.write(stored[:4])
    volume = open_study(writer.folder).only().load()
    assert volume.verdict.has("not_finite")


def test_cut_short(writer, stored, reals):
    writer.edit = as_reals(reals, np.float64)
    paths = writer.write(stored[:4, :6, :5])
    paths[2].write_bytes(paths[2].read_bytes()[:-9])
    series = open_study(writer.folder).only()
    assert series.verdict.has("truncated_file")
    with pytest.raises(DamagedFileError):
        series.load(policy=Policy.STRICT)


@pytest.mark.parametrize("tags", [{"BitsAllocated": 64}, {"PhotometricInterpretation": "MONOCHROME1"}])
def test_what_contradicts_itself_is_refused(writer, stored, reals, tags):
    writer.edit = as_reals(reals, np.float32, **tags)
    writer.write(stored[:4, :6, :5])
    with pytest.raises(UnsupportedFormatError, match="real numbers of 32 bits"):
        open_study(writer.folder)
