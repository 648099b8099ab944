"""What the view task refuses as no chest film, as badly exposed, as turned or inverted: on simulated films."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from overread.image import Radiograph
from overread.ops.film_exposure import NUMBERS, exposure_numbers, stored_range
from overread.phantoms.film import chest_film
from overread.runtime import Runtime, silent
from overread.tasks import find_task
from overread.tasks.chest_xray_view.orientation import Orientation

TASK = find_task("chest_xray_view")


@pytest.fixture(scope="module")
def film() -> np.ndarray:
    """8 bits, as public films are."""
    twelve = chest_film(2).radiograph.array
    return (twelve / 16).astype(np.uint8)


def codes(picture) -> list[str]:
    reading = TASK.read(Radiograph(np.ascontiguousarray(picture)), Runtime(1), silent)
    assert reading.assessable is (not reading.reasons)
    return [reason.code for reason in reading.reasons]


def test_the_film_itself_is_read(film):
    assert codes(film) == []


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("too_dark", lambda f: (f * 0.06).astype(np.uint8)),
        ("too_white", lambda f: (250 - (255 - f.astype(float)) * 0.03).astype(np.uint8)),
        ("noise", lambda f: (f + np.random.default_rng(0).normal(0, 25, f.shape)).clip(0, 255).astype(np.uint8)),
    ],
)
def test_bad_exposure_and_noise_are_refused(film, name, change):
    assert codes(change(film)), name


@pytest.mark.parametrize("seed", range(3))
def test_what_is_no_chest_film_is_refused(seed):
    picture = {0: data.camera, 1: data.coins, 2: data.moon}[seed]()
    assert set(codes(picture)) & {"not_like_a_chest_film", "part_of_a_chest", "blank", "noise"}


def test_a_small_part_of_a_film_is_refused(film):
    assert codes(film[60:150, 100:190]) != []


def test_what_was_found_turned_or_inverted_is_set_right_again(film):
    for name, turned in (("turned_left", 1), ("upside_down", 2), ("turned_right", 3)):
        np.testing.assert_array_equal(Orientation(name, False).undone(np.rot90(film, turned)), film)
    negative = (film.max() - film) + film.min()
    np.testing.assert_array_equal(Orientation(None, True).undone(negative), film)
    assert Orientation(None, False).sound
    assert [r.code for r in Orientation("upside_down", True).reasons()] == ["upside_down", "inverted"]


def test_numbers_of_tone_are_known(film):
    assert exposure_numbers(np.full((80, 80), 7, np.uint16)).tolist() == [0.0] * len(NUMBERS)
    values = dict(zip(NUMBERS, exposure_numbers(film), strict=True))
    assert values["tone_5"] < values["tone_50"] < values["tone_95"]
    assert stored_range(film) == (0.0, 255.0)
    low, high = stored_range(np.arange(10_000, dtype=np.uint16).reshape(100, 100))
    assert (low, high) == pytest.approx((10, 9989), abs=2)
    grainy = film + np.random.default_rng(1).normal(0, 12, film.shape)
    noisy = dict(zip(NUMBERS, exposure_numbers(grainy.clip(0, 255).astype(np.uint8)), strict=True))
    assert noisy["grain"] > values["grain"] + 1
