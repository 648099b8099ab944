"""Train a network by a recipe; needs the extra `train`."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from overread.cli.options import json_option, make_runtime, progress_bar, quiet_option
from overread.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from overread.runtime import Runtime
    from overread_lab.train.whole import Wish


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
    from overread_lab.recipes.register import CLASSICAL, training_named, trainings  # noqa: PLC0415
    from overread_lab.train.whole import Wish, require_torch, train_whole  # noqa: PLC0415

    if name is None:
        known = {key: training.summary for key, training in trainings().items()}
        known |= {key: import_module(module).SUMMARY for key, module in CLASSICAL.items()}
        click.echo(json.dumps(known, indent=1) if as_json else "\n".join(f"{k}: {v}" for k, v in known.items()))
        return ExitCode.DONE
    training = None if name in CLASSICAL else training_named(name)
    if data is None or out is None:
        raise UsageError("training needs --data and --out", way_out=f"overread train {name} --data DIR -o OUT")
    if training is None:
        wish = Wish(data=data, out=out, fold=fold, seed=seed, resume=resume)
        _train_classical(CLASSICAL[name], wish, runtime=make_runtime(threads, None), quiet=quiet or as_json)
        return ExitCode.DONE
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


def _train_classical(module: str, wish: Wish, *, runtime: Runtime, quiet: bool) -> None:
    """A recipe without torch: one file, no checkpoints."""
    if wish.resume:
        raise UsageError("this recipe takes minutes and keeps no checkpoints", way_out="Leave out --resume.")
    path = wish.out / "model.npz"
    if path.exists():
        raise UsageError("exists", where=str(path), way_out="Name another folder.")
    wish.out.mkdir(parents=True, exist_ok=True)
    with progress_bar(quiet=quiet) as progress:
        record = import_module(module).make(
            wish.data, path, cases=None, seed=wish.seed or 0, progress=progress, leave_out=wish.fold, runtime=runtime
        )
    click.echo(json.dumps({key: record[key] for key in ("file", "bytes", "sha256", "cases", "seconds")}, indent=1))
