"""Fractional enhancement: golden numbers of the formulas, laws of the filter, and scipy as the other program."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage as ndi

from overread.errors import UsageError
from overread.ops.fractional import (
    EnhancePlan,
    Mode,
    coefficients,
    enhance,
    mean_gain,
    noise_gain,
    noise_sd,
    order_map,
    template,
    would_clip,
)
from overread.ops.fractional.kernels import _any_plan, fractional_step
from overread.runtime import Runtime

ONE = Runtime(1)
DIHEDRAL = [
    lambda a, turns=turns, mirror=mirror: np.rot90(a[:, ::-1] if mirror else a, turns)
    for turns, mirror in itertools.product(range(4), (False, True))
]


def at_order(order, mode=Mode.SIGNED, **options):
    return EnhancePlan(order=order, mode=mode, **options)


def test_coefficients_of_half_order_are_exact():
    np.testing.assert_array_equal(coefficients(0.5, 2), [1, -0.5, -0.125])
    assert mean_gain(0.5, 2) == 0.375


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (0.45, (-0.45, -0.12375, -0.06394, -0.04076)),
        (0.65, (-0.65, -0.11375, -0.05119, -0.03007)),
        (0.85, (-0.85, -0.06375, -0.02444, -0.01314)),
    ],
)
def test_coefficients_of_the_paper_s_orders(order, expected):
    np.testing.assert_allclose(coefficients(order, 4)[1:], expected, atol=5e-6)
    assert mean_gain(order, 4) == pytest.approx(coefficients(order, 4).sum(), abs=1e-15)


@pytest.mark.parametrize(
    ("mode", "centre", "first", "second"),
    [
        (Mode.RAW, 8.0, -0.5, -0.125),
        (Mode.PAPER, 1.0, -0.0625, -0.015625),
        (Mode.MEAN_PRESERVING, 8 / 3, -1 / 6, -1 / 24),
        (Mode.SIGNED, 1.625, -0.0625, -0.015625),
    ],
)
def test_impulse_shows_the_template(mode, centre, first, second):
    impulse = np.zeros((9, 9))
    impulse[4, 4] = 1
    expected = np.zeros((9, 9))
    for k, value in ((1, first), (2, second)):
        for row, column in itertools.product((-k, 0, k), repeat=2):
            expected[4 + row, 4 + column] = value
    expected[4, 4] = centre
    np.testing.assert_allclose(enhance(impulse, at_order(0.5, mode)), expected, atol=1e-12)


@pytest.mark.parametrize("rings", [1, 2, 3, 4])
@pytest.mark.parametrize("diagonal", ["equal", "metric"])
def test_order_of_each_pixel_is_exact(rings, diagonal):
    """D3: ring sums against the explicit template of every pixel."""
    rng = np.random.default_rng(rings)
    image, orders = rng.normal(size=(12, 12)), rng.uniform(0, 0.99, (12, 12))
    padded = np.pad(image, ((rings, rings), (0, 0)), mode="reflect")
    around = np.pad(image, rings, mode="reflect")
    out = np.empty_like(image)
    for code, mode in enumerate(("signed", "paper", "mean_preserving", "raw")):
        fractional_step(padded, orders, rings, diagonal == "metric", code, 1.0, out)
        for r, c in np.ndindex(image.shape):
            cells = template(orders[r, c], rings)
            if diagonal == "metric":
                cells *= np.where(slanting(rings), 2 ** (-orders[r, c] / 2), 1)
            raw = (cells * around[r : r + 2 * rings + 1, c : c + 2 * rings + 1]).sum()
            gain = cells.sum() / 8
            value = {
                "raw": raw,
                "paper": raw / 8,
                "mean_preserving": raw / 8 / gain,
                "signed": image[r, c] + raw / 8 - gain * image[r, c],
            }[mode]
            assert out[r, c] == pytest.approx(value, abs=1e-12 * max(1, 1 / gain))


def slanting(rings):
    row, column = np.indices((2 * rings + 1, 2 * rings + 1)) - rings
    return (row != 0) & (column != 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32, np.float64])
def test_large_image_equals_scipy(dtype):
    rng = np.random.default_rng(4)
    image = rng.integers(0, 255, (201, 77)).astype(dtype)
    found = enhance(image, at_order(0.65, Mode.PAPER))
    assert found.dtype == (np.float64 if dtype == np.float64 else np.float32)
    expected = ndi.correlate(image.astype(np.float64), template(0.65, 2) / 8, mode="mirror")
    np.testing.assert_allclose(found, expected, atol=1e-12 if dtype == np.float64 else 2e-4)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.0, 0.99), st.floats(-1e3, 1e3))
def test_mean_is_kept_or_multiplied(seed, order, level):
    flat = np.full((9, 14), level)
    for mode, expected in (
        (Mode.SIGNED, level),
        (Mode.MEAN_PRESERVING, level),
        (Mode.PAPER, level * mean_gain(order, 2)),
    ):
        np.testing.assert_allclose(enhance(flat, at_order(order, mode)), expected, atol=1e-9)
    image = np.random.default_rng(seed).normal(size=(9, 14))
    np.testing.assert_allclose(enhance(image, at_order(0.0, Mode.PAPER)), image, atol=1e-14)
    np.testing.assert_array_equal(enhance(image, at_order(0.0)), image)


def test_first_order_of_one_ring_is_the_laplacian():
    image = np.random.default_rng(2).normal(size=(20, 30))
    ring = ndi.correlate(image, np.ones((3, 3)), mode="mirror") - image
    np.testing.assert_allclose(enhance(image, at_order(1.0, Mode.RAW, rings=1)), 8 * image - ring, atol=1e-12)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("order", [0.6, None])
def test_turned_image_gives_turned_result(mode, order):
    image = ndi.gaussian_filter(np.random.default_rng(8).normal(size=(70, 83)), 1.0)
    plan = EnhancePlan(mode=mode, order=order, window=9, map_step=1 if order is None else 4)
    expected = enhance(image, plan)
    for turn in DIHEDRAL:
        np.testing.assert_allclose(enhance(np.ascontiguousarray(turn(image)), plan), turn(expected), atol=1e-12)


def test_any_number_of_threads_gives_the_same_bits():
    image = np.random.default_rng(3).normal(size=(3, 190, 150)).astype(np.float32)
    expected = enhance(image, runtime=ONE)
    for threads in (2, 3):
        np.testing.assert_array_equal(enhance(image, runtime=Runtime(threads)), expected)


def test_slices_are_enhanced_on_their_own_with_one_grey_range():
    rng = np.random.default_rng(5)
    stack = np.stack([rng.normal(100, 20, (60, 60)), rng.normal(100, 20, (60, 60))]).astype(np.int16)
    both = enhance(stack, at_order(0.5))
    np.testing.assert_array_equal(both[1], enhance(stack[1], at_order(0.5)))
    doubled = enhance(np.stack([stack[0], stack[0]]))
    np.testing.assert_array_equal(doubled[0], doubled[1])


@pytest.mark.parametrize(("order", "signed", "paper", "kept"), [(0.45, 1.58, 1.014, 2.38), (0.85, 1.94, 1.044, 12.1)])
def test_noise_grows_as_derived(order, signed, paper, kept):
    assert noise_gain(order, 2) == pytest.approx(signed, abs=0.005)
    assert noise_gain(order, 2, mode="paper") == pytest.approx(paper, abs=5e-4)
    assert noise_gain(order, 2, mode="mean_preserving") == pytest.approx(kept, abs=0.05)
    noise = np.random.default_rng(1).normal(0, 10, (400, 400))
    for mode in (Mode.SIGNED, Mode.PAPER, Mode.MEAN_PRESERVING):
        ratio = enhance(noise, at_order(order, mode)).std() / noise.std()
        assert ratio == pytest.approx(noise_gain(order, 2, mode=mode), rel=0.01)


def test_strength_scales_what_is_added():
    image = np.random.default_rng(6).normal(size=(30, 30))
    once = enhance(image, at_order(0.7)) - image
    np.testing.assert_allclose(enhance(image, at_order(0.7, strength=2.5)) - image, 2.5 * once, atol=1e-12)


def test_log_domain_is_blind_to_a_gain():
    """Speckle multiplies: far from 0, a brighter image is enhanced by the same factor."""
    image = np.random.default_rng(7).gamma(4, 1e4, (60, 60))
    plan = at_order(0.6, domain="log")
    np.testing.assert_allclose(enhance(3 * image, plan), 3 * enhance(image, plan), rtol=2e-3)
    with pytest.raises(UsageError, match="lowest is -1"):
        enhance(np.full((30, 30), -1.0), plan)


def test_noise_guard_lowers_the_order_of_flat_noise_only():
    rng = np.random.default_rng(9)
    image = rng.normal(0, 1, (120, 160))
    image[:, 80:] += 40 * np.sign(np.sin(np.arange(120)[:, None] / 2.0)) * np.sign(np.sin(np.arange(80) / 2.0))
    plain, guarded = order_map(image, EnhancePlan()), order_map(image, EnhancePlan(noise_guard=True))
    assert noise_sd(image[:, :80]) == pytest.approx(1, rel=0.1)
    flat, textured = np.s_[20:100, 10:60], np.s_[20:100, 100:150]
    assert (guarded[flat] == 0.45).all()
    assert plain[flat].min() > 0.6
    assert guarded[textured].max() > 0.45


def test_share_that_an_integer_type_would_clip():
    found = would_clip(np.array([-1.0, 0.0, 255.0, 256.0]), np.uint8)
    assert (found.low, found.high, found.clipped_share) == (-1.0, 256.0, 0.5)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((2, 40)), "more than 2"),
        (np.zeros((13, 40)), "window of 17"),
        (np.zeros((4, 4, 4, 3)), "got"),
        (np.zeros((0, 4)), "got"),
        (np.full((40, 40), np.nan), "not finite"),
        (np.full((40, 40), np.inf), "not finite"),
        (np.zeros((40, 40), complex), "complex128"),
        (np.zeros((40, 40), bool), "bool"),
    ],
)
def test_what_is_no_image_is_refused(image, words):
    with pytest.raises(UsageError, match=words):
        enhance(image)


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "sharp"},
        {"reading": "x"},
        {"rings": 0},
        {"rings": 5},
        {"order": 1.1},
        {"order": -0.1},
        {"order": float("nan")},
        {"order": 1.0, "mode": "mean_preserving"},
        {"window": 16},
        {"window": 3},
        {"map_step": 0},
        {"strength": -1.0},
        {"strength": float("inf")},
        {"diagonal": "long"},
        {"domain": "ln"},
    ],
)
def test_unknown_choices_are_refused(options):
    with pytest.raises(UsageError, match="expected"):
        EnhancePlan(**options)


def test_constant_image_passes_unchanged_with_the_order_map():
    for dtype in (np.int16, np.float32):
        image = np.full((40, 50), 7, dtype)
        np.testing.assert_allclose(enhance(image), 7, rtol=1e-6)
        assert (order_map(image) == np.float32(0.45)).all()


def test_big_endian_and_strided_images_are_read_right():
    image = np.random.default_rng(11).integers(0, 999, (50, 60)).astype(np.int16)
    expected = enhance(image)
    np.testing.assert_array_equal(enhance(image.astype(">i2")), expected)
    doubled = np.repeat(np.repeat(image, 2, axis=0), 2, axis=1)
    np.testing.assert_array_equal(enhance(doubled[::2, ::2]), expected)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("width", [3, 4, 5, 6, 61])
def test_quick_kernel_of_the_usual_plan_gives_the_same_bits(kind, width):
    rng = np.random.default_rng(width)
    block = rng.normal(100, 30, (14, width)).astype(kind)
    for order in (rng.uniform(0.45, 0.85, (10, width)).astype(kind), np.full((1, 1), 0.6, kind)):
        quick, plain = np.empty((10, width), kind), np.empty((10, width), kind)
        fractional_step(block, order, 2, False, 0, 0.7, quick)
        _any_plan(block, order, 2, False, 0, 0.7, plain)
        np.testing.assert_array_equal(quick, plain)
