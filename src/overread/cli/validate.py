"""`overread validate`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from overread.cli import show
from overread.cli.options import ANY_PATH, json_option, progress_bar, quiet_option
from overread.errors import ExitCode


@click.command(epilog="Example: overread validate ./scan-results --against ./scan")
@click.argument("path", type=ANY_PATH)
@click.option("--against", type=ANY_PATH, help="Where the source images lie, if not below PATH.")
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@click.option("--no-outside", is_flag=True, help="Do not ask dciodvfy and dsrdump, even where they are installed.")
@json_option
@quiet_option
def validate(path: Path, against: Path | None, strict: bool, no_outside: bool, as_json: bool, quiet: bool) -> int:
    """Check the DICOM Segmentations and structured reports at PATH, ours or anyone's."""
    from overread.evidence.check import Level  # noqa: PLC0415
    from overread.workflow.validate import validate as run  # noqa: PLC0415

    with progress_bar(quiet=quiet or as_json) as progress:
        result = run(path, against=against, outside=not no_outside, progress=progress)
    if as_json:
        click.echo(json.dumps(result.to_dict(), indent=1))
    else:
        for check in result.checks:
            click.echo(f"{check.path}: {check.kind}, {check.summary}")
            for remark in check.remarks:
                part = f"{remark.part}: " if remark.part else ""
                click.echo(f"  {remark.level.value.upper():<7} {part}{remark.message} [{remark.code}]")
            for one in check.recomputed:
                words = (
                    f"{one.name} {show.number(one.stated)} {one.unit}, from its pixels {show.number(one.recomputed)}"
                )
                click.echo(f"  compared {one.part}: {words}")
        counts = ", ".join(f"{result.count(level)} {level.value}s" for level in Level)
        click.echo(f"{len(result.checks)} objects: {counts}")
    failed = not result.sound or (strict and result.count(Level.WARNING) > 0)
    return ExitCode.INTEGRITY if failed else ExitCode.DONE
