"""`overread enhance`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from overread.cli.options import (
    ANY_PATH,
    json_option,
    make_runtime,
    progress_bar,
    quiet_option,
    require_free,
    resource_options,
)
from overread.errors import UsageError


@click.command(epilog="Example: overread enhance ./scan -o ./scan-enhanced --mode signed")
@click.argument("path", type=ANY_PATH)
@click.option("-o", "--out", type=ANY_PATH, required=True, help="Folder for the image; must not exist yet.")
@click.option(
    "--mode",
    type=click.Choice(["signed", "paper", "mean_preserving", "raw"]),
    default="signed",
    show_default=True,
    help="signed and mean_preserving keep the mean; paper and raw turn texture into brightness.",
)
@click.option("--order", type=float, help="One order, 0 to 1, for the whole image; by default by fractal dimension.")
@click.option("--noise-guard", is_flag=True, help="Lowest order where there is nothing but noise.")
@click.option("--log", "in_log", is_flag=True, help="Work on logarithms, for speckle.")
@click.option("--dimensions", type=click.IntRange(2, 3), default=2, show_default=True, help="3: across slices too.")
@click.option(
    "--despeckle",
    type=click.Choice(["none", "lee", "srad"]),
    default="none",
    show_default=True,
    help="Filter multiplicative noise first; values of 0 or more.",
)
@click.option("--compare", "compared", is_flag=True, help="Add compare.png: one slice beside the usual alternatives.")
@click.option("--slice", "slice_number", type=int, help="Slice or frame to compare, from 1; by default the middle one.")
@click.option("--region", type=ANY_PATH, help="Outline (CSV) or mask file to tell contrast to noise for.")
@click.option("--form", type=click.Choice(["dicom", "nifti", "picture"]), help="By default that of the source.")
@click.option("--series", help="Series UID, or its end, when there are several.")
@click.option(
    "--policy",
    type=click.Choice(["strict", "repair", "as-is"]),
    default="strict",
    show_default=True,
    help="What to do with missing, doubled or uneven slices.",
)
@click.option("--overwrite", is_flag=True, help="Replace the folder of an earlier run.")
@resource_options
@json_option
@quiet_option
def enhance(
    path: Path,
    out: Path,
    mode: str,
    order: float | None,
    noise_guard: bool,
    in_log: bool,
    dimensions: int,
    despeckle: str,
    compared: bool,
    slice_number: int | None,
    region: Path | None,
    form: str | None,
    series: str | None,
    policy: str,
    overwrite: bool,
    threads: int | None,
    max_memory: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Enhance the texture of the image at PATH by fractional differences; a scan comes out as a derived series."""
    from overread.ops.fractional import Despeckle, Domain, EnhancePlan, Mode  # noqa: PLC0415
    from overread.workflow.compare import CompareRequest  # noqa: PLC0415
    from overread.workflow.enhance import enhance as run  # noqa: PLC0415

    if not compared and (slice_number is not None or region is not None):
        raise UsageError("--slice and --region are of the comparison", way_out="Add --compare.")
    compare = CompareRequest(slice_number=slice_number, region=region) if compared else None
    require_free(out, overwrite=overwrite)
    domain = Domain.LOG if in_log else Domain.LINEAR
    plan = EnhancePlan(
        mode=Mode(mode),
        order=order,
        noise_guard=noise_guard,
        domain=domain,
        dimensions=dimensions,
        despeckle=Despeckle(despeckle),
    )
    with progress_bar(quiet=quiet or as_json) as progress:
        done = run(
            path,
            plan,
            compare=compare,
            series=series,
            policy=policy,
            runtime=make_runtime(threads, max_memory),
            progress=progress,
        )
        written = done.save(out, form=form, overwrite=overwrite, progress=progress)
    if as_json:
        click.echo(json.dumps({**done.to_dict(), "files": [str(one) for one in written]}, indent=1))
    else:
        click.echo(f"{done.description}\n{len(written)} files in {out}; enhanced.json says what was done.")
