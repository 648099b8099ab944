"""The evidence maps of film tasks: same answers with and without, on the film's pixels, written where people look."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from overread.image import Radiograph
from overread.models import LinearHead, read_heads
from overread.models.temperature import Temperature
from overread.ops.film import variants
from overread.phantoms.film import chest_film
from overread.runtime import Runtime, silent
from overread.tasks import find_task
from overread.tasks._shared.film_encoder import SIDE, evidence_map, film_features, look_at, open_encoder
from overread.tasks.chest_xray_view.plan import VIEWS
from overread.tasks.chest_xray_view.task import HEADS
from overread.tasks.chest_xray_view.views import BIAS, LAST_MAP, WEIGHT, Temperatures, ViewAnswer


@pytest.fixture(scope="module")
def film():
    return chest_film(2).radiograph


@pytest.fixture(scope="module")
def head():
    path = Path(str(files("overread.tasks.chest_xray_view") / HEADS))
    return read_heads(path, sha256=None)[0]["view"]


@pytest.fixture(scope="module")
def look(film):
    return look_at(film.array, open_encoder(Runtime(1), with_map=True))


def test_the_features_are_the_same_to_the_last_bit_with_the_map_beside_them(film, look):
    np.testing.assert_array_equal(look.features, film_features(film.array, open_encoder(Runtime(1))))
    two = look_at(film.array, open_encoder(Runtime(2), with_map=True))
    np.testing.assert_array_equal(two.features, look.features)
    np.testing.assert_array_equal(two.maps, look.maps)
    np.testing.assert_allclose(look.maps.mean(axis=(2, 3)), look.features, atol=1e-5)
    assert look.copies.shape == (len(variants(np.eye(99, dtype=np.float32), SIDE)), 1, SIDE, SIDE)


def test_the_map_lies_on_the_pixels_of_the_film_and_leaves_out_what_is_not_looked_at(film, look, head):
    found = evidence_map(look, head, "lateral")
    assert found.shape == film.array.shape
    inside = np.zeros(found.shape, bool)
    look.box.of(inside)[...] = True
    assert not found[~inside].any()
    assert np.count_nonzero(found[inside]) > 0.99 * inside.sum()


def test_maps_of_rivals_are_not_the_same(look, head):
    maps = np.stack([evidence_map(look, head, name).ravel() for name in VIEWS])
    np.testing.assert_allclose(maps.sum(axis=0), 0, atol=1e-3)  # what one gains its rivals lose
    assert np.abs(np.corrcoef(maps)[np.triu_indices(len(VIEWS), 1)]).max() < 0.95


@pytest.mark.parametrize(
    ("task", "questions"), [("chest_xray_view", ["view"]), ("chest_xray_triage", ["triage", "view"])]
)
def test_a_reading_carries_a_map_for_each_question_answered(film, task, questions):
    reading = find_task(task).read(film, Runtime(1), silent)
    assert [one.question for one in reading.evidence_maps] == questions
    assert all(one.array.shape == film.array.shape for one in reading.evidence_maps)
    view = next(d for d in reading.labels if d.name == "view")
    if view.value != "needs_a_reader":
        assert reading.evidence_maps[-1].label == view.text
    assert reading.evidence_maps[-1].array.mean() > 0  # the likeliest answer has more for it than its rivals have


def test_the_cells_of_a_joined_answer_add_up_to_it(look, head):
    rng = np.random.default_rng(0)
    seen = {
        LAST_MAP: look.maps[:, ::-1],
        WEIGHT: rng.normal(0, 0.05, (6, 1280)).astype(np.float32),
        BIAS: rng.normal(0, 0.3, 6).astype(np.float32),
    }
    seen["logits"] = seen[LAST_MAP].mean(axis=(2, 3)) @ seen[WEIGHT].T + seen[BIAS]
    warm = LinearHead(head.classes, head.weight, head.bias, Temperature(1.7))
    answer = ViewAnswer(look, warm, seen, Temperatures(Temperature(2.5), Temperature(0.8)))
    logs = {name: np.log(p) for name, p in answer.probabilities().items()}
    assert np.ptp(list(logs.values())) > 0.3
    for name in VIEWS:
        expected = logs[name] - np.mean([logs[other] for other in VIEWS if other != name])
        assert answer.cells(name).mean() == pytest.approx(expected, abs=1e-4)
    assert answer.evidence("lateral").shape == look.shape


def test_a_refused_film_has_no_map():
    blank = Radiograph(np.full((300, 300), 7, np.uint16))
    assert find_task("chest_xray_view").read(blank, Runtime(1), silent).evidence_maps == ()
