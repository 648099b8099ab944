"""Blobs of known size and place; tubes and planes must stay silent."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.ops.blobness import find_blobs, symmetric_eigenvalues
from overread.ops.pool import block_mean, pool_factors, spread_blocks

SIGMAS_MM = (1.2, 1.7, 2.4, 3.4, 4.8, 6.8, 9.6)
SPACING_MM = (2.0, 1.3, 1.5)


def scene_points(shape, spacing):
    return np.stack(np.indices(shape), axis=-1) * np.array(spacing)


@pytest.mark.parametrize("diameter_mm", [5.0, 9.0, 16.0, 28.0])
def test_a_ball_answers_at_its_place_and_scale(diameter_mm):
    points = scene_points((40, 60, 56), SPACING_MM)
    centre = np.array([41.0, 37.3, 40.1])
    image = np.where(np.linalg.norm(points - centre, axis=-1) < diameter_mm / 2, 20.0, -850.0).astype(np.float32)
    blobs = find_blobs(image, SPACING_MM, sigmas_mm=SIGMAS_MM, threshold_hu=25, at_most=50)
    assert np.linalg.norm(blobs.index_kji[0] * SPACING_MM - centre) < max(1.0, 0.12 * diameter_mm)
    assert blobs.sigma_mm[0] == pytest.approx(diameter_mm / (2 * 3**0.5), rel=0.45)
    assert 50 < blobs.strength_hu[0] < 450


def test_tubes_and_planes_are_silent():
    points = scene_points((40, 60, 56), SPACING_MM)
    tube = np.hypot(points[..., 1] - 30, points[..., 2] - 40) < 3
    plane = np.abs(points[..., 0] - 60) < 2
    image = np.where(tube | plane, 20.0, -850.0).astype(np.float32)
    far = find_blobs(image, SPACING_MM, sigmas_mm=SIGMAS_MM, threshold_hu=25, at_most=500)
    away = np.abs(far.index_kji[:, 0] * SPACING_MM[0] - 60)
    assert (away < 15).all()  # only where the tube runs into the plane may anything answer


def test_eigenvalues_equal_lapack():
    rng = np.random.default_rng(0)
    xx, yy, zz, xy, xz, yz = rng.normal(size=(6, 500))
    stack = np.stack([np.stack([xx, xy, xz], -1), np.stack([xy, yy, yz], -1), np.stack([xz, yz, zz], -1)], -2)
    np.testing.assert_allclose(
        np.stack(symmetric_eigenvalues((xx, yy, zz), (xy, xz, yz)), -1), np.linalg.eigvalsh(stack), atol=1e-9
    )


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 9)] * 3),
    factors=st.tuples(*[st.integers(1, 4)] * 3),
    seed=st.integers(0, 1000),
)
def test_block_means_are_the_means_of_blocks(shape, factors, seed):
    array = np.random.default_rng(seed).integers(-1024, 3000, shape).astype(np.int16)
    means = block_mean(array, factors)
    for a, b, c in np.ndindex(means.shape):
        block = array[
            a * factors[0] : (a + 1) * factors[0],
            b * factors[1] : (b + 1) * factors[1],
            c * factors[2] : (c + 1) * factors[2],
        ]
        assert means[a, b, c] == pytest.approx(block.mean(), rel=1e-5, abs=1e-3)
    assert spread_blocks(means, factors, shape).shape == shape


def test_pool_factors_never_skip_an_axis():
    assert pool_factors((2.5, 0.7, 0.7), target_mm=2.0) == (1, 3, 3)
    assert pool_factors((5.0, 3.0, 0.36), target_mm=1.4) == (1, 1, 4)
