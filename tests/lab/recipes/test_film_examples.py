"""Changed films keep film and mask together, and never turn dark into bright."""

import numpy as np
import pytest
from scipy import ndimage as ndi

from overread_lab.recipes import film_examples as films
from overread_lab.recipes.film_examples import FilmBatches, lung_example

ROW, COLUMN = np.mgrid[:150, :130]
LUNGS = sum(((ROW - 70) / 50) ** 2 + ((COLUMN - at) / 18) ** 2 <= 1 for at in (40, 92)) > 0
TRUNK = ((ROW - 75) / 90) ** 2 + ((COLUMN - 65) / 62) ** 2 <= 1
FILM = np.where(LUNGS, 60, np.where(TRUNK, 180, 10)).astype(np.float32)


@pytest.fixture
def rng():
    return np.random.default_rng(4)


def test_the_same_draw_twice_and_another_elsewhere():
    batches = FilmBatches([(FILM, LUNGS)], 64)
    first, target = batches.draw(seed=1, step=2, places=(0, 1, 2))
    assert first.shape == target.shape == (3, 1, 64, 64)
    np.testing.assert_array_equal(batches.draw(seed=1, step=2, places=(2,))[0][0], first[2])
    assert not np.array_equal(batches.draw(seed=1, step=3, places=(2,))[0][0], first[2])


def test_lungs_stay_darker_than_what_is_around_them(rng):
    for _ in range(80):
        image, target = lung_example(FILM, LUNGS, 64, rng)
        inside = target > 0
        assert set(np.unique(target)) <= {0, 1}
        assert image.min() >= 0
        assert image.max() <= 1
        if inside.sum() < 100:  # next to nothing of the lungs was left
            continue
        between = ndi.binary_closing(np.pad(inside, 30), np.ones((1, 25)))[30:-30, 30:-30] & ~ndi.binary_dilation(
            inside
        )
        if between.sum() > 20:
            assert image[inside].mean() < image[between].mean()


def test_cutting_keeps_pixels_with_their_mask(rng):
    code = np.arange(FILM.size, dtype=np.float32).reshape(FILM.shape)
    shapes = set()
    for _ in range(40):
        film, inside = films.cut_off(code, LUNGS, rng)
        np.testing.assert_array_equal(inside, LUNGS.ravel()[film.astype(int)])
        assert film.shape[0] >= 0.5 * FILM.shape[0] - 1
        assert film.shape[1] >= 0.5 * FILM.shape[1] - 1
        shapes.add(film.shape)
    assert len(shapes) > 20


@pytest.mark.parametrize("change", [films.framed, films.beside_air])
def test_what_is_added_is_no_lung(change, rng):
    larger = 0
    for _ in range(20):
        film, inside = change(FILM, LUNGS, rng)
        assert film.shape == inside.shape
        assert inside.sum() == LUNGS.sum()
        larger += film.size > FILM.size
    assert larger >= 15


def test_air_beside_is_as_dark_as_lungs_and_arms_are_bright(rng):
    reached = []
    for _ in range(20):
        film, inside = films.beside_air(FILM, LUNGS, rng)
        added = film[:, : inside.any(axis=0).argmax() - LUNGS.any(axis=0).argmax()]
        reached.append((np.percentile(added, 5) < 60, np.percentile(added, 95) > 90))
    dark, bright = np.mean(reached, axis=0)
    assert dark > 0.6  # not where the arm fills a narrow strip
    assert 0.1 < bright < 0.9  # an arm at times, not always


def test_film_and_mask_turn_alike(rng):
    square = ndi.gaussian_filter(rng.random((64, 64)), 3).astype(np.float32)
    image, target = films.turned(square, square, rng)
    np.testing.assert_array_equal(image, target)
    assert np.abs(image - square).max() > 0.01
