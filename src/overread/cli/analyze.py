"""`overread analyze`."""

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


@click.command(epilog="Example: overread analyze ./scan -o ./scan-results")
@click.argument("path", type=ANY_PATH)
@click.option("-o", "--out", type=ANY_PATH, help="Folder for the results; must not exist yet.")
@click.option("--task", help="Name of the task; by default the one that suits.")
@click.option("--series", help="Series UID, or its end, when several suit.")
@click.option(
    "--policy",
    type=click.Choice(["strict", "repair", "as-is"]),
    default="strict",
    show_default=True,
    help="What to do with missing, doubled or uneven slices.",
)
@click.option("--intensity", type=click.Choice(["hu"]), help="Take values without a unit (NIfTI) as HU, on your word.")
@click.option("--site", type=ANY_PATH, metavar="FILE", help="Site file of `overread calibrate`; its task is run.")
@click.option(
    "--seg", type=click.Choice(["binary", "labelmap"]), default="binary", show_default=True, help="Form of seg.dcm."
)
@click.option(
    "--secondary-capture", is_flag=True, help="Also write the overlay as overlay.dcm, an image any viewer shows."
)
@click.option("--overwrite", is_flag=True, help="Replace the folder of an earlier run.")
@resource_options
@json_option
@quiet_option
def analyze(
    path: Path,
    out: Path | None,
    task: str | None,
    series: str | None,
    policy: str,
    intensity: str | None,
    site: Path | None,
    seg: str,
    secondary_capture: bool,
    overwrite: bool,
    threads: int | None,
    max_memory: str | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Read the image at PATH (a folder or a file) and write measured findings with error bars."""
    from overread.image import Intensity  # noqa: PLC0415
    from overread.workflow.analyze import analyze as run  # noqa: PLC0415

    if out is not None:
        require_free(out, overwrite=overwrite)
    with progress_bar(quiet=quiet or as_json) as progress:
        analysis = run(
            path,
            task=task,
            series=series,
            policy=policy,
            intensity=Intensity.HU if intensity else None,
            site=site,
            runtime=make_runtime(threads, max_memory),
            progress=progress,
        )
        if out is not None:
            analysis.save(out, seg=seg, secondary_capture=secondary_capture, overwrite=overwrite, progress=progress)
    if as_json:
        click.echo(json.dumps(analysis.to_dict(), indent=1))
    else:
        show.reading(analysis.reading)
        click.echo("seconds: " + ", ".join(f"{name} {s:.1f}" for name, s in analysis.reading.seconds.items()))
        click.echo(f"results: {out / 'report.html'}" if out else "Nothing was written: add -o FOLDER for the results.")
    return ExitCode.DONE if analysis.reading.assessable else ExitCode.SCOPE
