"""Nodules against formulas of balls and ellipsoids, and rendered occupancy against the analytic volume."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.errors import UsageError
from overread.geometry import Grid, axial_grid
from overread.phantoms.nodule import SURFACES, draw_shape, ellipsoid, occupancy, random_rotation, sphere
from overread.phantoms.nodule_truth import feret_and_width, shape_truths

ANISOTROPIC = axial_grid((40, 80, 70), spacing_mm=(1.25, 0.6, 0.75), origin_lps=(-26.0, -24.0, -25.0))


def test_a_ball_measures_as_its_formulas_say() -> None:
    truths = shape_truths(sphere(10.0))
    assert truths["volume_mm3"] == pytest.approx(np.pi * 1000 / 6, rel=1e-6)
    assert truths["largest_section_area_mm2"] == pytest.approx(np.pi * 25, rel=1e-3)
    for name in ("effective_diameter_mm", "long_axis_mm", "short_axis_mm", "long_axis_3d_mm", "short_axis_3d_mm"):
        assert truths[name] == pytest.approx(10.0, rel=2e-3), name


def test_an_ellipsoid_measures_as_its_formulas_say() -> None:
    truths = shape_truths(ellipsoid((6.0, 8.0, 12.0)))
    assert truths["volume_mm3"] == pytest.approx(np.pi * 6 * 8 * 12 / 6, rel=1e-6)
    assert (truths["long_axis_mm"], truths["short_axis_mm"]) == pytest.approx((8.0, 6.0), rel=2e-3)
    assert (truths["long_axis_3d_mm"], truths["short_axis_3d_mm"]) == pytest.approx((12.0, 6.0), rel=3e-3)
    assert truths["largest_section_area_mm2"] == pytest.approx(np.pi * 6 * 8 / 4, rel=2e-3)


def test_a_half_covered_ball_has_half_the_volume_and_its_centroid_moves() -> None:
    truths = shape_truths(sphere(12.0), outside=lambda points: points[..., 0])
    assert truths["volume_mm3"] == pytest.approx(np.pi * 12**3 / 12, rel=3e-3)
    assert truths["centroid_x_mm"] == pytest.approx(3 / 8 * 6, rel=1e-2)
    assert truths["short_axis_3d_mm"] == pytest.approx(6.0, rel=1e-2)


def test_a_rectangle_has_its_diagonal_as_feret() -> None:
    corners = np.array([(0, 0), (4, 0), (4, 3), (0, 3), (2, 1)], dtype=float)
    assert feret_and_width(corners) == pytest.approx((5.0, 2 * 12 / 5))


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("diameter_mm", [4.0, 10.0, 24.0])
def test_rendered_occupancy_equals_the_volume_within_three_permille(surface: str, diameter_mm: float) -> None:
    rng = np.random.default_rng(int(diameter_mm))
    shape = draw_shape(rng, diameter_mm=diameter_mm, surface=surface)  # type: ignore[arg-type]
    _, share = occupancy(shape, (0.3, -0.2, 0.4), ANISOTROPIC)
    rendered = float(share.sum(dtype=np.float64)) * ANISOTROPIC.voxel_volume_mm3
    assert rendered == pytest.approx(np.pi * diameter_mm**3 / 6, rel=3e-3)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_occupancy_is_placed_right_on_any_oblique_sheared_grid(seed: int) -> None:
    rng = np.random.default_rng(seed)
    affine = np.eye(4)
    affine[:3, :3] = np.array(random_rotation(rng)) @ np.diag(rng.uniform(0.6, 1.6, 3))
    affine[:3, 0] += 0.2 * affine[:3, 1]
    affine[:3, 3] = -affine[:3, :3] @ np.array((20.0, 22.0, 24.0))
    grid = Grid((41, 45, 49), affine)
    centre = (1.0, -2.0, 0.5)
    box, share = occupancy(sphere(8.0), centre, grid)
    index = np.stack(np.mgrid[box], axis=-1).astype(float)
    centroid = np.average(grid.to_lps(index).reshape(-1, 3), axis=0, weights=share.ravel())
    np.testing.assert_allclose(centroid, centre, atol=0.02)
    assert share.sum() * grid.voxel_volume_mm3 == pytest.approx(np.pi * 512 / 6, rel=4e-3)


def test_roughness_is_what_was_asked() -> None:
    directions = sphere(2.0).surface_points(4000)
    for surface, expected in (("smooth", 0.03), ("lobulated", 0.10)):
        shape = draw_shape(np.random.default_rng(4), diameter_mm=10.0, surface=surface)  # type: ignore[arg-type]
        own = shape.surface_points(4000) @ shape.to_own_frame.T
        radius = np.linalg.norm(own, axis=1)
        assert len(directions) == len(radius)
        assert radius.std() == pytest.approx(expected, rel=0.02)


def test_spicules_reach_out_and_keep_the_volume() -> None:
    plain = draw_shape(np.random.default_rng(9), diameter_mm=12.0, surface="smooth")
    spiky = draw_shape(np.random.default_rng(9), diameter_mm=12.0, surface="spiculated")
    assert 4 <= len(spiky.spicules) <= 12
    assert spiky.volume_mm3() == pytest.approx(plain.volume_mm3(), rel=1e-6)
    assert spiky.reach_mm() > plain.reach_mm() + 1.0


def test_outside_the_grid_nothing_is_drawn() -> None:
    _, share = occupancy(sphere(5.0), (500.0, 0.0, 0.0), ANISOTROPIC)
    assert share.size == 0


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(UsageError, match="surface"):
        draw_shape(np.random.default_rng(0), diameter_mm=5, surface="fluffy")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="diameter"):
        draw_shape(np.random.default_rng(0), diameter_mm=0)
