"""Numbers of exposure on drawn films: each fault moves the number that is made for it."""

import numpy as np
import pytest
from scipy import ndimage as ndi

from overread.ops.film_exposure import NUMBERS, exposure_numbers, stored_range


@pytest.fixture(scope="module")
def film():
    smooth = ndi.gaussian_filter(np.random.default_rng(1).standard_normal((300, 260)), 12)
    return np.rint(np.clip(127 + 30 * smooth / smooth.std(), 0, 255)).astype(np.uint8)


def number(film, name):
    return exposure_numbers(film)[NUMBERS.index(name)]


def test_what_black_and_white_are_comes_from_the_type(film):
    assert stored_range(film // 4) == (0.0, 255.0)
    low, high = stored_range(film.astype(np.uint16) * 16)
    assert 0 < low < 16 * 60
    assert 16 * 190 < high < 16 * 255


def test_a_dark_film_of_8_bits_is_dark_and_one_of_12_bits_keeps_no_trace_of_it(film):
    assert number(film // 4, "tone_50") == pytest.approx(number(film, "tone_50") / 4, abs=0.01)
    twelve = film.astype(np.uint16) * 16
    assert number(twelve // 4, "tone_50") == pytest.approx(number(twelve, "tone_50"), abs=0.01)


def test_clipping_and_noise_are_seen(film):
    black = np.clip(film.astype(int) * 2 - 255, 0, 255).astype(np.uint8)
    assert np.exp(number(black, "lowest")) == pytest.approx((black <= 1).mean(), abs=0.03)
    assert number(black, "lowest") > number(film, "lowest") + 2
    noisy = np.clip(film + np.random.default_rng(2).normal(0, 12, film.shape), 0, 255).astype(np.uint8)
    assert number(noisy, "grain") > number(film, "grain") + 1


@pytest.mark.parametrize("plain", [np.full((80, 90), 9, np.uint16), np.full((80, 90), np.nan, np.float32)])
def test_a_picture_of_one_value_has_no_numbers(plain):
    np.testing.assert_array_equal(exposure_numbers(plain), 0)
