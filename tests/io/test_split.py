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
