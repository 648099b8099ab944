"""`overread inspect`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from overread.cli import show
from overread.cli.options import ANY_PATH, json_option, progress_bar, quiet_option


@click.command(epilog="Example: overread inspect ./scan --html scan.html")
@click.argument("path", type=ANY_PATH)
@json_option
@click.option("--html", type=ANY_PATH, metavar="FILE", help="Also write a page with the middle picture of each series.")
@click.option("--overwrite", is_flag=True, help="Replace the page if it exists.")
@quiet_option
def inspect(path: Path, as_json: bool, html: Path | None, overwrite: bool, quiet: bool) -> None:
    """List the series at PATH: size, spacing, geometry in plain words, and which tasks suit or why not."""
    from overread.io import open_study  # noqa: PLC0415
    from overread.workflow.inspect import inspect as run  # noqa: PLC0415
    from overread.workflow.inspect import inspect_page  # noqa: PLC0415

    study = open_study(path)
    rows = run(study)
    if html is not None:
        with progress_bar(quiet=quiet) as progress:
            inspect_page(study, html, overwrite=overwrite, progress=progress)
    skipped = [{"file": str(one.path), "reason": one.reason} for one in study.skipped]
    if as_json:
        click.echo(json.dumps({"series": [row.to_dict() for row in rows], "skipped": skipped}, indent=1))
        return
    show.table(
        ["modality", "description", "size", "spacing mm", "coded as", "geometry", "tasks", "series"],
        [
            [
                row.modality or "?",
                row.description,
                " x ".join(str(n) for n in row.shape),
                row.spacing_words(),
                row.transfer_syntax_words(),
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
    if html is not None:
        click.echo(f"wrote {html}")
