"""Commands of other distributions, by the entry-point group `overread.commands`.

Reads the entry-point files themselves: `importlib.metadata` would cost a third of the time that `--help` may take.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.util import find_spec

import click

GROUP = "overread.commands"


def plugin_commands() -> dict[str, str]:
    """Name to "module:attribute" of every command that an installed distribution adds; ours are not among them."""
    found: dict[str, str] = {}
    for folder in sys.path:
        try:
            with os.scandir(folder) as entries:
                names = [entry.path for entry in entries if entry.name.endswith(".dist-info")]
        except OSError:
            continue
        for name in sorted(names):
            found.update(_commands_in(os.path.join(name, "entry_points.txt")))  # noqa: PTH118  (pathlib costs 4 ms)
    return found


def _commands_in(path: str) -> dict[str, str]:
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            text = file.read()
    except OSError:
        return {}
    _, header, rest = text.partition(f"[{GROUP}]")
    if not header:
        return {}
    lines = rest.partition("\n[")[0].splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def plugin_help(value: str) -> str:
    """First line of what the module behind "module:attribute" says of itself, read without importing it."""
    package, *inner = value.partition(":")[0].split(".")
    spec = find_spec(package)
    if inner:
        folders = (spec.submodule_search_locations or []) if spec else []
        files = [os.path.join(folder, *inner) + ".py" for folder in folders]  # noqa: PTH118
    else:
        files = [spec.origin] if spec and spec.origin else []
    for path in files:
        try:
            with open(path, encoding="utf-8") as file:  # noqa: PTH123
                said = file.readline()
        except OSError:
            continue
        if said.startswith('"""'):
            return said.strip().strip('"')
    return f"From {package}."


def load_plugin(value: str) -> click.Command:
    """The command behind "module:attribute"."""
    module, _, attribute = value.partition(":")
    command = getattr(import_module(module), attribute)
    if not isinstance(command, click.Command):
        raise TypeError(f"{value} is not a click command")
    return command
