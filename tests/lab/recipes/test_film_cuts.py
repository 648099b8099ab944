"""Copies of a film with a known part of the lungs cut off, and limits that a share of films lies above."""

import numpy as np
import pytest

from overread.ops.film import Box
from overread_lab.recipes.film_cut_off import FALSE, limit_of, limits_of
from overread_lab.recipes.film_cuts import CLOSE, COPIES, SHARE, LungBoxes, copies

BOXES = LungBoxes(Box((100, 300), (50, 150)), Box((120, 260), (200, 350)))


def test_each_copy_keeps_what_it_says():
    film = np.add.outer(1000.0 * np.arange(400), np.arange(420)).astype(np.float32)
    found = copies(film, BOXES)
    assert tuple(found) == COPIES
    np.testing.assert_array_equal(found["whole"], film)
    np.testing.assert_array_equal(found["top"], film[100 + int(SHARE * 200) :])
    np.testing.assert_array_equal(found["bottom"], film[: 300 - int(SHARE * 200)])
    np.testing.assert_array_equal(found["left"], film[:, 50 + int(SHARE * 300) :])
    np.testing.assert_array_equal(found["right"], film[:, : 350 - int(SHARE * 300)])
    assert found["left_lung"].shape[1] == 420 - 50 - round(SHARE * 100)
    assert found["right_lung"].shape[1] == 350 - round(SHARE * 150)
    assert found["close"].shape == (200 + 2 * int(CLOSE * 200), 300 + 2 * int(CLOSE * 300))


@pytest.mark.parametrize("side", sorted(FALSE))
def test_the_limit_leaves_its_share_above(side):
    odds = np.random.default_rng(3).normal(size=(1000, len(COPIES)))
    above = (odds[:, COPIES.index("whole")] > limit_of(odds, side)).mean()
    assert above == pytest.approx(FALSE[side], abs=0.002)


def test_the_limit_of_a_part_comes_from_the_others():
    odds = np.zeros((200, len(COPIES)))
    odds[100:] = 5
    parts = np.repeat([0, 1], 100)
    np.testing.assert_array_equal(limits_of(odds, parts, "top"), np.repeat([5, 0], 100))
