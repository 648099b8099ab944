"""Local dimension: planes, noise, fractional Brownian surfaces; orders by equation 1; the null test of contrast."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage as ndi

from overread.errors import UsageError
from overread.ops.fractional import EnhancePlan, Mode, Reading, dimension_map, enhance, order_map, order_of
from overread.runtime import Runtime


def brownian_surface(dimension, size, seed):
    """A surface of known dimension by spectral synthesis: power falls as f^-(2 H + 2), H = 3 - D."""
    rng = np.random.default_rng(seed)
    fy, fx = np.fft.fftfreq(2 * size)[:, None], np.fft.rfftfreq(2 * size)[None, :]
    f = np.hypot(fy, fx)
    f[0, 0] = 1
    amplitude = f ** -(3 - dimension + 1)
    amplitude[0, 0] = 0
    spectrum = amplitude * np.exp(2j * np.pi * rng.random(amplitude.shape))
    return np.fft.irfft2(spectrum)[:size, :size]


def naive_dimension(image, window):
    """The definition in whole-image operations, on whole grey levels between percentiles 0.5 and 99.5."""
    low, high = np.percentile(image, (0.5, 99.5))
    pad = window // 2 + 5
    grey = np.floor(np.clip((image - low) * (255 / (high - low)), 0, 255) + 0.5)
    upper = np.pad(grey, pad, mode="reflect")
    lower = upper.copy()
    cross = ndi.generate_binary_structure(2, 1)
    volumes = []
    for _ in range(5):
        upper = np.maximum(upper + 1, ndi.grey_dilation(upper, footprint=cross))
        lower = np.minimum(lower - 1, ndi.grey_erosion(lower, footprint=cross))
        volumes.append(ndi.uniform_filter(upper - lower, window)[pad:-pad, pad:-pad])
    area = np.log(np.diff(volumes, axis=0) / 2).reshape(4, -1)
    slope = np.polyfit(np.log([2, 3, 4, 5]), area, 1)[0].reshape(image.shape)
    return np.clip(2 - slope, 2, 3)


@pytest.mark.parametrize(("window", "shape"), [(17, (140, 90)), (9, (33, 150)), (33, (80, 80))])
def test_map_equals_its_definition(window, shape):
    image = ndi.gaussian_filter(np.random.default_rng(window).normal(size=shape), 0.7)
    found = dimension_map(image, window=window)
    assert found.values.shape == shape
    np.testing.assert_allclose(found.values, naive_dimension(image, window), atol=1e-10)


def test_plane_has_dimension_two_and_noise_three():
    plane = np.add.outer(np.arange(80.0), 2 * np.arange(90.0))
    inside = np.s_[20:-20, 20:-20]  # mirrored edges make ridges
    np.testing.assert_allclose(dimension_map(plane, grey=(0, 300)).values[inside], 2, atol=0.02)
    noise = np.random.default_rng(1).normal(size=(90, 90))
    assert dimension_map(noise).values.mean() > 2.95
    np.testing.assert_array_equal(dimension_map(np.zeros((40, 40))).values, 2)


@pytest.mark.parametrize(("dimension", "read"), [(2.1, 2.15), (2.3, 2.32), (2.5, 2.48), (2.7, 2.63), (2.9, 2.80)])
def test_brownian_surfaces_read_as_in_the_study(dimension, read):
    """Means over surfaces of one window size, as the bias was measured; 0.06 is its spread between surfaces."""
    maps = [dimension_map(brownian_surface(dimension, 128, seed), window=33).values for seed in range(6)]
    assert np.mean([one[20:-20, 20:-20] for one in maps]) == pytest.approx(read, abs=0.06)


def test_orders_of_equation_one():
    np.testing.assert_allclose(order_of(np.array([2.0, 2.4, 2.8, 3.0])), [0.45, 0.65, 0.85, 0.85], atol=1e-12)
    literal = order_of(np.array([2.0, 1.5, 2.4]), Reading.LITERAL)
    np.testing.assert_allclose(literal, [0.70, 0.45, 0.85], atol=1e-12)
    np.testing.assert_allclose(order_of(np.array([2.0, 2.5, 3.0]), Reading.PROFILE), [0.45, 0.45, 0.70], atol=1e-12)
    spread = np.linspace(2.1, 2.6, 101)
    quantile = order_of(spread, Reading.QUANTILE)
    np.testing.assert_allclose(quantile[[0, 5, 50, 95, 100]], [0.45, 0.45, 0.65, 0.85, 0.85], atol=1e-12)
    assert (order_of(np.full(5, 2.3), Reading.QUANTILE) == 0.45).all()


def test_knots_cost_less_than_a_hundredth_of_an_order():
    """And change the result by about a hundredth of what the enhancement adds."""
    smooth, rough = brownian_surface(2.2, 256, 1), np.random.default_rng(1).normal(size=(256, 256))
    for image in (smooth, np.where(np.arange(256) < 128, smooth / smooth.std(), rough)):
        exact, quick = EnhancePlan(map_step=1), EnhancePlan(map_step=4)
        assert np.abs(order_map(image, quick) - order_map(image, exact)).mean() < 0.01
        expected = enhance(image, exact)
        assert (enhance(image, quick) - expected).std() < 0.015 * (expected - image).std()


@pytest.mark.parametrize("size", [14, 15, 29, 30, 64, 97, 130])
@pytest.mark.parametrize("step", [1, 2, 4, 7])
def test_knots_hold_both_ends_and_mirror(size, step):
    found = dimension_map(np.random.default_rng(size).normal(size=(size, 40)), step=step).rows
    assert found[0] == 0
    assert found[-1] == size - 1
    assert (np.diff(found) >= 1).all()
    assert np.diff(found).max() <= step + 1
    np.testing.assert_array_equal(found, size - 1 - found[::-1])


def test_equal_means_stay_equal_unless_the_mode_is_paper():
    """D2, the null test: a smooth and a rough half of one mean get no contrast from an honest mode."""
    rng = np.random.default_rng(12)
    rough = rng.normal(0, 12, (128, 128))
    smooth = ndi.gaussian_filter(rng.normal(0, 1, (128, 128)), 6)
    image = np.where(np.arange(128) < 64, 12 * smooth / smooth.std(), rough)
    halves = np.s_[16:-16, 10:54], np.s_[16:-16, 74:118]
    for half in halves:
        image[half] -= image[half].mean()
    image += 100
    found = {}
    for mode in (Mode.SIGNED, Mode.MEAN_PRESERVING, Mode.PAPER):
        a, b = (enhance(image, EnhancePlan(mode=mode))[half] for half in halves)
        found[mode] = abs(a.mean() - b.mean()) / np.sqrt((a.var() + b.var()) / 2)
    assert found[Mode.SIGNED] <= 0.05
    assert found[Mode.MEAN_PRESERVING] <= 0.05
    assert found[Mode.PAPER] > 0.8


def test_threads_and_image_types_do_not_change_the_map():
    image = np.random.default_rng(3).integers(0, 1000, (150, 100)).astype(np.uint16)
    expected = dimension_map(image, step=3, runtime=Runtime(1)).values
    np.testing.assert_array_equal(dimension_map(image, step=3, runtime=Runtime(3)).values, expected)
    np.testing.assert_array_equal(dimension_map(image.astype(np.float32), step=3).values, expected)


def test_window_larger_than_the_image_is_refused_with_the_way_out():
    with pytest.raises(UsageError, match=r"12 x 80 pixels, a window of 17 needs more than 13.*order=0\.6"):
        dimension_map(np.zeros((12, 80)))
