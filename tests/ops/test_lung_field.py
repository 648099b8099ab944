"""The lung field against lungs whose voxels are known."""

from __future__ import annotations

import numpy as np
import pytest

from overread.geometry import ORIENTATIONS, axial_grid, orient
from overread.image import Intensity, Volume
from overread.ops.lung_field import lung_field
from overread.runtime import Runtime


def dice(a, b):
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


def test_both_lungs_are_found_to_within_the_grid(simple_chest):
    found = lung_field(simple_chest.volume, Runtime(1))
    truth_ml = np.count_nonzero(simple_chest.lungs) * simple_chest.volume.grid.voxel_volume_mm3 / 1000
    assert found.found
    assert dice(found.inside, simple_chest.lungs > 0) > 0.985
    assert found.volume_ml == pytest.approx(truth_ml, rel=0.02)
    assert found.facts["right_ml"] + found.facts["left_ml"] == pytest.approx(found.volume_ml)


def test_sides_are_the_patients_sides(simple_chest):
    sides = lung_field(simple_chest.volume, Runtime(1)).sides
    assert dice(sides == 1, simple_chest.lungs == 1) > 0.98
    assert dice(sides == 2, simple_chest.lungs == 2) > 0.98


def test_a_nodule_on_the_ribs_stays_inside(simple_chest):
    inside = lung_field(simple_chest.volume, Runtime(1)).inside
    open_air = lung_field(simple_chest.volume, Runtime(1), closing_mm=0.0, costal_closing_mm=0.0).inside
    part = simple_chest.pleural
    assert np.count_nonzero(inside & part) / np.count_nonzero(part) > 0.9
    assert np.count_nonzero(open_air & part) / np.count_nonzero(part) < 0.6  # without closing it would be lost


def test_trachea_and_bowel_gas_are_left_out(simple_chest):
    found = lung_field(simple_chest.volume, Runtime(1))
    points = simple_chest.volume.grid.to_lps(np.argwhere(found.inside))
    assert not (np.hypot(points[:, 0], points[:, 1]) < 9).any()
    assert points[:, 2].min() > -300 + 18
    assert found.airway is not None
    assert found.facts["airway_ml"] == pytest.approx(np.pi * 0.9**2 * 12, rel=0.25)  # the lumen without its blurred rim


@pytest.mark.parametrize("letters", [ORIENTATIONS[n] for n in (5, 17, 30, 47)])
def test_any_orientation_gives_the_same_voxels(simple_chest, letters):
    upright = lung_field(simple_chest.volume, Runtime(1))
    array, grid = orient(simple_chest.volume.array, simple_chest.volume.grid, letters)
    turned = lung_field(Volume(np.ascontiguousarray(array), grid, Intensity.HU), Runtime(1))
    np.testing.assert_array_equal(orient(turned.sides, grid)[0], upright.sides)
    assert turned.volume_ml == pytest.approx(upright.volume_ml, rel=1e-12)


@pytest.mark.parametrize("threads", [2, 4])
def test_threads_do_not_change_a_voxel(simple_chest, threads):
    one, many = lung_field(simple_chest.volume, Runtime(1)), lung_field(simple_chest.volume, Runtime(threads))
    np.testing.assert_array_equal(one.sides, many.sides)
    np.testing.assert_array_equal(one.inside, many.inside)


def test_a_scan_without_lung_is_not_assessable():
    grid = axial_grid((30, 60, 60), spacing_mm=(3.0, 2.0, 2.5))
    found = lung_field(Volume(np.full(grid.shape, 40, np.int16), grid, Intensity.HU), Runtime(1))
    assert not found.found
    assert found.reasons[0].code == "no_lung"
    assert not found.inside.any()
    assert found.volume_ml == 0


def test_the_box_is_the_smallest(simple_chest):
    found = lung_field(simple_chest.volume, Runtime(1))
    at = np.argwhere(found.inside)
    assert [(s.start, s.stop) for s in found.box] == list(zip(at.min(0), at.max(0) + 1, strict=True))
