"""Checks of anyone's Segmentations and reports: ours have no fault, and each fault put in is found and named."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from overread.evidence import SegForm, write
from overread.evidence.check import Level, ObjectCheck, check_objects, find_objects
from overread.evidence.check.outside import check_outside
from overread.evidence.check.sources import Sources
from overread.io import open_study

VOLUME = "118565006"


def check(folder: Path, source: Path | None, *, outside: bool = False) -> dict[str, ObjectCheck]:
    """Checks of all objects in a folder by file name."""
    sources = Sources([open_study(source)] if source is not None else [])
    objects = find_objects(sorted(str(path) for path in folder.iterdir()))
    return {one.path.name: one for one in check_objects(objects, sources, outside=outside)}


def codes(checked: ObjectCheck, *levels: Level) -> set[str]:
    """Codes of the remarks of these levels."""
    return {remark.code for remark in checked.remarks if remark.level in (levels or tuple(Level))}


@pytest.fixture
def results(true_results, tmp_path) -> Path:
    """A folder of results of the plain case, to be damaged; its source lies beside it."""
    shutil.copytree(true_results, tmp_path / "copy")
    return tmp_path / "copy" / "out"


def test_ours_has_neither_error_nor_warning(results):
    checked = check(results, results.parent / "source", outside=True)
    assert set(checked) == {"seg.dcm", "sr.dcm"}
    for one in checked.values():
        assert codes(one, Level.ERROR, Level.WARNING) == set(), one.remarks
    assert checked["seg.dcm"].summary.startswith("BINARY, 2 segments")
    volumes = [r for r in checked["sr.dcm"].recomputed if r.name == "Volume"]
    assert len(volumes) == 2
    for one in volumes:
        assert one.recomputed == pytest.approx(one.stated, rel=1e-6)


def test_ours_as_label_map_and_without_its_source(case, tmp_path):
    write(case.reading, case.image, tmp_path / "out", seg=SegForm.LABELMAP)
    checked = check(tmp_path / "out", None, outside=True)
    assert codes(checked["seg.dcm"], Level.ERROR, Level.WARNING) == set(), checked["seg.dcm"].remarks
    assert "source_not_here" in codes(checked["seg.dcm"])


def move(seg: Dataset, by_mm: tuple[float, float, float]) -> None:
    """Move every frame."""
    for item in seg.PerFrameFunctionalGroupsSequence:
        place = item.PlanePositionSequence[0]
        place.ImagePositionPatient = [float(a) + b for a, b in zip(place.ImagePositionPatient, by_mm, strict=True)]


def shared(seg: Dataset) -> Dataset:
    """Shared functional groups."""
    return seg.SharedFunctionalGroupsSequence[0]


def set_orientation(seg: Dataset, cosines: list[float]) -> None:
    shared(seg).PlaneOrientationSequence[0].ImageOrientationPatient = cosines


def set_spacing(seg: Dataset, spacing: list[float]) -> None:
    shared(seg).PixelMeasuresSequence[0].PixelSpacing = spacing


def delete(keyword: str) -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        delattr(dataset, keyword)

    return change


def put(keyword: str, value: object) -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        setattr(dataset, keyword, value)

    return change


def in_segment(change: Callable[[Dataset], None]) -> Callable[[Dataset], None]:
    return lambda seg: change(seg.SegmentSequence[0])


def no_pixels(seg: Dataset) -> None:
    """All pixels of segment 2 to background."""
    pixels = np.array(seg.pixel_array)
    for n, item in enumerate(seg.PerFrameFunctionalGroupsSequence):
        if item.SegmentIdentificationSequence[0].ReferencedSegmentNumber == 2:
            pixels[n] = 0
    seg.PixelData = np.packbits(pixels.ravel(), bitorder="little").tobytes() + b"\0"


def drop_processing(dataset: Dataset) -> None:
    dataset.ContributingEquipmentSequence = Sequence(
        [i for i in dataset.ContributingEquipmentSequence if i.PurposeOfReferenceCodeSequence[0].CodeValue != "109102"]
    )


def drop_device_uid(dataset: Dataset) -> None:
    for item in dataset.ContributingEquipmentSequence:
        item.pop("DeviceUID", None)


SEG_FAULTS: dict[str, Callable[[Dataset], None]] = {
    "frame_misplaced": lambda seg: move(seg, (0.0, 0.0, 1.0)),
    "orientation_differs": lambda seg: set_orientation(seg, [-1, 0, 0, 0, 1, 0]),
    "not_right_angled": lambda seg: set_orientation(seg, [1, 0, 0, 0.3, 1, 0]),
    "spacing_differs": lambda seg: set_spacing(seg, [0.7, 0.8]),
    "frame_without_place": lambda seg: shared(seg).pop("PlaneOrientationSequence"),
    "frame_of_reference_differs": put("FrameOfReferenceUID", "2.25.99"),
    "no_frame_of_reference": delete("FrameOfReferenceUID"),
    "frames_differ": put("NumberOfFrames", 99),
    "no_pixels": put("Rows", 0),
    "pixels_unreadable": lambda seg: put("PixelData", seg.PixelData[:10])(seg),
    "no_segments": delete("SegmentSequence"),
    "segment_numbers": in_segment(put("SegmentNumber", 7)),
    "undeclared_segment": lambda seg: put("SegmentSequence", seg.SegmentSequence[:1])(seg),
    "empty_segment": no_pixels,
    "segment_without_code": in_segment(delete("SegmentedPropertyTypeCodeSequence")),
    "segment_without_label": in_segment(delete("SegmentLabel")),
    "algorithm_type": in_segment(put("SegmentAlgorithmType", "MAGIC")),
    "tracking_half": in_segment(delete("TrackingID")),
    "patient_differs": put("PatientID", "SOMEBODY ELSE"),
    "study_differs": put("StudyInstanceUID", "2.25.98"),
    "series_of_source": put("SeriesInstanceUID", "2.25.12"),
    "no_processing_equipment": drop_processing,
    "no_device_uid": drop_device_uid,
}


@pytest.mark.parametrize("code", SEG_FAULTS)
def test_each_fault_of_a_segmentation_is_found(results, code):
    seg = pydicom.dcmread(results / "seg.dcm")
    SEG_FAULTS[code](seg)
    seg.save_as(results / "seg.dcm")
    checked = check(results, results.parent / "source")["seg.dcm"]
    assert code in codes(checked, Level.ERROR, Level.WARNING), checked.remarks
    assert "DOE" not in str(checked.to_dict())
    assert "MRN4711" not in str(checked.to_dict())


def nums(report: Dataset, concept: str) -> list[Dataset]:
    """NUM items of a concept, depth first."""
    found = []
    for item in report.get("ContentSequence", ()):
        if item.ValueType == "NUM" and item.ConceptNameCodeSequence[0].CodeValue == concept:
            found.append(item)
        found += nums(item, concept)
    return found


def set_number(item: Dataset, value: float) -> None:
    measured = item.MeasuredValueSequence[0]
    measured.NumericValue = f"{value:.8g}"
    measured.FloatingPointValue = value


def set_unit(item: Dataset, code: str) -> None:
    item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue = code


def volume(report: Dataset) -> Dataset:
    return nums(report, VOLUME)[0]


def upper(report: Dataset) -> Dataset:
    return nums(volume(report), "371886008")[0]


def ten_times(report: Dataset) -> None:
    set_number(volume(report), 10 * float(volume(report).MeasuredValueSequence[0].NumericValue))


def without_interval_and_twice(report: Dataset) -> None:
    item = volume(report)
    item.ContentSequence = Sequence([c for c in item.ContentSequence if c.ValueType != "NUM"])
    set_number(item, 1.2 * float(item.MeasuredValueSequence[0].NumericValue))


def nan_in_binary(report: Dataset) -> None:
    volume(report).MeasuredValueSequence[0].FloatingPointValue = float("nan")


def two_values(report: Dataset) -> None:
    volume(report).MeasuredValueSequence[0].NumericValue = "1"


def both_value_and_qualifier(report: Dataset) -> None:
    failed = nums(report, "SOLID_LONG_AXIS")[0]
    volume(report).NumericValueQualifierCodeSequence = failed.NumericValueQualifierCodeSequence


def segments_of(report: Dataset) -> list[Dataset]:
    return [
        reference
        for group in groups_of(report)
        for item in group.ContentSequence
        if item.get("ConceptNameCodeSequence") and item.ConceptNameCodeSequence[0].CodeValue == "121191"
        for reference in item.ReferencedSOPSequence
    ]


def groups_of(item: Dataset) -> list[Dataset]:
    found = []
    for child in item.get("ContentSequence", ()):
        if child.get("ConceptNameCodeSequence") and child.ConceptNameCodeSequence[0].CodeValue == "125007":
            found.append(child)
        found += groups_of(child)
    return found


def tracking(report: Dataset, uid: str) -> None:
    for item in groups_of(report)[0].ContentSequence:
        if item.ConceptNameCodeSequence[0].CodeValue == "112040":
            item.UID = uid


SR_FAULTS: dict[str, Callable[[Dataset], None]] = {
    "volume_differs": ten_times,
    "length_differs": lambda sr: set_number(nums(sr, "103339001")[0], 400.0),
    "number_not_finite": nan_in_binary,
    "two_values": two_values,
    "value_and_qualifier": both_value_and_qualifier,
    "empty_without_qualifier": lambda sr: nums(sr, "SOLID_LONG_AXIS")[0].pop("NumericValueQualifierCodeSequence"),
    "no_unit": lambda sr: set_unit(volume(sr), ""),
    "unit_implausible": lambda sr: set_unit(volume(sr), "mm"),
    "unit_not_ucum": lambda sr: put("CodingSchemeDesignator", "99X")(
        volume(sr).MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0]
    ),
    "value_implausible": lambda sr: set_number(nums(sr, "112031")[0], -30000.0),
    "uncertainty_without_unit": lambda sr: set_unit(upper(sr), "1"),
    "uncertainty_unit": lambda sr: set_unit(upper(sr), "mm"),
    "uncertainty_negative": lambda sr: set_number(upper(sr), -1.0),
    "uncertainty_without_value": lambda sr: put("MeasuredValueSequence", Sequence([]))(upper(sr)),
    "coverage_implausible": lambda sr: set_number(nums(volume(sr), "COVERAGE")[0], 95.0),
    "not_in_evidence": delete("CurrentRequestedProcedureEvidenceSequence"),
    "segment_missing": lambda sr: put("ReferencedSegmentNumber", 9)(segments_of(sr)[0]),
    "tracking_uid_differs": lambda sr: tracking(sr, "2.25.5"),
    "no_tracking_uid": lambda sr: tracking(sr, ""),
    "tracking_uid_twice": lambda sr: tracking(sr, "2.25.772"),
    "reference_missing": lambda sr: put("ReferencedSOPInstanceUID", "2.25.1")(segments_of(sr)[0]),
    "no_processing_equipment": drop_processing,
    "no_groups": put("ContentSequence", Sequence([])),
    "patient_differs": put("PatientID", "SOMEBODY ELSE"),
}


@pytest.mark.parametrize("code", SR_FAULTS)
def test_each_fault_of_a_report_is_found(results, code):
    report = pydicom.dcmread(results / "sr.dcm")
    SR_FAULTS[code](report)
    report.save_as(results / "sr.dcm")
    checked = check(results, results.parent / "source")["sr.dcm"]
    assert code in codes(checked, Level.ERROR, Level.WARNING), checked.remarks


def test_a_volume_without_interval_may_differ_by_what_pixels_can_tell(results):
    report = pydicom.dcmread(results / "sr.dcm")
    without_interval_and_twice(report)
    report.save_as(results / "sr.dcm")
    checked = check(results, results.parent / "source")["sr.dcm"]
    assert [r.level for r in checked.remarks if r.code == "volume_differs"] == [Level.WARNING]


def test_a_volume_in_millilitres_is_compared_in_its_unit(results):
    report = pydicom.dcmread(results / "sr.dcm")
    item = volume(report)
    for one in (item, *nums(item, "371886008"), *nums(item, "371885007")):
        set_number(one, one.MeasuredValueSequence[0].FloatingPointValue / 1000)
        set_unit(one, "mL")
    report.save_as(results / "sr.dcm")
    assert codes(check(results, results.parent / "source")["sr.dcm"], Level.ERROR, Level.WARNING) == set()


def test_points_in_the_patient(case, tmp_path):
    points = dataclasses.replace(case.reading, segments=None)
    write(points, case.image, tmp_path / "out")
    source = tmp_path / "source"
    assert codes(check(tmp_path / "out", source)["sr.dcm"], Level.ERROR, Level.WARNING) == set()
    report = pydicom.dcmread(tmp_path / "out" / "sr.dcm")
    regions = [i for g in groups_of(report) for i in g.ContentSequence if i.ValueType == "SCOORD3D"]
    regions[0].GraphicData = [900.0, 0.0, 0.0]
    regions[1].ReferencedFrameOfReferenceUID = "2.25.1"
    report.save_as(tmp_path / "out" / "sr.dcm")
    found = codes(check(tmp_path / "out", source)["sr.dcm"], Level.ERROR)
    assert found == {"region_outside", "frame_of_reference_differs"}


def test_a_segment_in_the_air_beside_the_patient(make_case, tmp_path):
    case = make_case()
    array = np.full(case.image.grid.shape, -1000, np.int16)
    array[:, 4:13, 3:15] = 50  # the body: around nodule 1, not around nodule 2
    for n, frame in enumerate(case.reading.source.frames):
        ds = pydicom.dcmread(frame.path)
        ds.PixelData = (array[n] - int(ds.RescaleIntercept)).astype(np.int16).tobytes()
        ds.save_as(frame.path)
    write(case.reading, dataclasses.replace(case.image, array=array), tmp_path / "out")
    remarks = check(tmp_path / "out", tmp_path / "source")["seg.dcm"].remarks
    assert [(r.code, r.part, r.level) for r in remarks if r.code == "outside_body"] == [
        ("outside_body", "segment 2", Level.ERROR)
    ]


def test_damaged_objects_and_what_is_no_object(results):
    whole = (results / "seg.dcm").read_bytes()
    for name, cut in (("short.dcm", len(whole) // 2), ("header.dcm", 900), ("tiny.dcm", 140)):
        (results / name).write_bytes(whole[:cut])
    (results / "note.txt").write_text("hello")
    checked = check(results, results.parent / "source")
    assert "note.txt" not in checked
    for name in ("short.dcm", "header.dcm"):
        assert codes(checked[name], Level.ERROR), name
    assert codes(checked["seg.dcm"], Level.ERROR) == set()


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools is not installed")
def test_findings_of_dciodvfy_are_said_without_values(results):
    seg = pydicom.dcmread(results / "seg.dcm")
    del seg.ContentLabel
    seg.PatientSex = "DOE"
    seg.save_as(results / "seg.dcm")
    source = next((results.parent / "source").iterdir())
    remarks = list(check_outside(results / "seg.dcm", source, label_map=False, report=False))
    errors = [r.message for r in remarks if r.level is Level.ERROR]
    assert any("ContentLabel" in message for message in errors)
    assert not any("<DOE>" in r.message for r in remarks)


def test_findings_of_the_source_are_not_those_of_the_object(make_case, tmp_path):
    if shutil.which("dciodvfy") is None:
        pytest.skip("dicom3tools is not installed")
    case = make_case(PatientSex="X")
    write(case.reading, case.image, tmp_path / "out")
    assert codes(check(tmp_path / "out", tmp_path / "source", outside=True)["seg.dcm"], Level.ERROR) == set()
