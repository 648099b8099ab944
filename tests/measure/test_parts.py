"""The pieces of measuring, each against something computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage as ndi

from overread.geometry import axial_grid
from overread.image import Intensity, Volume
from overread.measure import estimate_edge
from overread.measure.diameters import feret_and_width, measure_axes
from overread.measure.distance import level_distance
from overread.measure.edges import roughness
from overread.measure.intervals import measured
from overread.measure.patch import Scanner, aperture, cut_patch
from overread.measure.star import fit_star, hidden_from
from overread.measure.wall import find_wall


def distances(shape, spacing, centre):
    axes = [(np.arange(n) * s - c) ** 2 for n, s, c in zip(shape, spacing, centre, strict=True)]
    return np.sqrt(axes[0][:, None, None] + axes[1][None, :, None] + axes[2][None, None, :])


def test_a_rectangle_of_three_by_four():
    corners = np.array([(0, 0), (4, 0), (4, 3), (0, 3)], dtype=float)
    long_ends, short_ends = feret_and_width(corners)
    assert np.linalg.norm(long_ends[1] - long_ends[0]) == pytest.approx(5.0)
    assert np.linalg.norm(short_ends[1] - short_ends[0]) == pytest.approx(4.8)  # 2 x 3 x 4 / 5
    assert (long_ends[1] - long_ends[0]) @ (short_ends[1] - short_ends[0]) == pytest.approx(0, abs=1e-9)


def test_axes_of_a_ball_do_not_depend_on_the_grid():
    spacing = (0.5, 0.4, 0.3)
    depth = (4.0 - distances((40, 50, 60), spacing, (9.8, 10.1, 9.05))).astype(np.float32)
    axes = measure_axes(depth, spacing)
    assert axes is not None
    for length in (axes.long_mm, axes.short_mm, axes.long_3d_mm, axes.short_3d_mm):
        assert length == pytest.approx(8.0, abs=0.06)
    assert axes.area_mm2 == pytest.approx(math.pi * 16, rel=0.01)
    assert measure_axes(np.full((4, 4, 4), -1, dtype=np.float32), spacing) is None


def test_two_far_specks_do_not_make_a_long_section():
    spacing = (1.0, 0.5, 0.5)
    depth = np.maximum(
        3.0 - distances((20, 60, 60), spacing, (6, 15, 15)),
        np.maximum(
            0.8 - distances((20, 60, 60), spacing, (15, 3, 3)), 0.8 - distances((20, 60, 60), spacing, (15, 27, 27))
        ),
    )
    axes = measure_axes(depth.astype(np.float32), spacing)
    assert axes is not None
    assert axes.long_mm == pytest.approx(6.0, abs=0.15)


def test_distance_to_a_level_is_better_than_a_voxel():
    spacing = (0.6, 0.4, 0.4)
    true = distances((40, 60, 60), spacing, (12.1, 12.07, 11.93)) - 6.3
    field = (-100 * true).astype(np.float32)  # falls 100 HU a mm
    found = level_distance(field, field > 0, 0.0, spacing)
    assert found is not None
    near = np.abs(true) < 3
    error = (found.mm - true)[near]
    assert np.median(np.abs(error)) < 0.06
    assert np.abs(error).max() < 0.6  # one voxel: the nearest of the sampled surface points may lie beside the foot
    assert abs(float(error.mean())) < 0.05
    assert level_distance(field, np.zeros_like(field, dtype=bool), 0.0, spacing) is None


@pytest.mark.parametrize(("sigma", "width"), [(0.47, 0.7), (0.3, 2.5), (1.2, 0.7)])
def test_the_aperture_keeps_the_mean_and_the_variance(sigma, width):
    weights = aperture(41, 4, 0.7, sigma, width).astype(np.float64)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
    cells = (np.arange(164) + 0.5) * 0.175
    row = weights[20]
    assert row @ cells == pytest.approx(20.5 * 0.7, abs=1e-3)
    variance = row @ (cells - 20.5 * 0.7) ** 2
    assert variance == pytest.approx(sigma**2 + width**2 / 12, abs=0.01)


def test_a_patch_knows_where_it_is():
    grid = axial_grid((20, 40, 50), spacing_mm=(2.5, 0.7, 0.6))
    patch = cut_patch(np.zeros(grid.shape, dtype=np.int16), grid, np.array([10.0, 20.0, 25.0]), 8.0)
    index = np.array([[9.2, 18.0, 27.5]])
    np.testing.assert_allclose(patch.fine_to_index(patch.index_to_fine(index)), index)
    assert patch.fine.shape == tuple(n * f for n, f in zip(patch.coarse.shape, patch.factor, strict=True))
    assert not patch.touches
    assert cut_patch(np.zeros(grid.shape, dtype=np.int16), grid, np.array([1.0, 20.0, 25.0]), 8.0).touches


def test_a_uniform_scene_stays_uniform_in_its_picture():
    grid = axial_grid((12, 30, 30), spacing_mm=(1.25, 0.7, 0.7))
    patch = cut_patch(np.zeros(grid.shape, dtype=np.int16), grid, np.array([6.0, 15.0, 15.0]), 6.0)
    picture = Scanner(0.5, 0.05, 1.25).picture(np.full(patch.fine.shape, 0.3, dtype=np.float32), patch)
    np.testing.assert_allclose(picture, 0.3, atol=1e-5)


def test_the_wall_is_carried_on_beneath_a_nodule():
    spacing = (0.5, 0.5, 0.5)
    shape = (80, 80, 80)
    k, j, i = np.meshgrid(*(np.arange(n) * 0.5 for n in shape), indexing="ij")
    bowl = 30.0 - 0.004 * ((k - 20) ** 2 + (j - 20) ** 2)  # a wall of 125 mm radius
    wall = i > bowl
    ball = distances(shape, spacing, (20.0, 20.0, 28.5)) < 4.0
    found = find_wall(wall | ball, ~wall, spacing, np.array([20.0, 20.0, 27.5]), 4.0)
    assert found is not None
    beneath = np.array([(20.0, 20.0, 30.0), (22.0, 19.0, 30.0 - 0.004 * 5)])
    np.testing.assert_allclose(found.depth_mm(beneath), 0, atol=0.25)
    assert found.behind(shape, spacing)[40, 40, 70]
    assert not found.behind(shape, spacing)[40, 40, 52]
    assert find_wall(ball, np.ones(shape, dtype=bool), spacing, np.array([20.0, 20.0, 27.5]), 4.0) is None


def test_the_star_sees_past_a_rod():
    spacing = (0.4, 0.4, 0.4)
    shape = (90, 90, 90)
    ball = distances(shape, spacing, (18.0, 18.0, 18.0)) < 5.0
    j, i = np.meshgrid(np.arange(90) * 0.4, np.arange(90) * 0.4, indexing="ij")
    rod = np.broadcast_to(np.hypot(j - 18, i - 22.0) < 1.4, shape)
    star = fit_star(ball | rod, np.array([18.0, 18.2, 17.7]), spacing, 4.0)
    assert star.radius_mm == pytest.approx(5.0, abs=0.25)
    np.testing.assert_allclose(star.centre_mm, 18.0, atol=0.4)
    assert 0.02 < star.blocked.mean() < 0.35
    far, own = np.array([[80, 45, 55]]), np.array([[45, 40, 38]])
    assert hidden_from(far, star, spacing).all()
    assert not hidden_from(own, star, spacing).any()


def test_a_ball_is_neither_lobed_nor_spiked_and_a_star_is():
    spacing = (0.4, 0.4, 0.4)
    shape = (60, 60, 60)
    ball = (distances(shape, spacing, (12, 12, 12)) - 5.0).astype(np.float32)
    own = np.ones(shape, dtype=bool)
    lobes, spikes = roughness(ball, own, spacing)
    assert lobes < 0.06
    assert spikes < 0.04
    twin = np.minimum(distances(shape, spacing, (12, 12, 8)), distances(shape, spacing, (12, 12, 15))) - 4.2
    assert roughness(twin.astype(np.float32), own, spacing)[0] > lobes + 0.04
    k, j = np.meshgrid(np.arange(60) * 0.4, np.arange(60) * 0.4, indexing="ij")
    needle = np.broadcast_to((np.hypot(k - 12, j - 12) - 0.9)[:, :, None], shape)
    assert roughness(np.minimum(ball, needle).astype(np.float32), own, spacing)[1] > spikes + 0.02


def test_parts_that_only_lift_the_upper_end():
    plain = measured("long_axis", 10.0, "mm", {"edge": 0.3}, "by hand")
    lifted = measured("long_axis", 10.0, "mm", {"edge": 0.3}, "by hand", above={"tips": 0.4})
    assert lifted.interval.low == plain.interval.low == pytest.approx(10 - 1.96 * 0.3, abs=1e-3)
    assert lifted.interval.high == pytest.approx(10 + 1.96 * 0.5, abs=1e-3)
    assert [c.name for c in lifted.components] == ["edge", "tips (upwards)"]


def test_a_large_error_makes_the_interval_symmetric_in_the_logarithm():
    wide = measured("volume", 100.0, "mm3", {"cut": 40.0}, "by hand", low=0.0)
    assert wide.interval.low * wide.interval.high == pytest.approx(100.0**2, rel=1e-9)
    assert wide.components[0].log_scale
    assert wide.components[0].sd == pytest.approx(0.4)


@pytest.mark.parametrize("sigma", [0.4, 0.6])
def test_the_blur_of_a_scan_is_found_from_its_lung(sigma):
    rng = np.random.default_rng(4)
    pixel, rows = 0.7, 200
    j, i = np.meshgrid((np.arange(rows * 4) + 0.5) * pixel / 4, (np.arange(rows * 4) + 0.5) * pixel / 4, indexing="ij")
    disc = np.hypot(j - 70, i - 68) < 50.0
    blurred = ndi.gaussian_filter(disc.astype(np.float32), sigma / (pixel / 4))
    plane = blurred.reshape(rows, 4, rows, 4).mean(axis=(1, 3))
    lung = plane > 0.5
    image = np.stack([40 - 890 * plane + rng.normal(0, 25, plane.shape) for _ in range(12)]).astype(np.int16)
    grid = axial_grid(image.shape, spacing_mm=(1.25, pixel, pixel))
    edge = estimate_edge(Volume(image, grid, Intensity.HU), np.broadcast_to(lung, image.shape))
    assert edge.edges >= 60
    assert edge.sigma_mm == pytest.approx(sigma, abs=0.12)
    assert edge.noise_sd_hu == pytest.approx(25, rel=0.25)
    assert edge.slice_width_mm == 1.25


def test_a_scan_without_lung_has_an_assumed_edge():
    grid = axial_grid((5, 20, 20), spacing_mm=(1.25, 0.7, 0.7))
    edge = estimate_edge(Volume(np.zeros(grid.shape, dtype=np.int16), grid, Intensity.HU), np.zeros(grid.shape, bool))
    assert edge.edges == 0
    assert edge.sigma_mm > 0
