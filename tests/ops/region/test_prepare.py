"""Region preparation: the disk, Otsu, each reason code on a picture that must give it, laws, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage as ndi
from skimage.filters import threshold_otsu
from skimage.morphology import disk as other_disk

from overread.errors import UsageError
from overread.ops.region import (
    DIHEDRAL,
    Polarity,
    Reason,
    Rule,
    disk,
    mask_of_circle,
    mask_of_polygon,
    otsu,
    prepare_region,
)

SHAPE = (120, 130)


def ball(row, column, radius):
    return mask_of_circle((row, column), radius, SHAPE)


def picture(*parts, level=100.0, noise=0.0, seed=0):
    image = np.full(SHAPE, 20.0)
    for part in parts:
        image[part] = level
    return image + np.random.default_rng(seed).normal(0, noise or 1e-3, SHAPE)


def test_disk_of_81_pixels_and_its_rows():
    assert disk().sum() == 81
    np.testing.assert_array_equal(disk().sum(axis=1), [1, 7, 9, 9, 9, 11, 9, 9, 9, 7, 1])
    np.testing.assert_array_equal(disk(), other_disk(5).astype(bool))


def test_otsu_lies_in_the_middle_of_a_gap():
    assert otsu(np.array([0.0, 0.0, 1.0, 1.0])) == pytest.approx(0.5, abs=1e-12)
    assert math.isnan(otsu(np.full(9, 3.0)))


def test_otsu_agrees_with_scikit_image_to_a_bin():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        values = np.concatenate([rng.normal(0, 1, 4000), rng.normal(3 + seed / 2, 1, 1500)])
        assert abs(otsu(values) - threshold_otsu(values)) <= np.ptp(values) / 256


M = ball(60, 60, 15)
WALL = np.zeros(SHAPE, bool)
WALL[10:110, 10:120] = True


@pytest.mark.parametrize(
    ("image", "reason", "expected"),
    [
        (picture(ball(60, 60, 11)), Reason.SUBSET, "outline"),
        (picture(ball(60, 60, 22)), Reason.SUPERSET, "component"),
        (picture(ball(60, 70, 20)), Reason.UNION, "both"),
        (picture(ball(60, 78, 12)), Reason.READER, "outline"),
        (picture(ball(60, 86, 9)), Reason.READER, "outline"),
        (picture(WALL & ~ball(60, 60, 15)), Reason.LEAKED, "outline"),
        (np.full(SHAPE, 7.0), Reason.FLAT, "outline"),
        (picture(np.indices(SHAPE).sum(axis=0) % 12 == 0), Reason.OPENED_AWAY, "outline"),
    ],
)
def test_each_reason_is_reached(image, reason, expected):
    found = prepare_region(image, M)
    assert found.reason is reason
    want = {"outline": M, "component": found.component, "both": M | found.component}[expected]
    np.testing.assert_array_equal(found.inside, want)
    assert math.isnan(found.threshold) == (reason is Reason.FLAT)


def test_superset_recovers_the_planted_object():
    planted = ball(60, 60, 22)
    found = prepare_region(picture(planted, noise=5), M)
    assert 2 * (found.inside & planted).sum() / (found.inside.sum() + planted.sum()) > 0.99


def test_literal_rule_takes_the_larger():
    wide, narrow = picture(ball(60, 70, 20)), picture(ball(60, 60, 11))
    larger = prepare_region(wide, M, rule=Rule.AREA)
    np.testing.assert_array_equal(larger.inside, larger.component)
    assert larger.reason is Reason.LARGER
    kept = prepare_region(narrow, M, rule="area")
    assert kept.reason is Reason.NOT_LARGER
    np.testing.assert_array_equal(kept.inside, M)


def test_rectangle_is_grown_by_twenty_and_cut_at_the_image():
    assert prepare_region(picture(M), M).rectangle == (25, 96, 25, 96)
    corner = ball(8, 125, 12)
    assert prepare_region(picture(corner), corner).rectangle == (0, 41, 93, 130)
    assert prepare_region(picture(M), M, margin_px=3).rectangle == (42, 79, 42, 79)


def test_what_lies_beyond_the_rectangle_has_no_say():
    image = picture(ball(60, 60, 22))
    changed = image.copy()
    changed[110:, :] = 1e6
    one, other = prepare_region(image, M), prepare_region(changed, M)
    np.testing.assert_array_equal(one.inside, other.inside)
    assert one.threshold == other.threshold


def test_dark_and_auto_polarity():
    lesion = ball(60, 60, 20)
    dark = -picture(lesion, noise=2)
    assert prepare_region(dark, M).reason is not Reason.SUPERSET
    for polarity in (Polarity.DARK, Polarity.AUTO):
        found = prepare_region(dark, M, polarity=polarity)
        assert (found.reason, found.polarity) == (Reason.SUPERSET, Polarity.DARK)
    assert prepare_region(-dark, M, polarity="auto").polarity is Polarity.BRIGHT


def test_cleaning_fills_holes_and_drops_specks():
    holed = ball(60, 60, 22) & ~ball(60, 60, 4) | ball(60, 91, 3)
    found = prepare_region(picture(holed), M)
    assert found.component[60, 60]
    assert not found.component[60, 91]


def test_turned_picture_gives_the_turned_region():
    rng = np.random.default_rng(5)
    image = ndi.gaussian_filter(rng.normal(size=SHAPE), 4)
    image += 0.1 * ball(58, 66, 17)
    expected = prepare_region(image, M)
    for turn in DIHEDRAL:
        found = prepare_region(turn.array(image), turn.array(M))
        assert found.reason is expected.reason
        np.testing.assert_array_equal(found.inside, turn.array(expected.inside))


def test_outline_smaller_than_the_disk_is_kept_with_its_reason():
    tiny = ball(60, 60, 2)
    found = prepare_region(picture(tiny, noise=0.5), tiny)
    assert found.reason is Reason.OPENED_AWAY
    np.testing.assert_array_equal(found.inside, tiny)


def test_tiny_image_is_handled():
    image, outline = np.array([[0.0, 1.0], [0.0, 0.0]]), np.array([[False, True], [False, False]])
    assert prepare_region(image, outline).reason is Reason.OPENED_AWAY


@pytest.mark.parametrize(
    ("image", "outline", "words"),
    [
        (np.zeros(SHAPE), np.zeros(SHAPE, bool), "holds no pixel"),
        (np.zeros((5, 5)), M, "one shape"),
        (np.zeros(SHAPE), M.astype(np.uint8), "bool"),
        (np.full(SHAPE, np.nan), M, "not finite"),
        (np.full(SHAPE, np.inf), M, "not finite"),
    ],
)
def test_what_cannot_be_prepared_is_refused(image, outline, words):
    with pytest.raises(UsageError, match=words):
        prepare_region(image, outline)
    assert mask_of_polygon([(0, 0), (0, 9), (9, 9)], SHAPE).any()


def test_unknown_rules_are_refused():
    with pytest.raises(ValueError, match="loose"):
        prepare_region(picture(M), M, rule="loose")
    with pytest.raises(UsageError, match="margin_px is -1"):
        prepare_region(picture(M), M, margin_px=-1)
