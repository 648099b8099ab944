"""The list of commands. Each loads when it is called, so `--help` needs neither NumPy nor a DICOM library."""

from __future__ import annotations

from importlib import import_module

import click

from overread._version import __version__
from overread.cli.plugins import load_plugin, plugin_commands, plugin_help

COMMANDS: dict[str, str] = {
    "demo": "Simulate a chest CT, read it, and compare the answer with the truth.",
    "analyze": "Read an image and write measured findings with error bars.",
    "inspect": "List the series of a folder, their geometry and the tasks that suit.",
    "enhance": "Enhance the texture of an image; a scan comes out as a derived series.",
    "tasks": "List the tasks, or show the card of one.",
    "simulate": "Write a phantom of a task as DICOM files with its truth.",
    "validate": "Check DICOM Segmentations and structured reports, ours or anyone's.",
    "verify": "Check a result folder and repeat its run.",
}


class LazyGroup(click.Group):
    """Loads `overread.cli.<name>` for our commands and what other distributions registered."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Ours in the order of use, then those of other distributions."""
        return [*COMMANDS, *sorted(set(plugin_commands()) - set(COMMANDS))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, loaded now; None if there is none."""
        if cmd_name in COMMANDS:
            command = getattr(import_module(f"overread.cli.{cmd_name}"), cmd_name)
            return command if isinstance(command, click.Command) else None
        plugin = plugin_commands().get(cmd_name)
        return load_plugin(plugin) if plugin is not None else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands with their one-line help, without loading any."""
        rows = list(COMMANDS.items())
        rows += [(name, plugin_help(value)) for name, value in sorted(plugin_commands().items())]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Research use only, not a diagnosis. Exit codes: 0 done, 1 our bug, 2 usage, 3 input cannot be read, "
    "4 out of scope or not assessable, 5 integrity, 6 resources, 7 some of a batch failed, 130 interrupted.",
)
@click.version_option(__version__, prog_name="overread")
def cli() -> None:
    """Measured findings with error bars from medical images, offline."""
