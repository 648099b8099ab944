"""Outlines by pixel centres: counted areas, scikit-image as the other program, outlines that are refused."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import points_in_poly

from overread.errors import UsageError
from overread.ops.region import Crossing, mask_of_circle, mask_of_polygon

SHAPE = (30, 40)
BOW = [(5, 5), (15, 25), (15, 5), (5, 25)]


def test_square_between_centres_holds_its_pixels():
    inside = mask_of_polygon([(1.5, 2.5), (1.5, 6.5), (4.5, 6.5), (4.5, 2.5)], SHAPE)
    expected = np.zeros(SHAPE, bool)
    expected[2:5, 3:7] = True
    np.testing.assert_array_equal(inside, expected)


def test_neighbouring_outlines_share_no_pixel_and_leave_none_out():
    left = mask_of_polygon([(2, 2), (2, 10), (9, 10), (9, 2)], SHAPE)
    right = mask_of_polygon([(2, 10), (2, 20), (9, 20), (9, 10)], SHAPE)
    both = mask_of_polygon([(2, 2), (2, 20), (9, 20), (9, 2)], SHAPE)
    assert not (left & right).any()
    np.testing.assert_array_equal(left | right, both)


@pytest.mark.parametrize("seed", range(8))
def test_random_stars_equal_scikit_image(seed):
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, 17))
    radius = rng.uniform(3, 13, 17)
    points = np.stack([14.5 + radius * np.sin(angle), 19.3 + radius * np.cos(angle)], axis=1)
    grid = np.stack(np.indices(SHAPE), axis=-1).reshape(-1, 2)
    np.testing.assert_array_equal(mask_of_polygon(points, SHAPE).ravel(), points_in_poly(grid, points))


def test_bow_is_refused_or_filled_by_even_odd():
    with pytest.raises(UsageError, match=r"crosses itself: edge 0 and edge 2"):
        mask_of_polygon(BOW, SHAPE)
    inside = mask_of_polygon(BOW, SHAPE, crossing=Crossing.EVEN_ODD)
    assert inside[6, 15]
    assert inside[14, 15]
    assert not inside[10, 6]
    assert not inside[10, 24]


def test_outline_that_touches_itself_is_no_crossing():
    assert mask_of_polygon([(2, 2), (2, 12), (8, 7), (14, 12), (14, 2), (8, 7)], SHAPE).any()


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([(1, 1), (2, 2)], "three or more"),
        ([1, 2, 3], "three or more"),
        ([(1, 1), (2, 2), (3, 3)], "no area"),
        ([(1, 1), (1, 1), (1, 1), (1, 1), (1, 1)], "no area"),
        ([(1, 1), (np.nan, 2), (3, 1)], "not finite"),
        ([(1, 1), (1, 50), (9, 1)], r"1 of 3 points lie outside .* 30 x 40 .* row 1, column 50"),
        ([(-5, 1), (1, 5), (9, 1)], "row -5"),
    ],
)
def test_outlines_that_are_none(points, words):
    with pytest.raises(UsageError, match=words):
        mask_of_polygon(points, SHAPE)


def test_circles():
    assert mask_of_circle((10, 10), 5, SHAPE).sum() == 81
    assert mask_of_circle((0, 0), 5, SHAPE).sum() == (81 - 11 - 11 + 1) // 4 + 11
    with pytest.raises(UsageError, match="from the bottom"):
        mask_of_circle((100, 10), 5, SHAPE)
    for radius in (0, -1, float("nan")):
        with pytest.raises(UsageError, match="above 0"):
            mask_of_circle((10, 10), radius, SHAPE)
