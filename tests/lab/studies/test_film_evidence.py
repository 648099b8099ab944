"""Pointing game and weight randomisation: the maps point at what was planted, and forget it with the weights."""

from __future__ import annotations

import numpy as np
import pytest

from overread.phantoms.film import chest_film
from overread.runtime import Runtime
from overread.tasks._shared.film_encoder import evidence_map, look_at, open_encoder
from overread_lab.recipes.film_planting import plant
from overread_lab.studies.film_evidence import NAMES, fit_on_planted, frame_share, occluded, pointing_game
from overread_lab.studies.weight_scrambling import likeness, scrambled_encoder, scrambled_head

PLAYED = 12


@pytest.fixture(scope="module")
def encoder():
    return open_encoder(Runtime(1), with_map=True)


@pytest.fixture(scope="module")
def backgrounds():
    views = ((0, "frontal"), (1, "lateral"), (2, "frontal"))
    made = [chest_film(seed, view=view).radiograph.array for seed, view in views]
    return [film[::down, ::across] for down in (1, -1) for across in (1, -1) for film in made]


@pytest.fixture(scope="module")
def head(backgrounds, encoder):
    return fit_on_planted(backgrounds, encoder, seed=1)


def test_what_is_planted_stands_where_it_is_said_to(backgrounds):
    with_rings, without = (plant(backgrounds[0], np.random.default_rng(4), with_rings=w) for w in (True, False))
    assert with_rings.centre == without.centre
    changed = np.argwhere(np.abs(with_rings.film - without.film) > 0.01)
    away = np.hypot(*(changed - with_rings.centre).T)
    assert away.max() <= with_rings.radius + 10
    assert np.abs(changed.mean(axis=0) - with_rings.centre).max() < 2
    apart = np.hypot(*np.subtract(with_rings.centre, with_rings.distractor))
    assert apart >= 3 * with_rings.radius


def test_peaks_lie_in_the_rings_and_not_in_the_distractor_nor_by_chance(backgrounds, encoder, head):
    game = pointing_game(backgrounds, head, encoder, seed=2)
    assert game.films == PLAYED
    assert 0.03 < game.chance < 0.2
    assert game.hits >= 0.75 * PLAYED
    assert game.hits_distractor <= 0.25 * PLAYED
    dealt = pointing_game(backgrounds, scrambled_head(head, np.random.default_rng(3)), encoder, seed=2)
    assert dealt.hits <= 0.5 * game.hits


def test_occlusion_finds_the_rings_too(backgrounds, encoder, head):
    planted = plant(backgrounds[0], np.random.default_rng(11), with_rings=True)
    look = look_at(planted.film, encoder)
    fall, cells = occluded(look, head, NAMES[1], encoder)
    assert fall.shape == cells.shape == (224, 224)
    # the first copy is the film without its margin, in the middle of the square
    corner = np.array([look.box.rows[0], look.box.columns[0]])
    scale = 224 / max(look.box.shape)
    bars = (224 - np.array(look.box.shape) * scale) / 2
    peak = np.unravel_index(fall.argmax(), fall.shape)
    assert np.hypot(*((np.array(planted.centre) - corner) * scale + bars - peak)) < 32 + planted.radius * scale
    assert cells[peak] > np.percentile(cells, 80)


def test_a_map_forgets_what_it_showed_when_head_or_encoder_are_scrambled(backgrounds, encoder, head, tmp_path):
    films = [plant(film, np.random.default_rng(20 + n), with_rings=True).film for n, film in enumerate(backgrounds[:6])]
    own = [evidence_map(look_at(film, encoder), head, NAMES[1]) for film in films]
    again = [evidence_map(look_at(film, encoder), head, NAMES[1]) for film in films]
    assert np.mean([likeness(*pair) for pair in zip(own, again, strict=True)]) == pytest.approx(1)
    dealt = scrambled_head(head, np.random.default_rng(1))
    other = scrambled_encoder(("_conv_head",), np.random.default_rng(2), tmp_path)
    for network, deciding in ((encoder, dealt), (other, head)):
        found = [evidence_map(look_at(film, network), deciding, NAMES[1]) for film in films]
        assert abs(np.mean([likeness(*pair) for pair in zip(own, found, strict=True)])) < 0.4


def test_a_scrambled_encoder_is_another_one(backgrounds, encoder, tmp_path):
    other = scrambled_encoder(("_blocks.15.",), np.random.default_rng(2), tmp_path)
    one, two = (look_at(backgrounds[0], which).features for which in (encoder, other))
    assert np.corrcoef(one.ravel(), two.ravel())[0, 1] < 0.9


def test_likeness_and_share_of_the_frame_by_hand(backgrounds, encoder):
    rng = np.random.default_rng(0)
    one = rng.normal(size=(200, 200)).astype(np.float32)
    assert likeness(one, one**3) == pytest.approx(1)
    assert likeness(one, -one) == pytest.approx(-1)
    assert likeness(one, np.ones_like(one)) == 0
    look = look_at(backgrounds[0], encoder)
    even, middle = np.ones(look.shape, np.float32), np.zeros(look.shape, np.float32)
    assert frame_share(even, look) == pytest.approx(1 - 0.76**2, abs=0.01)
    middle[look.shape[0] // 2, look.shape[1] // 2] = -3
    assert frame_share(middle, look) == 0
