"""What the controls see, and that it is no more."""

import numpy as np

from overread.ops.film import fit_square
from overread.tasks._shared.film_controls import frame_only, thumbnails


def test_only_the_outer_part_of_the_film_is_left():
    film = np.full((100, 50), 0.8, np.float32)
    square = fit_square(film, 100)[0][None, None]
    left = frame_only(square)[0, 0]
    np.testing.assert_array_equal(left[:, :25], 0)  # the bars that make it square
    assert np.all(left[:12, 25:75] == np.float32(0.8))
    assert np.all(left[12:88, 31:69] == np.float32(0.5))
    assert np.all(left[12:88, 25:31] == np.float32(0.8))


def test_nothing_inside_the_frame_changes_what_the_control_sees():
    rng = np.random.default_rng(0)
    one = rng.uniform(0.1, 1, (1, 1, 96, 96)).astype(np.float32)
    other = one.copy()
    other[0, 0, 20:76, 20:76] = 0.9
    np.testing.assert_array_equal(frame_only(one), frame_only(other))
    assert not np.array_equal(thumbnails(one), thumbnails(other))


def test_a_black_square_stays_black():
    black = np.zeros((1, 1, 32, 32), np.float32)
    np.testing.assert_array_equal(frame_only(black), black)


def test_a_thumbnail_is_the_mean_of_its_blocks():
    square = np.arange(64 * 64, dtype=np.float32).reshape(1, 1, 64, 64)
    found = thumbnails(square)
    assert found.shape == (1, 256)
    assert found[0, 0] == square[0, 0, :4, :4].mean()
    assert found[0, 17] == square[0, 0, 4:8, 4:8].mean()
