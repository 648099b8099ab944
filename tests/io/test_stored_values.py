"""From stored bits to HU: bits, signs, padding, rescale per slice, types; headers that leave the fast path."""

from __future__ import annotations

import shutil
import subprocess

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

from overread.image import Intensity, Window, WindowFunction
from overread.io import middle_picture, open_study
from overread.io.dicom.header import read_header
from overread.runtime import Runtime


def load(writer):
    return open_study(writer.folder).only().load(runtime=Runtime(2))


def codes(volume):
    return {fault.code for fault in volume.verdict.faults}


def edit_all(**values):
    def edit(dataset, n):
        for name, value in values.items():
            setattr(dataset, name, value)

    return edit


def test_unsigned_values_above_32767_fit_after_the_intercept(writer):
    stored = np.full((4, 6, 5), 40000, np.uint16)
    stored[:, 2, 3] = np.array([32768, 33000, 50000, 65535])
    writer.intercept = -32768
    writer.write(stored)
    volume = load(writer)
    assert volume.array.dtype == np.int16
    np.testing.assert_array_equal(volume.array, stored.astype(int) - 32768)


@pytest.mark.parametrize(("slope", "intercept"), [(1, -1024), (1, -30000), (7, 0), (1, 32000)])
def test_values_beyond_int16_become_float32_not_wrapped(writer, slope, intercept):
    stored = np.array([-9000, -3000, 0, 5000, 9000, 31000], np.int16).repeat(30).reshape(6, 6, 5)
    writer.slope, writer.intercept, writer.modality = slope, intercept, "MR"  # not CT: nothing is padding
    writer.write(stored)
    volume = load(writer)
    true = stored.astype(float) * slope + intercept
    fits = true.min() >= -32768 and true.max() <= 32767
    assert volume.array.dtype == (np.int16 if fits else np.float32)
    np.testing.assert_array_equal(volume.array, true)


def test_fractional_slope_gives_float32(writer, stored):
    writer.slope, writer.intercept = 0.5, -1000.25
    writer.write(stored)
    volume = load(writer)
    assert volume.array.dtype == np.float32
    np.testing.assert_allclose(volume.array, stored * 0.5 - 1000.25, rtol=1e-6)


def test_each_slice_has_its_own_rescale(writer, stored):
    def edit(dataset, n):
        dataset.RescaleIntercept, dataset.RescaleSlope = -1000 - n, 1 + n % 2

    writer.edit = edit
    writer.write(stored)
    n = np.arange(8)[:, None, None]
    np.testing.assert_array_equal(load(writer).array, stored * (1 + n % 2) - 1000 - n)


def test_negative_slope(writer, stored):
    writer.slope, writer.intercept = -1, 100
    writer.write(stored)
    np.testing.assert_array_equal(load(writer).array, 100 - stored)


@pytest.mark.parametrize("signed", [False, True])
def test_bits_above_the_stored_ones_are_removed_with_a_warning(writer, signed):
    """12 bits stored; the bits above hold an overlay (unsigned) or were never sign-extended (signed)."""
    rng = np.random.default_rng(5)
    true = rng.integers(-2048 if signed else 0, 2048, (4, 6, 5)).astype(np.int16)
    raw = (true.view(np.uint16) & 0x0FFF) | (0 if signed else 0xA000)
    writer.intercept = 0
    writer.edit = edit_all(BitsStored=12, HighBit=11, PixelRepresentation=int(signed))
    writer.write(raw.astype(np.uint16))
    volume = load(writer)
    np.testing.assert_array_equal(volume.array, true)
    assert "unused_bits" in codes(volume)


def test_high_bit_that_is_not_the_last_stored_bit(writer):
    true = np.random.default_rng(5).integers(0, 4096, (4, 6, 5)).astype(np.uint16)
    writer.edit = edit_all(BitsStored=12, HighBit=15)
    writer.write(true << 4)
    np.testing.assert_array_equal(load(writer).array, true.astype(int) - 1024)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32])
def test_other_pixel_sizes(writer, dtype):
    stored = np.random.default_rng(5).integers(0, 120, (4, 6, 6)).astype(dtype)
    writer.write(stored)
    np.testing.assert_array_equal(load(writer).array, stored.astype(int) - 1024)


def test_padding_written_as_unsigned_becomes_air(writer, stored):
    """The quirk of a public lung archive: -2000, signed pixels, tag written as the unsigned 63536."""
    stored[:, :, :2] = -2000

    def edit(dataset, n):
        dataset.add_new(0x00280120, "US", 63536)

    writer.edit = edit
    writer.write(stored)
    volume = load(writer)
    assert (volume.array[:, :, :2] == -1024).all()
    np.testing.assert_array_equal(volume.array[:, :, 2:], stored[:, :, 2:] - 1024)
    assert volume.verdict.facts["padded_voxels"] == 8 * 24 * 2
    assert volume.verdict.facts["padding_hu"] == -3024


def test_padding_range(writer, stored):
    stored[:, 0, :3] = (-2000, -1999, -1990)
    writer.edit = edit_all(PixelPaddingValue=-2000, PixelPaddingRangeLimit=-1990)
    writer.write(stored)
    assert (load(writer).array[:, 0, :3] == -1024).all()


def test_undeclared_padding_in_the_corners_becomes_air(writer, stored):
    rows, columns = np.mgrid[:24, :20]
    outside = (rows - 11.5) ** 2 + (columns - 9.5) ** 2 > 11**2
    stored[:, outside] = -1024
    writer.write(stored)
    volume = load(writer)
    assert (volume.array[:, outside] == -1024).all()
    np.testing.assert_array_equal(volume.array[:, ~outside], stored[:, ~outside] - 1024)
    assert "undeclared_padding" in codes(volume)


def test_a_low_voxel_that_is_not_a_padded_corner_is_kept(writer, stored):
    stored[:, 11, 11] = -1000
    writer.write(stored)
    volume = load(writer)
    assert (volume.array[:, 11, 11] == -2024).all()
    assert "undeclared_padding" not in codes(volume)


def test_padding_value_that_tissue_may_have_is_kept_with_a_warning(writer, stored):
    writer.edit = edit_all(PixelPaddingValue=1100)
    writer.write(stored)
    volume = load(writer)
    np.testing.assert_array_equal(volume.array, stored - 1024)
    assert "padding_in_range" in codes(volume)


def test_other_modalities_keep_their_values_and_are_not_hu(writer, stored):
    writer.modality, writer.slope, writer.intercept = "MR", 1, 0
    writer.edit = edit_all(PixelPaddingValue=0)
    writer.write(stored)
    volume = load(writer)
    assert volume.intensity is Intensity.ARBITRARY
    np.testing.assert_array_equal(volume.array, stored)


def test_near_lossless_is_near_and_flagged(writer, stored):
    writer.syntax = "1.2.840.10008.1.2.4.81"
    writer.write(stored)
    volume = load(writer)
    assert 0 < np.abs(volume.array - (stored - 1024)).max() <= 2
    assert "lossy" in codes(volume)


def test_lossy_jpeg_2000_is_close_and_flagged(writer):
    stored = np.add.outer(np.arange(6) * 10, np.add.outer(np.arange(64), np.arange(48))).astype(np.int16)
    writer.syntax = "1.2.840.10008.1.2.4.91"
    writer.write(stored)
    volume = load(writer)
    assert np.abs(volume.array - (stored - 1024.0)).max() <= 12  # 90 dB of 16 bits: 2 rms
    assert "lossy" in codes(volume)


@pytest.mark.parametrize("fragments", [1, 3])
def test_a_frame_in_several_fragments(writer, stored, fragments):
    from pydicom.encaps import encapsulate  # noqa: PLC0415

    writer.syntax = "1.2.840.10008.1.2.4.80"
    paths = writer.write(stored)
    for path in paths:
        dataset = pydicom.dcmread(path)
        frame = next(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=1))
        dataset.PixelData = encapsulate([frame], fragments_per_frame=fragments)
        dataset.save_as(path)
    np.testing.assert_array_equal(load(writer).array, stored - 1024)


def test_twelve_bit_jpeg_is_close_and_flagged(writer):
    stored = np.add.outer(np.arange(6) * 50, np.add.outer(np.arange(64) * 20, np.arange(48) * 10)).astype(np.uint16)
    writer.syntax = "1.2.840.10008.1.2.4.51"
    writer.edit = edit_all(BitsStored=12, HighBit=11)
    writer.write(stored)
    volume = load(writer)
    assert np.abs(volume.array - (stored - 1024.0)).max() <= 4
    assert "lossy" in codes(volume)


@pytest.mark.parametrize("predictor", range(1, 8))
def test_every_predictor_of_lossless_jpeg(writer, stored, predictor, monkeypatch):
    def encode(plane):
        return imagecodecs.jpeg8_encode(plane.view(np.uint16), lossless=True, predictor=predictor, bitspersample=16)

    writer.syntax = "1.2.840.10008.1.2.4.57"
    monkeypatch.setitem(writer.encoders, writer.syntax, encode)
    writer.write(stored)
    np.testing.assert_array_equal(load(writer).array, stored - 1024)


@pytest.mark.parametrize(
    "command",
    [["dcmcrle"], ["dcmcjpls"], ["dcmcjpeg", "+e1"], *[["dcmcjpeg", "+el", "+sv", str(n)] for n in range(1, 8)]],
    ids=" ".join,
)
def test_files_that_dcmtk_compressed(writer, stored, command):
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not here: install the Debian package dcmtk")
    writer.study = "8"
    for path in writer.write(stored.astype(np.uint16)):
        subprocess.run([*command, path, path], check=True, capture_output=True)
    series = open_study(writer.folder).only()
    assert series.transfer_syntax not in ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")
    np.testing.assert_array_equal(series.load().array, stored - 1024)


# -- headers off the beaten track


def long_sequence(dataset, items, undefined):
    inner = []
    for n in range(items):
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", f"1.2.3.{n}"
        deep = Dataset()
        deep.Rows, deep.ImagePositionPatient = 7, [9, 9, 9]  # tags of the same number inside must not be taken
        item.add_new(0x00089092, "SQ", Sequence([deep]))
        item["ReferencedImageEvidenceSequence"].is_undefined_length = undefined
        item.is_undefined_length_sequence_item = undefined
        inner.append(item)
    dataset.ReferencedImageSequence = Sequence(inner)
    dataset["ReferencedImageSequence"].is_undefined_length = undefined


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2"])
@pytest.mark.parametrize("undefined", [False, True])
def test_sequences_before_the_pixels_stay_on_the_fast_path(writer, stored, syntax, undefined, monkeypatch):
    """Headers of 1, 10 and 100 KiB: each outgrows one more buffer."""
    monkeypatch.setattr("overread.io.dicom.header._from_pydicom", lambda *a: pytest.fail("left the fast path"))
    writer.syntax = syntax
    writer.edit = lambda dataset, n: long_sequence(dataset, (1, 80, 800)[n], undefined)
    paths = writer.write(stored[:3])
    assert [path.stat().st_size > size for path, size in zip(paths, (0, 4096, 1 << 16), strict=True)] == [True] * 3
    np.testing.assert_array_equal(load(writer).array, stored[:3] - 1024)


def test_private_data_larger_than_any_buffer(writer, stored):
    def edit(dataset, n):
        block = dataset.private_block(0x0029, "VENDOR", create=True)
        block.add_new(1, "OB", bytes(5_000_000))

    writer.edit = edit
    writer.write(stored[:3])
    np.testing.assert_array_equal(load(writer).array, stored[:3] - 1024)


def test_deflated_big_endian_and_bare_files(writer, stored):
    writer.write(stored)
    plain = load(writer).array
    for n, path in enumerate(sorted(writer.folder.iterdir())):
        dataset = pydicom.dcmread(path)
        if n % 3 == 0:
            dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
            dataset.save_as(path)
        elif n % 3 == 1:
            bare = _bare(dataset)
            bare.PixelData = stored[n].astype(">i2").tobytes()
            bare.file_meta = dataset.file_meta
            bare.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.2"
            pydicom.dcmwrite(path, bare, enforce_file_format=True)
        else:
            pydicom.dcmwrite(path, _bare(dataset), implicit_vr=True, little_endian=True, enforce_file_format=False)
    series = open_study(writer.folder).only()
    assert series.verdict.status == "sound"
    np.testing.assert_array_equal(series.load().array, plain)


def _bare(dataset):
    bare = Dataset()
    bare.update({element.tag: element for element in dataset})
    return bare


def test_fast_path_and_pydicom_read_the_same_header(writer, stored, monkeypatch):
    (path, *_) = writer.write(stored)
    fast = read_header(str(path), {})
    monkeypatch.setattr("overread.io.dicom.header.walk", _odd)
    slow = read_header(str(path), {})
    assert repr(slow.shared) == repr(fast.shared)  # an unknown tilt is NaN, which equals nothing, itself included
    assert (slow.position_lps, slow.sop_uid) == (fast.position_lps, fast.sop_uid)


def _odd(*args, **kwargs):
    from overread.io.dicom.tags import OddHeaderError  # noqa: PLC0415

    raise OddHeaderError("for the test")


def test_meta_information_without_group_length_and_bare_of_class(writer, stored, monkeypatch):
    monkeypatch.setattr("overread.io.dicom.header._from_pydicom", lambda *a: pytest.fail("left the fast path"))
    for n, path in enumerate(writer.write(stored)):
        dataset = pydicom.dcmread(path)
        uid = str(dataset.SOPInstanceUID)
        del dataset.SOPClassUID, dataset.SOPInstanceUID
        dataset.save_as(path, enforce_file_format=False)
        data = path.read_bytes()
        path.write_bytes(data[:132] + data[144:])  # (0002,0000) is the first element
        frame = open_study(path).only().source.frames[0]
        assert (frame.sop_uid, frame.sop_class_uid) == (uid, "1.2.840.10008.5.1.4.1.1.2"), n
    np.testing.assert_array_equal(load(writer).array, stored - 1024)


def test_odd_values_read_by_pydicom_are_not_shouted(writer, stored, monkeypatch, recwarn):
    """pydicom warns of an invalid value by quoting it."""

    def edit(dataset, n):
        dataset[0x0020000D] = pydicom.DataElement(0x0020000D, "UI", "ID_SECRET", validation_mode=0)

    writer.edit = edit
    writer.write(stored)
    recwarn.clear()
    monkeypatch.setattr("overread.io.dicom.header.walk", _odd)
    assert load(writer).array.shape == stored.shape
    assert len(recwarn) == 0


def test_utf8_description_survives(writer, stored):
    writer.edit = edit_all(SpecificCharacterSet="ISO_IR 192", SeriesDescription="Thorax à 1 mm")
    writer.write(stored)
    assert open_study(writer.folder).only().description == "Thorax à 1 mm"


def test_uids_of_full_length(writer, stored):
    uid = generate_uid()
    writer.edit = edit_all(SeriesInstanceUID=uid)
    writer.write(stored)
    assert open_study(writer.folder).only().series_uid == uid


@pytest.mark.parametrize("function", ["", "LINEAR", "LINEAR_EXACT", "SIGMOID", "WAVY"])
def test_window_function_of_slices(writer, stored, function):
    def edit(ds, n):
        ds.WindowCenter, ds.WindowWidth = [40, -600, 0], [400, 1500, 0]
        if function:
            ds.VOILUTFunction = function

    writer.edit = edit
    writer.write(stored)
    series = open_study(writer.folder).only()
    known = [] if function == "WAVY" else [(40, 400), (-600, 1500)]
    expected = tuple(Window(*pair, function=WindowFunction(function or "LINEAR")) for pair in known)
    assert series.load().windows == middle_picture(series).windows == expected
    assert series.verdict.has("window_unknown") == (function == "WAVY")
