"""What VGG16 looks for in chest films: its first filters, and pictures that excite units of each stage most.

    python -m overread_lab.studies.feature_visualisation --weights FOLDER/weights.pt -o OUT [--units 8] [--steps 160]

`--weights` is what `overread_lab.studies.film_networks --network chest_xray_view_vgg16` leaves in the folder of a fold;
without it the weights are random, for comparison: what both show is the architecture's, not learned. One sheet a layer
(PNG), made from weights alone; no film is looked at. Dong, Xiong and Zhang name visualisation as the reason to choose
VGG16.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from overread.errors import InputError
from overread.tasks.chest_xray_view.plan import VIEWS
from overread_lab.recipes.chest_xray_networks import ERECT, VGG16

if TYPE_CHECKING:
    from torch import nn

Film = NDArray[np.float32]
GAP = 6
FILTER_SIDE = 48


def stages() -> dict[str, str]:
    """Name of a stage to the name of its last batch norm, before the ReLU: modules are numbered as they were built."""
    found, place = {}, 0
    for number, (_, convolutions) in enumerate(VGG16, start=1):
        place += 3 * convolutions  # convolution, norm, ReLU
        found[f"stage{number}"] = str(place - 2)
        place += 1  # pooling
    return found


def vgg16(weights: Path | None, seed: int) -> nn.Module:
    """The network of the recipe with these weights, or random ones.

    Raises
    ------
    InputError
        The file holds no weights of this network.
    """
    import torch  # noqa: PLC0415

    from overread_lab.recipes.chest_xray_networks import vgg16_goal  # noqa: PLC0415

    torch.manual_seed(seed)
    network: nn.Module = vgg16_goal().build()
    if weights is not None:
        try:
            network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
        except Exception as error:  # torch raises whatever its parser met
            raise InputError(
                f"no weights of VGG16 at a quarter of its width ({type(error).__name__})",
                where=str(weights),
                way_out="Give weights.pt of a training of chest_xray_view_vgg16.",
            ) from error
    return network.eval()


def sheet(pictures: Film, names: list[str], side: int) -> Image.Image:
    """Grey pictures of 0..1 side by side, four to a row, each with its name below."""
    across = min(4, len(pictures))
    down = -(-len(pictures) // across)
    paper = Image.new("L", (across * (side + GAP) + GAP, down * (side + 18 + GAP) + GAP), 255)
    pen = ImageDraw.Draw(paper)
    for n, (picture, name) in enumerate(zip(pictures, names, strict=True)):
        left, top = GAP + n % across * (side + GAP), GAP + n // across * (side + 18 + GAP)
        small = Image.fromarray(np.rint(picture * 255).astype(np.uint8))
        paper.paste(small.resize((side, side), Image.Resampling.NEAREST), (left, top))
        pen.text((left, top + side + 2), name, fill=0)
    return paper


def filter_pictures(filters: Film) -> Film:
    """Filters as grey pictures: 0 is middle grey, each scaled to its largest weight."""
    largest = np.abs(filters).max(axis=(1, 2), keepdims=True)
    return np.asarray(0.5 + 0.5 * filters / np.where(largest > 0, largest, 1))


def draw_all(network: nn.Module, out: Path, *, units: int, steps: int, seed: int) -> Iterator[str]:
    """Write the sheets to a folder; yields a line for each."""
    from overread_lab.train.visualise import VisualPlan, exciting, first_filters  # noqa: PLC0415

    out.mkdir(parents=True, exist_ok=True)
    filters = first_filters(network)
    names = [str(n) for n in range(len(filters))]
    sheet(filter_pictures(filters), names, FILTER_SIDE).save(out / "first_filters.png")
    yield f"first_filters.png: {len(filters)} filters of {filters.shape[1]} x {filters.shape[2]}"
    plan, outputs = VisualPlan(steps=steps), [*VIEWS, *ERECT]
    modules = dict(network.named_modules())
    for name, layer in {**stages(), "answers": ""}.items():
        wide = len(outputs) if name == "answers" else int(modules[layer].num_features)
        chosen = [int(n) for n in np.linspace(0, wide - 1, min(units, wide))] if layer else list(range(wide))
        found = exciting(network, layer, chosen, plan, seed=seed)
        words = [outputs[n] if name == "answers" else f"unit {n}" for n in chosen]
        sheet(found.pictures, words, plan.size).save(out / f"{name}.png", optimize=True)
        rise = np.median(found.after - found.before)
        yield (
            f"{name}.png: {len(chosen)} of {wide} units, activation {np.median(found.before):.2f} on noise, "
            f"{np.median(found.after):.2f} on the picture (medians), rise {rise:.2f}"
        )


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m overread_lab.studies.feature_visualisation", description=__doc__)
    parser.add_argument("--weights", type=Path, help="weights.pt of a training; random weights if left out")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the sheets")
    parser.add_argument("--units", type=int, default=8, help="units of each stage")
    parser.add_argument("--steps", type=int, default=160)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    network = vgg16(given.weights, given.seed)
    for line in draw_all(network, given.out, units=given.units, steps=given.steps, seed=given.seed):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
