"""Bad input: each a clear error of our own tree, or a fault with its files; never a stack trace or a patient's name."""

from __future__ import annotations

import builtins
import os
from io import FileIO

import numpy as np
import pydicom
import pytest

from overread.errors import (
    DamagedFileError,
    GeometryError,
    InputError,
    NothingReadableError,
    OverreadError,
    ResourceError,
    UnsupportedFormatError,
)
from overread.geometry import Policy
from overread.image import Intensity
from overread.io import open_study
from overread.runtime import Runtime
from overread.workflow.analyze import analyze

SECRETS = ("SECRET", "19010203")


def edit_slice(number, **values):
    """An edit that sets header values of one slice, or of all where `number` is None."""

    def edit(dataset, n):
        if number in (None, n):
            for name, value in values.items():
                if value is None:
                    delattr(dataset, name)
                else:
                    setattr(dataset, name, value)

    return edit


def refusal(kind, call):
    """The error that `call` raises, after checking that it says where and nothing about the patient."""
    with pytest.raises(OverreadError) as caught:
        call()
    assert type(caught.value) is kind
    text = str(caught.value)
    assert caught.value.where
    assert not any(secret in text for secret in SECRETS)
    assert caught.value.__cause__ is None
    return text


def codes(verdict):
    """Codes of the faults, but for the note that the pixels of the writer are not square."""
    return {fault.code for fault in verdict.faults} - {"anisotropic_pixels"}


# -- nothing to read


def test_nothing_there(tmp_path):
    assert "no such file or folder" in refusal(NothingReadableError, lambda: open_study(tmp_path / "none"))


def test_empty_folder(tmp_path):
    assert "the folder is empty" in refusal(NothingReadableError, lambda: open_study(tmp_path))


def test_not_dicom(tmp_path):
    (tmp_path / "notes.txt").write_text("hello " * 100)
    (tmp_path / "empty").touch()
    text = refusal(NothingReadableError, lambda: open_study(tmp_path))
    assert "none of 2 files" in text
    assert "the file is empty" in text


def test_junk_that_begins_like_dicom(tmp_path):
    (tmp_path / "a.dcm").write_bytes(b"\0" * 128 + b"DICM" + np.random.default_rng(0).bytes(300))
    refusal(DamagedFileError, lambda: open_study(tmp_path))


def test_no_permission_for_a_folder(tmp_path, monkeypatch):
    def locked(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", locked)
    assert "no permission" in refusal(InputError, lambda: open_study(tmp_path))


def test_no_permission_for_a_file(writer, stored, monkeypatch):
    writer.write(stored)

    def locked(path):
        if str(path).endswith("003.dcm"):
            raise PermissionError(13, "Permission denied", str(path))
        return FileIO(path)

    monkeypatch.setattr("overread.io.dicom.header.FileIO", locked)
    study = open_study(writer.folder)
    assert [(one.path.name, one.kind) for one in study.skipped] == [("003.dcm", "no_permission")]
    verdict = study.only().verdict
    assert codes(verdict) >= {"missing_slices", "unreadable_files"}
    (missing,) = [fault for fault in verdict.faults if fault.code == "missing_slices"]
    assert "003.dcm cannot be read and may be it" in missing.message
    assert "003.dcm" in missing.files
    assert "no permission" in refusal(InputError, lambda: open_study(writer.folder / "003.dcm"))


def test_a_loop_of_links_is_walked_once(writer, stored):
    writer.write(stored)
    (writer.folder / "again").symlink_to(writer.folder, target_is_directory=True)
    (writer.folder / "self").symlink_to(writer.folder / "self")
    os.mkfifo(writer.folder / "pipe")
    study = open_study(writer.folder)
    assert study.only().n_files == 8
    assert {one.path.name for one in study.skipped} == {"self", "pipe"}


def test_folders_of_any_depth_and_junk_beside(writer, stored, tmp_path):
    writer.folder = tmp_path / "root" / "a" / "b"
    writer.write(stored)
    (tmp_path / "root" / "readme.txt").write_text("hello")
    study = open_study(tmp_path / "root")
    assert study.only().verdict.status == "sound"
    assert [one.reason for one in study.skipped] == ["not an image that overread knows (text)"]


# -- objects that are not images, or not of a kind that is read


@pytest.mark.parametrize(
    ("sop_class", "modality", "words"),
    [
        ("1.2.840.10008.5.1.4.1.1.66.4", "SEG", "a segmentation (SEG)"),
        ("1.2.840.10008.5.1.4.1.1.88.33", "SR", "a structured report (SR)"),
        ("1.2.840.10008.5.1.4.1.1.11.1", "PR", "a presentation state"),
    ],
)
def test_other_objects_are_skipped_with_their_kind(writer, stored, sop_class, modality, words):
    writer.write(stored)
    other = writer.dataset(stored[0], np.zeros(3), 99)
    other.SOPClassUID, other.Modality = sop_class, modality
    if modality != "SEG":
        del other.PixelData
    other.save_as(writer.folder / "other.dcm", enforce_file_format=True)
    study = open_study(writer.folder)
    assert study.only("CT").n_files == 8
    (skipped,) = study.skipped
    assert skipped.kind == "no_pixels"
    assert words in skipped.reason


def test_no_pixels_at_all(writer, stored):
    writer.edit = edit_slice(None, PixelData=None)
    writer.write(stored)
    assert "without pixels" in refusal(NothingReadableError, lambda: open_study(writer.folder))


@pytest.mark.parametrize(
    ("values", "kind", "words"),
    [
        ({"SamplesPerPixel": 3}, UnsupportedFormatError, "3 samples a pixel with MONOCHROME2"),
        ({"SamplesPerPixel": 4, "PhotometricInterpretation": "CMYK"}, UnsupportedFormatError, "CMYK"),
        ({"BitsAllocated": 12}, UnsupportedFormatError, "bits allocated"),
        ({"BitsStored": 17, "HighBit": 16}, DamagedFileError, "bits"),
        ({"Rows": 0}, DamagedFileError, "0 x 20 pixels"),
    ],
)
def test_pixels_of_another_kind(writer, stored, values, kind, words):
    writer.edit = edit_slice(None, **values)
    writer.write(stored)
    assert words in refusal(kind, lambda: open_study(writer.folder))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"NumberOfFrames": 3}, "cut short"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}, "cut short"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "damaged or contradicts itself"),
    ],
)
def test_pixels_that_the_header_contradicts(writer, stored, values, words):
    writer.edit = edit_slice(None, **values)
    writer.write(stored[:1])
    (series,) = open_study(writer.folder).series
    assert words in refusal(DamagedFileError, series.load)


def test_unknown_transfer_syntax(writer, stored):
    paths = writer.write(stored[:1])
    data = paths[0].read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.9.9\0")
    paths[0].write_bytes(data)
    assert "1.2.840.10008.1.9.9" in refusal(UnsupportedFormatError, lambda: open_study(writer.folder))


# -- damaged files


@pytest.mark.parametrize("keep", [200, 700])
def test_cut_inside_the_header(writer, stored, keep):
    paths = writer.write(stored)
    paths[7].write_bytes(paths[7].read_bytes()[:keep])
    study = open_study(writer.folder)
    assert [one.kind for one in study.skipped] == ["damaged"]
    # the last slice is lost, which positions cannot show: hence the warning
    assert study.only().verdict.status == "caution"
    assert codes(study.only().verdict) == {"unreadable_files"}
    refusal(DamagedFileError, lambda: open_study(paths[7]))


@pytest.mark.parametrize("policy", list(Policy))
def test_cut_inside_the_pixels(writer, stored, policy):
    paths = writer.write(stored)
    paths[3].write_bytes(paths[3].read_bytes()[:-100])
    series = open_study(writer.folder).only()
    assert "truncated_file" in codes(series.verdict)
    if policy is Policy.STRICT:
        assert "003.dcm" in refusal(DamagedFileError, lambda: series.load(policy=policy))
        return
    volume = series.load(policy=policy)
    assert (len(volume.source.paths), len(volume.source.frames)) == (7, 8)  # a mask lies on the cut slice, too
    assert volume.grid.shape[0] == (8 if policy is Policy.REPAIR else 7)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.70"])
def test_coded_picture_of_another_size(writer, stored, syntax):
    writer.syntax = syntax
    writer.edit = edit_slice(None, Rows=25)
    writer.write(stored)
    series = open_study(writer.folder).only()
    assert "25 x 20" in refusal(DamagedFileError, series.load)


def test_file_that_vanished_since_opening(writer, stored):
    paths = writer.write(stored)
    series = open_study(writer.folder).only()
    paths[2].unlink()
    assert "002.dcm" in refusal(InputError, series.load)


def test_absurd_size_is_refused_before_memory_is_taken(writer, stored):
    writer.syntax = "1.2.840.10008.1.2.4.80"
    writer.edit = edit_slice(None, Rows=65535, Columns=65535)
    writer.write(stored)
    series = open_study(writer.folder).only()
    assert "MiB" in refusal(ResourceError, lambda: series.load(runtime=Runtime(1, max_memory_bytes=2**33)))


def test_memory_limit_of_the_runtime_is_kept(writer, stored):
    writer.write(stored)
    series = open_study(writer.folder).only()
    refusal(ResourceError, lambda: series.load(runtime=Runtime(1, max_memory_bytes=1000)))


# -- places


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"PixelSpacing": [0.0, 0.9]}, "bad_spacing"),
        ({"PixelSpacing": None}, "bad_spacing"),
        ({"ImagePositionPatient": None}, "no_position"),
        ({"ImageOrientationPatient": None}, "no_orientation"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "cosines_not_orthonormal"),
    ],
)
@pytest.mark.parametrize("policy", list(Policy))
def test_no_place_in_the_patient(writer, stored, values, code, policy):
    writer.edit = edit_slice(None, **values)
    writer.write(stored)
    series = open_study(writer.folder).only()
    assert code in codes(series.verdict)
    assert series.spacing_mm is None
    refusal(GeometryError, lambda: series.load(policy=policy))


@pytest.mark.parametrize("word", [b"NaN ", b"inf ", b"abc "])
def test_spacing_that_is_no_number(writer, stored, word):
    writer.spacing_mm = (2.5, 0.75, 0.75)
    for path in writer.write(stored):
        path.write_bytes(path.read_bytes().replace(b"0.75\\0.75", word + b"\\0.75"))
    series = open_study(writer.folder).only()
    assert "bad_spacing" in codes(series.verdict)
    refusal(GeometryError, series.load)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"PixelSpacing": [0.7, 0.8]}, "mixed_spacing"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0.9998, 0.02]}, "mixed_orientation"),
        ({"FrameOfReferenceUID": "1.2.3"}, "mixed_frame_of_reference"),
        ({"PatientID": "SECRET-OTHER"}, "mixed_patients"),
        ({"Modality": "MR"}, "mixed_modality"),
    ],
)
@pytest.mark.parametrize("policy", list(Policy))
def test_one_slice_that_does_not_belong_is_named(writer, stored, values, code, policy):
    writer.edit = edit_slice(5, **values)
    writer.write(stored)
    series = open_study(writer.folder).series[0]
    (fault,) = [one for one in series.verdict.faults if one.code == code]
    assert fault.files == ("005.dcm",)
    kind = InputError if code == "mixed_patients" else GeometryError
    assert "005.dcm" in refusal(kind, lambda: series.load(policy=policy))


@pytest.mark.parametrize(("off", "code"), [(5e-5, None), (5e-4, "not_parallel"), (5e-3, "mixed_orientation")])
def test_slices_not_quite_parallel(writer, stored, off, code):
    def edit(dataset, n):
        if n == 5:
            dataset.ImageOrientationPatient = [
                round(np.sqrt(1 - off**2), 9),
                off,
                0,
                -off,
                round(np.sqrt(1 - off**2), 9),
                0,
            ]

    writer.edit = edit
    writer.write(stored)
    series = open_study(writer.folder).only()
    assert codes(series.verdict) == ({code} if code else set())
    found = [fault for fault in series.verdict.faults if fault.code == code]
    assert all(fault.files == ("005.dcm",) for fault in found)
    if code == "not_parallel":
        assert found[0].amount_mm == pytest.approx(5e-4 * 20 * 0.9)


def test_native_pixels_said_to_be_in_fragments(writer, stored):
    writer.syntax = "1.2.840.10008.1.2.4.80"
    for path in writer.write(stored):
        path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.4.80", b"1.2.840.10008.1.2.1\0\0\0"))
    assert "fragments" in refusal(DamagedFileError, lambda: open_study(writer.folder))


def test_two_patients_without_identifier_are_told_apart_by_name(writer, stored):
    def edit(dataset, n):
        dataset.PatientID = ""
        dataset.PatientName = "SECRET^ONE" if n < 6 else "SECRET^TWO"

    writer.edit = edit
    writer.write(stored)
    series = open_study(writer.folder).only()
    assert "mixed_patients" in codes(series.verdict)
    assert not any(secret in repr(series) + str(series.verdict) for secret in SECRETS)


def test_several_series_and_a_localizer_are_apart(writer, stored):
    writer.write(stored)
    folder = writer.folder
    writer.folder, writer.series = folder / "thick", "2"
    writer.write(stored[:4])
    writer.folder, writer.series = folder / "scout", "1"
    writer.edit = edit_slice(None, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    writer.write(stored[:1, :10])
    study = open_study(folder)
    assert sorted((one.n_files, one.is_localizer) for one in study.series) == [(1, True), (4, False), (8, False)]
    assert [one.source.facts["series_number"] for one in study.series] == [1, 1, 2]
    assert study.only("CT").n_files == 8
    with pytest.raises(NothingReadableError, match="no MR series, only CT"):
        study.only("MR")


def test_missing_slice_strict_repair_as_is(writer, stored):
    for path in [writer.write(stored)[3]]:
        path.unlink()
    series = open_study(writer.folder).only()
    assert series.spacing_mm == pytest.approx((2.5, 0.7, 0.9))  # what repair would give
    text = refusal(GeometryError, series.load)
    assert "1 slice is missing: 1 between 002.dcm and 004.dcm (5.00 mm)" in text
    assert "repair" in text
    repaired, as_is = series.load(policy=Policy.REPAIR), series.load(policy=Policy.AS_IS)
    assert repaired.verdict.repaired
    assert repaired.grid.shape[0] == 8
    middle = (stored[2].astype(float) + stored[4]) / 2 - 1024
    np.testing.assert_array_equal(repaired.array[3], np.rint(middle))
    np.testing.assert_array_equal(np.delete(repaired.array, 3, axis=0), np.delete(stored, 3, axis=0) - 1024)
    assert len(repaired.source.frames) == 7
    assert as_is.grid.slice_gap_mm == pytest.approx(17.5 / 6)
    assert as_is.verdict.has("missing_slices")


def test_duplicates(writer, stored):
    where = writer.positions(8)
    where[4] = where[3]
    writer.write(stored, where)
    series = open_study(writer.folder).only()
    assert "004.dcm" in refusal(GeometryError, series.load)
    assert "several_acquisitions" not in codes(series.verdict)
    writer.edit = lambda dataset, n: setattr(dataset, "AcquisitionNumber", 1 + (n == 4))
    writer.write(stored, where)
    assert "several_acquisitions" in codes(open_study(writer.folder).only().verdict)
    copies = stored.copy()
    copies[4] = copies[3]
    where = writer.positions(8)
    where[4:] = writer.positions(7)[3:]
    writer.write(copies, where)
    volume = open_study(writer.folder).only().load()
    assert volume.grid.shape[0] == 7
    assert volume.verdict.has("duplicate_frame")
    np.testing.assert_array_equal(volume.array, np.delete(copies, 4, axis=0) - 1024)


def test_repair_of_fractional_values_stays_fractional(writer, stored):
    writer.slope, writer.intercept = 0.5, -1000.25
    writer.write(stored)[3].unlink()
    volume = open_study(writer.folder).only().load(policy=Policy.REPAIR)
    middle = (stored[2].astype(float) + stored[4]) / 2 * 0.5 - 1000.25
    np.testing.assert_allclose(volume.array[3], middle, rtol=1e-6)
    assert volume.array.dtype == np.float32


def test_repair_of_uneven_slices_moves_a_ramp_to_its_place(writer):
    """Values are the depth in tenths of a millimetre, so an interpolated slice must hold its own depth."""
    depths = np.array([0, 2.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0])
    where = np.array(writer.origin) + depths[:, None] * (0, 0, 1.0)
    writer.write(np.round(10 * depths).astype(np.int16)[:, None, None] * np.ones((1, 4, 5), np.int16), where)
    series = open_study(writer.folder).only()
    assert "uneven_spacing" in codes(series.verdict)
    volume = series.load(policy=Policy.REPAIR)
    planes = volume.grid.to_lps([(k, 0, 0) for k in range(volume.grid.shape[0])])[:, 2] - writer.origin[2]
    np.testing.assert_allclose(volume.array[:, 0, 0], 10 * planes - 1024, atol=0.51)
    assert volume.verdict.facts["interpolated_slices"] == np.count_nonzero(~np.isin(planes.round(3), depths))


def test_one_uid_for_all_files_is_a_warning(writer, stored):
    writer.edit = edit_slice(None, SOPInstanceUID="1.2.3")
    writer.write(stored)
    verdict = open_study(writer.folder).only().verdict
    assert codes(verdict) == {"repeated_uid"}
    assert len(verdict.faults[0].files) == 7


@pytest.mark.parametrize("name", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
@pytest.mark.parametrize("value", [None, "", "none"])
@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_pictures_without_a_uid_load_but_give_no_results(writer, stored, name, value):
    paths = writer.write(stored)
    for path in paths:  # written whole, then the name of the tag taken away: pydicom would fill in the rest
        dataset = pydicom.dcmread(path)
        delattr(dataset, name)
        dataset.file_meta.MediaStorageSOPInstanceUID = "1"
        if value is not None:
            setattr(dataset, name, value)
        dataset.save_as(path)
        if name == "SOPInstanceUID":
            path.write_bytes(path.read_bytes().replace(b"UI\x02\x001\0", b"UI\x02\0\0\0", 1))
    series = open_study(writer.folder).only()
    assert series.verdict.has("no_uid")
    assert series.load().array.shape == stored.shape
    assert "UID" in refusal(InputError, lambda: analyze(writer.folder, task="chest_ct_nodule"))


def test_one_slice(writer, stored):
    writer.write(stored[:1])
    series = open_study(writer.folder).only()
    assert "one slice" in refusal(GeometryError, series.load)
    assert series.load(policy=Policy.AS_IS).grid.slice_gap_mm == 2.5


# -- values


@pytest.mark.parametrize("values", [{"RescaleSlope": None}, {"RescaleIntercept": None}, {"RescaleType": "US"}])
def test_ct_without_a_way_to_hu_is_not_called_hu(writer, stored, values):
    writer.edit = edit_slice(None, **values)
    writer.write(stored)
    volume = open_study(writer.folder).only().load()
    assert volume.intensity is Intensity.ARBITRARY
    assert volume.verdict.has("no_rescale")


def test_slope_of_zero(writer, stored):
    writer.slope = 0
    writer.write(stored)
    series = open_study(writer.folder).only()
    assert "slope" in refusal(DamagedFileError, series.load)


def test_a_plain_series_needs_no_heavy_library(writer, stored, monkeypatch):
    """The fast path must not need pydicom."""
    writer.write(stored)
    real = builtins.__import__

    def guarded(name, *args, **kwargs):
        if name.split(".")[0] in ("pydicom", "nibabel", "PIL", "scipy"):
            raise AssertionError(f"{name} was imported for a plain series")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", guarded)
    assert open_study(writer.folder).only().load().array.shape == stored.shape
