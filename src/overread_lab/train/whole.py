"""A whole training in one folder: data, loop, export and a record of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from overread.errors import UsageError
from overread.runtime import Progress, Runtime, silent
from overread_lab.train.training import Training

NEEDED = ("torch", "monai", "onnx", "onnxscript", "matplotlib")
RECORD = "training.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What one training is asked for beyond its recipe.

    Parameters
    ----------
    fold : int, optional
        Left out of the training and evaluated on; None trains on all.
    seed : int, optional
        In place of the recipe's.
    resume : bool
        Go on where OUT holds a training; else a folder that holds one is refused.
    """

    data: Path
    out: Path
    fold: int | None = None
    seed: int | None = None
    resume: bool = False


def require_torch() -> None:
    """Raise `UsageError`, in one line, where a library that training needs is not installed."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"training needs {', '.join(missing)}, not installed here", way_out="pip install 'overread[train]'"
        )


def train_whole(training: Training, wish: Wish, *, runtime: Runtime, progress: Progress = silent) -> Mapping[str, Any]:
    """Train, export, and write training.json; returns its contents.

    Raises
    ------
    UsageError
        A library is missing, or the folder holds a training and `resume` is off.
    IntegrityError
        The exported file does not answer as the trained network does.
    """
    require_torch()
    from overread_lab.train.export import export  # noqa: PLC0415  (they need torch, which has just been found)
    from overread_lab.train.hardware import placed  # noqa: PLC0415
    from overread_lab.train.loop import CHECKPOINT, train  # noqa: PLC0415

    if (wish.out / CHECKPOINT).exists() and not wish.resume:
        raise UsageError(
            "the folder holds a training", where=str(wish.out), way_out="Add --resume to go on, or name another folder."
        )
    recipe = training.recipe.with_seed(wish.seed)
    progress("read the data", 0.0)
    material = training.material(wish.data, wish.fold)
    wish.out.mkdir(parents=True, exist_ok=True)
    with placed(threads=runtime.threads) as place:
        trained = train(training.goal(), material, recipe, wish.out, place=place, progress=progress)
        record: dict[str, Any] = {
            "recipe": recipe.to_dict(),
            "data": dict(material.notes),
            "steps": trained.step,
            "weights_sha256": trained.sha256,
            "figures": trained.rows[-1] if trained.rows else {},
            "versions": {name: version(name) for name in ("overread", *NEEDED)},
        }
        if not place.leads:
            return record
        examples, _ = material.batches.draw(seed=recipe.seed, step=0, places=range(min(4, recipe.batch)))
        notes = {"recipe": json.dumps(record["recipe"], sort_keys=True), "weights_sha256": trained.sha256}
        path = wish.out / f"{recipe.name}.onnx"
        exported = export(trained.network, path, training.export, examples, notes=notes)
    record["onnx"] = {
        "file": path.name,
        "sha256": exported.sha256,
        "bytes": exported.size,
        "largest_difference": exported.largest_difference,
    }
    (wish.out / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return record
