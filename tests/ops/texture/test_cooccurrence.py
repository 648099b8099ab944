"""Co-occurrence: golden numbers, the IBSI phantom, scikit-image as the other program, laws, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.feature import graycomatrix, graycoprops

from overread.errors import UsageError
from overread.ops.texture import (
    CO_OCCURRENCE,
    GRAY_GRADIENT,
    THIRTEEN,
    co_occurrence_features,
    co_occurrence_maps,
    gray_gradient_features,
    to_levels,
)
from overread.ops.texture.kernels import _co_occurrence_features, gray_gradient
from overread.runtime import Runtime

CENTRE = np.array([[0, 1, 1]])


def table_of(names, row):
    return dict(zip(names, row, strict=True))


def test_gray_gradient_golden_numbers():
    """F4: grey 1 1 / 2 2, gradient 1 2 / 1 2."""
    grey, gradient = np.array([[[0, 0], [1, 1]]], np.uint8), np.array([[[0, 1], [0, 1]]], np.uint8)
    out = np.empty((1, 15))
    gray_gradient(grey, gradient, np.zeros((1, 3), np.intp), np.array([1, 2, 2]), out)
    expected = [0.625, 2.5, 0.5, 0.5, 0.25, 1.5, 1.5, 0.5, 0.5, 0, 0.6931, 0.6931, 1.3863, 0.5, 0.75]
    np.testing.assert_allclose(out[0], expected, atol=5e-5)


def test_gray_gradient_of_three_by_three_by_hand():
    """Nine voxels, seven of (1, 1) and two of (2, 3)."""
    grey, gradient = np.zeros((1, 3, 3), np.uint8), np.zeros((1, 3, 3), np.uint8)
    grey[0, 0, :2], gradient[0, 0, :2] = 1, 2
    found = table_of(GRAY_GRADIENT, gray_gradient_features(grey, gradient, CENTRE, (1, 3, 3))[0])
    p, q = 7 / 9, 2 / 9
    entropy = -p * np.log(p) - q * np.log(q)
    expected = {
        "small_gradient_dominance": p + q / 9,
        "large_gradient_dominance": p + 9 * q,
        "grey_nonuniformity": p * p + q * q,
        "gradient_nonuniformity": p * p + q * q,
        "energy": p * p + q * q,
        "grey_mean": p + 2 * q,
        "gradient_mean": p + 3 * q,
        "grey_sd": np.sqrt(p * q),
        "gradient_sd": 2 * np.sqrt(p * q),
        "correlation": 1.0,
        "grey_entropy": entropy,
        "gradient_entropy": entropy,
        "entropy": entropy,
        "inertia": q,
        "inverse_difference_moment": p + q / 2,
    }
    assert found == pytest.approx(expected, abs=1e-12)


def test_constant_window_has_no_correlation_and_no_entropy():
    grey = np.full((1, 5, 5), 3, np.uint8)
    found = table_of(GRAY_GRADIENT, gray_gradient_features(grey, grey * 0, CENTRE, (1, 3, 3))[0])
    assert (found["correlation"], found["entropy"], found["energy"]) == (0, 0, 1)
    assert found["grey_mean"] == 4
    pairs = table_of(CO_OCCURRENCE, co_occurrence_features(grey, CENTRE, (1, 3, 3))[0])
    assert (pairs["correlation"], pairs["entropy"], pairs["largest"]) == (0, 0, 1)


def test_co_occurrence_of_three_by_three_by_hand():
    """0 0 1 / 0 0 1 / 0 0 1, pairs along rows only: three (0, 0) and three (0, 1)."""
    levels = np.array([[[0, 0, 1]] * 3], np.uint8)
    steps = np.array([[0, 0, 1]])
    found = table_of(CO_OCCURRENCE, co_occurrence_features(levels, CENTRE, (1, 3, 3), steps=steps)[0])
    # shares: (0, 0) 1/2, (0, 1) 1/4, (1, 0) 1/4; mean 1/4, variance 3/16, mean product 0
    expected = {
        "energy": 0.375,
        "contrast": 0.5,
        "correlation": -(1 / 16) / (3 / 16),
        "entropy": 0.5 * np.log(2) + 0.5 * np.log(4),
        "inverse_difference_moment": 0.75,
        "largest": 0.5,
    }
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("size", [(5, 7, 7), (1, 9, 9), (3, 3, 3)])
def test_features_equal_counted_matrices(size):
    """Every pair of every window, by NumPy slices and a histogram."""
    rng = np.random.default_rng(sum(size))
    levels = rng.integers(0, 6, (9, 12, 13)).astype(np.uint8)
    points = np.stack([rng.integers(0, n, 12) for n in levels.shape], axis=1)
    found = co_occurrence_features(levels, points, size)
    around = np.pad(levels, [(n // 2, n // 2) for n in size], mode="reflect")
    for point, row in zip(points, found, strict=True):
        patch = around[tuple(slice(p, p + n) for p, n in zip(point, size, strict=True))]
        count = np.zeros((6, 6))
        for step in THIRTEEN:
            one = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(step, size, strict=True))
            other = tuple(slice(max(0, s), n - max(0, -s)) for s, n in zip(step, size, strict=True))
            if patch[one].size:
                np.add.at(count, (patch[one].ravel(), patch[other].ravel()), 1)
        p = (count + count.T) / (2 * count.sum())
        i, j = np.indices(p.shape)
        mean = (i * p).sum()
        expected = [
            (p**2).sum(),
            ((i - j) ** 2 * p).sum(),
            ((i - mean) * (j - mean) * p).sum() / ((i - mean) ** 2 * p).sum(),
            -(p[p > 0] * np.log(p[p > 0])).sum(),
            (p / (1 + (i - j) ** 2)).sum(),
            p.max(),
        ]
        np.testing.assert_allclose(row, expected, rtol=1e-9)


def test_thirteen_steps_reach_all_neighbours():
    both = {tuple(step) for step in np.concatenate([THIRTEEN, -THIRTEEN])}
    assert len(both) == 26


@pytest.mark.parametrize(("window", "high"), [(7, 32), (3, 4), (5, 16)])
def test_maps_equal_scikit_image(window, high):
    rng = np.random.default_rng(window)
    levels = rng.integers(0, high, (70, 33)).astype(np.uint8)
    levels[:20, :15] = 1
    maps = co_occurrence_maps(levels, window=window)
    around = np.pad(levels, window // 2, mode="reflect")
    angles = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
    for row, column in [(0, 0), (5, 5), (33, 0), (69, 32), (40, 17), (31, 20), (32, 20)]:
        patch = around[row : row + window, column : column + window]
        matrix = graycomatrix(patch, [1], angles, high, symmetric=True).sum(axis=3, keepdims=True).astype(float)
        p = matrix / matrix.sum()
        shares = p[p > 0]
        expected = {
            "energy": (p**2).sum(),
            "contrast": graycoprops(p, "contrast").item(),
            "correlation": graycoprops(p, "correlation").item() if np.ptp(patch) else 0.0,
            "entropy": -(shares * np.log(shares)).sum(),
            "inverse_difference_moment": graycoprops(p, "homogeneity").item(),
        }
        found = {name: float(one[row, column]) for name, one in maps.items()}
        assert found == pytest.approx(expected, rel=3e-6, abs=3e-6), (row, column)


def test_ibsi_digital_phantom():
    """Reference values of the IBSI manual (arXiv:1612.07003), co-occurrence in 3-D, all directions merged.

    The phantom has voxels outside its region, which a window of ours cannot leave out, so the matrix is counted here.
    """
    phantom, inside = ibsi_phantom()
    count = np.zeros((6, 6))
    for step in THIRTEEN:
        one = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(step, phantom.shape, strict=True))
        other = tuple(slice(max(0, s), n - max(0, -s)) for s, n in zip(step, phantom.shape, strict=True))
        both = inside[one] & inside[other]
        np.add.at(count, (phantom[one][both] - 1, phantom[other][both] - 1), 1)
    out = np.empty(6)
    _co_occurrence_features(count + count.T, float(2 * count.sum()), out)
    found = table_of(CO_OCCURRENCE, out)
    assert found["largest"] == pytest.approx(0.509, abs=5e-4)
    assert found["energy"] == pytest.approx(0.291, abs=5e-4)
    assert found["contrast"] == pytest.approx(5.12, abs=5e-3)
    assert found["correlation"] == pytest.approx(0.183, abs=5e-4)
    assert found["inverse_difference_moment"] == pytest.approx(0.631, abs=5e-4)
    assert found["entropy"] / np.log(2) == pytest.approx(2.57, abs=5e-3)


def ibsi_phantom():
    """4 slices of 4 rows of 5 columns; 0 marks voxels outside the region."""
    slices = [
        [[1, 4, 4, 1, 1], [1, 4, 6, 1, 1], [4, 1, 6, 4, 1], [4, 4, 6, 4, 1]],
        [[1, 4, 4, 1, 1], [1, 1, 6, 1, 1], [0, 1, 3, 1, 1], [4, 4, 6, 1, 1]],
        [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 1, 1], [1, 1, 6, 1, 1]],
        [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 6, 1, 1]],
    ]
    phantom = np.array(slices)
    return phantom, phantom > 0


def test_threads_do_not_change_a_bit():
    rng = np.random.default_rng(1)
    levels = rng.integers(0, 16, (6, 40, 40)).astype(np.uint8)
    points = np.argwhere(np.ones(levels.shape, bool))
    for one in (co_occurrence_features, lambda *a, **k: gray_gradient_features(a[0], *a, **k)):
        expected = one(levels, points, (5, 7, 7), runtime=Runtime(1))
        np.testing.assert_array_equal(one(levels, points, (5, 7, 7), runtime=Runtime(3)), expected)
    first = co_occurrence_maps(levels[0], runtime=Runtime(1))
    for name, found in co_occurrence_maps(levels[0], runtime=Runtime(3)).items():
        np.testing.assert_array_equal(found, first[name])


def test_levels_are_of_equal_width_and_clipped():
    values = np.array([-5.0, 0.0, 0.99, 1.0, 15.99, 16.0, 99.0])
    np.testing.assert_array_equal(to_levels(values, 0, 16), [0, 0, 0, 1, 15, 15, 15])
    assert not to_levels(values, 3, 3).any()


@pytest.mark.parametrize("size", [(2, 3, 3), (1, 3, 13), (0, 3, 3)])
def test_windows_that_do_not_fit_are_refused(size):
    levels = np.zeros((4, 6, 6), np.uint8)
    with pytest.raises(UsageError, match="odd and less than twice the image"):
        co_occurrence_features(levels, CENTRE, size)


def test_wrong_arrays_are_refused():
    levels = np.zeros((4, 6, 6), np.uint8)
    with pytest.raises(UsageError, match="one shape"):
        gray_gradient_features(levels, levels[:2], CENTRE, (1, 3, 3))
    with pytest.raises(UsageError, match="uint8"):
        co_occurrence_features(levels.astype(int), CENTRE, (1, 3, 3))
    with pytest.raises(UsageError, match="3 or more"):
        co_occurrence_maps(levels[0], window=1)
