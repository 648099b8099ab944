"""Two drawn lungs are found, told apart and freed of crumbs."""

import numpy as np
import pytest

from overread.errors import UsageError
from overread.ops.film import Box
from overread.ops.film_lungs import bounds, lungs_from_score

ROW, COLUMN = np.mgrid[:120, :100]


def ellipse(row, column, height, width):
    return ((ROW - row) / height) ** 2 + ((COLUMN - column) / width) ** 2 <= 1


RIGHT, LEFT = ellipse(60, 28, 40, 16), ellipse(60, 72, 36, 14)


def test_two_lungs_and_their_sides():
    found = lungs_from_score(np.where(RIGHT | LEFT, 0.9, 0.1))
    np.testing.assert_array_equal(found.right, RIGHT)  # the patient's right is left in the picture
    np.testing.assert_array_equal(found.left, LEFT)
    np.testing.assert_array_equal(found.both, RIGHT | LEFT)


def test_crumbs_go_and_holes_are_filled():
    crumb, hole = ellipse(10, 90, 4, 4), ellipse(60, 28, 5, 5)
    found = lungs_from_score(np.where((RIGHT | LEFT | crumb) & ~hole, 1.0, 0.0))
    np.testing.assert_array_equal(found.right, RIGHT)
    np.testing.assert_array_equal(found.left, LEFT)


def test_lungs_that_touch_are_parted_at_the_bridge():
    bridge = (np.abs(ROW - 60) < 4) & (COLUMN > 28) & (COLUMN < 72)
    found = lungs_from_score(np.where(RIGHT | LEFT | bridge, 1.0, 0.0))
    assert not (found.right & found.left).any()
    np.testing.assert_array_equal(found.both, RIGHT | LEFT | bridge)
    assert bounds(found.right).columns[1] == bounds(found.left).columns[0]
    assert 44 <= bounds(found.left).columns[0] <= 58  # where only the bridge is


@pytest.mark.parametrize(("only", "side", "other"), [(RIGHT, "right", "left"), (LEFT, "left", "right")])
def test_one_lung_leaves_the_other_side_empty(only, side, other):
    found = lungs_from_score(only.astype(float))
    np.testing.assert_array_equal(getattr(found, side), only)
    assert not getattr(found, other).any()


@pytest.mark.parametrize("nothing", [np.zeros((120, 100)), ellipse(60, 50, 3, 3).astype(float)])
def test_where_nothing_is_a_lung_both_are_empty(nothing):
    assert not lungs_from_score(nothing).both.any()


def test_bounds_by_hand():
    inside = np.zeros((5, 6), dtype=bool)
    assert bounds(inside) is None
    inside[1, 2] = inside[3, 4] = True
    assert bounds(inside) == Box((1, 4), (2, 5))


def test_volumes_are_refused():
    with pytest.raises(UsageError, match=r"\(row, column\)"):
        lungs_from_score(np.zeros((2, 3, 4)))
