"""Laws of grids: to mm and back, crop, turn; on grids anisotropic in all axes, oblique and sheared."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.errors import GeometryError
from overread.geometry import ORIENTATIONS, Grid, axial_grid, orient, orientation_of

SHAPE, SPACING = (5, 7, 9), (2.5, 0.7, 0.9)
angle = st.floats(-np.pi, np.pi)
index = st.tuples(st.floats(-5, 20), st.floats(-5, 20), st.floats(-5, 20))


@st.composite
def grids(draw):
    """Any rotation, any sign, a shear of up to 25 degrees, any origin."""
    a, b, c = draw(angle), draw(angle), draw(angle)
    turn = np.eye(3)
    for one, (p, q) in ((a, (0, 1)), (b, (1, 2)), (c, (0, 2))):
        step = np.eye(3)
        step[p, p] = step[q, q] = np.cos(one)
        step[p, q], step[q, p] = -np.sin(one), np.sin(one)
        turn = turn @ step
    shear = np.eye(3)
    shear[1, 0] = np.tan(np.radians(draw(st.floats(-25, 25))))
    affine = np.eye(4)
    affine[:3, :3] = turn @ shear @ np.diag(np.multiply(SPACING, draw(st.sampled_from([1, -1]))))
    affine[:3, 3] = draw(st.tuples(*[st.floats(-500, 500)] * 3))
    return Grid(SHAPE, affine)


@given(grids(), index)
def test_index_to_mm_and_back(grid, kji):
    np.testing.assert_allclose(grid.to_index(grid.to_lps(kji)), kji, atol=1e-7)


@given(grids(), st.tuples(*[st.integers(-3, 6)] * 3), index)
def test_crop_keeps_every_voxel_in_its_place(grid, start, inner):
    cropped = grid.crop(start, (2, 3, 4))
    np.testing.assert_allclose(cropped.to_lps(inner), grid.to_lps(np.add(start, inner)), atol=1e-7)


@given(grids())
def test_voxel_volume_does_not_depend_on_turning_or_shear(grid):
    assert grid.voxel_volume_mm3 == pytest.approx(np.prod(SPACING))
    assert grid.slice_gap_mm > 0


@pytest.mark.parametrize("letters", ORIENTATIONS)
def test_turning_keeps_values_at_their_places(letters):
    grid = axial_grid(SHAPE, spacing_mm=SPACING, origin_lps=(-3.0, 11.0, 40.0))
    array = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    turned, there = orient(array, grid, letters)
    assert orientation_of(there) == letters
    for kji in [(0, 0, 0), (1, 2, 3), (4, 6, 8)]:
        at = np.rint(there.to_index(grid.to_lps(kji))).astype(int)
        assert turned[tuple(at)] == array[kji]
    back, home = orient(turned, there, "SPL")
    np.testing.assert_array_equal(back, array)
    assert home.same_place(grid)


@pytest.mark.parametrize("affine", [np.eye(3), np.full((4, 4), np.nan), np.diag((1.0, 1.0, 0.0, 1.0))])
def test_a_grid_that_places_nothing_is_refused(affine):
    with pytest.raises(GeometryError):
        Grid(SHAPE, affine)


def test_axial_grid_points_left_back_up():
    grid = axial_grid(SHAPE, spacing_mm=SPACING)
    assert orientation_of(grid) == "SPL"
    assert grid.spacing_mm == pytest.approx(SPACING)
