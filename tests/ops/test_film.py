"""Preparation of films: tone, frame and square; what was placed is found again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.errors import UsageError
from overread.ops.film import Box, fit_square, harmonise, standardise, variants, without_frame


def test_percentiles_become_0_and_1():
    film = np.arange(10_000, dtype=np.uint16).reshape(100, 100)
    tone = standardise(film)
    assert tone.dtype == np.float32
    assert tone.flat[100] == pytest.approx(0.0, abs=2e-4)
    assert tone.flat[9_899] == pytest.approx(1.0, abs=2e-4)
    assert tone.flat[5_000] == pytest.approx(0.5, abs=1e-3)


def test_tone_does_not_depend_on_unit_or_offset():
    film = np.random.default_rng(1).normal(size=(40, 30)).astype(np.float32)
    np.testing.assert_allclose(standardise(film), standardise(300 * film - 1000), atol=1e-5)


def test_nothing_known_and_nothing_varying_are_black():
    assert not standardise(np.full((4, 5), np.nan)).any()
    assert not standardise(np.full((4, 5), 7)).any()
    film = np.arange(200.0).reshape(10, 20)
    film[0, 0] = np.nan
    assert np.isfinite(standardise(film)).all()
    with pytest.raises(UsageError, match="row, column"):
        standardise(np.zeros((3, 4, 3)))


def test_a_white_and_a_black_frame_are_found():
    rng = np.random.default_rng(2)
    film = np.ones((60, 80), np.float32)
    film[5:50, 12:70] = 0
    film[8:48, 15:66] = rng.uniform(size=(40, 51)).astype(np.float32)
    box = without_frame(film)
    assert box == Box((8, 48), (15, 66)) or (box.shape[0] <= 46 and box.shape[1] <= 59)
    assert box.rows[0] <= 8
    assert box.rows[1] >= 48


def test_a_film_without_detail_keeps_its_size():
    assert without_frame(np.zeros((20, 30), np.float32)) == Box((0, 20), (0, 30))


def test_little_more_than_a_third_of_a_side_is_ever_taken_for_frame():
    film = np.zeros((100, 100), np.float32)
    film[90:, :] = np.random.default_rng(3).uniform(size=(10, 100))
    assert without_frame(film).rows[0] == 35


@settings(max_examples=40, deadline=None)
@given(height=st.integers(20, 200), width=st.integers(20, 200), size=st.integers(16, 160))
def test_points_go_there_and_back(height, width, size):
    film = np.zeros((height, width), np.float32)
    square, placement = fit_square(film, size)
    assert square.shape == (size, size)
    points = np.array([[0.0, 0.0], [height - 1, width - 1], [3.25, 7.5]])
    np.testing.assert_allclose(placement.to_film(placement.to_square(points)), points, atol=1e-9)


def test_a_blob_lies_where_the_placement_says():
    film = np.zeros((200, 120), np.float32)
    film[90:111, 30:41] = 1
    box = Box((20, 190), (10, 115))
    square, placement = fit_square(film, 96, box)
    middle = np.indices(square.shape).reshape(2, -1) @ square.ravel() / square.sum()
    centre = placement.to_film(middle[None])[0]
    np.testing.assert_allclose(centre, (100, 35), atol=0.3)
    back = placement.map_to_film(square, film.shape)
    assert 2 * np.minimum(back > 0.5, film > 0.5).sum() / ((back > 0.5).sum() + film.sum()) > 0.85
    assert not back[:20].any()


def test_too_small_is_refused():
    with pytest.raises(UsageError, match="does not fit"):
        fit_square(np.zeros((1, 9), np.float32), 32)


def test_a_harmonised_film_has_no_frame_and_little_detail():
    rng = np.random.default_rng(5)
    film = np.zeros((700, 900), np.float32)
    film[100:600, 150:800] = rng.uniform(0.2, 0.8, (500, 650))
    small = harmonise(film)
    assert max(small.shape) == 256
    assert small.shape[0] / small.shape[1] == pytest.approx(500 / 650, abs=0.02)
    assert 0 <= small.min() <= small.max() <= 1
    assert np.abs(harmonise(1000 * film + 50) - small).mean() < 0.01


def test_a_small_film_is_not_enlarged_and_variants_differ():
    film = np.random.default_rng(6).uniform(size=(60, 80)).astype(np.float32)
    small = harmonise(film)
    assert max(small.shape) <= 80
    copies = variants(small, 64)
    assert copies.shape == (5, 1, 64, 64)
    assert copies.dtype == np.float32
    assert np.abs(copies[0] - copies[1]).max() > 0.05
    assert copies[2].mean() > copies[0].mean() > copies[3].mean()  # exponents below and above 1
