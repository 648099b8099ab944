"""The shipped network for lung fields: the weights of its card, the same at any thread count, right where it can be."""

import shutil

import numpy as np
import pytest
from scipy import ndimage as ndi

from overread.errors import IntegrityError
from overread.runtime import Runtime
from overread.tasks._shared.film_lungs import LungFinder, film_lungs_card, find
from overread_lab.datasets.chest_xray import read_cases, read_grey, read_mask
from overread_lab.metrics import dice

ROW, COLUMN = np.mgrid[:300, :280]


def drawn_film(rng):
    """A drawn chest, (film, lungs): trunk, shoulders, heart, diaphragm, ribs and grain."""
    lungs = sum(((ROW - 130) / 95) ** 2 + ((COLUMN - at) / 42) ** 2 <= 1 for at in (88, 192)) > 0
    lungs &= 215 - 25 * np.cos((COLUMN - 88) / 33) > ROW
    heart = ((ROW - 185) / 50) ** 2 + ((COLUMN - 155) / 48) ** 2 <= 1
    lungs &= ~heart
    trunk = (np.abs(COLUMN - 140) < 118) & (ROW > 25)
    film = np.where(trunk, 170.0, 8.0)
    film += 40 * (np.abs(COLUMN - 140) < 16) + 30 * heart
    film[lungs] = 60
    film += 14 * lungs * (np.sin((ROW + 0.002 * (COLUMN - 140) ** 2) / 4.5) > 0.3)
    film = ndi.gaussian_filter(film, 2) + rng.normal(0, 4, film.shape)
    return film.astype(np.float32), lungs


@pytest.fixture(scope="module")
def finder():
    return LungFinder.open(Runtime(threads=1))


def test_drawn_lungs_are_found_on_their_sides(finder):
    film, lungs = drawn_film(np.random.default_rng(0))
    found = finder.find(film)
    assert dice(found.both, lungs).value > 0.85
    assert found.right[:, 140:].sum() < 0.02 * found.right.sum()
    assert found.left[:, :140].sum() < 0.02 * found.left.sum()


def test_range_of_values_does_not_matter(finder):
    film, _ = drawn_film(np.random.default_rng(1))
    np.testing.assert_array_equal(finder.find(film).both, finder.find(film * 16 + 1024).both)


def test_threads_change_no_pixel():
    film, _ = drawn_film(np.random.default_rng(2))
    one, two = (LungFinder.open(Runtime(threads=n)).find(film) for n in (1, 2))
    np.testing.assert_array_equal(one.right, two.right)
    np.testing.assert_array_equal(one.left, two.left)


def test_weights_are_those_of_the_card_and_small(tmp_path, monkeypatch):
    assert (find.HERE / find.WEIGHTS).stat().st_size <= 8 * 10**6
    for name in ("card.toml", find.WEIGHTS):
        shutil.copy(find.HERE / name, tmp_path)
    data = bytearray((tmp_path / find.WEIGHTS).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / find.WEIGHTS).write_bytes(data)
    monkeypatch.setattr(find, "HERE", tmp_path)
    with pytest.raises(IntegrityError, match=f"expected {film_lungs_card().weights[find.WEIGHTS]}"):
        LungFinder.open(Runtime(threads=1))


def test_the_card_says_what_the_licence_forbids():
    card = film_lungs_card()
    assert card.weights_licence.startswith("Non-commercial research use only")
    assert card.figures


def test_real_films_are_read_as_in_training(finder, shared_data):
    held = [case for case in read_cases(shared_data / "chest_xray") if case.mask and case.fold == 0]
    assert len(held) == 11
    # It learned from these films: this finds a preparation that went astray, and says nothing about other patients.
    scores = [dice(finder.find(read_grey(case.image)).both, read_mask(case)).value for case in held]
    assert np.mean(scores) > 0.92
