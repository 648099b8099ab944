"""Commands of the lab are where pyproject.toml says, and keep what every command promises."""

import tomllib
from pathlib import Path

import pytest

from overread.cli.plugins import load_plugin

ROOT = Path(__file__).parents[2]
COMMANDS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"][
    "overread.commands"
]


def examples(command, name):
    """Epilogs of a command, or of those that a group holds."""
    members = getattr(command, "commands", None)
    return [(f"{name} {key}", one) for key, one in members.items()] if members else [(name, command)]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_command_loads_with_json_and_an_example(name):
    command = load_plugin(COMMANDS[name])
    assert command.name == name
    for words, one in examples(command, name):
        assert f"overread {words}" in (one.epilog or command.epilog), words
        assert any("--json" in parameter.opts for parameter in one.params), words


@pytest.mark.parametrize("name", ["evaluate", "calibrate"])
def test_options_are_those_of_the_documents(name):
    text = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8").partition("The lab adds")[2].partition("## ")[0]
    for parameter in load_plugin(COMMANDS[name]).params:
        for option in parameter.opts:
            assert not option.startswith("--") or option in text or option == "--out", option
