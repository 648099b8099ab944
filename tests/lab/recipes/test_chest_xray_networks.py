"""Networks for views of chest films: what they are shown, what they are asked, and what comes out."""

from __future__ import annotations

import numpy as np
import pytest

from overread.models.temperature import Temperature
from overread.tasks.chest_xray_view.plan import VIEWS
from overread.tasks.chest_xray_view.views import Temperatures, joined
from overread_lab.recipes.chest_xray_networks import (
    FOLDS,
    NOT_ASKED,
    OUTPUTS,
    ViewBatches,
    ViewFilms,
    answers,
    held_out,
    loss_of,
    of_folds,
    vgg16_goal,
)
from overread_lab.recipes.films import Films


def films(views, sources, erect=None) -> ViewFilms:
    """Grey films, each of its own tone."""
    count = len(views)
    made = [np.full((60, 50), (n + 1) / (count + 1), np.float32) + ramp() for n in range(count)]
    asked = np.full(count, NOT_ASKED) if erect is None else np.array(erect)
    return ViewFilms(made, np.array(views), asked, np.array(sources))


def ramp():
    return np.linspace(0, 0.01, 50, dtype=np.float32)[None]


def test_each_view_is_shown_as_often_and_each_source_by_the_root_of_its_films():
    known = films([0] * 20 + [1] * 4 + [3] * 5, ["a"] * 16 + ["b"] * 4 + ["a"] * 4 + ["c"] * 5)
    batches = ViewBatches.of(known, 32)
    _, targets = batches.draw(seed=1, step=0, places=range(300))
    shares = np.bincount(targets[:, 0], minlength=4) / 300
    np.testing.assert_allclose(shares, [1 / 3, 1 / 3, 0, 1 / 3], atol=0.09)
    first = batches.chances[0]
    assert first[:16].sum() / first[16:20].sum() == pytest.approx(2)  # sixteen films against four


def test_the_same_place_of_the_same_step_is_the_same_example():
    batches = ViewBatches.of(films([0, 1, 2, 3], ["a"] * 4, [1, -1, -1, -1]), 32)
    one, other = batches.draw(seed=3, step=7, places=[0, 5]), batches.draw(seed=3, step=7, places=[5])
    np.testing.assert_array_equal(one[0][1:], other[0])
    np.testing.assert_array_equal(one[1][1:], other[1])
    assert one[0].shape == (2, 1, 32, 32)
    assert not np.array_equal(batches.draw(seed=3, step=8, places=[5])[0], other[0])


def test_an_answer_is_the_mean_over_the_copies_of_a_film():
    known = films([0, 1], ["a", "a"])

    def network(squares):
        return np.stack([squares.mean(axis=(1, 2, 3))] * OUTPUTS, axis=1)

    found = answers(network, known, 32)
    assert found.shape == (2, OUTPUTS)
    assert found[0, 0] < found[1, 0]


def test_every_film_is_answered_by_the_network_of_its_fold():
    whole = Films(
        np.array(["pa"] * 10), np.array(["a"] * 10), np.array([f"p{n}" for n in range(10)]), np.arange(10) % 5
    )
    logits = {part: np.full((2, OUTPUTS), float(n)) for n, part in enumerate(FOLDS)}
    np.testing.assert_array_equal(of_folds(whole, logits)[:, 0], np.arange(10) % 5)
    assert held_out(whole, "a").all()
    assert held_out(whole, "fold3").sum() == 2


def test_two_answers_are_joined_by_their_geometric_mean():
    one, other = np.array([[0.8, 0.2]]), np.array([[0.2, 0.8]])
    np.testing.assert_allclose(joined([one, other]), [[0.5, 0.5]])
    np.testing.assert_allclose(joined([one, one]), one)
    p = joined([np.array([[0.9, 0.1]]), np.array([[0.5, 0.5]])])
    np.testing.assert_allclose(p, [[0.75, 0.25]])  # 3 to 1: the root of 9 to 1
    scale = Temperatures(Temperature(1.0), Temperature(0.5))
    frozen, logits = np.array([[0.4, 0.3, 0.2, 0.1]]), np.log([[0.4, 0.3, 0.2, 0.1]])
    sharper = scale.join(frozen, logits)
    np.testing.assert_allclose(sharper, frozen**2 / (frozen**2).sum(), rtol=1e-6)


@pytest.mark.train
def test_the_second_question_is_asked_of_frontal_films_alone():
    torch = pytest.importorskip("torch")
    output = torch.zeros(2, OUTPUTS)
    output[0, len(VIEWS)] = 5.0
    pa, unasked = torch.tensor([[0, 0], [3, NOT_ASKED]]), torch.tensor([[0, NOT_ASKED], [3, NOT_ASKED]])
    ap = torch.tensor([[0, 1], [3, NOT_ASKED]])
    assert float(loss_of(output, unasked)) == pytest.approx(np.log(4), abs=1e-5)
    assert float(loss_of(output, unasked)) < float(loss_of(output, pa)) < float(loss_of(output, ap))


@pytest.mark.train
@pytest.mark.parametrize(("width", "weights"), [(1.0, 14.7e6), (0.25, 0.92e6)])
def test_vgg16_has_the_weights_of_its_paper_at_full_width(width, weights):
    torch = pytest.importorskip("torch")
    network = vgg16_goal(width).build().eval()
    convolutions = [layer for layer in network if isinstance(layer, torch.nn.Conv2d)]
    assert len(convolutions) == 13
    assert sum(layer.weight.numel() for layer in convolutions) == pytest.approx(weights, rel=0.02)
    assert network(torch.zeros(2, 1, 64, 64)).shape == (2, OUTPUTS)
