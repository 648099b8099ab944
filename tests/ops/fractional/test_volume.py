"""Enhancement in three dimensions against explicit templates and scipy; speckle filters in front; what is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage as ndi

from overread.errors import UsageError
from overread.ops.despeckle import lee, srad
from overread.ops.fractional import (
    Despeckle,
    EnhancePlan,
    Mode,
    coefficients,
    dimension_map,
    enhance,
    grey_range,
    order_map,
    order_of,
)
from overread.runtime import Runtime

ISOTROPIC = (1.0, 1.0, 1.0)
RAYS = [ray for ray in itertools.product((-1, 0, 1), repeat=3) if any(ray)]


def plan(order=0.6, **options):
    return EnhancePlan(dimensions=3, order=order, **options)


def cube(order, rings, spacing):
    """The template of 26 rays, each ray times (length / least spacing)^(-order)."""
    size = 2 * rings + 1
    cells = np.zeros((size, size, size))
    for ray, k in itertools.product(RAYS, range(1, rings + 1)):
        length = np.linalg.norm(np.array(ray) * spacing) / min(spacing)
        cells[tuple(rings + k * step for step in ray)] = coefficients(order, rings)[k] * length**-order
    cells[rings, rings, rings] = 26
    return cells


def of_mode(mode, values, raw, gain):
    return {
        Mode.RAW: raw,
        Mode.PAPER: raw / 26,
        Mode.MEAN_PRESERVING: raw / 26 / gain,
        Mode.SIGNED: values + raw / 26 - gain * values,
    }[mode]


@pytest.mark.parametrize("rings", [1, 2, 3, 4])
@pytest.mark.parametrize("spacing", [ISOTROPIC, (3.0, 0.7, 0.8)])
@pytest.mark.parametrize("mode", list(Mode))
def test_one_order_equals_scipy(rings, spacing, mode):
    image = np.random.default_rng(rings).normal(size=(7, 12, 9))
    cells = cube(0.6, rings, spacing)
    expected = of_mode(mode, image, ndi.correlate(image, cells, mode="mirror"), cells.sum() / 26)
    found = enhance(image, plan(mode=mode, rings=rings), spacing_mm=spacing)
    np.testing.assert_allclose(found, expected, atol=1e-11)


def test_order_of_each_voxel_is_exact_and_that_of_its_slice():
    image = ndi.gaussian_filter(np.random.default_rng(4).normal(size=(4, 30, 26)), 0.6)
    spacing = (2.0, 1.0, 1.0)
    found = enhance(image, EnhancePlan(dimensions=3, window=9, map_step=1), spacing_mm=spacing)
    around = np.pad(image, 2, mode="reflect")
    grey = grey_range(image)
    orders = [order_of(dimension_map(one, window=9, grey=grey).values) for one in image]
    for k, r, c in [(0, 0, 0), (1, 14, 9), (2, 29, 3), (3, 7, 25)]:
        cells = cube(orders[k][r, c], 2, spacing)
        raw = (cells * around[k : k + 5, r : r + 5, c : c + 5]).sum()
        expected = image[k, r, c] + raw / 26 - cells.sum() / 26 * image[k, r, c]
        assert found[k, r, c] == pytest.approx(expected, abs=1e-11)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.0, 0.99), st.floats(-1e3, 1e3))
def test_mean_is_kept_and_order_zero_changes_nothing(seed, order, level):
    flat = np.full((4, 6, 7), level)
    for mode in (Mode.SIGNED, Mode.MEAN_PRESERVING):
        np.testing.assert_allclose(enhance(flat, plan(order, mode=mode), spacing_mm=(2, 1, 1)), level, atol=1e-9)
    image = np.random.default_rng(seed).normal(size=(4, 6, 7))
    np.testing.assert_array_equal(enhance(image, plan(0.0), spacing_mm=(2, 1, 1)), image)


def test_turned_volume_gives_turned_result():
    image = ndi.gaussian_filter(np.random.default_rng(8).normal(size=(11, 13, 12)), 0.8)
    expected = enhance(image, plan(), spacing_mm=(2.0, 1.0, 1.5))
    for axes in itertools.permutations(range(3)):
        spacing = tuple((2.0, 1.0, 1.5)[axis] for axis in axes)
        turned = np.ascontiguousarray(image.transpose(axes)[::-1])
        found = enhance(turned, plan(), spacing_mm=spacing)
        np.testing.assert_allclose(found, expected.transpose(axes)[::-1], atol=1e-12)


def test_slices_far_apart_count_less():
    """Ten times as far apart, a neighbour of order .6 counts 10^-.6 as much: the result nears the one without it."""
    image = np.zeros((5, 9, 9))
    image[2, 4, 4] = 1
    near, far = (enhance(image, plan(), spacing_mm=(s, 1.0, 1.0)) for s in (1.0, 10.0))
    assert far[3, 4, 4] / near[3, 4, 4] == pytest.approx(10**-0.6, rel=1e-12)
    equal = enhance(image, plan(diagonal="equal"), spacing_mm=(10.0, 1.0, 1.0))
    assert equal[3, 4, 4] == pytest.approx(near[3, 4, 4], rel=1e-12)


@pytest.mark.parametrize("despeckle", list(Despeckle))
def test_any_number_of_threads_gives_the_same_bits(despeckle):
    image = np.random.default_rng(3).gamma(4, 25, (4, 150, 70)).astype(np.float32)
    how = EnhancePlan(dimensions=3, despeckle=despeckle)
    expected = enhance(image, how, spacing_mm=(3, 1, 1), runtime=Runtime(1))
    for threads in (2, 3):
        found = enhance(image, how, spacing_mm=(3, 1, 1), runtime=Runtime(threads))
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("shape", "spacing", "said"),
    [
        ((30, 30), ISOTROPIC, "a volume of more than 2 slices"),
        ((2, 30, 30), ISOTROPIC, "a volume of more than 2 slices"),
        ((9, 30, 30), None, "spacing_mm is None"),
        ((9, 30, 30), (1.0, 0.0, 1.0), "spacing_mm is"),
        ((9, 30, 30), (5.0, 0.4, 0.4), "12.5 times as long one way"),
    ],
)
def test_what_has_no_third_dimension_is_refused(shape, spacing, said):
    with pytest.raises(UsageError, match=said):
        enhance(np.zeros(shape), plan(), spacing_mm=spacing)
    with pytest.raises(UsageError, match="dimensions is 4"):
        EnhancePlan(dimensions=4)


@pytest.mark.parametrize(("despeckle", "run"), [("lee", lee), ("srad", srad)])
def test_speckle_is_filtered_before_the_order_is_found(despeckle, run):
    image = np.random.default_rng(1).gamma(4, 25, (60, 50)).astype(np.float32)
    how = EnhancePlan(despeckle=despeckle)
    np.testing.assert_array_equal(enhance(image, how), enhance(run(image)))
    np.testing.assert_array_equal(order_map(image, how), order_map(run(image)))
    with pytest.raises(UsageError, match="speckle multiplies"):
        enhance(image - 50, how)
    with pytest.raises(UsageError, match="despeckle is 'median'"):
        EnhancePlan(despeckle="median")
