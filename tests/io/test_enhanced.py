"""Enhanced multi-frame objects against the same slices in single files, and told apart by echo, time and direction."""

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from overread.errors import DamagedFileError, InputError
from overread.image import Intensity
from overread.io import open_study

ENHANCED_CT, ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.4.1"
SPACING = (2.5, 0.7, 0.9)


def group(**values):
    item = Dataset()
    for name, value in values.items():
        setattr(item, name, value)
    return [item]


def enhanced(writer, stored, frames, *, sop_class=ENHANCED_CT, drop=0):
    """One object from `frames`: (index of the plane in `stored`, position, extra functional groups)."""
    ds = writer.dataset(stored[0], np.zeros(3), 0)
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope", "RescaleIntercept"):
        delattr(ds, name)
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = sop_class
    ds.NumberOfFrames = len(frames)
    ds.PixelData = np.ascontiguousarray(stored[[n for n, _, _ in frames]]).tobytes()
    ds.SharedFunctionalGroupsSequence = group(
        PixelMeasuresSequence=group(PixelSpacing=list(SPACING[1:]), SliceThickness=2.5),
        PlaneOrientationSequence=group(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
    )
    items = []
    for _, position, extra in frames:
        slope = group(RescaleSlope=1, RescaleIntercept=-1024, RescaleType="HU")
        (item,) = group(
            PlanePositionSequence=group(ImagePositionPatient=[float(x) for x in position]),
            PixelValueTransformationSequence=slope,
            **extra,
        )
        items.append(item)
    ds.PerFrameFunctionalGroupsSequence = items[drop:]
    writer.folder.mkdir(parents=True, exist_ok=True)
    ds.save_as(writer.folder / "enhanced.dcm", enforce_file_format=True)
    return open_study(writer.folder)


def positions(count, gap=2.5):
    return [(-31.0, -42.5, 17.25 + gap * n) for n in range(count)]


def test_frames_in_any_order_become_the_volume_of_the_single_files(writer, stored):
    writer.write(stored)
    single = open_study(writer.folder).series[0].load()
    for path in writer.folder.glob("*"):
        path.unlink()
    places = positions(len(stored))
    order = np.random.default_rng(3).permutation(len(stored))
    (series,) = enhanced(writer, stored, [(n, places[n], {}) for n in order]).series
    image = series.load()
    assert np.array_equal(image.array, single.array)
    assert image.grid.same_place(single.grid)
    assert image.intensity is Intensity.HU
    assert [frame.frame_number for frame in image.source.frames] == (np.argsort(order) + 1).tolist()
    assert series.verdict.status == single.verdict.status
    assert series.n_files == 1


def test_missing_frame_is_found(writer, stored):
    frames = [(n, place, {}) for n, place in enumerate(positions(len(stored))) if n != 3]
    (series,) = enhanced(writer, stored, frames).series
    assert series.verdict.has("missing_slices")


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        (lambda k: {"MREchoSequence": group(EffectiveEchoTime=4.5 + k)}, "echo time, ms 4.5"),
        (lambda k: {"MRDiffusionSequence": group(DiffusionBValue=1000.0 * k)}, "b-value, s/mm2 0"),
        (lambda k: {"FrameContentSequence": group(TemporalPositionIndex=k + 1)}, "time 1"),
        (lambda k: {"FrameContentSequence": group(StackID=str(k + 1))}, "stack 1"),
        (
            lambda k: {"MRImageFrameTypeSequence": group(FrameType=["ORIGINAL", "PRIMARY", "FW"[k], "NONE"])},
            "image type",
        ),
    ],
)
def test_stacks_at_one_place_are_told_apart(groups, words, writer, stored):
    half = len(stored) // 2
    frames = [(n + half * k, place, groups(k)) for n, place in enumerate(positions(half)) for k in (0, 1)]
    series = enhanced(writer, stored, frames, sop_class=ENHANCED_MR).series
    assert len(series) == 2
    assert words in series[0].description
    for k, one in enumerate(series):
        assert one.verdict.has("duplicate_position") is False
        assert np.array_equal(one.load().array, stored[half * k : half * (k + 1)].astype(np.int32) - 1024)


def test_one_echo_an_object_is_told_apart_across_objects(writer, stored):
    half = len(stored) // 2
    for k in (0, 1):
        echo = {"MREchoSequence": group(EffectiveEchoTime=2.5 + k)}
        frames = [(n + half * k, place, echo) for n, place in enumerate(positions(half))]
        enhanced(writer, stored, frames, sop_class=ENHANCED_MR)
        (writer.folder / "enhanced.dcm").rename(writer.folder / f"echo{k}.dcm")
    series = open_study(writer.folder).series
    assert [one.name[-2:] for one in series] == ["#1", "#2"]
    for k, one in enumerate(series):
        assert np.array_equal(one.load().array, stored[half * k : half * (k + 1)].astype(np.int32) - 1024)


def test_directions_of_one_object_are_parted(writer, stored):
    turned = {"PlaneOrientationSequence": group(ImageOrientationPatient=[0, 1, 0, 0, 0, -1])}
    axial = [(n, place, {}) for n, place in enumerate(positions(4))]
    sagittal = [(n + 4, (2.5 * n, 0, 0), turned) for n in range(4)]
    first, second = enhanced(writer, stored, axial + sagittal, sop_class=ENHANCED_MR).series
    assert "part 1 of 2" in first.description
    assert np.array_equal(first.load().array, stored[:4].astype(np.int32) - 1024)
    assert abs(second.load().grid.slice_normal[0]) == pytest.approx(1)


def test_a_rescale_type_of_one_frame_is_not_given_to_others(writer, stored):
    frames = [(n, place, {}) for n, place in enumerate(positions(len(stored)))]
    enhanced(writer, stored, frames)
    ds = pydicom.dcmread(writer.folder / "enhanced.dcm")
    ds.PerFrameFunctionalGroupsSequence[3].PixelValueTransformationSequence[0].RescaleType = "US"
    ds.save_as(writer.folder / "enhanced.dcm")
    (series,) = open_study(writer.folder).series
    assert series.verdict.has("no_rescale")
    assert series.load().intensity is Intensity.ARBITRARY


def test_a_file_gone_since_it_was_opened_is_an_error_of_ours(writer, stored):
    (series,) = enhanced(writer, stored, [(n, place, {}) for n, place in enumerate(positions(4))]).series
    (writer.folder / "enhanced.dcm").unlink()
    with pytest.raises(InputError, match="cannot be read"):
        series.load()


def test_fewer_groups_than_frames_is_damage(writer, stored):
    frames = [(n, place, {}) for n, place in enumerate(positions(len(stored)))]
    with pytest.raises(DamagedFileError, match="functional groups for"):
        enhanced(writer, stored, frames, drop=1)
