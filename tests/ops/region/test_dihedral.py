"""The eight turns: a group, lossless, the same for pixels, points and boxes."""

from __future__ import annotations

import numpy as np
import pytest

from overread.errors import UsageError
from overread.ops.region import DIHEDRAL, Turn, eightfold, mean_of_eight

IMAGE = np.arange(3 * 5 * 7).reshape(3, 5, 7)


def test_eight_different_copies_and_each_comes_back():
    copies = eightfold(IMAGE)
    assert len({(copy.shape, copy.tobytes()) for copy in copies}) == 8
    np.testing.assert_array_equal(copies[0], IMAGE)
    for turn, copy in zip(DIHEDRAL, copies, strict=True):
        np.testing.assert_array_equal(turn.inverse.array(copy), IMAGE)
        assert copy.shape[1:] == turn.shape((5, 7))
        assert copy.flags.c_contiguous


@pytest.mark.parametrize("turn", DIHEDRAL)
def test_points_and_boxes_go_where_their_pixels_go(turn):
    mask = np.zeros((5, 7), bool)
    points = [(0, 0), (1, 5), (4, 2)]
    for row, column in points:
        mask[row, column] = True
    turned = turn.points(points, (5, 7))
    assert {tuple(p) for p in turned} == {tuple(map(float, p)) for p in np.argwhere(turn.array(mask))}
    np.testing.assert_allclose(turn.inverse.points(turned, turn.shape((5, 7))), points)
    filled = np.zeros((5, 7), bool)
    filled[1:4, 2:7] = True
    where = np.argwhere(turn.array(filled))
    assert turn.box((1, 2, 3, 6), (5, 7)) == (*where.min(axis=0), *where.max(axis=0))


def test_quarter_turn_is_anticlockwise():
    np.testing.assert_array_equal(Turn(1, False).array(np.array([[1, 2], [3, 4]])), [[2, 4], [1, 3]])


def test_side_changes_with_a_mirror_only():
    assert [turn.side("left") for turn in DIHEDRAL] == ["left"] * 4 + ["right"] * 4
    assert DIHEDRAL[5].side("") == ""
    with pytest.raises(UsageError, match="'up'"):
        DIHEDRAL[0].side("up")


def test_mean_of_eight_is_blind_to_turns():
    image = np.random.default_rng(1).normal(size=(6, 9))
    ramp = mean_of_eight(image, lambda one: one * np.arange(one.shape[1]))
    for turn in DIHEDRAL:
        again = mean_of_eight(turn.array(image), lambda one: one * np.arange(one.shape[1]))
        np.testing.assert_allclose(again, turn.array(ramp), atol=1e-12)
    corner = mean_of_eight(image, lambda one: one[0, 0])
    assert corner == pytest.approx(image[[0, 0, -1, -1], [0, -1, 0, -1]].mean())
