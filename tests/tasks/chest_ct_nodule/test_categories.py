"""Fleischner 2017 and Lung-RADS 2022: every boundary by hand, then laws."""

import math
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.errors import IntegrityError, UsageError
from overread.findings import Interval, Measurement
from overread.tasks.chest_ct_nodule import thresholds
from overread.tasks.chest_ct_nodule.categories import fleischner_2017, gravest, lung_rads_2022
from overread.tasks.chest_ct_nodule.thresholds import Range, read_table


def length(value, low=None, high=None, name="mean_diameter"):
    low, high = value if low is None else low, value if high is None else high
    return Measurement(name, value, "mm", Interval(low, high), "by hand")


# Value in mm -> class. Fleischner rounds to whole millimetres, halves upwards, before it compares.
FLEISCHNER_SINGLE = {
    "solid": [(0.4, "<6 mm"), (5.0, "<6 mm"), (5.49, "<6 mm"), (5.5, "6-8 mm"), (6.0, "6-8 mm"), (8.0, "6-8 mm"),
              (8.49, "6-8 mm"), (8.5, ">8 mm"), (9.0, ">8 mm"), (40.0, ">8 mm")],
    "ground_glass": [(5.49, "<6 mm"), (5.5, ">=6 mm"), (6.0, ">=6 mm"), (35.0, ">=6 mm")],
}  # fmt: skip
FLEISCHNER_MULTIPLE = {
    "solid": [(5.49, "<6 mm"), (5.5, ">=6 mm"), (8.5, ">=6 mm")],
    "ground_glass": [(5.49, "<6 mm"), (5.5, ">=6 mm")],
    "part_solid": [(5.49, "<6 mm"), (5.5, ">=6 mm")],
}
# Lung-RADS rounds to tenths of a millimetre.
LUNG_RADS = {
    "solid": [(0.4, "2"), (5.94, "2"), (5.95, "3"), (6.0, "3"), (7.94, "3"), (7.95, "4A"), (8.0, "4A"), (14.94, "4A"),
              (14.95, "4B"), (15.0, "4B"), (60.0, "4B")],
    "ground_glass": [(5.0, "2"), (29.94, "2"), (29.95, "3"), (30.0, "3"), (70.0, "3")],
}  # fmt: skip
LUNG_RADS_JUXTAPLEURAL = [(5.0, "2"), (7.0, "2"), (9.94, "2"), (9.95, "4A"), (10.0, "4A"), (14.94, "4A"), (15.0, "4B")]
LUNG_RADS_PART_SOLID = [
    (5.94, 5.0, "2"), (5.94, 9.0, "2"), (5.95, 5.94, "3"), (20.0, 0.0, "3"), (20.0, 5.94, "3"), (20.0, 5.95, "4A"),
    (20.0, 6.0, "4A"), (20.0, 7.94, "4A"), (20.0, 7.95, "4B"), (20.0, 8.0, "4B"), (20.0, 18.0, "4B"),
]  # fmt: skip


def rows(table):
    return [(kind, mm, category) for kind, pairs in table.items() for mm, category in pairs]


@pytest.mark.parametrize(("kind", "mm", "category"), rows(FLEISCHNER_SINGLE))
def test_fleischner_single(kind, mm, category):
    assert fleischner_2017(kind, length(mm), None, n_nodules=1).value == category


@pytest.mark.parametrize("n", [2, 7])
@pytest.mark.parametrize(("kind", "mm", "category"), rows(FLEISCHNER_MULTIPLE))
def test_fleischner_multiple(kind, mm, category, n):
    assert fleischner_2017(kind, length(mm), None, n_nodules=n).value == category


@pytest.mark.parametrize(
    ("mm", "solid_mm", "category"),
    [
        (5.49, 4.0, "<6 mm"),
        (5.5, 5.49, ">=6 mm, solid part <6 mm"),
        (12.0, 0.0, ">=6 mm, solid part <6 mm"),
        (12.0, 5.5, ">=6 mm, solid part >=6 mm"),
        (12.0, 11.0, ">=6 mm, solid part >=6 mm"),
    ],
)
def test_fleischner_single_part_solid(mm, solid_mm, category):
    assert fleischner_2017("part_solid", length(mm), length(solid_mm), n_nodules=1).value == category


@pytest.mark.parametrize(("kind", "mm", "category"), rows(LUNG_RADS))
def test_lung_rads(kind, mm, category):
    assert lung_rads_2022(kind, length(mm), None, juxtapleural_smooth=False).value == category


@pytest.mark.parametrize(("mm", "category"), LUNG_RADS_JUXTAPLEURAL)
def test_lung_rads_smooth_juxtapleural(mm, category):
    assert lung_rads_2022("solid", length(mm), None, juxtapleural_smooth=True).value == category


@pytest.mark.parametrize(("mm", "solid_mm", "category"), LUNG_RADS_PART_SOLID)
def test_lung_rads_part_solid(mm, solid_mm, category):
    found = lung_rads_2022("part_solid", length(mm), length(solid_mm), juxtapleural_smooth=False)
    assert found.value == category


@pytest.mark.parametrize(
    ("mm", "low", "high", "value", "also"),
    [
        (7.0, 6.0, 7.99, "3", ()),
        (7.0, 6.0, 8.0, "3", ("4A",)),  # 8 mm is in 4A, and an end is part of its interval
        (7.0, 5.99, 7.9, "3", ("2",)),  # 5.99 would round to 6.0, but ends are not rounded
        (7.0, 5.0, 9.0, "3", ("2", "4A")),
        (7.0, 5.9, 15.0, "3", ("2", "4A", "4B")),  # 4A lies between and is not forgotten
        (7.96, 7.955, 7.97, "4A", ("3",)),  # the value rounds to 8.0; what lies inside its bar does not
        (25.0, 22.0, 28.0, "4B", ()),
    ],
)
def test_lung_rads_under_uncertainty(mm, low, high, value, also):
    found = lung_rads_2022("solid", length(mm, low, high), None, juxtapleural_smooth=False)
    assert (found.value, found.also) == (value, also)


def test_sentence_for_people():
    found = lung_rads_2022("solid", length(7.5, 6.9, 8.1), None, juxtapleural_smooth=False)
    assert found.text.startswith("3, cannot exclude 4A. Probably benign")
    wide = lung_rads_2022("solid", length(7.5, 5.0, 8.1), None, juxtapleural_smooth=False)
    assert wide.text.startswith("3, cannot exclude 2 or 4A. ")
    sure = lung_rads_2022("solid", length(7.0, 6.5, 7.5), None, juxtapleural_smooth=False)
    assert sure.text.startswith("3. Probably benign")


@pytest.mark.parametrize(
    ("mm", "low", "high", "value", "also"),
    [
        (7.0, 6.0, 8.0, "6-8 mm", ()),
        (7.0, 6.0, 8.01, "6-8 mm", (">8 mm",)),  # more than 8 mm, however little
        (7.0, 5.99, 8.0, "6-8 mm", ("<6 mm",)),
        (5.6, 5.5, 5.8, "6-8 mm", ("<6 mm",)),  # rounds to 6, yet the whole bar lies below
        (7.0, 4.0, 12.0, "6-8 mm", ("<6 mm", ">8 mm")),
    ],
)
def test_fleischner_under_uncertainty(mm, low, high, value, also):
    found = fleischner_2017("solid", length(mm, low, high), None, n_nodules=1)
    assert (found.value, found.also) == (value, also)


def test_both_lengths_of_a_part_solid_nodule_are_in_doubt():
    found = lung_rads_2022(
        "part_solid", length(6.2, 5.8, 6.6), length(6.0, 5.0, 8.2, "solid_diameter"), juxtapleural_smooth=False
    )
    assert (found.value, found.also) == ("4A", ("2", "3", "4B"))


def test_solid_component_that_was_not_measured():
    refused = Measurement.not_measurable("solid_diameter", "mm", "no contour")
    for solid in (None, refused):
        small = lung_rads_2022("part_solid", length(5.0, 4.6, 5.4), solid, juxtapleural_smooth=False)
        assert (small.value, small.also) == ("2", ())
        large = lung_rads_2022("part_solid", length(7.5, 7.1, 7.9), solid, juxtapleural_smooth=False)
        assert (large.value, large.also) == ("undetermined", ("3", "4A"))  # a solid part of 8 mm would not fit
        assert "solid component was not measured; 3 or 4A" in large.text


def test_mean_diameter_that_was_not_measured():
    refused = Measurement.not_measurable("mean_diameter", "mm", "touches the border of the scan")
    found = fleischner_2017("solid", refused, None, n_nodules=1)
    assert found.value == "undetermined"
    assert "touches the border" in found.text


def test_gravest_of_several_findings():
    def judge(kind, mm, solid=None):
        return lung_rads_2022(kind, length(mm), solid, juxtapleural_smooth=False)

    small, large, unknown = judge("solid", 5.0), judge("solid", 16.0), judge("part_solid", 7.5)
    refused = lung_rads_2022(
        "solid", Measurement.not_measurable("mean_diameter", "mm", "cut"), None, juxtapleural_smooth=False
    )
    assert gravest([small, large, unknown, refused]) is large
    assert gravest([refused, small, unknown]) is unknown  # 3 or 4A
    assert gravest([refused, small]) is small


def test_calcified_is_judged_as_solid_and_says_so():
    found = lung_rads_2022("calcified", length(9.0), None, juxtapleural_smooth=False)
    assert found.value == "4A"
    assert "pattern of calcification" in found.text


@pytest.mark.parametrize(
    ("kind", "mean", "n"),
    [
        ("semi-solid", length(7.0), 1),
        ("solid", length(7.0), 0),
        ("solid", Measurement("mean_diameter", 7.0, "%", Interval(6, 8), ""), 1),
        ("solid", Measurement("mean_diameter", 7.0, "mm", None, ""), 1),
    ],
)
def test_bad_arguments(kind, mean, n):
    with pytest.raises(UsageError):
        fleischner_2017(kind, mean, None, n_nodules=n)


SIZE = st.floats(0.1, 60, allow_nan=False)
KIND = st.sampled_from(["solid", "part_solid", "ground_glass", "calcified"])


@given(KIND, st.tuples(SIZE, SIZE, SIZE), st.tuples(SIZE, SIZE, SIZE), st.integers(1, 3), st.floats(0, 1))
def test_every_length_inside_the_bars_gives_a_printed_category(kind, mean, solid, n, share):
    low, value, high = sorted(mean)
    solid_low, solid_value, solid_high = sorted(solid)
    at = length(low + share * (high - low))
    solid_at = length(solid_low + share * (solid_high - solid_low))
    for judge, options in ((fleischner_2017, {"n_nodules": n}), (lung_rads_2022, {"juxtapleural_smooth": n == 2})):
        found = judge(kind, length(value, low, high), length(solid_value, solid_low, solid_high), **options)
        exact = judge(kind, at, solid_at, **options)
        unrounded = {exact.value, *exact.also}  # the point itself before and after rounding
        assert unrounded & {found.value, *found.also}
        assert found.value not in found.also


@given(KIND, SIZE, SIZE, st.booleans())
def test_lung_rads_never_falls_as_a_nodule_grows(kind, a, b, smooth):
    small, large = sorted((a, b))
    order = ["2", "3", "4A", "4B"]
    first, second = (
        lung_rads_2022(kind, length(mm), length(mm / 2), juxtapleural_smooth=smooth).value for mm in (small, large)
    )
    assert order.index(first) <= order.index(second)


@pytest.mark.parametrize("name", ["fleischner_2017", "lung_rads_2022"])
def test_each_row_carries_version_and_source(name):
    table = read_table(name)
    assert all(row.version and row.source and row.advice for row in table.rows)
    assert {row.category for row in table.rows} == set(table.order)


@pytest.mark.parametrize("text", ["6-8", "[6, 8", "[a, 8)", "[6; 8)"])
def test_malformed_range_is_refused(text):
    with pytest.raises(IntegrityError, match="not a range"):
        Range.parse(text)


def test_ends_of_a_range():
    assert 6.0 in Range.parse("[6, 8)")
    assert 8.0 not in Range.parse("[6, 8)")
    assert 8.0 not in Range.parse("(8, inf)")
    assert math.nextafter(8.0, 9.0) in Range.parse("(8, inf)")


def test_row_with_an_unknown_key_is_refused(tmp_path, monkeypatch):
    good = tomllib.loads(Path(thresholds.__file__).with_name("lung_rads_2022.toml").read_text(encoding="utf-8"))
    assert good["rows"]
    monkeypatch.setattr(thresholds, "__file__", str(tmp_path / "thresholds.py"))
    row = '[[rows]]\nkinds = ["solid"]\nmean_mm = "[0, 6)"\ncategory = "2"\nadvice = "a"\nversion = "1"\nsource = "s"\n'
    head = 'name = "x"\nround_to_mm = "1"\norder = ["2"]\nholds_for = "tests"\n'
    (tmp_path / "unknown_key.toml").write_text(f"{head}{row}sise = 3\n", encoding="utf-8")
    (tmp_path / "no_place.toml").write_text(f"{head}{row}".replace('order = ["2"]', "order = []"), encoding="utf-8")
    (tmp_path / "incomplete.toml").write_text(f"{head}{row}".replace('source = "s"\n', ""), encoding="utf-8")
    for name, message in (("unknown_key", "sise"), ("no_place", "no place"), ("incomplete", "incomplete")):
        with pytest.raises(IntegrityError, match=message):
            read_table(name)
