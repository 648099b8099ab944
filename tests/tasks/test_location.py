"""Side and zone of a point, on a lung field whose place is known."""

import numpy as np
import pytest

from overread.findings import Laterality
from overread.geometry import axial_grid, orient
from overread.tasks.chest_ct_nodule.location import lung_extent, side_of, zone_of


@pytest.fixture
def two_lungs():
    """Right lung at low x (columns run to the left), left lung at high x; 30 slices of 2.5 mm."""
    grid = axial_grid((30, 20, 40), spacing_mm=(2.5, 0.9, 0.7))
    sides = np.zeros(grid.shape, np.uint8)
    sides[3:27, 5:15, 4:14] = 1
    sides[6:27, 5:15, 26:36] = 2
    return sides, grid


def test_extent_of_each_lung(two_lungs):
    sides, grid = two_lungs
    extent = lung_extent(sides, grid)
    assert extent.z_mm[Laterality.RIGHT] == pytest.approx((3 * 2.5, 26 * 2.5))
    assert extent.z_mm[Laterality.LEFT] == pytest.approx((6 * 2.5, 26 * 2.5))
    assert extent.complete


def test_extent_of_a_cut_scan_is_not_complete(two_lungs):
    sides, grid = two_lungs
    assert not lung_extent(sides[5:], grid.crop((5, 0, 0), (25, 20, 40))).complete


def test_zones_are_thirds_from_the_head(two_lungs):
    sides, grid = two_lungs
    extent = lung_extent(sides, grid)
    assert [zone_of(extent, Laterality.RIGHT, z) for z in (64.0, 36.0, 8.0)] == ["upper", "middle", "lower"]
    assert zone_of(extent, None, 36.0) == ""


@pytest.mark.parametrize("letters", ["SPL", "IPL", "SAR", "LSP", "PIR"])
def test_side_and_zone_do_not_depend_on_the_order_of_the_voxels(two_lungs, letters):
    sides, grid = two_lungs
    turned, turned_grid = orient(sides, grid, letters)
    point = grid.to_lps((24, 10, 30))
    assert side_of(turned, turned_grid.to_index(point)) is Laterality.LEFT
    if letters[0] in "SI":
        assert zone_of(lung_extent(turned, turned_grid), Laterality.LEFT, point[2]) == "upper"


def test_point_between_the_lungs_has_no_side(two_lungs):
    sides, _grid = two_lungs
    assert side_of(sides, np.array([15.0, 10.0, 19.5]), reach=2) is None
