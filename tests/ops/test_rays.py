"""Ray features on bodies whose radius, shape and attachments are known."""

from __future__ import annotations

import numpy as np
import pytest

from overread.ops.rays import FEATURES, RayField, ray_features, sphere_directions
from overread.runtime import Runtime

SPACING_MM = (1.25, 0.9, 1.1)
SHAPE = (48, 66, 56)


def field_of(bright):
    image = np.where(bright, 20.0, -850.0).astype(np.float32)
    return RayField(image, np.ones(SHAPE, np.float32), SPACING_MM)


def rays_points():
    return np.stack(np.indices(SHAPE), axis=-1) * np.array(SPACING_MM)


def features_at(field, centre_mm, radius_mm):
    found = ray_features(field, np.array([centre_mm]) / SPACING_MM, np.array([radius_mm]), Runtime(1))
    return found, dict(zip(FEATURES, found.table[0], strict=True))


CENTRE = np.array([30.0, 29.0, 31.0])


def test_directions_are_even_and_paired():
    directions = sphere_directions(128)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    np.testing.assert_array_equal(directions[64:], -directions[:64])
    np.testing.assert_allclose(directions.T @ directions / 128, np.eye(3) / 3, atol=0.01)


@pytest.mark.parametrize("radius_mm", [3.0, 6.0, 11.0])
def test_a_ball_is_recentred_and_measured(radius_mm):
    field = field_of(np.linalg.norm(rays_points() - CENTRE, axis=-1) < radius_mm)
    off = CENTRE + radius_mm * np.array([0.2, -0.25, 0.2])
    found, values = features_at(field, off, 1.3 * radius_mm)
    assert found.radius_mm[0] == pytest.approx(radius_mm, rel=0.1)
    assert np.linalg.norm(found.index_kji[0] * SPACING_MM - CENTRE) < 0.15 * radius_mm + 0.2
    assert values["axis_low"] > 0.85
    assert values["exit_never"] == 0
    assert values["run_pair"] < 0.1
    assert values["contrast_hu"] == pytest.approx(870, rel=0.1)


def test_a_tube_runs_through_and_a_ball_on_a_tube_runs_one_way():
    points = rays_points()
    tube = np.hypot(points[..., 1] - CENTRE[1], points[..., 2] - CENTRE[2]) < 3
    _, through = features_at(field_of(tube), CENTRE, 3.0)
    assert through["run_pair"] > 0.8
    assert through["bright_line"] > 0.5
    ended = (np.linalg.norm(points - CENTRE, axis=-1) < 6) | (tube & (points[..., 0] > CENTRE[0]))
    _, end = features_at(field_of(ended), CENTRE, 6.0)
    assert end["run_pair"] < 0.2
    assert end["bright_near_best"] > 0.6
    assert end["bright_near_onesided"] > 2 * through["bright_near_onesided"]


def test_wall_contact_is_the_share_of_rim_outside_the_lung():
    points = rays_points()
    field = field_of(np.linalg.norm(points - CENTRE, axis=-1) < 6)
    inside = (points[..., 2] < CENTRE[2]).astype(np.float32)
    image = np.where(inside > 0, field.image_hu, -850).astype(np.float32)
    _, half = features_at(RayField(image, inside, SPACING_MM), CENTRE - np.array([0, 0, 2.0]), 5.0)
    _, free = features_at(field, CENTRE, 6.0)
    assert half["wall_contact"] > 0.25
    assert free["wall_contact"] == 0


@pytest.mark.parametrize("threads", [2, 4])
def test_threads_do_not_change_a_bit(threads):
    rng = np.random.default_rng(1)
    field = RayField(rng.normal(-800, 100, SHAPE).astype(np.float32), np.ones(SHAPE, np.float32), SPACING_MM)
    at, radii = rng.uniform(5, 40, (90, 3)), rng.uniform(2, 8, 90)
    one, many = ray_features(field, at, radii, Runtime(1)), ray_features(field, at, radii, Runtime(threads))
    assert one.table.tobytes() == many.table.tobytes()
    assert np.isfinite(one.table).all()


def test_no_blobs_give_an_empty_table():
    empty = ray_features(field_of(np.zeros(SHAPE, bool)), np.zeros((0, 3)), np.zeros(0), Runtime(1))
    assert empty.table.shape == (0, len(FEATURES))
