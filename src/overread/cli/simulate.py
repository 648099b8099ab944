"""`overread simulate`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from overread.cli.options import ANY_PATH, json_option


@click.command(epilog="Example: overread simulate chest_ct_nodule -o ./phantom --seed 7")
@click.argument("task")
@click.option("-o", "--out", type=ANY_PATH, required=True, help="New or empty folder.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same bytes.")
@json_option
def simulate(task: str, out: Path, seed: int, as_json: bool) -> None:
    """Write a phantom of TASK: a DICOM series in OUT/series and the planted truth in OUT/truth.json."""
    from overread.workflow.simulate import simulate as run  # noqa: PLC0415

    done = run(task, out, seed=seed)
    if as_json:
        click.echo(json.dumps({"series": str(done.series), "truth": str(done.truth)}))
    else:
        click.echo(f"series: {done.series}\ntruth:  {done.truth}")
