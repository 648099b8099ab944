"""`overread train`: lists recipes and refuses in one line where something is missing, with or without torch."""

import importlib.util
import json
import re
import tomllib
from pathlib import Path

import click
import pytest

from overread.cli.outcome import run
from overread.cli.plugins import load_plugin
from overread.errors import ExitCode
from overread_lab.recipes import register

ROOT = Path(__file__).parents[3]


@pytest.fixture
def command():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return load_plugin(tomllib.loads(text)["project"]["entry-points"]["overread.commands"]["train"])


def test_recipes_are_listed(command, capsys):
    assert isinstance(command, click.Command)
    assert run(command, ["--json"]) == ExitCode.DONE
    assert list(json.loads(capsys.readouterr().out)) == [*register.trainings(), *register.CLASSICAL]
    assert run(command, []) == ExitCode.DONE
    assert "chest_xray_lungs: Lung fields" in capsys.readouterr().out


def test_without_torch_one_line_says_what_to_install(command, capsys, monkeypatch, tmp_path):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "overread_lab.train.whole.find_spec", lambda name: None if name in ("torch", "onnxscript") else found("json")
    )
    arguments = ["chest_xray_lungs", "--data", str(tmp_path), "-o", str(tmp_path / "out")]
    assert run(command, arguments) == ExitCode.USAGE
    said = capsys.readouterr().err.strip().splitlines()
    assert said == ["error: training needs torch, onnxscript, not installed here. pip install 'overread[train]'"]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lungs"], "there is no recipe 'lungs'. Known: chest_xray_lungs"),
        (["chest_xray_lungs"], "training needs --data and --out"),
    ],
)
def test_what_is_missing_is_named(command, capsys, arguments, said):
    assert run(command, arguments) == ExitCode.USAGE
    assert said in capsys.readouterr().err


@pytest.mark.train
def test_a_recipe_of_ours_runs_from_the_command_line(command, discs, capsys, monkeypatch, tmp_path):
    pytest.importorskip("torch", reason="training needs torch: pip install -c constraints.txt -e '.[dev,train]'")
    monkeypatch.setattr(register, "MODULES", ("discs_recipe",))
    out = tmp_path / "out"
    arguments = ["discs", "--data", str(tmp_path), "-o", str(out), "--seed", "3", "--threads", "1"]
    assert run(command, arguments) == ExitCode.DONE
    captured = capsys.readouterr()
    record = json.loads((out / "training.json").read_text())
    assert record["recipe"]["seed"] == 3
    assert record["figures"]["dice"] > 0.9
    assert record["onnx"]["sha256"] in captured.out
    assert "step 60 of 60" in captured.err
    assert run(command, arguments) == ExitCode.USAGE
    assert run(command, [*arguments, "--resume", "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out) == record


def test_every_option_is_documented_and_none_else(command):
    page = (ROOT / "docs/how-to/train-a-network.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (`-[^|]*) \|", page, re.MULTILINE)
    named = {option for cell in cells for option in re.findall(r"--?\w[\w-]*", cell)}
    assert named == {opt for parameter in command.params for opt in parameter.opts if opt.startswith("-")}
    assert command.epilog.startswith("Example: overread train ")
