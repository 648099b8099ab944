"""Maps of probability as FRACTIONAL segmentation: exact where levels are few, in place, valid, the same bytes twice."""

from __future__ import annotations

import dataclasses
import io

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK

from overread import validate
from overread.errors import GeometryError, InputError, IntegrityError, UsageError
from overread.evidence.check import Level
from overread.evidence.dicom.headers import read_headers
from overread.evidence.dicom.identity import Stamp
from overread.evidence.dicom.probability_readback import prove_probability_seg
from overread.evidence.dicom.probability_seg import build_probability_seg, steps_of
from overread.evidence.dicom.seg import Segment
from overread.findings import Code, Provenance
from overread.findings.codes import ABNORMAL_STRUCTURE, NODULE
from overread.geometry import Grid, Verdict
from overread.image import Intensity

PROVENANCE = Provenance(task="nodule_map", task_version="0.1.0", device_uid="2.25.4242")
SEGMENT = Segment("nodule probability", NODULE, ABNORMAL_STRUCTURE, "2.25.991", (255, 190, 40))
OBLIQUE = np.array([[0.8, 0.36, 0.48], [-0.6, 0.48, 0.64], [0.0, -0.8, 0.6]])


def grid_of(step, down, along):
    affine = np.eye(4)
    affine[:3, :3] = np.stack([step, down, along], axis=1)
    affine[:3, 3] = (12.5, -80.25, 33.0)
    return Grid((9, 28, 30), affine)


GRIDS = {
    "axial": None,
    "oblique": grid_of(2.5 * OBLIQUE[:, 2], 0.8 * OBLIQUE[:, 1], 0.7 * OBLIQUE[:, 0]),
    "reversed": grid_of(-2.5 * OBLIQUE[:, 2], 0.8 * OBLIQUE[:, 1], 0.7 * OBLIQUE[:, 0]),
    "tilted": grid_of((0, 0, 2.5), (0, 0.8 * np.cos(0.3), 0.8 * np.sin(0.3)), (0.7, 0, 0)),
}


def saved(ds):
    stream = io.BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def smooth_map(shape):
    """Lopsided: no flip or swap of axes maps it onto itself; empty on the first two slices."""
    k, j, i = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    p = np.exp(-(((k - 5) / 1.5) ** 2) - ((j - 9) / 3) ** 2 - ((i - 20) / 5) ** 2)
    p[:, 3:5, 2:9] += 0.3
    p[:2] = 0
    return np.clip(p, 0, 1).astype(np.float32)


def map_on(image, p):
    return dataclasses.replace(image, array=p.astype(np.float32), intensity=Intensity.ARBITRARY)


def build(probability, **options):
    headers = read_headers(probability.source.frames, gap_mm=probability.grid.slice_gap_mm)
    stamp = Stamp.make(b"a run", headers.first)
    options = {"provenance": PROVENANCE, "segment": SEGMENT, **options}
    return build_probability_seg(probability, headers, stamp, **options)


def written(probability, path, **options):
    found = build(probability, **options)
    path.write_bytes(saved(found.dataset))
    return found


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("name", GRIDS)
def test_is_valid_and_in_place(make_case, name, compress, tmp_path, require_valid):
    image = make_case(GRIDS[name]).image
    probability = map_on(image, smooth_map(image.grid.shape))
    path = tmp_path / "probability_seg.dcm"
    found = written(probability, path, compress=compress)
    assert found.steps == 255
    assert 0 < found.rounding <= 0.5 / 255
    (row,) = prove_probability_seg(path, probability, steps=255, rounding=found.rounding)["segments"]
    weights = probability.array.astype(float)
    truth = sum(w * image.grid.to_lps(at) for at, w in zip(np.argwhere(weights), weights[weights > 0], strict=True))
    np.testing.assert_allclose(row["read"]["centroid_lps_mm"], truth / weights.sum(), atol=0.05)
    assert row["read"]["volume_mm3"] == pytest.approx(weights.sum() * image.grid.voxel_volume_mm3, rel=0.02)
    seg = pydicom.dcmread(path)
    assert seg.NumberOfFrames == 7  # the two empty ones are left out
    assert (seg.SegmentationFractionalType, seg.MaximumFractionalValue) == ("PROBABILITY", 255)
    assert hd.seg.segread(path).number_of_segments == 1
    require_valid(path, "Segmentation")


@pytest.mark.parametrize(
    ("levels", "steps"),
    [
        ([0, 0.25, 0.5, 0.75, 1], 4),
        ([0, 1], 1),
        ([0, 0.5], 2),
        ([0, 1 / 3, 0.5], 6),
        ([0, 0.01, 0.99], 100),
        ([0, 1 / 254], 254),
        ([0, 0.1, 1 / 7, 1 / 9], 255),
    ],
)
def test_few_levels_are_exact(case, levels, steps, tmp_path):
    p = np.zeros(case.image.grid.shape, np.float32)
    p.reshape(-1)[5000 : 5000 + 20 * len(levels)] = np.repeat(np.array(levels, np.float32), 20)
    assert steps_of(p) == steps
    probability = map_on(case.image, p)
    found = written(probability, tmp_path / "p.dcm")
    assert found.steps == steps
    if steps < 255:
        assert found.rounding < 1e-7
    prove_probability_seg(tmp_path / "p.dcm", probability, steps=steps, rounding=found.rounding)
    third = pydicom.dcmread(tmp_path / "p.dcm")  # a third reading, by values alone
    assert set(np.unique(third.pixel_array)) == {round(level * steps) for level in levels}


def test_many_levels_take_all_steps():
    assert steps_of(np.linspace(0, 1, 1000, dtype=np.float32).reshape(10, 10, 10)) == 255


def test_same_bytes_twice_and_another_uid_for_another_map(case):
    p = smooth_map(case.image.grid.shape)
    one, two = (saved(build(map_on(case.image, p)).dataset) for _ in range(2))
    assert one == two
    other = p.copy()
    other[5, 5, 5] = 1
    first, second = build(map_on(case.image, p)).dataset, build(map_on(case.image, other)).dataset
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert first.SeriesInstanceUID != second.SeriesInstanceUID


def test_loss_in_any_slice_is_said(case):
    probability = map_on(case.image, smooth_map(case.image.grid.shape))
    headers = read_headers(case.image.source.frames, gap_mm=3.0)
    headers.datasets[4].LossyImageCompression = "01"
    found = build_probability_seg(probability, headers, Stamp.make(b"", None), provenance=PROVENANCE, segment=SEGMENT)
    assert found.dataset.LossyImageCompression == "01"
    assert build(probability).dataset.LossyImageCompression == "00"


def test_a_private_code_declares_its_scheme(case):
    own = dataclasses.replace(SEGMENT, kind=Code("SUSPECT", "99OVERREAD", "Suspect region"))
    seg = build(map_on(case.image, smooth_map(case.image.grid.shape)), segment=own).dataset
    assert seg.CodingSchemeIdentificationSequence[0].CodingSchemeDesignator == "99OVERREAD"


def test_what_is_no_probability_or_has_no_place_is_refused(case, make_case):
    image, p = case.image, smooth_map(case.image.grid.shape)
    for bad in (1.5, -0.1, np.nan):
        broken = p.copy()
        broken[4, 4, 4] = bad
        with pytest.raises(UsageError, match="expected 0 to 1"):
            build(map_on(image, broken))
    with pytest.raises(UsageError, match="every frame would be empty"):
        build(map_on(image, np.zeros_like(p)))
    with pytest.raises(GeometryError, match="does not lie on the 9 frames"):
        build(dataclasses.replace(map_on(image, p), verdict=Verdict(repaired=True)))
    probability = map_on(image, p)
    headers = read_headers(image.source.frames[:3], gap_mm=3.0)
    with pytest.raises(UsageError, match="3 headers do not belong to the 9 frames"):
        build_probability_seg(probability, headers, Stamp.make(b"", None), provenance=PROVENANCE, segment=SEGMENT)
    with pytest.raises(GeometryError, match="no Frame of Reference"):
        build(map_on(make_case(FrameOfReferenceUID=None).image, p))


def test_files_that_share_a_uid_are_refused(case):
    frames = list(case.image.source.frames)
    frames[3] = dataclasses.replace(frames[3], sop_uid=frames[2].sop_uid)
    probability = map_on(case.image, smooth_map(case.image.grid.shape))
    headers = read_headers(case.image.source.frames, gap_mm=3.0)
    twice = dataclasses.replace(probability, source=dataclasses.replace(probability.source, frames=tuple(frames)))
    with pytest.raises(InputError, match="share a SOP Instance UID"):
        build_probability_seg(twice, headers, Stamp.make(b"", None), provenance=PROVENANCE, segment=SEGMENT)


def test_a_multi_frame_source_keeps_its_own_frame_order(make_case, tmp_path, require_valid):
    image = make_case(PatientPosition="HFS", BodyPartExamined="CHEST").image
    singles = [pydicom.dcmread(path) for path in image.source.paths]
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
        for frame in image.source.frames
    )
    assert [frame.frame_number for frame in frames] != sorted(frame.frame_number for frame in frames)
    source = dataclasses.replace(image.source, frames=frames, paths=(path,))
    probability = dataclasses.replace(map_on(image, smooth_map(image.grid.shape)), source=source)
    out = tmp_path / "p.dcm"
    found = written(probability, out)
    (row,) = prove_probability_seg(out, probability, steps=255, rounding=found.rounding)["segments"]
    assert row["read"]["voxels"] == row["written"]["voxels"] > 0
    require_valid(out, "Segmentation")


def test_another_program_reads_the_same_values_in_the_same_place(case, tmp_path):
    probability = map_on(case.image, smooth_map(case.image.grid.shape))
    written(probability, tmp_path / "p.dcm", compress=False)
    image = SimpleITK.ReadImage(str(tmp_path / "p.dcm"))
    theirs = SimpleITK.GetArrayFromImage(image).astype(float) / 255
    where = np.argwhere(theirs > 0)
    weights = theirs[theirs > 0]
    points = np.array([image.TransformContinuousIndexToPhysicalPoint([float(n) for n in at[::-1]]) for at in where])
    ours = probability.array.astype(float)
    truth = probability.grid.to_lps(np.argwhere(ours))
    np.testing.assert_allclose(weights @ points / weights.sum(), ours[ours > 0] @ truth / ours.sum(), atol=0.05)
    assert weights.sum() == pytest.approx(ours.sum(), rel=0.01)


def test_validate_finds_no_error(case, tmp_path):
    probability = map_on(case.image, smooth_map(case.image.grid.shape))
    written(probability, tmp_path / "p.dcm")
    checked = validate(tmp_path / "p.dcm", against=case.image.source.root, outside=False)
    codes = {remark.code for check in checked.checks for remark in check.remarks if remark.level is Level.ERROR}
    assert codes <= {"outside_body"}  # the map is not of anything in this picture


def _shift(seg):
    seg.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence[0].ImagePositionPatient[2] += 0.5


def _swap(seg):
    first, second = (seg.PerFrameFunctionalGroupsSequence[n].PlanePositionSequence for n in (1, 2))
    seg.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence = second
    seg.PerFrameFunctionalGroupsSequence[2].PlanePositionSequence = first


def _twice(seg):
    groups = seg.PerFrameFunctionalGroupsSequence
    groups[1].PlanePositionSequence = groups[2].PlanePositionSequence


def _spacing(seg):
    seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing = [0.7, 0.8]


def _turn(seg):
    seg.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient = [0, 1, 0, 1, 0, 0]


def _steps(seg):
    seg.MaximumFractionalValue = 254


def _value(seg):
    raw = bytearray(seg.PixelData)
    raw[len(raw) // 2] ^= 4
    seg.PixelData = bytes(raw)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_shift, "from any frame of the source"),
        (_swap, "off, at most"),
        (_twice, "two frames lie at"),
        (_spacing, "segment 1 reads back"),
        (_turn, "segment 1 reads back"),
        (_steps, "expected FRACTIONAL"),
        (_value, "off, at most"),
    ],
)
def test_damage_is_noticed(case, tmp_path, damage, words):
    probability = map_on(case.image, smooth_map(case.image.grid.shape))
    path = tmp_path / "p.dcm"
    found = written(probability, path, compress=False)
    seg = pydicom.dcmread(path)
    damage(seg)
    seg.save_as(path)
    with pytest.raises(IntegrityError, match=words):
        prove_probability_seg(path, probability, steps=255, rounding=found.rounding)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(IntegrityError, match="cannot be read back"):
        prove_probability_seg(path, probability, steps=255, rounding=found.rounding)


def test_uneven_frames_are_written_where_they_are(case, tmp_path):
    frames = list(case.image.source.frames)
    x, y, z = frames[-1].position_lps
    header = pydicom.dcmread(frames[-1].path)
    header.ImagePositionPatient = [x, y, z + 4.0]
    header.save_as(frames[-1].path)
    frames[-1] = dataclasses.replace(frames[-1], position_lps=(x, y, z + 4.0))
    image = dataclasses.replace(case.image, source=dataclasses.replace(case.image.source, frames=tuple(frames)))
    p = smooth_map(image.grid.shape)
    p[-1, 3, 3] = 0.5
    found = written(map_on(image, p), tmp_path / "p.dcm")
    proof = prove_probability_seg(tmp_path / "p.dcm", map_on(image, p), steps=found.steps, rounding=found.rounding)
    (row,) = proof["segments"]
    assert row["read"]["centroid_lps_mm"] == pytest.approx(row["written"]["centroid_lps_mm"], abs=1e-9)
    even = p.astype(float) @ np.ones(p.shape[2]) @ np.ones(p.shape[1])  # weight of each slice
    moved = even[-1] / even.sum() * 4.0
    on_grid = image.grid.to_lps(np.argwhere(p)).T @ p[p > 0].astype(float) / p.sum(dtype=float)
    assert row["read"]["centroid_lps_mm"][2] == pytest.approx(on_grid[2] + moved, abs=0.02)
