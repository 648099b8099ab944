"""Lung fields on frontal chest films: a small U-Net at 256 pixels, from 96 masks that another model drew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from overread.errors import UsageError
from overread.ops.film_lungs import SIZE, segment_lungs
from overread_lab.datasets.chest_xray import FilmCase, read_cases, read_grey, read_mask
from overread_lab.metrics import dice
from overread_lab.recipes.film_examples import FilmBatches
from overread_lab.train.batches import Evaluate, Material
from overread_lab.train.recipe import Recipe
from overread_lab.train.training import ExportPlan, Training

if TYPE_CHECKING:
    from overread_lab.train.loop import Goal

RECIPE = Recipe(
    name="chest_xray_lungs",
    steps=500,
    batch=8,
    learning_rate=3e-3,
    warmup_steps=50,
    weight_decay=1e-3,
    evaluate_every=250,
    checkpoint_every=50,
    channels_last=True,
)


def goal() -> Goal:
    """A residual U-Net of 1.25 M weights; overlap and cross-entropy, so that small lungs count as much as large."""
    import torch  # noqa: PLC0415
    from monai.losses import DiceCELoss  # noqa: PLC0415
    from monai.networks.nets import UNet  # noqa: PLC0415

    from overread_lab.train.loop import Goal  # noqa: PLC0415

    def build() -> torch.nn.Module:
        network: torch.nn.Module = UNet(
            spatial_dims=2,
            in_channels=1,
            out_channels=1,
            channels=(16, 32, 64, 128, 192),
            strides=(2, 2, 2, 2),
            num_res_units=2,
            norm="batch",
            act="relu",
        )
        return network

    return Goal(build, DiceCELoss(sigmoid=True))


def material(folder: Path, fold: int | None) -> Material:
    """Films with masks outside `fold` to train on, and those of the fold to evaluate on."""
    masked = [case for case in read_cases(folder) if case.mask is not None]
    folds = {case.fold for case in masked}
    if fold is not None and fold not in folds:
        raise UsageError(f"there is no fold {fold}, only {', '.join(map(str, sorted(folds)))}", where=str(folder))
    train = [case for case in masked if case.fold != fold]
    films = [(read_grey(case.image).astype(np.float32), read_mask(case)) for case in train]
    notes = {
        "set": "chest_xray",
        "fold": -1 if fold is None else fold,
        "cases": len(train),
        "groups": len({case.group for case in train}),
    }
    held = [case for case in masked if case.fold == fold]
    return Material(FilmBatches(films, SIZE), _evaluate_on(held) if held else None, notes)


def _evaluate_on(cases: Sequence[FilmCase]) -> Evaluate:
    known = [(read_grey(case.image), read_mask(case)) for case in cases]

    def evaluate(network: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> dict[str, float]:
        def run(square: NDArray[np.float32]) -> NDArray[np.float32]:
            return np.asarray(1 / (1 + np.exp(-network(square))), np.float32)

        scores = [dice(segment_lungs(film, run).both, inside).value for film, inside in known]
        return {"dice": float(np.mean(scores)), "dice_low": float(np.percentile(scores, 5))}

    return evaluate


RECIPES = (
    Training(
        recipe=RECIPE,
        summary="Lung fields on frontal chest films (folder chest_xray); about 6 minutes on one core.",
        material=material,
        goal=goal,
        export=ExportPlan(
            input_name="film", output_name="score", shape=(1, SIZE, SIZE), tolerance=2e-2, sigmoid=True, float16=True
        ),
    ),
)
