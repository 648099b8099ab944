"""`overread datasets` as a user meets it: words, JSON, exit codes; and that it is installed and documented."""

import json
import re
import tomllib
from importlib import resources
from pathlib import Path

import click
import numpy as np
import pytest

from overread.cards import hash_group
from overread.cli.outcome import run
from overread.cli.plugins import GROUP, load_plugin
from overread_lab.datasets.command import datasets

from .conftest import waves

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/reference/datasets.md").read_text(encoding="utf-8")


def test_the_distribution_adds_the_command():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert load_plugin(project["entry-points"][GROUP]["datasets"]) is datasets


@pytest.mark.parametrize("name", sorted(datasets.commands))
def test_each_has_json_an_example_and_its_options_on_the_page(name):
    command = datasets.commands[name]
    options = [option for parameter in command.params for option in parameter.opts if option.startswith("-")]
    assert "--json" in options
    assert f"overread datasets {name}" in command.epilog
    assert f"`overread datasets {name}" in PAGE
    documented = re.findall(r"--?\w[\w-]*", " ".join(re.findall(r"^\| (`-[^|]*) \|", PAGE, re.MULTILINE)))
    assert set(options) <= set(documented)


def test_a_leak_ends_with_code_5_and_is_named(make_set, capsys):
    folder = make_set([(waves(0), None, {}), (waves(0), None, {})])
    assert run(datasets, ["check", str(folder), "-q"]) == 5
    out = capsys.readouterr().out
    assert "ERROR   2 images of different groups have exactly the same pixels" in out
    assert "(c0, c1) [same_pixels]" in out


def test_a_sound_set_ends_with_0_and_strict_minds_warnings(make_set, capsys):
    folder = make_set([(waves(n), None, {"source": "ST"[n % 2], "label": "ab"[n % 2]}) for n in range(24)])
    assert run(datasets, ["check", str(folder), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["sound"] is True
    assert report["counts"]["cases"] == 24
    (source,) = [one for one in report["shortcuts"] if one["told_by"] == "the source alone"]
    assert (source["balanced_accuracy"], source["chance"], source["is_shortcut"]) == (1.0, 0.5, True)
    assert run(datasets, ["check", str(folder), "-q", "--strict"]) == 5
    assert "the source alone" in capsys.readouterr().out


def test_training_patients_of_a_card_end_with_5(make_set, capsys, tmp_path):
    folder = make_set([(waves(n), None, {}) for n in range(3)])
    told = resources.files("overread.tasks.chest_xray_view").joinpath("card.toml").read_text(encoding="utf-8")
    before, _, after = told.partition("[training]")
    digest = hash_group("p2", salt="s")
    mine = f'[training]\ntext = "Two."\nsalt = "s"\ngroups_sha256 = ["{digest}"]\n'
    rest = after[after.index("\n[") :] if "\n[" in after else ""
    (tmp_path / "card.toml").write_text(before + mine + rest, encoding="utf-8")
    assert run(datasets, ["check", str(folder), "-q", "--trained-on", str(tmp_path / "card.toml")]) == 5
    assert "1 of 3 groups were trained on" in capsys.readouterr().out
    assert run(datasets, ["check", str(folder), "-q", "--trained-on", "chest_xray_view"]) == 0
    assert run(datasets, ["check", str(folder), "--trained-on", str(tmp_path / "gone.toml")]) == 3
    assert run(datasets, ["check", str(folder), "--trained-on", "no_such_task"]) == 2


def test_bad_arguments_and_bad_manifests_have_their_codes(make_set, capsys, tmp_path):
    folder = make_set([(np.zeros((4, 4), np.uint8), None, {})])
    assert run(datasets, ["check", str(folder), "--merge", "a"]) == 2
    assert "--merge frontal=pa,ap" in capsys.readouterr().err
    assert run(datasets, ["check", str(folder / "images"), "--json"]) == 3
    assert json.loads(capsys.readouterr().err)["error"] == "NothingReadableError"


def test_help_needs_no_pictures(capsys):
    assert isinstance(datasets, click.Group)
    assert run(datasets, ["--help"]) == 0
    assert "check" in capsys.readouterr().out
