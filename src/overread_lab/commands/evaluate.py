"""Score a task on labelled cases: figures with intervals, plots, subgroups."""

from __future__ import annotations

import json
from pathlib import Path

import click

from overread.cli import show
from overread.cli.options import (
    ANY_PATH,
    json_option,
    make_runtime,
    progress_bar,
    quiet_option,
    require_free,
    resource_options,
)
from overread.errors import ExitCode


@click.command(epilog="Example: overread evaluate chest_xray_view --data ./films -o ./evaluation")
@click.argument("task")
@click.option("--data", type=ANY_PATH, required=True, help="Folder with manifest.csv and the cases it lists.")
@click.option("-o", "--out", type=ANY_PATH, help="New folder for evaluation.json and report.html.")
@click.option("--overwrite", is_flag=True, help="Replace the folder of an earlier evaluation.")
@click.option("--against", type=ANY_PATH, help="evaluation.json of another run on the same cases, to compare with.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the draws behind intervals.")
@click.option("--intensity", type=click.Choice(["hu"]), help="Take values without a unit (NIfTI) as HU, on your word.")
@resource_options
@json_option
@quiet_option
def evaluate(  # noqa: PLR0917  (a command has as many parameters as options)
    task: str,
    data: Path,
    out: Path | None,
    overwrite: bool,
    against: Path | None,
    seed: int,
    intensity: str | None,
    threads: int | None,
    max_memory: str | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Run TASK on cases whose truth is known and say how it did, with intervals over patients."""
    from overread.image import Intensity  # noqa: PLC0415
    from overread_lab.evaluate.evaluate import evaluate as run  # noqa: PLC0415
    from overread_lab.evaluate.page import limits_text, value_text  # noqa: PLC0415

    if out is not None:
        require_free(out, overwrite=overwrite)
    meant = Intensity.HU if intensity else None
    runtime = make_runtime(threads, max_memory)
    with progress_bar(quiet=quiet or as_json) as progress:
        result = run(task, data, against=against, seed=seed, intensity=meant, runtime=runtime, progress=progress)
        if out is not None:
            result.save(out, overwrite=overwrite, progress=progress)
    document = result.document
    if as_json:
        click.echo(json.dumps(document, indent=1))
        return ExitCode.DONE
    for question in document["questions"]:
        held = ", ".join(f"{n} {status}" for status, n in question["cases"].items() if n)
        click.echo(f"{question['name']} ({held})")
        rows = [[f["name"], value_text(f), limits_text(f), str(f["n"]), f["note"]] for f in question["figures"]]
        show.table(["figure", "value", "95 %", "n", "note"], rows)
    for row in (document["against"] or {}).get("questions", []):
        there = f"{row['here']} here, {row['there']} there, difference {row['difference']}, p {row['p']}"
        click.echo(f"against the other, {row['question']}: {row['figure']} {there}")
    click.echo(document["leakage"]["words"])
    click.echo(show.DISCLAIMER)
    click.echo(f"report: {out / 'report.html'}" if out else "Nothing was written: add -o FOLDER for the report.")
    return ExitCode.DONE
