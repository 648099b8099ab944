"""seg.dcm and sr.dcm: right in every orientation, sound for outside validators, and damage is noticed."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import highdicom as hd
import nibabel
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from overread.errors import InputError, IntegrityError
from overread.evidence import SegForm, read_result, write
from overread.evidence.dicom.headers import read_headers
from overread.evidence.dicom.identity import Stamp
from overread.evidence.dicom.seg import build_seg
from overread.evidence.dicom.sr_readback import compare_sr, read_sr
from overread.evidence.nifti import write_nifti
from overread.evidence.proof import prove_nifti, prove_seg
from overread.evidence.segments import facts_on_frames, facts_on_grid, place_on_frames
from overread.findings import Interval, Measurement, Reading, Reason, Scope, ScopeAnswer
from overread.geometry import ORIENTATIONS, Grid, Policy, Verdict, axial_grid, orient
from overread.image import LabelMap, SourceFrame
from overread.io import open_study

OBLIQUE = np.array([[0.8, 0.36, 0.48], [-0.6, 0.48, 0.64], [0.0, -0.8, 0.6]])


def refused(reading: Reading) -> Reading:
    """The same input, declined."""
    reason = Reason("not_chest", "No lung was found.")
    return dataclasses.replace(
        reading,
        assessable=False,
        reasons=(reason,),
        scope=Scope(ScopeAnswer.NO, (reason,)),
        findings=(),
        segments=None,
        measurements=(),
    )


def seg_centroids(path: Path) -> dict[int, NDArray[np.float64]]:
    """Centroid of each segment in mm: a third reading, written for this test from the standard."""
    ds = pydicom.dcmread(path)
    shared = ds.SharedFunctionalGroupsSequence[0]
    points: dict[int, list[NDArray[np.float64]]] = {}
    for n, item in enumerate(ds.PerFrameFunctionalGroupsSequence):
        groups = {**{e.keyword: e.value for e in shared}, **{e.keyword: e.value for e in item}}
        origin = np.array(groups["PlanePositionSequence"][0].ImagePositionPatient, float)
        x, y = np.array(groups["PlaneOrientationSequence"][0].ImageOrientationPatient, float).reshape(2, 3)
        dr, dc = map(float, groups["PixelMeasuresSequence"][0].PixelSpacing)
        for r, c in np.argwhere(ds.pixel_array.reshape(-1, ds.Rows, ds.Columns)[n]):
            points.setdefault(int(groups["SegmentIdentificationSequence"][0].ReferencedSegmentNumber), []).append(
                origin + x * dc * c + y * dr * r
            )
    return {number: np.mean(found, axis=0) for number, found in points.items()}


def assert_in_place(case: Any, out: Path) -> None:
    """NIfTI (by nibabel) and SEG (by the standard's equation) agree with the label map in patient mm."""
    mask = case.reading.segments
    nifti = nibabel.load(out / "mask.nii.gz")
    array = np.asarray(nifti.dataobj)
    centroids = seg_centroids(out / "seg.dcm")
    for label in (1, 2):
        want = mask.centroid_lps(label)
        np.testing.assert_allclose(centroids[label], want, atol=1e-6)
        ras = nibabel.affines.apply_affine(nifti.affine, np.argwhere(array == label).mean(axis=0))
        np.testing.assert_allclose(ras * (-1, -1, 1), want, atol=1e-3)
        volume = np.count_nonzero(array == label) * abs(np.linalg.det(nifti.affine[:3, :3]))
        assert volume == pytest.approx(mask.volume_mm3(label), rel=1e-6)


def write_masks(case: Any, out: Path) -> None:
    """The two files that carry masks, proven, without the rest of a run."""
    out.mkdir()
    mask = case.reading.segments
    write_nifti(mask, out / "mask.nii.gz")
    prove_nifti(out / "mask.nii.gz", mask)
    frames = place_on_frames(mask, case.reading.source.frames, repaired=False)
    headers = read_headers(frames.frames, gap_mm=mask.grid.slice_gap_mm)
    seg, numbers = build_seg(case.reading, frames, headers, Stamp.make(b"", headers.first), SegForm.BINARY)
    seg.save_as(out / "seg.dcm")
    prove_seg(out / "seg.dcm", case.reading, frames, numbers)


@pytest.mark.parametrize("letters", ORIENTATIONS)
def test_every_orientation_and_flip_keeps_volume_and_centroid(make_case, tmp_path, letters):
    base = axial_grid((9, 28, 30), spacing_mm=(3.0, 0.8, 0.7), origin_lps=(-13.25, 21.5, -340.75))
    index = [base.shape[0], base.shape[1], base.shape[2]]
    _, turned = orient(np.zeros(index), base, letters)
    grid = Grid((9, 28, 30), turned.affine_lps)  # anisotropic in the patient whatever the letters
    case = make_case(grid)
    write_masks(case, tmp_path / "out")
    assert_in_place(case, tmp_path / "out")


def make_grid(step: Any, down: Any, along: Any) -> Grid:
    """A grid from its three steps in mm."""
    affine = np.eye(4)
    affine[:3, :3] = np.stack([step, down, along], axis=1)
    affine[:3, 3] = (12.5, -80.25, 33.0)
    return Grid((9, 28, 30), affine)


ODD_GRIDS = {
    "double oblique": make_grid(2.5 * OBLIQUE[:, 2], 0.8 * OBLIQUE[:, 1], 0.7 * OBLIQUE[:, 0]),
    "reversed": make_grid(-2.5 * OBLIQUE[:, 2], 0.8 * OBLIQUE[:, 1], 0.7 * OBLIQUE[:, 0]),
    "tilted gantry": make_grid((0, 0, 2.5), (0, 0.8 * np.cos(0.3), 0.8 * np.sin(0.3)), (0.7, 0, 0)),
    "sheared, axial cosines": make_grid((0.4, -0.9, 2.5), (0, 0.8, 0), (0.7, 0, 0)),
}


@pytest.mark.parametrize("name", ODD_GRIDS)
@pytest.mark.parametrize("form", list(SegForm))
def test_oblique_and_sheared_stacks_are_exact(make_case, tmp_path, name, form):
    case = make_case(ODD_GRIDS[name])
    write(case.reading, case.image, tmp_path / "out", seg=form)
    result = read_result(tmp_path / "out")
    assert result["source_frames"]["how"] == "same"
    proof = next(p for p in result["read_back"] if p["file"] == "seg.dcm")
    for row in proof["segments"]:
        want = case.reading.segments.centroid_lps(row["finding"])
        np.testing.assert_allclose(row["read"]["centroid_lps_mm"], want, atol=1e-6)
        assert row["read"]["volume_mm3"] == pytest.approx(case.reading.segments.volume_mm3(row["finding"]), rel=1e-9)
    if form is SegForm.BINARY:
        assert_in_place(case, tmp_path / "out")


def test_after_a_repair_the_mask_lies_on_the_source_frames_and_the_loss_is_reported(make_case, tmp_path):
    case = make_case()
    coarse = case.image.grid
    affine = coarse.affine_lps.copy()
    affine[:3, 0] /= 2  # the repaired grid has slices half as far apart
    fine = Grid((17, 28, 30), affine)
    labels = np.zeros(fine.shape, dtype=np.uint8)
    labels[4:10, 6:11, 5:13] = 1  # 1.5 mm slices 4..9: source slices 2, 3, 4 lie inside
    labels[11, 16:19, 20:22] = 2  # between two source slices: meets neither
    segments = LabelMap(labels, fine)
    verdict = Verdict(repaired=True)
    reading = dataclasses.replace(case.reading, segments=segments, verdict=verdict)
    write(reading, None, tmp_path / "out")
    frames = read_result(tmp_path / "out")["source_frames"]
    assert frames["how"] == "mapped"
    first, second = frames["loss"]
    assert first["volume_percent"] == pytest.approx(0.0, abs=1e-9)  # 3 slices of 3 mm for 6 of 1.5 mm
    assert first["centroid_mm"] == pytest.approx(0.75)  # mid of 2..4 against mid of 4..9 halves
    assert second == {"finding": 2, "volume_percent": -100.0, "centroid_mm": None}
    seg = pydicom.dcmread(tmp_path / "out" / "seg.dcm")
    assert [s.TrackingUID for s in seg.SegmentSequence] == [case.reading.findings[0].tracking_uid]
    assert "finding(s) 2 have no segment" in read_result(tmp_path / "out")["notes"][0]


@pytest.mark.parametrize(("policy", "how"), [(Policy.REPAIR, "mapped"), (Policy.AS_IS, "uneven")])
def test_a_series_with_a_gap_a_copy_and_a_shift_is_proven_after_the_reader_mended_it(
    write_ct_series, make_reading, tmp_path, policy, how
):
    grid = axial_grid((24, 40, 44), spacing_mm=(2.0, 0.8, 0.7), origin_lps=(-13.0, 21.0, -300.0))
    hu = np.random.default_rng(0).normal(-800, 30, grid.shape).astype(np.int16)
    hu[8:14, 10:20, 12:26] = 50
    folder = tmp_path / "source"
    write_ct_series(folder, hu, grid)
    (folder / "015.dcm").unlink()
    for name, target, change in (("003", "copy", {"SOPInstanceUID": "2.25.5555"}), ("010", "010", {})):
        ds = pydicom.dcmread(folder / f"{name}.dcm")
        ds.update(change)
        if name == "010":
            ds.ImagePositionPatient[2] += 0.5
        ds.save_as(folder / f"{target}.dcm")
    image = open_study(folder).series[0].load(policy=policy)
    labels = (image.array > -300).astype(np.uint8)
    reading = make_reading(image.source, labels, image.grid, image.verdict)
    write(reading, image, tmp_path / "out")
    frames = read_result(tmp_path / "out")["source_frames"]
    assert (frames["how"], frames["frames"]) == (how, 23)
    (loss,) = frames["loss"]
    assert abs(loss["volume_percent"]) < 10
    assert loss["centroid_mm"] < 1.5  # as-is, slices lie up to 1.27 mm from where they were sent
    require_sound(tmp_path / "out")


def test_mapping_leaves_out_frames_of_another_shape_and_duplicates(make_case, tmp_path):
    case = make_case()
    frames = case.reading.source.frames
    odd = dataclasses.replace(frames[0], shape=(10, 10), position_lps=(0.0, 0.0, 900.0))
    source = dataclasses.replace(case.reading.source, frames=(*frames, odd, frames[3]))
    reading = dataclasses.replace(case.reading, source=source, verdict=Verdict(repaired=True))
    write(reading, None, tmp_path / "out")
    frames = read_result(tmp_path / "out")["source_frames"]
    assert (frames["frames"], frames["left_out"]) == (9, 2)
    assert all(row["centroid_mm"] == pytest.approx(0, abs=1e-9) for row in frames["loss"])
    assert_in_place(case, tmp_path / "out")


def test_uneven_positions_are_written_where_they_are(make_case, tmp_path):
    case = make_case()
    frames = list(case.reading.source.frames)
    x, y, z = frames[-1].position_lps
    moved = dataclasses.replace(frames[-1], position_lps=(x, y, z + 4.0))
    header = pydicom.dcmread(moved.path)
    header.ImagePositionPatient = [x, y, z + 4.0]
    header.save_as(moved.path)
    source = dataclasses.replace(case.reading.source, frames=(*frames[:-1], moved))
    reading = dataclasses.replace(case.reading, source=source)
    write(reading, case.image, tmp_path / "out")
    result = read_result(tmp_path / "out")["source_frames"]
    assert result["how"] == "uneven"
    assert result["off_mm"] == pytest.approx(4.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"PatientName": None, "PatientID": None, "PatientBirthDate": None, "PatientSex": None, "StudyID": None},
        {"StudyDate": None, "StudyTime": None, "AccessionNumber": None, "ReferringPhysicianName": None},
        {"SliceThickness": None},
        {"SliceThickness": ""},
        {"StudyDate": "", "Manufacturer": ""},
        {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "Müller^Jürgen"},
        {"SpecificCharacterSet": ["", "ISO 2022 IR 87"], "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう"},
        {"SpecificCharacterSet": "ISO_IR 100", "ReferringPhysicianName": "Dr. é^ü", "Manufacturer": None},
        {"PatientSex": "", "PatientBirthDate": "", "PatientID": "", "PatientName": ""},
        {"PixelSpacing": [0.8000000001, 0.7000000001], "ImageType": ["DERIVED", "SECONDARY"]},
    ],
)
def test_absent_header_fields_are_filled_in_the_copy(make_case, tmp_path, changes):
    case = make_case(**changes)
    before = {path: path.read_bytes() for path in case.reading.source.paths}
    write(case.reading, case.image, tmp_path / "out")
    assert {path: path.read_bytes() for path in case.reading.source.paths} == before
    notes = " ".join(read_result(tmp_path / "out")["notes"])
    assert all(keyword in notes for keyword, value in changes.items() if value is None and keyword != "Manufacturer")
    for name in ("seg.dcm", "sr.dcm"):
        written = pydicom.dcmread(tmp_path / "out" / name)
        assert written.PatientName == (changes.get("PatientName", "DOE^JANE") or "")
    require_sound(tmp_path / "out")


def test_cosines_with_three_digits_are_made_orthonormal(make_case, tmp_path):
    rounded = [float(v) for v in np.round([*OBLIQUE[:, 0], *OBLIQUE[:, 1]], 3)]
    rounded[0] += 0.001
    case = make_case(ODD_GRIDS["double oblique"], ImageOrientationPatient=rounded)
    write(case.reading, case.image, tmp_path / "out")
    assert_in_place(case, tmp_path / "out")
    require_sound(tmp_path / "out")


@pytest.mark.parametrize("digits", [3, 4, 6])
def test_a_wide_tilted_scan_with_rounded_cosines_is_written(write_ct_series, make_reading, tmp_path, digits):
    tilt = np.deg2rad(12.3)
    affine = np.eye(4)
    affine[:3, :3] = np.stack([(0, 0, 2.5), (0, 0.8 * np.cos(tilt), 0.8 * np.sin(tilt)), (0.8, 0, 0)], axis=1)
    grid = Grid((5, 300, 300), affine)
    labels = np.zeros(grid.shape, dtype=np.uint8)
    labels[1:4, 280:296, 270:290] = 1  # far from the corner that positions are given for
    rounded = np.round([1, 0, 0, 0, np.cos(tilt), np.sin(tilt)], digits).tolist()
    picture = np.where(labels == 1, 40, -850).astype(np.int16)
    write_ct_series(tmp_path / "source", picture, grid, ImageOrientationPatient=rounded)
    image = open_study(tmp_path / "source").only().load()
    frame = image.source.frames[0]
    assert np.linalg.norm(frame.column_lps) == pytest.approx(1, abs=1e-15)
    write(make_reading(image.source, labels, image.grid, image.verdict), image, tmp_path / "out")
    assert read_result(tmp_path / "out")["source_frames"]["how"] == "same"
    want = image.grid.to_lps(np.argwhere(labels == 1).mean(axis=0))
    np.testing.assert_allclose(seg_centroids(tmp_path / "out" / "seg.dcm")[1], want, atol=1e-3)
    require_sound(tmp_path / "out")


def test_without_a_frame_of_reference_numbers_are_reported_but_no_segment(make_case, tmp_path):
    case = make_case(FrameOfReferenceUID=None)
    source = dataclasses.replace(case.reading.source, frame_of_reference_uid="")
    reading = dataclasses.replace(case.reading, source=source)
    write(reading, case.image, tmp_path / "out")
    (row,) = read_result(tmp_path / "out")["not_written"]
    assert row["file"] == "seg.dcm"
    assert "Frame of Reference" in row["reason"]
    require_sound(tmp_path / "out")
    assert len(read_sr(tmp_path / "out" / "sr.dcm").groups) == 3


def test_files_that_share_a_uid_get_a_report_but_no_segment(write_ct_series, make_reading, tmp_path):
    grid = axial_grid((9, 28, 30), spacing_mm=(3.0, 0.8, 0.7))
    labels = np.zeros(grid.shape, dtype=np.uint8)
    labels[2:5, 6:11, 5:13] = 1
    folder = tmp_path / "source"
    write_ct_series(folder, np.where(labels == 1, 40, -850).astype(np.int16), grid)
    ds = pydicom.dcmread(folder / "003.dcm")
    ds.SOPInstanceUID = pydicom.dcmread(folder / "002.dcm").SOPInstanceUID
    ds.save_as(folder / "003.dcm")
    image = open_study(folder).only().load()
    assert image.verdict.has("repeated_uid")
    names = {p.name for p in write(make_reading(image.source, labels, image.grid), image, tmp_path / "out")}
    assert {"sr.dcm", "mask.nii.gz", "report.html"} <= names
    (row,) = read_result(tmp_path / "out")["not_written"]
    assert row["file"] == "seg.dcm"
    assert "share a SOP Instance UID" in row["reason"]
    require_sound(tmp_path / "out")


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_mapping_onto_frames_that_are_the_grid_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(2, 9, 3))
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    affine = np.eye(4)
    affine[:3, :3] = turn * rng.uniform(0.5, 4.0, 3)
    affine[:3, 3] = rng.normal(0, 200, 3)
    grid = Grid(shape, affine)
    labels = np.where(rng.random(shape) < 0.3, rng.integers(1, 3, shape), 0).astype(np.uint8)
    frames = tuple(
        SourceFrame(
            path=Path("x"), sop_class_uid="1", sop_uid=str(k), frame_number=1,
            position_lps=tuple(grid.to_lps((k, 0, 0))), shape=shape[1:],
            row_lps=tuple(affine[:3, 2] / np.linalg.norm(affine[:3, 2])),
            column_lps=tuple(affine[:3, 1] / np.linalg.norm(affine[:3, 1])),
            spacing_mm=(float(np.linalg.norm(affine[:3, 1])), float(np.linalg.norm(affine[:3, 2]))),
        )
        for k in range(shape[0])
    )  # fmt: skip
    mask = LabelMap(labels, grid)
    mapped, same = (place_on_frames(mask, frames, repaired=repaired) for repaired in (True, False))
    assert (mapped.how, same.how) == ("mapped", "same")
    assert np.array_equal(mapped.labels, labels)
    want, got = facts_on_grid(mask), facts_on_frames(mapped)
    assert set(want) == set(got)
    for number, facts in want.items():
        assert got[number].voxels == facts.voxels
        assert got[number].volume_mm3 == pytest.approx(facts.volume_mm3, rel=1e-9)
        np.testing.assert_allclose(got[number].centroid_lps, facts.centroid_lps, atol=1e-9)


def test_a_multi_frame_source_keeps_its_own_frame_order(make_case, tmp_path):
    case = make_case(PatientPosition="HFS", BodyPartExamined="CHEST")
    singles = [pydicom.dcmread(path) for path in case.reading.source.paths]
    path = tmp_path / "source" / "enhanced.dcm"
    hd.legacy.LegacyConvertedEnhancedCTImage(
        singles, series_instance_uid="2.25.12", series_number=1, sop_instance_uid="2.25.999", instance_number=1
    ).save_as(path)
    enhanced = pydicom.dcmread(path)
    places = [item.PlanePositionSequence[0].ImagePositionPatient for item in enhanced.PerFrameFunctionalGroupsSequence]
    frames = tuple(
        dataclasses.replace(
            frame,
            path=path,
            sop_uid="2.25.999",
            sop_class_uid=enhanced.SOPClassUID,
            frame_number=1 + next(n for n, place in enumerate(places) if np.allclose(place, frame.position_lps)),
        )
        for frame in case.reading.source.frames
    )
    assert [frame.frame_number for frame in frames] != sorted(frame.frame_number for frame in frames)
    source = dataclasses.replace(case.reading.source, frames=frames, paths=(path,))
    write(dataclasses.replace(case.reading, source=source), case.image, tmp_path / "all")
    assert_in_place(case, tmp_path / "all")
    require_sound(tmp_path / "all")
    some = dataclasses.replace(source, frames=frames[1:])
    reading = dataclasses.replace(case.reading, source=some, verdict=Verdict(repaired=True))
    write(reading, case.image, tmp_path / "some")
    assert_in_place(case, tmp_path / "some")


def test_source_that_changed_or_vanished_is_an_error(make_case, tmp_path):
    case = make_case()
    path = case.reading.source.frames[2].path
    keep = path.read_bytes()
    shutil.copy(case.reading.source.frames[3].path, path)
    with pytest.raises(IntegrityError, match="changed between"):
        write(case.reading, case.image, tmp_path / "out")
    path.write_bytes(keep[:100])
    with pytest.raises(InputError, match="read again"):
        write(case.reading, case.image, tmp_path / "out")
    path.unlink()
    with pytest.raises(InputError, match="read again"):
        write(case.reading, case.image, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def tool(*command: object) -> subprocess.CompletedProcess[str]:
    """Run an outside validator, or skip."""
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is not installed (Debian: dicom3tools, dcmtk)")
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, errors="replace"
    )


def require_sound(out: Path) -> None:
    """No line that begins with Error and exit code 0 from dciodvfy; exit code 0 from strict dsrdump."""
    for name in ("seg.dcm", "sr.dcm"):
        if (out / name).exists():
            done = tool("dciodvfy", "-new", out / name)
            errors = [line for line in done.stderr.splitlines() if line.startswith("Error")]
            assert (done.returncode, errors) == (0, []), done.stderr
            assert ("Segmentation" if name == "seg.dcm" else "Comprehensive3DSR") in done.stderr.splitlines()
    if (out / "sr.dcm").exists():
        done = tool("dsrdump", out / "sr.dcm")
        assert done.returncode == 0, done.stderr


def test_validators_find_no_error(case, tmp_path):
    write(case.reading, case.image, tmp_path / "full")
    write(refused(case.reading), None, tmp_path / "refusal")
    nothing = dataclasses.replace(case.reading, findings=(), segments=None)
    write(nothing, case.image, tmp_path / "nothing")
    points = dataclasses.replace(case.reading, segments=None)
    write(points, case.image, tmp_path / "points")
    one = dataclasses.replace(
        case.reading,
        findings=case.reading.findings[1:],
        segments=LabelMap(np.where(case.reading.segments.array == 2, 2, 0).astype(np.uint8), case.image.grid),
    )
    write(one, case.image, tmp_path / "one")
    for name in ("full", "refusal", "nothing", "points", "one"):
        require_sound(tmp_path / name)


def test_labelmap_gives_only_the_two_errors_of_an_old_validator(case, tmp_path):
    write(case.reading, case.image, tmp_path / "out", seg=SegForm.LABELMAP)
    done = tool("dciodvfy", "-new", tmp_path / "out" / "seg.dcm")
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error")]
    assert len(errors) == 2
    assert any("Information Object Not found" in line for line in errors)
    assert any("monotonically" in line for line in errors)


def test_highdicom_reads_back_the_same_segments_and_numbers(case, tmp_path):
    write(case.reading, case.image, tmp_path / "out")
    seg = hd.seg.segread(tmp_path / "out" / "seg.dcm")
    volume = seg.get_volume(combine_segments=True)
    for label in (1, 2):
        where = np.argwhere(volume.array == label)
        found = volume.map_indices_to_reference(where.mean(axis=0)[None])[0]
        np.testing.assert_allclose(found, case.reading.segments.centroid_lps(label), atol=1e-6)
    measured = tuple(m for m in case.reading.findings[0].measurements if not np.isnan(m.value))
    findings = tuple(dataclasses.replace(f, measurements=measured) for f in case.reading.findings)
    write(dataclasses.replace(case.reading, findings=findings), case.image, tmp_path / "whole")
    report = hd.sr.srread(tmp_path / "whole" / "sr.dcm")  # highdicom cannot open a NUM without a value
    groups = report.content.get_volumetric_roi_measurement_groups(tracking_uid="2.25.771")
    volume_items = groups[0].get_measurements(name=pydicom.sr.coding.Code("118565006", "SCT", "Volume"))
    assert volume_items[0].value == 1234.5678901234
    whole = pydicom.dcmread(tmp_path / "whole" / "seg.dcm")
    assert groups[0].referenced_segment.referenced_sop_instance_uid == whole.SOPInstanceUID


def test_device_uid_is_in_contributing_equipment_of_both(case, tmp_path):
    write(case.reading, case.image, tmp_path / "out")
    for name in ("seg.dcm", "sr.dcm"):
        ds = pydicom.dcmread(tmp_path / "out" / name)
        ours = [item for item in ds.ContributingEquipmentSequence if item.get("DeviceUID") == "2.25.4242"]
        assert [item.PurposeOfReferenceCodeSequence[0].CodeValue for item in ours] == ["109102"]
        assert (ds.PatientName, ds.PatientID) == ("DOE^JANE", "MRN4711XYZ")
        assert ds.ContentDate == "20010203"


def test_a_refusal_says_no_with_its_reason(case, tmp_path):
    write(refused(case.reading), None, tmp_path / "out")
    (group,) = read_sr(tmp_path / "out" / "sr.dcm").groups
    assert group.codes[("ASSESSABLE", "99OVERREAD")] == [("373067005", "SCT")]
    assert group.texts[("REASON", "99OVERREAD")] == ["not_chest: No lung was found."]
    assert group.texts[("121106", "DCM")] == ["Research use only, not a diagnosis."]
    result = read_result(tmp_path / "out")
    assert not result["assessable"]
    assert {row["file"] for row in result["not_written"]} >= {"mask.nii.gz", "seg.dcm"}


def numbers_of(sr: Dataset) -> list[Dataset]:
    """Every NUM of a report."""
    found = [sr] if sr.get("ValueType") == "NUM" else []
    for child in sr.get("ContentSequence", ()):
        found += numbers_of(child)
    return found


def test_no_number_has_both_value_and_qualifier_and_intervals_are_children_in_the_same_unit(case, tmp_path):
    write(case.reading, case.image, tmp_path / "out")
    sr = pydicom.dcmread(tmp_path / "out" / "sr.dcm")
    items = numbers_of(sr)
    empty = [item for item in items if len(item.MeasuredValueSequence) == 0]
    assert len(empty) == 2  # solid_long_axis of both findings
    for item in items:
        assert (len(item.MeasuredValueSequence) == 0) == ("NumericValueQualifierCodeSequence" in item)
    volume = next(i for i in items if i.ConceptNameCodeSequence[0].CodeValue == "118565006")
    children = {c.ConceptNameCodeSequence[0].CodeValue: c for c in volume.ContentSequence if c.ValueType == "NUM"}
    assert children["371886008"].MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue == "mm3"
    assert children["371886008"].MeasuredValueSequence[0].FloatingPointValue == 1400.7 - 1234.5678901234
    assert children["371885007"].RelationshipType == "HAS PROPERTIES"


def damage_value(item: Dataset) -> None:
    item.MeasuredValueSequence[0].FloatingPointValue = item.MeasuredValueSequence[0].FloatingPointValue + 0.001


def damage_unit(item: Dataset) -> None:
    item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue = "cm3"


def damage_limit(item: Dataset) -> None:
    damage_value(item.ContentSequence[0])


def damage_limit_unit(item: Dataset) -> None:
    damage_unit(item.ContentSequence[0])


def damage_coverage(item: Dataset) -> None:
    damage_value(item.ContentSequence[2])


def damage_qualifier(item: Dataset) -> None:
    item.NumericValueQualifierCodeSequence = item.ConceptNameCodeSequence


def damage_nan(item: Dataset) -> None:
    item.MeasuredValueSequence[0].FloatingPointValue = float("nan")


@pytest.mark.parametrize(
    "damage",
    [damage_value, damage_unit, damage_limit, damage_limit_unit, damage_coverage, damage_qualifier, damage_nan],
)
def test_sr_read_back_notices(case, tmp_path, damage):
    write(case.reading, case.image, tmp_path / "out")
    path = tmp_path / "out" / "sr.dcm"
    uid = pydicom.dcmread(tmp_path / "out" / "seg.dcm").SOPInstanceUID
    assert compare_sr(path, case.reading, uid, {1: 1, 2: 2}) == 25  # 11 and a score each, and one of the image
    sr = pydicom.dcmread(path)
    damage(next(i for i in numbers_of(sr) if i.ConceptNameCodeSequence[0].CodeValue == "118565006"))
    sr.save_as(path)
    with pytest.raises(IntegrityError):
        compare_sr(path, case.reading, uid, {1: 1, 2: 2})


def test_sr_read_back_notices_lost_words_groups_and_references(case, tmp_path):
    write(case.reading, case.image, tmp_path / "out")
    path = tmp_path / "out" / "sr.dcm"
    uid = pydicom.dcmread(tmp_path / "out" / "seg.dcm").SOPInstanceUID
    with pytest.raises(IntegrityError, match="refers to segment"):
        compare_sr(path, case.reading, uid, {1: 2, 2: 1})
    with pytest.raises(IntegrityError, match="assessable"):
        compare_sr(path, dataclasses.replace(case.reading, assessable=False), uid, {1: 1, 2: 2})
    with pytest.raises(IntegrityError, match="groups"):
        compare_sr(path, dataclasses.replace(case.reading, findings=()), uid, {})
    other = dataclasses.replace(case.reading.findings[0], descriptors=())
    sr_without = dataclasses.replace(case.reading, findings=(other, case.reading.findings[1]))
    write(sr_without, case.image, tmp_path / "less")
    uid = pydicom.dcmread(tmp_path / "less" / "seg.dcm").SOPInstanceUID
    with pytest.raises(IntegrityError, match="lost its descriptor"):
        compare_sr(tmp_path / "less" / "sr.dcm", case.reading, uid, {1: 1, 2: 2})


@pytest.mark.parametrize("name", ["mask.nii.gz", "seg.dcm", "sr.dcm"])
@pytest.mark.parametrize("damage", ["one voxel", "shifted", "truncated"])
def test_a_writer_that_goes_wrong_leaves_nothing(case, tmp_path, monkeypatch, name, damage):
    """Each file is spoilt just after it is written, as a faulty writer would; the proof must see it."""
    keep = Path.write_bytes

    def spoil(path: Path, blob: bytes) -> int:
        return keep(path, spoilt(blob, name, damage) if path.name == name else blob)

    monkeypatch.setattr(Path, "write_bytes", spoil)
    with pytest.raises(IntegrityError):
        write(case.reading, case.image, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def spoilt(blob: bytes, name: str, damage: str) -> bytes:
    """`blob` with one fault of the kind."""
    import gzip  # noqa: PLC0415
    import io  # noqa: PLC0415

    if damage == "truncated":
        return blob[: len(blob) // 2]
    if name == "mask.nii.gz":
        raw = bytearray(gzip.decompress(blob))
        if damage == "one voxel":
            raw[raw.index(1, 352)] = 0
        else:
            raw[280 + 12 : 280 + 16] = np.float32(14.0).tobytes()  # x of the origin
        return gzip.compress(bytes(raw))
    ds = pydicom.dcmread(io.BytesIO(blob))
    if name == "sr.dcm":
        item = next(i for i in numbers_of(ds) if i.ConceptNameCodeSequence[0].CodeValue == "118565006")
        (damage_value if damage == "one voxel" else damage_limit)(item)
    elif damage == "one voxel":
        pixels = bytearray(ds.PixelData)
        first = next(n for n, byte in enumerate(pixels) if byte)
        pixels[first] &= pixels[first] - 1
        ds.PixelData = bytes(pixels)
    else:
        plane = ds.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0]
        plane.ImagePositionPatient = [plane.ImagePositionPatient[0] + 0.005, *plane.ImagePositionPatient[1:]]
        for item in ds.PerFrameFunctionalGroupsSequence:
            item.PlanePositionSequence[0].ImagePositionPatient[0] += 0.005
    stream = io.BytesIO()
    ds.save_as(stream)
    return stream.getvalue()


def test_a_long_list_of_odd_numbers_survives(case, tmp_path):
    rng = np.random.default_rng(5)
    values = rng.normal(size=20) * 10.0 ** rng.integers(-9, 9, 20)
    odd = tuple(
        Measurement(f"odd_{n}", float(v), "mm", Interval(float(v) - abs(v) / 3, float(v) + 1e-7), "m")
        for n, v in enumerate(values)
    )
    finding = dataclasses.replace(case.reading.findings[0], measurements=odd)
    reading = dataclasses.replace(case.reading, findings=(finding, case.reading.findings[1]))
    write(reading, case.image, tmp_path / "out")
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert [m["value"] for m in result["findings"][0]["measurements"]] == list(values)
