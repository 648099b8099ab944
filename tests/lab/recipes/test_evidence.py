"""What a recipe leaves, and a card that takes it: nothing that people wrote is lost."""

from __future__ import annotations

import hashlib
import json
import shutil
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from overread.cards import Figure, read_card
from overread.cards.page import card_page
from overread.errors import InputError, UsageError
from overread_lab.metrics import bootstrap
from overread_lab.recipes.evidence import install, leave, measured, renewed, say

COMMAND = "python -m somewhere"


@pytest.fixture
def package(tmp_path):
    """A copy of a shipped task's card, as if it were the task's code."""
    shutil.copyfile(str(files("overread.tasks.chest_xray_triage").joinpath("card.toml")), tmp_path / "card.toml")
    return tmp_path


@pytest.fixture
def recipe(tmp_path):
    folder = tmp_path / "recipe"
    folder.mkdir()
    (folder / "heads.npz").write_bytes(b"new weights")
    found = [measured('a "quoted" name', "a set", 0.12345, 7, "note \\ with | marks")]
    leave(folder, found, command=COMMAND, weights=("heads.npz",), groups=["p1", "p2"])
    return folder


def test_a_figure_is_rounded_with_its_interval_and_its_patients():
    found = bootstrap(lambda i: float(np.mean(i)) / 100, 40, seed=0)
    figure = measured("mean", "all", found, 40, "a note")
    assert (figure.value, figure.set_name) == (0.195, "all, 40 patients")
    assert figure.interval == (round(found.interval.low, 3), round(found.interval.high, 3))
    low, high = figure.interval
    assert say(figure) == f"mean; all, 40 patients; n 40: 0.195 [{low:.3f}, {high:.3f}] (a note)"


def test_the_card_takes_what_the_recipe_left_and_keeps_the_rest(package, recipe):
    before = read_card(package / "card.toml")
    written = install("chest_xray_triage", recipe, package, package)
    after = read_card(package / "card.toml")
    assert after.weights["heads.npz"] == hashlib.sha256(b"new weights").hexdigest()
    assert (package / "heads.npz").read_bytes() == b"new weights"
    assert after.figures[-1] == Figure(
        name='a "quoted" name', set_name="a set", value=0.123, unit="1", n=7, command=COMMAND,
        note="note \\ with | marks",
    )  # fmt: skip
    assert after.figures[:-1] == before.figures  # of other commands
    assert after.training == before.training
    assert after.training_groups.hold("p1")
    assert not after.training_groups.hold("p3")
    for name in ("question", "intended_use", "not_for", "limits", "questions", "requires", "method"):
        assert getattr(after, name) == getattr(before, name)
    assert [path.name for path in written] == ["heads.npz", "card.toml", "chest_xray_triage.md"]


def test_installed_twice_it_is_as_once(package, recipe):
    install("chest_xray_triage", recipe, package, None)
    once = (package / "card.toml").read_text()
    assert renewed(once, (recipe / "evidence.toml").read_text()) == once


def test_a_study_adds_figures_and_changes_nothing_else(package, tmp_path):
    before = read_card(package / "card.toml")
    (tmp_path / "study").mkdir()
    leave(tmp_path / "study", [measured("a figure", "a set", 0.5, 3)], command="python -m a.study")
    install("chest_xray_triage", tmp_path / "study", package, None)
    after = read_card(package / "card.toml")
    assert [f.name for f in after.figures] == [*(f.name for f in before.figures), "a figure"]
    assert (after.weights, after.training_groups, after.training) == (
        before.weights, before.training_groups, before.training
    )  # fmt: skip


def test_new_figures_of_a_command_take_the_place_of_its_old_ones(package, tmp_path):
    before = read_card(package / "card.toml")
    command = before.figures[0].command
    leave(tmp_path, [measured("a figure", "a set", 0.5, 3)], command=command)
    install("chest_xray_triage", tmp_path, package, None)
    names = [f.name for f in read_card(package / "card.toml").figures]
    assert names == ["a figure", *(f.name for f in before.figures if f.command != command)]


def test_figures_of_other_weights_are_refused(package, recipe):
    (recipe / "heads.npz").write_bytes(b"newer weights")
    with pytest.raises(UsageError, match="not the file that"):
        install("chest_xray_triage", recipe, package, None)
    with pytest.raises(InputError, match="no evidence"):
        install("chest_xray_triage", recipe / "nothing", package, None)


def test_the_page_says_what_the_card_says(package, recipe):
    install("chest_xray_triage", recipe, package, package)
    card = read_card(package / "card.toml")
    page = (package / "chest_xray_triage.md").read_text()
    assert page == card_page(card)
    for text in (card.question, card.method, *card.limits, *card.not_for, card.weights_licence):
        assert text in page
    assert page.count("\n| ") >= len(card.figures)
    assert "note \\ with \\| marks" in page
    assert json.dumps(COMMAND)[1:-1] in page


def test_shipped_cards_name_the_weights_that_lie_beside_them():
    for task in ("chest_xray_view", "chest_xray_triage"):
        folder = Path(str(files(f"overread.tasks.{task}")))
        card = read_card(folder / "card.toml")
        for name, digest in card.weights.items():
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
