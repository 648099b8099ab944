"""The 61 features: their number, known truth of each group, laws of place and unit, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage as ndi
from scipy import stats

from overread.errors import UsageError
from overread.ops.texture import FEATURES, RoughShape, gradient_per_mm, voxel_features
from overread.runtime import Runtime

SHAPE = (14, 36, 40)
SPACING = (2.0, 1.0, 0.5)


def ball_phi(centre=(7, 18, 20), radius_mm=8.0):
    k, j, i = np.indices(SHAPE)
    away = np.sqrt(sum(((a - c) * s) ** 2 for a, c, s in zip((k, j, i), centre, SPACING, strict=True)))
    return radius_mm - away


@pytest.fixture(scope="module")
def scene():
    rng = np.random.default_rng(3)
    phi = ball_phi()
    image = (100 + 40 * (phi > 0) + rng.normal(0, 8, SHAPE)).astype(np.float32)
    return image, RoughShape(phi, SPACING)


def column(table, name):
    return table[:, FEATURES.index(name)]


def test_there_are_exactly_61_different_names():
    assert len(FEATURES) == len(set(FEATURES)) == 61


def test_window_statistics_equal_scipy(scene):
    image, rough = scene
    points = np.array([[7, 18, 20], [0, 0, 0], [13, 35, 39], [5, 10, 12]])
    table = voxel_features(image, rough, points)
    for size, ending in (((1, 9, 9), "2"), ((5, 7, 7), "3")):
        around = np.pad(image, [(n // 2, n // 2) for n in size], mode="reflect").astype(float)
        for point, row in zip(points, table, strict=True):
            patch = around[tuple(slice(p, p + n) for p, n in zip(point, size, strict=True))].ravel()
            expected = {"mean": patch.mean(), "sd": patch.std(), "median": np.median(patch)}
            if ending == "2":
                expected |= {"min": patch.min(), "max": patch.max()}
                expected |= {"skew": stats.skew(patch), "kurtosis": stats.kurtosis(patch)}
            found = {name: row[FEATURES.index(f"{name}_{ending}")] for name in expected}
            assert found == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_a_ramp_has_its_slope_and_no_curvature():
    k, j, i = np.indices(SHAPE).astype(np.float32)
    image = 3 * i + 4 * j + 10 * k
    rough = RoughShape(ball_phi(), SPACING)
    table = voxel_features(image, rough, np.array([[7, 18, 20], [6, 15, 22]]))
    np.testing.assert_allclose(column(table, "sobel_column"), 3, rtol=1e-5)
    np.testing.assert_allclose(column(table, "sobel_row"), 4, rtol=1e-5)
    np.testing.assert_allclose(column(table, "gradient_2"), 5, rtol=1e-5)
    np.testing.assert_allclose(column(table, "gradient_3"), np.sqrt((3 / 0.5) ** 2 + 4**2 + (10 / 2) ** 2), rtol=1e-5)
    for name in ("hessian_large", "hessian_small", "laplacian_3", "dog_12", "skew_2"):
        np.testing.assert_allclose(column(table, name), 0, atol=2e-3)


def test_a_bowl_has_the_curvatures_of_its_formula():
    k, j, i = np.indices(SHAPE).astype(np.float32)
    image = 1.5 * (i - 20) ** 2 - 0.5 * (j - 18) ** 2 + 0.25 * (k - 7) ** 2
    table = voxel_features(image, RoughShape(ball_phi(), SPACING), np.array([[7, 18, 20]]))
    assert column(table, "hessian_large")[0] == pytest.approx(3.0, abs=0.01)
    assert column(table, "hessian_small")[0] == pytest.approx(-1.0, abs=0.01)
    expected = 3 / 0.5**2 - 1 / 1.0**2 + 0.5 / 2.0**2
    assert column(table, "laplacian_3")[0] == pytest.approx(expected, abs=0.1)


def test_place_is_of_the_rough_shape():
    rough = RoughShape(ball_phi(), SPACING)
    box = rough.box()
    corners = np.array([[one.start for one in box], [one.stop - 1 for one in box], [7, 18, 20]])
    table = voxel_features(np.random.default_rng(1).normal(size=SHAPE), rough, corners)
    for name in ("x", "y", "z"):
        np.testing.assert_allclose(column(table, name), [-1, 1, 0], atol=1e-6)
    np.testing.assert_allclose(column(table, "phi_mm"), rough.phi_mm[tuple(corners.T)], rtol=1e-6)
    surface = np.argwhere(np.abs(rough.phi_mm) < 0.05)
    around = column(voxel_features(np.zeros(SHAPE), rough, surface), "centre_distance")
    np.testing.assert_allclose(around, 1, atol=0.05)  # by definition 1 on the surface of a ball
    assert column(table, "centre_distance")[2] == pytest.approx(0, abs=1e-6)


def test_what_is_far_away_changes_nothing(scene):
    image, rough = scene
    wide = np.pad(image, [(20, 20)] * 3, mode="edge")
    phi = np.pad(rough.phi_mm, [(20, 20)] * 3, constant_values=-99)
    points = np.argwhere(np.abs(rough.phi_mm) < 1)[::7] + 20
    first = voxel_features(wide, RoughShape(phi, SPACING), points)
    wide[:3], wide[:, :3], wide[:, :, -3:] = 9999, -9999, 777
    np.testing.assert_array_equal(voxel_features(wide, RoughShape(phi, SPACING), points), first)


def test_shifted_scene_gives_the_same_rows(scene):
    image, rough = scene
    points = np.argwhere(np.abs(rough.phi_mm) < 1)[::11]
    wide, phi = (np.pad(a, [(16, 16)] * 3, mode="wrap") for a in (image, rough.phi_mm))
    phi[:16], phi[-16:], phi[:, :16], phi[:, -16:], phi[:, :, :16], phi[:, :, -16:] = (-50,) * 6
    here = voxel_features(wide, RoughShape(phi, SPACING), points + 16)
    image, phi = (np.roll(one, (2, 3, 5), (0, 1, 2)) for one in (wide, phi))
    moved = voxel_features(image, RoughShape(phi, SPACING), points + np.array([18, 19, 21]))
    np.testing.assert_allclose(moved, here, rtol=1e-5, atol=1e-5)


def test_gain_and_offset_leave_texture_alone(scene):
    image, rough = scene
    points = np.argwhere(np.abs(rough.phi_mm) < 1)[::5]
    here, scaled = (voxel_features(one, rough, points) for one in (image, 4 * image + 64))
    for name in FEATURES:
        if name.startswith(("ggcm", "glcm")) or name in ("skew_2", "kurtosis_2", "x", "phi_mm"):
            np.testing.assert_allclose(column(scaled, name), column(here, name), rtol=2e-3, atol=2e-3, err_msg=name)
    for name in ("sd_2", "gradient_3", "laplacian_3", "dog_12", "hessian_large"):
        np.testing.assert_allclose(column(scaled, name), 4 * column(here, name), rtol=1e-3, atol=1e-2, err_msg=name)


def test_threads_do_not_change_a_bit(scene):
    image, rough = scene
    points = np.argwhere(np.abs(rough.phi_mm) < 3)
    assert len(points) > 4096  # more than two blocks
    expected = voxel_features(image, rough, points, runtime=Runtime(1))
    np.testing.assert_array_equal(voxel_features(image, rough, points, runtime=Runtime(3)), expected)
    assert np.isfinite(expected).all()


def test_constant_image_has_finite_features():
    points = np.argwhere(np.abs(ball_phi()) < 1)
    table = voxel_features(np.full(SHAPE, 5, np.int16), RoughShape(ball_phi(), SPACING), points)
    assert np.isfinite(table).all()
    assert (column(table, "ggcm_3_entropy") == 0).all()


def test_no_points_give_no_rows(scene):
    image, rough = scene
    assert voxel_features(image, rough, np.zeros((0, 3), int)).shape == (0, 61)


def test_gradient_honours_spacing_and_single_slices():
    ramp = np.broadcast_to(np.arange(6, dtype=np.float32), (1, 5, 6))
    np.testing.assert_allclose(gradient_per_mm(np.ascontiguousarray(ramp), (9.0, 1.0, 0.5)), 2)
    blurred = ndi.gaussian_filter(np.random.default_rng(0).normal(size=(6, 7, 8)), 1).astype(np.float32)
    far = gradient_per_mm(blurred, (2.0, 2.0, 2.0))
    np.testing.assert_allclose(2 * far, gradient_per_mm(blurred, (1.0, 1.0, 1.0)), rtol=1e-5)


@pytest.mark.parametrize("case", ["shape", "empty", "nan", "small", "outside"])
def test_what_cannot_be_described_is_refused(case, scene):
    image, rough = scene
    point = np.array([[7, 18, 20]])
    if case == "shape":
        image = image[1:]
    elif case == "empty":
        rough = RoughShape(np.full(SHAPE, -1.0), SPACING)
    elif case == "nan":
        image = np.where(rough.phi_mm > 7, np.nan, image)
    elif case == "small":
        image, rough, point = image[:2], RoughShape(np.ones((2, 36, 40)), SPACING), np.array([[0, 1, 1]])
    else:
        point = np.array([[14, 0, 0]])
    words = {
        "shape": "one 3-D shape",
        "empty": "is empty",
        "nan": "not finite",
        "small": "window",
        "outside": "outside",
    }
    with pytest.raises(UsageError, match=words[case]):
        voxel_features(image, rough, point)
