"""Calibrate a task on labelled cases of one hospital, into a site file."""

from __future__ import annotations

import json
from pathlib import Path

import click

from overread.cli import show
from overread.cli.options import ANY_PATH, json_option, make_runtime, progress_bar, quiet_option, resource_options
from overread.errors import ExitCode, UsageError


@click.command(epilog="Example: overread calibrate chest_xray_view --data ./our-films -o ./our-site.json")
@click.argument("task")
@click.option("--data", type=ANY_PATH, required=True, help="Folder with manifest.csv: 50 labelled patients or more.")
@click.option("-o", "--out", type=ANY_PATH, required=True, help="Site file to write.")
@click.option(
    "--miss-rate",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.1,
    show_default=True,
    help="Share of cases whose set of possible classes may lack the true one.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Which case of a patient with several is used.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier site file.")
@click.option("--intensity", type=click.Choice(["hu"]), help="Take values without a unit (NIfTI) as HU, on your word.")
@resource_options
@json_option
@quiet_option
def calibrate(  # noqa: PLR0917  (a command has as many parameters as options)
    task: str,
    data: Path,
    out: Path,
    miss_rate: float,
    seed: int,
    overwrite: bool,
    intensity: str | None,
    threads: int | None,
    max_memory: str | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Fit the probabilities of TASK to labelled cases of this site and write a site file."""
    from overread.image import Intensity  # noqa: PLC0415
    from overread_lab.calibrate.calibrate import calibrate as run  # noqa: PLC0415

    if out.exists() and not overwrite:
        raise UsageError("the site file exists", where=str(out), way_out="Name a new one, or add --overwrite.")
    meant = Intensity.HU if intensity else None
    runtime = make_runtime(threads, max_memory)
    with progress_bar(quiet=quiet or as_json) as progress:
        result = run(task, data, miss_rate=miss_rate, seed=seed, intensity=meant, runtime=runtime, progress=progress)
    result.save(out, overwrite=overwrite)
    changes = [change.to_dict() for change in result.changes]
    if as_json:
        device = {"device_uid": result.site.device_uid, "sha256": result.site.sha256}
        click.echo(json.dumps({"site_file": str(out), **device, "questions": changes}, indent=1))
        return ExitCode.DONE
    for change in changes:
        held = ", ".join(f"{n} {status}" for status, n in change["cases"].items() if n)
        note = f" ({change['note']})" if change["note"] else ""
        click.echo(f"{change['question']}: {change['patients']} patients ({held})")
        click.echo(f"  temperature {change['temperature']:.3f}{note}")
        rows = [
            [words, f"{change['before'][key]:.4f}", f"{change['after'][key]:.4f}"]
            for words, key in (("log loss", "log_loss"), ("Brier score", "brier"), ("ECE", "ece"))
        ]
        show.table(["", "before", "after, cross-fitted"], rows)
        low, high = change["coverage_90_percent"]
        which = "a threshold for each class" if change["threshold_a_class"] else "one threshold for all classes"
        click.echo(
            f"  sets of classes ({which}) will hold the true one in {100 * low:.1f} to {100 * high:.1f} % of cases "
            f"like these (with 90 % probability; asked for {100 * (1 - change['miss_rate']):g} %)"
        )
        for name, (value, low, high) in change["gains"].items():
            said = "shown" if low > 0 else "not shown, so nothing will be decided at this site"
            click.echo(f"  gain over {name} alone {value:+.3f} [{low:+.3f}, {high:+.3f}]: {said}")
    click.echo(f"device UID with this calibration: {result.site.device_uid}")
    click.echo("It holds for this site and scanner as they are now; calibrate again when either changes.")
    click.echo(show.DISCLAIMER)
    click.echo(f"site file: {out}")
    return ExitCode.DONE
