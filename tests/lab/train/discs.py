"""A recipe with known truth: bright discs on noise. `python discs.py OUT` trains it, or goes on."""

import sys
from pathlib import Path

import numpy as np

from overread_lab.metrics import dice
from overread_lab.train.batches import Material, rng_of
from overread_lab.train.recipe import Recipe
from overread_lab.train.training import ExportPlan, Training

SIZE = 32
RECIPE = Recipe(
    name="discs", steps=60, batch=8, learning_rate=1e-2, warmup_steps=5, evaluate_every=20, checkpoint_every=10
)


def disc(rng):
    """(image, inside): a disc of 1 on noise of sd 1/2."""
    row, column = np.mgrid[:SIZE, :SIZE]
    centre, radius = rng.uniform(8, SIZE - 8, 2), rng.uniform(4, 8)
    inside = (row - centre[0]) ** 2 + (column - centre[1]) ** 2 <= radius**2
    return (inside + rng.normal(0, 0.5, inside.shape)).astype(np.float32), inside


class Discs:
    def draw(self, *, seed, step, places):
        drawn = [disc(rng_of(seed=seed, step=step, place=place)) for place in places]
        return np.stack([image for image, _ in drawn])[:, None], np.float32([inside for _, inside in drawn])[:, None]


def evaluate(network):
    held = [disc(np.random.default_rng([1, number])) for number in range(20)]
    answers = network(np.stack([image for image, _ in held])[:, None])[:, 0] > 0
    return {"dice": float(np.mean([dice(a, inside).value for a, (_, inside) in zip(answers, held, strict=True)]))}


def material(folder, fold):
    return Material(Discs(), evaluate, {"fold": -1 if fold is None else fold})


def goal():
    import torch
    from monai.losses import DiceCELoss
    from monai.networks.nets import UNet

    from overread_lab.train.loop import Goal

    def build():
        return torch.nn.Sequential(
            UNet(spatial_dims=2, in_channels=1, out_channels=1, channels=(8, 16, 32), strides=(2, 2)),
            torch.nn.Dropout(0.05),  # so that a resumed training must also draw the same random numbers
        )

    return Goal(build, DiceCELoss(sigmoid=True))


EXPORT = ExportPlan(input_name="image", output_name="p_disc", shape=(1, SIZE, SIZE), tolerance=1e-5, sigmoid=True)
RECIPES = (Training(recipe=RECIPE, summary="Discs on noise.", material=material, goal=goal, export=EXPORT),)

if __name__ == "__main__":
    from overread.runtime import Runtime
    from overread_lab.train.whole import Wish, train_whole

    record = train_whole(
        RECIPES[0], Wish(data=Path(), out=Path(sys.argv[1]), resume=True), runtime=Runtime(threads=1),
        progress=lambda stage, share: print(stage, flush=True),
    )  # fmt: skip
    print(record["weights_sha256"])
