"""Commands of other distributions join by their entry points."""

import sys

import click
import pytest

from overread.cli.group import COMMANDS, cli
from overread.cli.plugins import plugin_commands, plugin_help


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    info = tmp_path / "toy-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text(
        "[console_scripts]\nx = y:z\n\n[overread.commands]\ntoy = toy_plugin:toy\n\n[other]\na = b:c\n"
    )
    (tmp_path / "toy_plugin.py").write_text(
        '"""Play."""\nimport click\n\n@click.command()\ndef toy():\n    click.echo(\'toy ran\')\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield "toy"
    sys.modules.pop("toy_plugin", None)


def test_plugin_is_found_and_runs(plugin):
    assert plugin_commands()[plugin] == "toy_plugin:toy"
    context = click.Context(cli)
    assert plugin in cli.list_commands(context)
    command = cli.get_command(context, plugin)
    assert command is not None
    assert command.name == "toy"
    assert "toy" in cli.get_help(context)


def test_every_command_of_ours_loads_and_has_an_example():
    context = click.Context(cli)
    for name, help_line in COMMANDS.items():
        command = cli.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert command.epilog.startswith(f"Example: overread {name}")
        assert help_line.endswith(".")


def test_a_module_tells_its_help_without_being_imported(plugin):
    assert plugin_help("toy_plugin:toy") == "Play."
    assert "toy_plugin" not in sys.modules
    assert plugin_help("nowhere.at.all:toy") == "From nowhere."
    assert plugin_help("overread_lab.commands.evaluate:evaluate").startswith("Score a task")
