"""Heart and chest on drawn films whose widths are known."""

import numpy as np
import pytest

from overread.ops.film_heart import heart_and_chest
from overread.ops.film_lungs import FilmLungs


def drawn(heart=(120, 220), chest=(40, 290), shift=0):
    """A grey body, two dark lungs; the heart bulges into both, more to the left, above level diaphragms."""
    rows, columns = np.mgrid[:300, :330]
    bulge = np.clip(1 - ((rows - 170) / 60.0) ** 2, 0, None)
    first, last = 150 - (150 - heart[0]) * bulge, 180 + (heart[1] - 180) * bulge
    inside = (rows > 40) & (rows < 220)
    right = inside & (columns >= chest[0]) & (columns < first)
    left = inside & (columns >= last) & (columns < chest[1])
    film = np.where(right | left, 50.0, 200.0)
    film += np.random.default_rng(0).normal(0, 2, film.shape)
    moved = [np.roll(side, shift, axis=1) for side in (right, left)]
    return film, FilmLungs(*moved)


def test_known_widths_are_found():
    film, lungs = drawn()
    found = heart_and_chest(film, lungs)
    assert found.ratio == pytest.approx(100 / 250, abs=0.012)
    (_, begin), (_, end) = found.chest
    assert (begin, end) == pytest.approx((39.5, 289.5), abs=1)
    (row, _), _ = found.heart
    assert row == pytest.approx(170, abs=15)


def test_edges_of_the_film_count_where_the_lung_fields_are_a_little_off():
    film, lungs = drawn(shift=4)
    assert heart_and_chest(film, lungs).ratio == pytest.approx(100 / 250, abs=0.02)


def test_a_wider_heart_is_wider_and_the_scale_does_not_matter():
    ratios = [heart_and_chest(*drawn(heart=(120, last))).ratio for last in (200, 220, 240)]
    assert ratios == sorted(ratios)
    assert ratios[2] - ratios[0] == pytest.approx(40 / 250, abs=0.02)
    film, lungs = drawn()
    assert heart_and_chest(3 * film + 100, lungs) == heart_and_chest(film, lungs)


def test_without_a_lung_there_is_no_ratio():
    film, lungs = drawn()
    nothing = np.zeros_like(lungs.left)
    assert heart_and_chest(film, FilmLungs(lungs.right, nothing)) is None
    assert heart_and_chest(film, FilmLungs(nothing, nothing)) is None
