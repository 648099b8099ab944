"""`overread inspect`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from overread.cli import show
from overread.cli.options import ANY_PATH, json_option


@click.command(epilog="Example: overread inspect ./scan")
@click.argument("path", type=ANY_PATH)
@json_option
def inspect(path: Path, as_json: bool) -> None:
    """List the series at PATH: size, spacing, geometry in plain words, and which tasks suit or why not."""
    from overread.io import open_study  # noqa: PLC0415
    from overread.workflow.inspect import inspect as run  # noqa: PLC0415

    study = open_study(path)
    rows = run(study)
    skipped = [{"file": str(one.path), "reason": one.reason} for one in study.skipped]
    if as_json:
        click.echo(json.dumps({"series": [row.to_dict() for row in rows], "skipped": skipped}, indent=1))
        return
    show.table(
        ["modality", "description", "size", "spacing mm", "transfer syntax", "geometry", "tasks", "series"],
        [
            [
                row.modality or "?",
                row.description,
                " x ".join(str(n) for n in row.shape),
                "?" if row.spacing_mm is None else " x ".join(f"{s:.3g}" for s in row.spacing_mm),
                row.transfer_syntax,
                row.verdict.sentence(),
                "; ".join(
                    name if scope.answer == "yes" else f"{name}: {scope.answer} ({scope.reasons[0].text})"
                    for name, scope in row.tasks.items()
                ),
                row.series_uid,
            ]
            for row in rows
        ],
    )
    if skipped:
        click.echo(f"{len(skipped)} files skipped, such as {skipped[0]['file']}: {skipped[0]['reason']}")
