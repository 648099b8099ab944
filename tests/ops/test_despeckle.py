"""Speckle filters: known speckle of known pictures, laws, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage as ndi

from overread.errors import UsageError
from overread.ops.despeckle import lee, srad

FILTERS = {"lee": lee, "srad": srad}


def speckled(image, looks: float, seed: int = 0):
    rng = np.random.default_rng(seed)
    return image * rng.gamma(looks, 1 / looks, image.shape)


def disc(shape=(96, 96), radius=24, inside=3.0):
    rows, columns = np.indices(shape) - (np.array(shape)[:, None, None] - 1) / 2
    return np.where(np.hypot(rows, columns) < radius, inside, 1.0)


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("looks", [4, 16])
def test_speckle_of_an_even_picture_falls_and_the_mean_stays(name, looks):
    image = speckled(np.full((96, 96), 5.0), looks)
    out = FILTERS[name](image)
    assert out.dtype == np.float32
    assert out.mean() == pytest.approx(image.mean(), rel=0.02)
    assert out.std() / out.mean() < 0.4 * image.std() / image.mean()


@pytest.mark.parametrize("name", FILTERS)
def test_contrast_to_noise_rises_and_the_edge_stays(name):
    truth = disc()
    out = FILTERS[name](speckled(truth, 8))
    inside, outside = disc(radius=20) > 2, disc(radius=28) < 2
    before = speckled(truth, 8)

    def cnr(picture):
        return (picture[inside].mean() - picture[outside].mean()) / np.sqrt(
            (picture[inside].var() + picture[outside].var()) / 2
        )

    assert cnr(out) > 1.8 * cnr(before)
    assert out[inside].mean() - out[outside].mean() == pytest.approx(2, abs=0.1)
    rim = np.abs(out - truth)[(disc(radius=26) > 2) & (disc(radius=22) < 2)].mean()
    blurred = 1.0  # half of the step, as a filter that knows no edge leaves it
    assert rim < 0.8 * blurred


@pytest.mark.parametrize("name", FILTERS)
def test_twice_as_bright_gives_twice_the_answer(name):
    image = speckled(disc(), 8)
    np.testing.assert_allclose(FILTERS[name](2 * image), 2 * FILTERS[name](image), rtol=1e-4)


@pytest.mark.parametrize("name", FILTERS)
def test_a_picture_without_speckle_is_left_and_slices_are_filtered_apart(name):
    even = np.full((32, 32), 7.0)
    np.testing.assert_allclose(FILTERS[name](even), even, rtol=1e-5)
    np.testing.assert_array_equal(FILTERS[name](np.zeros((16, 16))), 0)
    stack = np.stack([speckled(disc((32, 32), 8), 8, seed) for seed in range(3)])
    out = FILTERS[name](stack)
    if name == "srad":
        np.testing.assert_array_equal(out[1], srad(stack[1]))
    else:
        np.testing.assert_allclose(lee(stack, speckle=0.3)[1], lee(stack[1], speckle=0.3), rtol=1e-6)


def test_lee_at_its_ends():
    image = speckled(disc(), 8)
    np.testing.assert_allclose(lee(image, speckle=0), image, rtol=1e-5)
    wide = lee(image, speckle=100.0)
    np.testing.assert_allclose(wide, ndi.uniform_filter(image, 7, mode="reflect"), rtol=1e-3)


def test_no_iteration_changes_nothing():
    image = speckled(disc(), 8)
    np.testing.assert_allclose(srad(image, iterations=0), image, rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: lee(np.full((9, 9), -1.0)), "speckle multiplies"),
        (lambda: srad(np.full((9, 9), np.nan)), "no numbers"),
        (lambda: lee(np.ones((9, 9)), window=4), "odd number of 3 to 9"),
        (lambda: lee(np.ones((9, 9)), window=11), "odd number of 3 to 9"),
        (lambda: lee(np.ones((9, 9)), speckle=-1), "0 or more"),
        (lambda: srad(np.ones((9, 9)), step=0.5), "up to 0.25"),
        (lambda: srad(np.ones(9)), "expected"),
    ],
)
def test_what_cannot_be_filtered_is_refused(call, words):
    with pytest.raises(UsageError, match=words):
        call()
