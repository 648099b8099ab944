"""Pictures of ours as Secondary Capture: valid, of the right patient, equal pixels, the same bytes twice."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest
import SimpleITK

from overread.errors import InputError, IntegrityError, UsageError
from overread.evidence.dicom.headers import read_headers
from overread.evidence.dicom.identity import Stamp
from overread.evidence.dicom.images.readback import prove_capture
from overread.evidence.dicom.images.secondary_capture import build_secondary_capture
from overread.findings import Provenance
from overread.io import open_study

PROVENANCE = Provenance(task="a_picture_task", task_version="0.1.0", device_uid="2.25.4242")

GREY = np.random.default_rng(1).integers(0, 4096, (20, 13), dtype=np.uint16)
GREY_8 = (GREY >> 4).astype(np.uint8)
RGB = np.random.default_rng(2).integers(0, 256, (37, 41, 3), dtype=np.uint8)
SOURCES = {
    "DX": ("DX", GREY),
    "CR": ("CR", GREY),
    "US": ("US", GREY_8),
    "US colour": ("US", RGB),
    "US clip": ("US clip", np.stack([GREY_8] * 3)),
    "SC": ("SC", RGB),
    "XA": ("XA", GREY),
}


def saved(ds: pydicom.Dataset) -> bytes:
    stream = io.BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def headers_of(path):
    source = open_study(path).only().load().source
    return read_headers(source.frames, gap_mm=None), source


def capture(headers, rgb=RGB, **options):
    stamp = Stamp.make(b"a result", headers.first)
    return build_secondary_capture(rgb, headers, stamp, provenance=PROVENANCE, title="Findings, overview", **options)


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("name", SOURCES)
def test_of_any_picture_is_valid_and_reads_back(name, compress, save_source, require_valid, tmp_path):
    kind, pixels = SOURCES[name]
    headers, source = headers_of(save_source(pixels, kind))
    path = tmp_path / "capture.dcm"
    ds = capture(headers, shown=source.frames[:2], compress=compress)
    path.write_bytes(saved(ds))
    prove_capture(path, RGB, headers.first)
    require_valid(path, "SCImage")
    again = pydicom.dcmread(path)
    assert (again.PatientName, again.PatientID, again.StudyInstanceUID) == ("DOE^JANE", "MRN4711XYZ", "2.25.81")
    assert again.SeriesInstanceUID != headers.first.SeriesInstanceUID
    assert [i.ReferencedSOPInstanceUID for i in again.SourceImageSequence] == ["2.25.8001"] * len(source.frames[:2])
    assert ("ReferencedFrameNumber" in again.SourceImageSequence[0]) == (kind == "US clip")
    ours = [i for i in again.ContributingEquipmentSequence if i.get("DeviceUID") == PROVENANCE.device_uid]
    assert len(ours) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"PatientName": None, "PatientID": None, "PatientBirthDate": None, "PatientSex": None, "StudyID": None},
        {"StudyDate": None, "StudyTime": None, "AccessionNumber": None, "ReferringPhysicianName": None},
        {"Manufacturer": None, "BodyPartExamined": None},
        {"Manufacturer": "", "BodyPartExamined": "", "PatientBirthDate": "", "StudyDate": ""},
        {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "Müller^Jürgen"},
        {"SpecificCharacterSet": "ISO_IR 100", "PatientName": "Müller^Jürgen", "StudyDescription": "Röntgen"},
        {"SpecificCharacterSet": ["", "ISO 2022 IR 87"], "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう"},
        {"PatientAge": "050Y", "PatientWeight": "70.5", "IssuerOfPatientID": "Ward 7"},
    ],
)
def test_headers_that_lack_fields(changes, save_source, require_valid, tmp_path):
    headers, _ = headers_of(save_source(GREY_8, "US", **changes))
    path = tmp_path / "capture.dcm"
    path.write_bytes(saved(capture(headers)))
    prove_capture(path, RGB, headers.first)
    require_valid(path, "SCImage")
    again = pydicom.dcmread(path)
    for keyword, value in changes.items():
        if keyword not in ("SpecificCharacterSet", "Manufacturer"):
            assert str(again.get(keyword, "")) == str(value or "")


def test_of_a_ct_series(case, require_valid, tmp_path):
    headers = read_headers(case.reading.source.frames, gap_mm=3.0)
    path = tmp_path / "capture.dcm"
    path.write_bytes(saved(capture(headers, shown=case.reading.source.frames[2:4])))
    prove_capture(path, RGB, headers.first)
    require_valid(path, "SCImage")
    again = pydicom.dcmread(path)
    assert again.BurnedInAnnotation == "NO"
    assert [i.ReferencedSOPInstanceUID for i in again.SourceImageSequence] == ["2.25.10002", "2.25.10003"]


@pytest.mark.parametrize("compress", [True, False])
def test_our_own_reader_and_another_program_see_the_picture(compress, save_source, tmp_path):
    headers, _ = headers_of(save_source(GREY_8, "US"))
    path = tmp_path / "capture.dcm"
    path.write_bytes(saved(capture(headers, compress=compress)))
    assert np.array_equal(open_study(path).only().load().array, RGB)
    assert np.array_equal(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))[0], RGB)


def test_same_bytes_twice_and_another_uid_for_another_picture(save_source):
    headers, _ = headers_of(save_source(GREY_8, "US"))
    first, second = (saved(capture(headers)) for _ in range(2))
    assert first == second
    other = RGB.copy()
    other[0, 0, 0] ^= 1
    one, two = capture(headers), capture(headers, rgb=other)
    assert one.SOPInstanceUID != two.SOPInstanceUID
    assert one.SeriesInstanceUID == two.SeriesInstanceUID
    assert (one.ContentDate, one.ContentTime, one.InstanceCreationDate) == ("20010203", "101112", "20010203")
    assert b"ContributionDateTime" not in first
    assert all("ContributionDateTime" not in item for item in one.ContributingEquipmentSequence)


@pytest.mark.parametrize(
    ("kind", "said", "expected"),
    [("US", None, "YES"), ("US", "NO", "NO"), ("US", "YES", "YES"), ("CR", None, "YES"), ("DX", "NO", "NO")],
)
def test_a_name_in_the_pixels_of_the_source_stays_said(kind, said, expected, save_source):
    changes = {"BurnedInAnnotation": said} if said else {}
    headers, _ = headers_of(save_source(GREY if kind != "US" else GREY_8, kind, **changes))
    assert capture(headers).BurnedInAnnotation == expected


def test_loss_of_the_source_stays_said(save_source, require_valid, tmp_path):
    lossy = {"LossyImageCompression": "01", "LossyImageCompressionRatio": 12.5}
    headers, _ = headers_of(save_source(GREY_8, "US", **lossy, LossyImageCompressionMethod="ISO_10918_1"))
    path = tmp_path / "capture.dcm"
    path.write_bytes(saved(capture(headers)))
    again = pydicom.dcmread(path)
    assert (again.LossyImageCompression, again.LossyImageCompressionRatio) == ("01", 12.5)
    require_valid(path, "SCImage")


@pytest.mark.parametrize(
    "rgb", [RGB[..., :2], RGB[..., 0], RGB.astype(np.uint16), np.zeros((0, 4, 3), np.uint8)], ids=str
)
def test_what_is_no_picture_is_refused(rgb, save_source):
    headers, _ = headers_of(save_source(GREY_8, "US"))
    with pytest.raises(UsageError, match=r"\(row, column, 3\) uint8"):
        capture(headers, rgb=rgb)


def test_number_and_study_are_required(save_source):
    headers, _ = headers_of(save_source(GREY_8, "US"))
    with pytest.raises(UsageError, match="from 1"):
        capture(headers, number=0)
    del headers.first.StudyInstanceUID
    with pytest.raises(InputError, match="no Study Instance UID"):
        capture(headers)


def test_damage_is_noticed(save_source, tmp_path):
    headers, _ = headers_of(save_source(GREY_8, "US"))
    path = tmp_path / "capture.dcm"
    ds = capture(headers, compress=False)
    ds.PixelData = bytes([ds.PixelData[0] ^ 1]) + ds.PixelData[1:]
    path.write_bytes(saved(ds))
    with pytest.raises(IntegrityError, match="as it was drawn"):
        prove_capture(path, RGB, headers.first)
    ds.PatientID = "ANOTHER"
    path.write_bytes(saved(ds))
    with pytest.raises(IntegrityError, match="PatientID is not that of the source"):
        prove_capture(path, RGB, headers.first)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(IntegrityError, match="cannot be read back"):
        prove_capture(path, RGB, headers.first)
