"""`overread verify`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from overread.cli.options import json_option, make_runtime, progress_bar, quiet_option, resource_options
from overread.errors import ExitCode


@click.command(epilog="Example: overread verify ./scan-results")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--input", "source", type=click.Path(path_type=Path), help="Where the images lie now, if they moved.")
@click.option("--files-only", is_flag=True, help="Compare digests with the manifest; do not repeat the run.")
@resource_options
@json_option
@quiet_option
def verify(
    folder: Path,
    source: Path | None,
    files_only: bool,
    threads: int | None,
    max_memory: str | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Check that FOLDER holds what was written, repeat the run and compare every byte."""
    from overread.workflow.verify import verify as run  # noqa: PLC0415

    with progress_bar(quiet=quiet or as_json) as progress:
        result = run(
            folder,
            source=source,
            repeat=not files_only,
            runtime=make_runtime(threads, max_memory),
            progress=progress,
        )
    if as_json:
        document = {"sound": result.sound, "repeated": result.repeated, "changed": list(result.changed)}
        click.echo(json.dumps({**document, "note": result.note}))
    else:
        for line in result.changed:
            click.echo(line)
        if result.note:
            click.echo(f"note: {result.note}")
        done = "the run was repeated" if result.repeated else "files compared with the manifest, the run not repeated"
        click.echo(f"{'sound' if result.sound else 'NOT sound'}: {done}")
    return ExitCode.DONE if result.sound else ExitCode.INTEGRITY
