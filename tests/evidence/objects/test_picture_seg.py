"""Segments on X-ray, ultrasound and secondary captures, stills and clips: valid, pixel for pixel, same bytes twice."""

from __future__ import annotations

import io
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.uid import JPEGBaseline8Bit

from overread import validate
from overread.errors import IntegrityError, UsageError
from overread.evidence.check import Level
from overread.evidence.dicom.headers import SourceHeaders, read_headers
from overread.evidence.dicom.identity import Stamp
from overread.evidence.dicom.picture_readback import prove_picture_seg, read_picture_seg
from overread.evidence.dicom.picture_seg import build_picture_seg, masks_of
from overread.evidence.dicom.seg import Segment
from overread.findings import Code, Provenance
from overread.findings.codes import NODULE
from overread.io import open_study

PROVENANCE = Provenance(task="a_picture_task", task_version="0.1.0", device_uid="2.25.4242")
GREY = np.random.default_rng(1).integers(0, 4096, (21, 13), dtype=np.uint16)  # 273 pixels: no whole number of bytes
GREY_8 = (GREY >> 4).astype(np.uint8)
RGB = np.random.default_rng(2).integers(0, 256, (21, 13, 3), dtype=np.uint8)
STILLS = {
    "DX": ("DX", GREY),
    "CR": ("CR", GREY),
    "US": ("US", GREY_8),
    "US colour": ("US", RGB),
    "SC": ("SC", GREY_8),
    "SC colour": ("SC", RGB),
    "XA": ("XA", GREY),
    "RF": ("RF", GREY),
}
CLIPS = {
    "US": ("US clip", np.stack([GREY_8] * 4)),
    "US colour": ("US clip", np.stack([RGB] * 4)),
    "SC": ("SC clip", np.stack([GREY_8] * 4)),
    "XA": ("XA", np.stack([GREY] * 4)),
    "one frame": ("US clip", GREY_8[None]),
}
PLACES = {"no place": {}, "a frame of reference": {"FrameOfReferenceUID": "2.25.13", "PositionReferenceIndicator": ""}}
BLOB = Code("49755003", "SCT", "Morphologically Abnormal Structure")


def segment(n):
    return Segment(f"{n} shadow", NODULE, BLOB, f"2.25.88{n}", (255, 190, 40))


SEGMENTS = {n: segment(n) for n in (1, 2, 5, 7)}


def lopsided(shape):
    """Three masks: one on all frames, one on some that overlaps it, one without a pixel."""
    first, second, none = (np.zeros(shape, bool) for _ in range(3))
    first[..., 3:9, 2:7] = first[..., 9, 2:4] = True
    second[..., 7:15, 5:12] = second[..., 0, 12] = True
    if len(shape) == 3 and shape[0] > 1:
        for n in range(shape[0]):
            first[n, 20, n] = True  # no two frames alike
        second[1:3] = False
    return {2: first, 5: second, 7: none}


def saved(ds):
    stream = io.BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def headers_of(path: Path) -> SourceHeaders:
    return read_headers(open_study(path).only().load().source.frames, gap_mm=None)


def build(headers, inside, segments=SEGMENTS):
    return build_picture_seg(inside, segments, headers, Stamp.make(b"a run", headers.first), provenance=PROVENANCE)


def written(headers, inside, path):
    seg, numbers = build(headers, inside)
    path.write_bytes(saved(seg))
    return numbers


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", STILLS)
def test_still(name, place, save_source, tmp_path, require_valid):
    kind, pixels = STILLS[name]
    source = save_source(pixels, kind, **PLACES[place])
    headers, path = headers_of(source), tmp_path / "seg.dcm"
    inside = lopsided((21, 13))
    numbers = written(headers, inside, path)
    assert numbers == {2: 1, 5: 2}
    found = prove_picture_seg(path, inside, numbers, "2.25.8001")
    assert found == {n: int(inside[n].sum()) for n in (2, 5)}
    seg = pydicom.dcmread(path)
    assert (seg.NumberOfFrames, seg.SegmentsOverlap) == (2, "YES")
    assert ("FrameOfReferenceUID" in seg) == (place != "no place")
    assert list(seg.PatientOrientation or []) == list(headers.first.PatientOrientation or [])
    theirs = hd.seg.segread(path).get_pixels_by_source_instance(["2.25.8001"])
    for n in (2, 5):
        assert np.array_equal(theirs[0, ..., numbers[n] - 1], inside[n])
    require_valid(path, "Segmentation")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", CLIPS)
def test_clip(name, place, save_source, tmp_path, require_valid):
    kind, pixels = CLIPS[name]
    frames = len(pixels)
    source = save_source(pixels, kind, **PLACES[place])
    headers, path = headers_of(source), tmp_path / "seg.dcm"
    inside = lopsided((frames, 21, 13))
    numbers = written(headers, inside, path)
    prove_picture_seg(path, inside, numbers, "2.25.8001")
    seg = pydicom.dcmread(path)
    assert seg.NumberOfFrames == frames + (2 if frames > 1 else 1)
    classes = {i.ReferencedSOPClassUID for g in seg.PerFrameFunctionalGroupsSequence
               for i in g.DerivationImageSequence[0].SourceImageSequence}  # fmt: skip
    assert classes == {headers.first.SOPClassUID}
    theirs = hd.seg.segread(path).get_pixels_by_source_frame("2.25.8001", list(range(1, frames + 1)))
    for n in (2, 5):
        assert np.array_equal(theirs[..., numbers[n] - 1], inside[n])
    require_valid(path, "Segmentation")


@pytest.mark.parametrize("shape", [(21, 13), (4, 21, 13)])
def test_labels_become_masks_that_do_not_overlap(shape, save_source, tmp_path, require_valid):
    labels = np.zeros(shape, np.uint8)
    labels[..., 2:5, 3:6] = 1
    labels[..., 5:9, 3:6] = 7
    kind, pixels = ("DX", GREY) if len(shape) == 2 else CLIPS["US"]
    headers, path = headers_of(save_source(pixels, kind)), tmp_path / "seg.dcm"
    inside = masks_of(labels)
    numbers = written(headers, inside, path)
    assert numbers == {1: 1, 7: 2}
    prove_picture_seg(path, inside, numbers, "2.25.8001")
    content = read_picture_seg(path)
    assert content.overlap == "NO"
    assert content.tracking_uids == {1: "2.25.881", 2: "2.25.887"}
    back = np.zeros_like(labels.reshape(-1, 21, 13))
    for (number, _, frame), mask in content.masks.items():
        back[frame - 1][mask] = {1: 1, 2: 7}[number]
    assert np.array_equal(back.reshape(shape), labels)
    require_valid(path, "Segmentation")


def test_segments_that_meet_on_different_frames_only_do_not_overlap(save_source, tmp_path):
    one, two = (np.zeros((4, 21, 13), bool) for _ in range(2))
    one[0, 3:6, 3:6] = two[1, 3:6, 3:6] = True
    headers = headers_of(save_source(*reversed(CLIPS["US"])))
    numbers = written(headers, {1: one, 2: two}, tmp_path / "seg.dcm")
    assert pydicom.dcmread(tmp_path / "seg.dcm").SegmentsOverlap == "NO"
    prove_picture_seg(tmp_path / "seg.dcm", {1: one, 2: two}, numbers, "2.25.8001")


@pytest.mark.parametrize(
    "changes",
    [
        {"PatientName": None, "PatientID": None, "PatientBirthDate": None, "PatientSex": None, "StudyID": None},
        {"StudyDate": None, "StudyTime": None, "AccessionNumber": None, "ReferringPhysicianName": None},
        {"Manufacturer": None, "BodyPartExamined": None, "PatientOrientation": None},
        {"SpecificCharacterSet": ["", "ISO 2022 IR 87"], "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう"},
        {"SliceThickness": "1.5", "SpacingBetweenSlices": "2"},
        {"LossyImageCompression": "01", "LossyImageCompressionRatio": 12, "LossyImageCompressionMethod": "ISO_10918_1"},
    ],
)
def test_headers_that_lack_or_hold_more(changes, save_source, tmp_path, require_valid):
    headers, path = headers_of(save_source(GREY_8, "US", **changes)), tmp_path / "seg.dcm"
    inside = lopsided((21, 13))
    prove_picture_seg(path, inside, written(headers, inside, path), "2.25.8001")
    seg = pydicom.dcmread(path)
    assert str(seg.PatientName) == str(changes.get("PatientName", "DOE^JANE") or "")
    assert seg.LossyImageCompression == changes.get("LossyImageCompression", "00")
    assert "PixelMeasuresSequence" not in seg.SharedFunctionalGroupsSequence[0]
    require_valid(path, "Segmentation")


def test_a_lossy_transfer_syntax_is_enough_to_say_loss(save_source, tmp_path, require_valid):
    headers, path = headers_of(save_source(GREY_8, "US")), tmp_path / "seg.dcm"
    assert build(headers, lopsided((21, 13)))[0].LossyImageCompression == "00"
    headers.first.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    written(headers, lopsided((21, 13)), path)
    assert pydicom.dcmread(path).LossyImageCompression == "01"
    require_valid(path, "Segmentation")


def test_same_bytes_twice_and_other_uids_for_other_pixels(save_source):
    headers = headers_of(save_source(*reversed(CLIPS["US"])))
    inside = lopsided((4, 21, 13))
    one, two = (saved(build(headers, inside)[0]) for _ in range(2))
    assert one == two
    first, _ = build(headers, inside)
    inside[2][0, 0, 0] = True
    second, _ = build(headers, inside)
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert (first.ContentDate, first.ContentTime, first.InstanceCreationTime) == ("20010203", "101112", "101112")


def test_the_headers_are_left_as_they_were(save_source):
    headers = headers_of(save_source(*reversed(CLIPS["US"])))
    before = str(headers.first)
    build(headers, lopsided((4, 21, 13)))
    assert str(headers.first) == before


def test_what_does_not_fit_the_picture_is_refused(save_source):
    headers = headers_of(save_source(*reversed(CLIPS["US"])))
    for mask in (np.ones((21, 13), bool), np.ones((3, 21, 13), bool), np.ones((4, 13, 21), bool), np.ones(3, bool)):
        with pytest.raises(UsageError, match=r"expected bool on a picture of 4 frame\(s\) of 21 x 13"):
            build(headers, {1: mask})
    with pytest.raises(UsageError, match="uint8, expected bool"):
        build(headers, {1: np.ones((4, 21, 13), np.uint8)})
    with pytest.raises(UsageError, match="nothing says what segment 9 is"):
        build(headers, {9: np.ones((4, 21, 13), bool)})
    with pytest.raises(UsageError, match="no segment has a pixel"):
        build(headers, {1: np.zeros((4, 21, 13), bool)})
    with pytest.raises(UsageError, match="of one object, got 2"):
        build(SourceHeaders(headers.datasets * 2, ()), {1: np.ones((4, 21, 13), bool)})


@pytest.mark.parametrize(("kind", "pixels"), [("DX", GREY), CLIPS["US"]])
def test_validate_finds_no_error(kind, pixels, save_source, tmp_path):
    source = save_source(pixels, kind, FrameOfReferenceUID="2.25.13")
    written(headers_of(source), lopsided(pixels.shape), tmp_path / "seg.dcm")
    checked = validate(tmp_path / "seg.dcm", against=source, outside=False)
    assert checked.sound
    assert checked.count(Level.WARNING) == 0


def _frame(seg):
    seg.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber = 2


def _object(seg):
    item = seg.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0].SourceImageSequence[0]
    item.ReferencedSOPInstanceUID = "2.25.9"


def _segment(seg):
    seg.PerFrameFunctionalGroupsSequence[-1].SegmentIdentificationSequence[0].ReferencedSegmentNumber = 1


def _pixel(seg):
    seg.PixelData = bytes([seg.PixelData[0], seg.PixelData[1], seg.PixelData[2] ^ 8]) + seg.PixelData[3:]


def _overlap(seg):
    seg.SegmentsOverlap = "NO"


def _missing(seg):
    del seg.PerFrameFunctionalGroupsSequence[0]


def _type(seg):
    seg.SegmentationType = "FRACTIONAL"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_frame, "two frames show segment 1 on frame 2"),
        (_object, "refers to an object"),
        (_segment, "two frames show segment 1 on frame 4"),
        (_pixel, "segment 1 on frame 1 reads back with other pixels"),
        (_overlap, "says NO to overlapping"),
        (_missing, "cannot be read back"),
        (_type, "expected BINARY"),
    ],
)
def test_damage_is_noticed(damage, words, save_source, tmp_path):
    headers, path = headers_of(save_source(*reversed(CLIPS["US"]))), tmp_path / "seg.dcm"
    inside = lopsided((4, 21, 13))
    numbers = written(headers, inside, path)
    seg = pydicom.dcmread(path)
    damage(seg)
    seg.save_as(path)
    with pytest.raises(IntegrityError, match=words):
        prove_picture_seg(path, inside, numbers, "2.25.8001")
    with pytest.raises(IntegrityError):
        prove_picture_seg(path, {**inside, 2: inside[5]}, numbers, "2.25.8001")


def test_a_segment_that_is_not_there_is_noticed(save_source, tmp_path):
    headers, path = headers_of(save_source(GREY, "DX")), tmp_path / "seg.dcm"
    inside = lopsided((21, 13))
    written(headers, {2: inside[2]}, path)
    with pytest.raises(IntegrityError, match=r"shows segments on frames \[\(1, 1\)\], expected \[\(1, 1\), \(2, 1\)\]"):
        prove_picture_seg(path, inside, {2: 1, 5: 2}, "2.25.8001")
