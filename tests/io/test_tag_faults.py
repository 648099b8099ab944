"""Order and side as the tags tell them, against the positions."""

from __future__ import annotations

import numpy as np
import pytest

from overread.io import open_study


@pytest.mark.parametrize(
    ("numbers", "code"),
    [
        (range(1, 9), None),
        ([1, 1, 2, 2, 3, 3, 4, 4], None),
        (range(8, 0, -1), "reversed_order"),
        ([1, 5, 2, 6, 3, 7, 4, 8], "shuffled_order"),
        ([2**31 - 1 - n for n in range(8)], "reversed_order"),
        ([None, *range(7, 0, -1)], None),
    ],
)
def test_instance_numbers_against_positions(writer, stored, numbers, code):
    numbers = list(numbers)
    writer.edit = lambda dataset, n: setattr(dataset, "InstanceNumber", numbers[n])
    writer.write(stored)
    series = open_study(writer.folder).only()
    orders = {fault.code for fault in series.verdict.faults if fault.code.endswith("_order")}
    assert orders == ({code} if code else set())
    assert series.verdict.status == "sound"
    assert np.array_equal(series.load().array, stored.astype(np.int32) - 1024)
    if code == "reversed_order":
        assert f"from {numbers[0]} at the first slice to {numbers[-1]} at the last" in series.verdict.faults[0].message


@pytest.mark.parametrize(
    ("x_mm", "tags", "differs"),
    [
        (40.0, {"Laterality": "R"}, True),
        (40.0, {"Laterality": "L"}, False),
        (40.0, {"ImageLaterality": "R"}, True),
        (40.0, {"ImageLaterality": "L", "Laterality": "R"}, False),
        (-80.0, {"Laterality": "L"}, True),
        (-80.0, {"Laterality": "R"}, False),
        (-80.0, {"Laterality": "B"}, False),
        (-80.0, {}, False),
        (5.0, {"Laterality": "R"}, False),
        (-9.0, {"Laterality": "L"}, False),
    ],
)
def test_side_of_the_tag_against_that_of_the_positions(writer, stored, x_mm, tags, differs):
    """The picture is 19 x 0.9 mm wide, from `x_mm` on to the patient's left."""
    writer.origin = (x_mm, -42.5, 17.25)
    writer.edit = lambda dataset, n: dataset.update(tags)
    writer.write(stored)
    verdict = open_study(writer.folder).only().verdict
    assert verdict.has("laterality_differs") is differs
    assert verdict.status == ("caution" if differs else "sound")
    if differs:
        (fault,) = [one for one in verdict.faults if one.code == "laterality_differs"]
        assert fault.amount_mm == pytest.approx(40.0 if x_mm > 0 else 80.0 - 19 * 0.9)


def test_side_of_a_sagittal_picture(writer, stored):
    writer.row, writer.column, writer.origin = (0.0, 1.0, 0.0), (0.0, 0.0, -1.0), (20.0, 0.0, 0.0)
    writer.edit = lambda dataset, n: setattr(dataset, "Laterality", "R")
    writer.write(stored, writer.origin + np.arange(8)[:, None] * np.array((2.5, 0, 0)))
    (fault,) = [one for one in open_study(writer.folder).only().verdict.faults if one.code == "laterality_differs"]
    assert "to the left of the scanner" in fault.message
    assert fault.amount_mm == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("thickness_mm", "differs"), [(2.5, False), (2.55, False), (3.75, True), (1.0, True), (None, False)]
)
def test_slices_of_another_thickness_are_named(writer, stored, thickness_mm, differs):
    writer.edit = lambda dataset, n: setattr(dataset, "SliceThickness", thickness_mm) if n in (0, 6) else None
    writer.write(stored)
    verdict = open_study(writer.folder).only().verdict
    assert verdict.has("thickness_varies") is differs
    if differs:
        (fault,) = [one for one in verdict.faults if one.code == "thickness_varies"]
        assert fault.files == ("000.dcm", "006.dcm")
        assert fault.amount_mm == pytest.approx(abs(thickness_mm - 2.5))
    assert not verdict.has("thickness_differs")  # that of most slices is held against their distance
    assert not verdict.has("slices_apart")
