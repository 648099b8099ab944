"""List, check and import sets of labelled cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from overread.cli import show
from overread.cli.options import ANY_PATH, json_option, progress_bar, quiet_option
from overread.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from overread.cards import TrainingGroups
    from overread_lab.datasets.check import Probe, SetReport

_SHOWN = 5
_FORMAT_KEYS = ("name", "title", "layout", "masks", "group")


@click.group(epilog="Example: overread datasets check ./chest_xray")
def datasets() -> None:
    """Sets of labelled cases: a folder with manifest.csv. Research use only."""


@datasets.command(epilog="Example: overread datasets check ./chest_xray --merge frontal=pa,ap")
@click.argument("folder", metavar="DIR", type=ANY_PATH)
@click.option("--merge", multiple=True, metavar="NEW=A,B", help="Take labels A and B as one, for shortcuts alone.")
@click.option("--hash-bits", type=click.Choice(["64", "256"]), default="256", show_default=True, help="Of a picture.")
@click.option("--near", type=click.IntRange(0), help="Bits apart at which two pictures look alike: 40 of 256, 4 of 64.")
@click.option("--trained-on", metavar="CARD", help="A task or card.toml whose training patients are not to be here.")
@click.option("--strict", is_flag=True, help="Warnings end with exit code 5, too.")
@json_option
@quiet_option
def check(  # noqa: PLR0917  (a command has as many parameters as options)
    folder: Path,
    merge: tuple[str, ...],
    hash_bits: str,
    near: int | None,
    trained_on: str | None,
    strict: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Look for patients in two folds, pictures alike, bad files and masks, and labels that a shortcut tells."""
    from overread_lab.datasets.check import Level, check_set  # noqa: PLC0415

    groups = None if trained_on is None else _training_groups(trained_on)
    merged, bits = dict(_merge(one) for one in merge), int(hash_bits)
    with progress_bar(quiet=quiet or as_json) as progress:
        report = check_set(folder, merge=merged, hash_bits=bits, near=near, trained_on=groups, progress=progress)
    if as_json:
        click.echo(json.dumps(report.to_dict(), indent=1))
    else:
        _show(report)
    failed = not report.sound or (strict and report.count(Level.WARNING) > 0)
    return ExitCode.INTEGRITY if failed else ExitCode.DONE


@datasets.command("import", epilog="Example: overread datasets import busi ./Dataset_BUSI_with_GT ./busi")
@click.argument("name")
@click.argument("source", metavar="SRC", type=ANY_PATH)
@click.argument("out", type=ANY_PATH)
@json_option
@quiet_option
def import_(name: str, source: Path, out: Path, as_json: bool, quiet: bool) -> None:
    """Make the new folder OUT, with manifest.csv, of the published set SRC in format NAME."""
    from overread_lab.datasets.formats import import_set  # noqa: PLC0415

    with progress_bar(quiet=quiet or as_json) as progress:
        report = import_set(name, source, out, progress=progress)
    if as_json:
        click.echo(json.dumps(report.to_dict(), indent=1))
        return
    click.echo(f"{report.folder}: {report.cases} cases, {report.groups} groups, {report.masks} masks")
    for note in report.notes:
        click.echo(f"  note: {note}")
    for one in report.left_out[:_SHOWN]:
        click.echo(f"  left out: {one.what}: {one.why}")
    click.echo(f"{len(report.left_out)} things were left out; left_out.csv names them all")


@datasets.command("list", epilog="Example: overread datasets list ./data")
@click.argument("folder", metavar="[DIR]", type=ANY_PATH, required=False)
@json_option
def list_(folder: Path | None, as_json: bool) -> None:
    """List the formats that `import` reads and, with DIR, the sets in that folder."""
    from overread_lab.datasets.formats import FORMATS  # noqa: PLC0415
    from overread_lab.datasets.listing import list_sets  # noqa: PLC0415

    sets = [] if folder is None else list_sets(folder)
    if as_json:
        formats = [{key: getattr(one, key) for key in _FORMAT_KEYS} for one in FORMATS]
        click.echo(json.dumps({"formats": formats, "sets": [one.to_dict() for one in sets]}, indent=1))
        return
    if folder is None:
        rows = [[getattr(one, key) for key in _FORMAT_KEYS] for one in FORMATS]
        show.table(["format", "set", "what the folder holds", "masks", "patient"], rows)
        return
    header = ["set", "cases", "groups", "sources", "folds", "masks", "labels", "problem"]
    show.table(header, [one.row() for one in sets])
    if not sets:
        click.echo("no folder with manifest.csv is there")


def _merge(text: str) -> tuple[str, list[str]]:
    name, equals, labels = text.partition("=")
    if not (name and equals and all(labels.split(","))):
        raise UsageError(f"{text!r} merges nothing", where="--merge", way_out="Write --merge frontal=pa,ap.")
    return name, labels.split(",")


def _training_groups(name: str) -> TrainingGroups:
    """Of an installed task, or of a card file."""
    from overread.cards import read_card  # noqa: PLC0415
    from overread.tasks.registry import find_task  # noqa: PLC0415

    card = read_card(Path(name)) if name.endswith(".toml") else find_task(name).card()
    if card.training_groups is None:
        raise UsageError("the card names no training patients", where=name, way_out="Leave out --trained-on.")
    return card.training_groups


def _show(report: SetReport) -> None:
    from overread_lab.datasets.check import Level  # noqa: PLC0415

    counts = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in report.counts.items())
    click.echo(f"{report.folder}: {counts}")
    for remark in report.remarks:
        shown = ", ".join(remark.cases[:_SHOWN]) + (", ..." if len(remark.cases) > _SHOWN else "")
        click.echo(
            f"  {remark.level.value.upper():<7} {remark.message}{f' ({shown})' if shown else ''} [{remark.code}]"
        )
    if report.probes:
        click.echo("What tells a class without any disease (balanced accuracy, 95 % interval by group):")
        header = ["question", "inside", "told by", "accuracy", "interval", "chance", "cases", "groups"]
        show.table(header, [_row(probe) for probe in report.probes])
    click.echo(", ".join(f"{report.count(level)} {level.value}s" for level in Level))


def _row(probe: Probe) -> list[str]:
    interval = probe.accuracy.interval
    words = "-" if interval is None else f"{interval.low:.2f} to {interval.high:.2f}"
    numbers = [
        f"{probe.accuracy.value:.2f}",
        words,
        f"{probe.chance:.2f}",
        str(probe.cases),
        str(probe.accuracy.groups),
    ]
    return [probe.question, probe.where or "all", probe.told_by, *numbers]
