"""Maps on the copies of a film lead back to the place on the film that they are of."""

import numpy as np
import pytest
from scipy import ndimage as ndi

from overread.errors import UsageError
from overread.ops.film import VARIANTS, harmonise, harmonise_placed, variants
from overread.ops.film_copies import copies_to_film

SIDE = 224


def film_with_a_dot(shape: tuple[int, int], at: tuple[int, int], frame: int) -> np.ndarray:
    """Dim grain with one bright round spot, within a black frame."""
    grain = ndi.gaussian_filter(np.random.default_rng(0).normal(size=shape), 3)
    film = np.float32(1000) + np.float32(800) * grain.astype(np.float32)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    film += 4000 * np.exp(-((rows - at[0]) ** 2 + (columns - at[1]) ** 2) / (2 * (0.04 * max(shape)) ** 2))
    return np.pad(film, frame)


@pytest.mark.parametrize(
    ("shape", "at", "frame"),
    [
        ((400, 300), (120, 210), 0),
        ((300, 420), (200, 90), 30),
        ((900, 1100), (300, 700), 60),
        ((150, 150), (60, 90), 0),
    ],
)
def test_the_brightest_place_of_all_copies_is_that_of_the_film(shape, at, frame):
    film = film_with_a_dot(shape, at, frame)
    plain, box = harmonise_placed(film)
    np.testing.assert_array_equal(plain, harmonise(film))
    found = copies_to_film(variants(plain, SIDE)[:, 0], SIDE, plain.shape, box, film.shape)
    assert found.shape == film.shape
    assert found.dtype == np.float32
    place = ndi.center_of_mass(found > 0.9 * found.max())  # the top is cut off where the tone is standardised
    np.testing.assert_allclose(place, np.add(at, frame), atol=0.01 * max(film.shape))
    outside = np.ones(film.shape, bool)
    box.of(outside)[...] = False
    assert outside.any()
    assert not found[outside].any()


@pytest.mark.parametrize("copy", range(len(VARIANTS)))
def test_each_copy_by_itself_leads_back(copy):
    film = film_with_a_dot((500, 360), (150, 270), 0)
    plain, box = harmonise_placed(film)
    squares = variants(plain, SIDE)[:, 0]
    squares[np.arange(len(squares)) != copy] = 0
    found = copies_to_film(squares, SIDE, plain.shape, box, film.shape)
    place = ndi.center_of_mass(found > 0.9 * found.max())
    np.testing.assert_allclose(place, (150, 270), atol=4)


def test_coarse_cells_come_back_within_half_a_cell():
    film = film_with_a_dot((500, 500), (150, 330), 0)
    plain, box = harmonise_placed(film)
    squares = variants(plain, SIDE)[:, 0]
    cells = squares.reshape(len(VARIANTS), 7, 32, 7, 32).max(axis=(2, 4)) ** 8
    found = copies_to_film(cells, SIDE, plain.shape, box, film.shape)
    place = np.unravel_index(found.argmax(), found.shape)
    np.testing.assert_allclose(place, (150, 330), atol=500 / 7 / 2)


def test_one_map_for_each_copy_is_needed():
    with pytest.raises(UsageError, match="expected"):
        copies_to_film(np.zeros((2, 7, 7), np.float32), SIDE, (256, 200), harmonise_placed(np.eye(99))[1], (99, 99))
