"""Cutting off what clings: two balls over a neck, one ball alone, thin sheets, anisotropic grids, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from overread.errors import UsageError
from overread.ops.adhesion import separate

SHAPE = (40, 44, 70)


def ball(centre, radius_mm, spacing=(1.0, 1.0, 1.0), shape=SHAPE):
    away = sum(((a - c) * s) ** 2 for a, c, s in zip(np.indices(shape), centre, spacing, strict=True))
    return away <= radius_mm**2


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


ONE, OTHER = ball((20, 22, 20), 12), ball((20, 22, 48), 10)
NECK = np.zeros(SHAPE, bool)
NECK[18:22, 20:24, 20:48] = True


@pytest.mark.parametrize(("seed", "wanted"), [((20, 22, 20), ONE), ((18, 20, 50), OTHER)])
def test_body_of_the_seed_is_kept_without_neck_and_neighbour(seed, wanted):
    found = separate(ONE | OTHER | NECK, seed, (1.0, 1.0, 1.0))
    assert found.basins == 2
    assert dice(found.inside, wanted) > 0.97
    assert found.removed_mm3 == np.count_nonzero((ONE | OTHER | NECK) & ~found.inside)


def test_bodies_that_touch_are_parted_where_opening_cannot():
    near = ball((20, 22, 40), 12)
    found = separate(ONE | near, (20, 22, 20), (1.0, 1.0, 1.0))
    assert found.basins == 2
    assert dice(found.inside, ONE & (np.indices(SHAPE)[2] <= 30)) > 0.97


def test_one_body_stays_whole():
    found = separate(ONE, (20, 22, 20), (1.0, 1.0, 1.0))
    assert found.basins == 1
    assert dice(found.inside, ONE) > 0.99
    assert not (found.inside & ~ONE).any()


def test_holes_are_filled_only_from_the_mask():
    holed = ONE & ~ball((20, 22, 20), 1)
    found = separate(holed, (20, 22, 12), (1.0, 1.0, 1.0), radius_mm=1.5, depth_mm=8.0)
    assert not (found.inside & ~holed).any()


def test_radius_is_in_millimetres():
    """A bridge of 6 mm is thinner than the ball of 4 mm, on a fine and on a coarse grid of slices."""
    for spacing in ((1.0, 1.0, 1.0), (2.0, 0.5, 1.0)):
        shape = tuple(round(n / s) for n, s in zip((40, 44, 70), spacing, strict=True))
        centre = [(20 / spacing[0], 22 / spacing[1], at / spacing[2]) for at in (20, 48)]
        balls = [ball(c, r, spacing, shape) for c, r in zip(centre, (12, 10), strict=True)]
        k, j, i = (a * s for a, s in zip(np.indices(shape), spacing, strict=True))
        neck = (np.abs(k - 20) <= 3) & (np.abs(j - 22) <= 3) & (i > 20) & (i < 48)
        found = separate(balls[0] | balls[1] | neck, centre[0], spacing, radius_mm=4.0)
        assert dice(found.inside, balls[0]) > 0.96
        assert found.removed_mm3 == pytest.approx((balls[1] | neck & ~balls[0]).sum() * np.prod(spacing), rel=0.05)


def test_what_is_too_thin_for_the_ball_is_kept_and_said():
    sheet = np.zeros(SHAPE, bool)
    sheet[20:22] = True
    found = separate(sheet, (20, 5, 5), (1.0, 1.0, 1.0))
    assert (found.basins, found.removed_mm3) == (0, 0.0)
    np.testing.assert_array_equal(found.inside, sheet)


@pytest.mark.parametrize(
    ("mask", "seed", "options", "words"),
    [
        (np.zeros(SHAPE, bool), (1, 1, 1), {}, "0 voxels"),
        (ONE.astype(np.uint8), (1, 1, 1), {}, "3-D bool"),
        (ONE, (50, 1, 1), {}, "outside the image"),
        (ONE, (1, 1), {}, "outside the image"),
        (ONE, (1, 1, 1), {"radius_mm": 0}, "above 0"),
    ],
)
def test_what_cannot_be_separated_is_refused(mask, seed, options, words):
    with pytest.raises(UsageError, match=words):
        separate(mask, seed, (1.0, 1.0, 1.0), **options)
