"""`overread demo`."""

from __future__ import annotations

import json
from pathlib import Path
from time import perf_counter

import click

from overread.cli import show
from overread.cli.options import ANY_PATH, json_option, make_runtime, progress_bar, quiet_option, resource_options
from overread.findings import Finding, Measurement


@click.command(epilog="Example: overread demo -o ./demo")
@click.option("-o", "--out", type=ANY_PATH, help="New folder; by default ./overread-demo.")
@click.option("--seed", type=int, default=1, show_default=True, help="Which phantom.")
@resource_options
@json_option
@quiet_option
def demo(out: Path | None, seed: int, threads: int | None, max_memory: str | None, as_json: bool, quiet: bool) -> None:
    """Simulate a chest CT with planted nodules as DICOM files, read it, and compare the answer with the truth."""
    from overread.workflow.demo import demo as run  # noqa: PLC0415

    began = perf_counter()
    with progress_bar(quiet=quiet or as_json) as progress:
        done = run(out, seed=seed, runtime=make_runtime(threads, max_memory), progress=progress)
    if as_json:
        click.echo(json.dumps(done.to_dict(), indent=1))
        return
    rows = [
        [
            str(one.planted.number),
            one.planted.kind.replace("_", "-"),
            one.planted.attachment,
            *_compared(one.planted.truths["mean_diameter_mm"], one.finding, "mean_diameter"),
            *_compared(one.planted.truths["volume_mm3"], one.finding, "volume"),
        ]
        for one in done.compared
    ]
    click.echo("Planted nodules against what was read from the DICOM files (95 % intervals):")
    show.table(
        ["", "type", "attached to", "true mm", "mean diameter", "holds truth", "true mm³", "volume", "holds truth"],
        rows,
    )
    found = sum(one.finding is not None for one in done.compared)
    click.echo(f"{found} of {len(done.compared)} planted nodules found, {len(done.extra)} other finding(s).")
    click.echo(f"seconds: {perf_counter() - began:.1f}")
    click.echo(show.DISCLAIMER)
    click.echo(f"report:  {done.results / 'report.html'}")


def _compared(truth: float, finding: Finding | None, name: str) -> tuple[str, str, str]:
    if finding is None:
        return show.number(truth), "missed", ""
    measured: Measurement = finding[name]
    if measured.interval is None:
        return show.number(truth), show.with_interval(measured), ""
    held = measured.interval.low <= truth <= measured.interval.high
    return show.number(truth), show.with_interval(measured), "yes" if held else "no"
