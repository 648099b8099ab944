"""Train a network by a recipe; needs the extra `train`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from overread.cli.options import json_option, make_runtime, progress_bar, quiet_option
from overread.errors import ExitCode, UsageError


@click.command(epilog="Example: overread train chest_xray_lungs --data ./chest_xray -o ./lungs --fold 0")
@click.argument("name", required=False)
@click.option("--data", type=click.Path(path_type=Path), help="Folder with the labelled cases that the recipe names.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Folder for weights, curves and checkpoints.")
@click.option("--resume", is_flag=True, help="Go on where the folder holds a training that was stopped.")
@click.option("--seed", type=click.IntRange(0), help="In place of the recipe's.")
@click.option(
    "--fold", type=click.IntRange(0), help="Leave this fold out and evaluate on it; all folds train if absent."
)
@click.option(
    "--threads", type=click.IntRange(1), help="Cores to use; all by default. The same number, the same weights."
)
@json_option
@quiet_option
def train(  # noqa: PLR0917  (a command has as many parameters as options)
    name: str | None, data: Path | None, out: Path | None, resume: bool, seed: int | None, fold: int | None,
    threads: int | None, as_json: bool, quiet: bool,
) -> int:  # fmt: skip
    """Train the network of recipe NAME and export it; without NAME, list the recipes."""
    from overread_lab.recipes.register import training_named, trainings  # noqa: PLC0415
    from overread_lab.train.whole import Wish, require_torch, train_whole  # noqa: PLC0415

    if name is None:
        known = {key: training.summary for key, training in trainings().items()}
        click.echo(json.dumps(known, indent=1) if as_json else "\n".join(f"{k}: {v}" for k, v in known.items()))
        return ExitCode.DONE
    training = training_named(name)
    if data is None or out is None:
        raise UsageError("training needs --data and --out", way_out=f"overread train {name} --data DIR -o OUT")
    require_torch()
    wish = Wish(data=data, out=out, fold=fold, seed=seed, resume=resume)
    with progress_bar(quiet=quiet or as_json) as progress:
        record = train_whole(training, wish, runtime=make_runtime(threads, None), progress=progress)
    if as_json:
        click.echo(json.dumps(record, indent=1))
    elif "onnx" in record:
        written = record["onnx"]
        figures = ", ".join(f"{key} {value:.4g}" for key, value in record["figures"].items())
        click.echo(f"{out / written['file']}: {written['bytes']} bytes, SHA-256 {written['sha256']}")
        click.echo(f"largest difference from torch {written['largest_difference']:.2g}; {figures}")
    return ExitCode.DONE
