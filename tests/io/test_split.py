"""Stacks that share a series UID: each becomes its own series with the right pixels, and says what told it apart."""

import numpy as np
import pytest

from overread.io import open_study


def two_stacks(writer, stored, edit):
    """Four places twice, files in turn: first stack from the first half of `stored`, second from the second."""
    half = len(stored) // 2
    order = [n + half * k for n in range(half) for k in (0, 1)]
    writer.edit = lambda dataset, n: edit(dataset, n % 2)
    writer.write(stored[order], np.repeat(writer.positions(half), 2, axis=0))
    return open_study(writer.folder).series, (stored[:half], stored[half:])


def setter(**values):
    """Sets the first or the second value of each tag."""

    def edit(dataset, k):
        for name, pair in values.items():
            setattr(dataset, name, pair[k])

    return edit


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (setter(EchoTime=(4.6, 2.3)), "echo time, ms 2.3"),
        (setter(EchoNumbers=("1", "2")), "echo 1"),
        (setter(DiffusionBValue=(0.0, 1000.0)), "b-value, s/mm2 0"),
        (setter(DiffusionGradientOrientation=([0.0, 0.6, 0.8], [1.0, 0.0, 0.0])), "gradient 0 0.6 0.8"),
        (setter(TemporalPositionIdentifier=(1, 2)), "time 1"),
        (setter(ImageType=(["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"])), "image type"),
        (setter(AcquisitionNumber=(9, 10)), "acquisition 9"),
        (setter(TriggerTime=(40, 80)), "trigger time, ms 40"),
    ],
)
def test_told_apart(edit, words, writer, stored):
    series, halves = two_stacks(writer, stored, edit)
    assert [one.stack_number for one in series] == [1, 2]
    assert words in series[0].description
    assert all(one.verdict.has("split_series") and not one.verdict.has("duplicate_position") for one in series)
    expected = halves[::-1] if words.startswith("echo time") else halves  # lower numbers come first
    for one, half in zip(series, expected, strict=True):
        assert np.array_equal(one.load().array, half.astype(np.int32) - 1024)
        assert one.name == f"{one.series_uid}#{one.stack_number}"


def test_two_traits_together(writer, stored):
    def edit(dataset, n):
        dataset.EchoTime, dataset.TemporalPositionIdentifier = (2.3, 4.6)[n % 2], n // 2 % 2 + 1

    writer.edit = edit
    writer.write(stored, np.repeat(writer.positions(2), 4, axis=0))
    series = open_study(writer.folder).series
    assert [one.shape[0] for one in series] == [2, 2, 2, 2]
    assert "echo time, ms and time 2.3 and 1" in series[0].description
    assert np.array_equal(series[0].load().array, stored[[0, 4]].astype(np.int32) - 1024)


def test_one_unweighted_and_several_directions(writer, stored):
    directions = ([], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0])

    def edit(dataset, n):
        dataset.DiffusionBValue = 1000.0 * (n % 4 > 0)
        if n % 4:
            dataset.DiffusionGradientOrientation = directions[n % 4]

    writer.edit = edit
    writer.write(stored, np.repeat(writer.positions(2), 4, axis=0))
    series = open_study(writer.folder).series
    assert [one.shape[0] for one in series] == [2, 2, 2, 2]
    loaded = {one.load().array.tobytes() for one in series}
    assert loaded == {(stored[[n, n + 4]].astype(np.int32) - 1024).astype(np.int16).tobytes() for n in range(4)}


def test_missing_slice_of_one_echo_is_its_own_fault(writer, stored):
    two_stacks(writer, stored, setter(EchoTime=(2.3, 4.6)))
    (writer.folder / "002.dcm").unlink()
    first, second = open_study(writer.folder).series
    assert first.verdict.has("missing_slices")
    assert second.verdict.status == "sound"


def test_times_that_differ_on_every_slice_do_not_split(writer, stored):
    writer.edit = lambda dataset, n: setattr(dataset, "TriggerTime", 10 * n)
    writer.write(stored)
    (series,) = open_study(writer.folder).series
    assert series.stack_number == 0


def test_places_that_repeat_without_a_cause_stay_a_fault(writer, stored):
    (series,), _ = two_stacks(writer, stored, setter())
    assert series.verdict.has("duplicate_position")


def test_a_copy_of_the_stack_under_another_acquisition_number_is_left_out(writer, stored):
    half = stored[:4]
    series, _ = two_stacks(writer, np.concatenate([half, half]), setter(AcquisitionNumber=(1, 2)))
    (one,) = series
    assert one.stack_number == 0
    (fault,) = [fault for fault in one.verdict.faults if fault.code == "duplicate_frame"]
    assert fault.files == ("001.dcm", "003.dcm", "005.dcm", "007.dcm")
    assert np.array_equal(one.load().array, half.astype(np.int32) - 1024)


def test_one_differing_picture_makes_two_acquisitions(writer, stored):
    other = stored[:4].copy()
    other[3, 5, 5] += 1
    series, _ = two_stacks(writer, np.concatenate([stored[:4], other]), setter(AcquisitionNumber=(1, 2)))
    assert [one.stack_number for one in series] == [1, 2]


PLANES = {
    "axial": ([1, 0, 0, 0, 1, 0], (0, 0, 2.5)),
    "coronal": ([1, 0, 0, 0, 0, -1], (0, 2.5, 0)),
    "sagittal": ([0, 1, 0, 0, 0, -1], (2.5, 0, 0)),
}


@pytest.mark.parametrize("slices", [1, 2, 5])
def test_a_pilot_in_three_planes_is_three_stacks(writer, stored, slices):
    names = list(PLANES)

    def edit(dataset, n):
        dataset.ImageOrientationPatient = PLANES[names[n % 3]][0]

    writer.edit = edit
    where = [np.multiply(PLANES[names[n % 3]][1], n // 3) for n in range(3 * slices)]
    pixels = np.concatenate([stored, stored])[: 3 * slices]
    writer.write(pixels, where)
    series = open_study(writer.folder).series
    assert [one.description for one in series] == [
        f"chest part {n} of 3, {p}, 24 x 20" for n, p in enumerate(PLANES, 1)
    ]
    assert not any(one.verdict.has("stray_slices") for one in series)
    for k, one in enumerate(series):
        assert one.n_files == slices
        if slices > 1:
            image = one.load()
            assert one.verdict.status == "sound"
            assert image.verdict.facts["plane"] == names[k]
            assert sorted(plane.tobytes() for plane in image.array) == sorted(
                (plane.astype(np.int32) - 1024).astype(np.int16).tobytes() for plane in pixels[k::3]
            )


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ({"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}, "sagittal, 24 x 20"),
        ({"Rows": 20, "Columns": 24}, "axial, 20 x 24"),
    ],
)
def test_a_stray_picture_is_set_apart_by_name(writer, stored, edit, words):
    writer.edit = lambda dataset, n: dataset.update(edit) if n == 3 else None
    where = list(writer.positions(7))
    writer.write(stored, np.array([*where[:3], (5.0, 5.0, 5.0), *where[3:]]))
    main, stray = open_study(writer.folder).series
    (fault,) = [fault for fault in main.verdict.faults if fault.code == "stray_slices"]
    assert fault.files == ("003.dcm",)
    assert words in fault.message
    assert main.verdict.status == "caution"
    assert np.array_equal(main.load().array, np.delete(stored, 3, axis=0).astype(np.int32) - 1024)
    assert (main.name, stray.name) == (main.series_uid, f"{main.series_uid}#2")
    assert stray.description == f"chest set apart, {words}"
    assert stray.n_files == 1
    assert stray.verdict.status == "unsound"
    assert open_study(writer.folder).only("CT").name == main.name


def test_a_stray_that_was_a_slice_leaves_a_gap(writer, stored):
    writer.edit = lambda dataset, n: setattr(dataset, "Rows", 12) if n == 3 else None
    for path in writer.write(stored)[3:4]:
        path.write_bytes(path.read_bytes()[: -12 * 20 * 2])
    main = open_study(writer.folder).series[0]
    assert main.verdict.has("stray_slices")
    assert main.verdict.has("missing_slices")


def test_files_of_two_patients_are_never_parted(writer, stored):
    def edit(dataset, n):
        if n == 3:
            dataset.PatientID, dataset.ImageOrientationPatient = "SECRET-OTHER", [0, 1, 0, 0, 0, -1]

    writer.edit = edit
    writer.write(stored)
    (series,) = open_study(writer.folder).series
    assert series.verdict.has("mixed_patients")


def test_a_detector_that_turns_round_the_patient_gives_no_stack(writer, stored):
    def edit(dataset, n):
        c, s = np.cos(0.3 * n), np.sin(0.3 * n)
        dataset.ImageOrientationPatient = [round(float(v), 9) for v in (c, s, 0, 0, 0, -1)]

    writer.edit = edit
    writer.write(stored)
    (series,) = open_study(writer.folder).series
    assert series.verdict.has("mixed_orientation")


def test_a_picture_without_orientation_stays_with_its_stack(writer, stored):
    writer.edit = lambda dataset, n: delattr(dataset, "ImageOrientationPatient") if n == 3 else None
    writer.write(stored)
    (series,) = open_study(writer.folder).series
    assert [fault.files for fault in series.verdict.faults if fault.code == "no_orientation"] == [("003.dcm",)]


def test_a_scout_view_under_the_series_uid_is_noted(writer, stored):
    writer.edit = lambda dataset, n: (
        setattr(dataset, "ImageType", ["DERIVED", "SECONDARY", "LOCALIZER"]) if n == 7 else None
    )
    writer.write(stored)
    main, scout = open_study(writer.folder).series
    assert [fault.files for fault in main.verdict.faults if fault.code == "localizer_apart"] == [("007.dcm",)]
    assert scout.is_localizer
    assert not scout.verdict.has("localizer_apart")
    assert (main.name, scout.name) == (main.series_uid, f"{main.series_uid}#2")
    assert scout.description == "chest scout view"
