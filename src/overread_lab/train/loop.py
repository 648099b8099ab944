"""The one training loop: any torch module, any loss; resumes after a kill with the same weights to the last bit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from overread.errors import UsageError
from overread.runtime import Progress, silent
from overread_lab.train.batches import Material
from overread_lab.train.checkpoint import (
    Progressed,
    State,
    digest_of,
    read_checkpoint,
    replace_by_rename,
    write_checkpoint,
)
from overread_lab.train.curves import write_curves
from overread_lab.train.hardware import Place, gains_by_bf16
from overread_lab.train.recipe import Recipe

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
CHECKPOINT, WEIGHTS = "checkpoint.pt", "weights.pt"
SPEAK_EVERY_S = 10.0


class DivergedError(UsageError):
    """The loss is no number any more; no weights are written."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What is trained: how the network is made (called once, after torch was seeded), and what it shall lower.

    `loss` takes the raw output and the target, and is a mean over examples.
    """

    build: Callable[[], nn.Module]
    loss: Loss


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A finished training: the network with its final weights, their digest, and the evaluations on the way."""

    network: nn.Module
    sha256: str
    step: int
    rows: list[dict[str, float]]


def train(
    goal: Goal, material: Material, recipe: Recipe, folder: Path, *, place: Place, progress: Progress = silent
) -> Trained:
    """Train a network; goes on from the checkpoint in `folder` where there is one.

    Parameters
    ----------
    folder : Path
        Exists; gets checkpoint.pt, weights.pt, curves.csv and curves.png.

    Raises
    ------
    UsageError
        The checkpoint belongs to another training, or the watched figure is not among the evaluated ones.
    DivergedError
        The loss became NaN or infinite.
    """
    run = _Run(goal, material, recipe, folder, place)
    first, began = run.reached.step, time.monotonic()
    if first and place.leads:
        progress(f"goes on after step {first}", first / recipe.steps)
    spoke = began
    while not run.ended:
        loss = run.update()
        now, step = time.monotonic(), run.reached.step
        if place.leads and (now - spoke > SPEAK_EVERY_S or run.ended):
            spoke = now
            left_s = (now - began) / (step - first) * (recipe.steps - step)
            figures = "".join(f", {name} {value:.4f}" for name, value in run.figures().items())
            progress(
                f"step {step} of {recipe.steps}, loss {loss:.4f}{figures}, {_clock(left_s)} left", step / recipe.steps
            )
    return run.finish()


class _Run:
    def __init__(self, goal: Goal, material: Material, recipe: Recipe, folder: Path, place: Place) -> None:
        self.loss, self.material, self.recipe, self.folder, self.place = goal.loss, material, recipe, folder, place
        self.layout = torch.channels_last if recipe.channels_last else torch.contiguous_format
        self.shares = place.shares(recipe.batch)
        torch.manual_seed(recipe.seed)
        self.network = goal.build().to(place.device).to(memory_format=self.layout)
        self.optimizer = _optimizer(self.network, recipe)
        self.of: dict[str, Any] = {
            "recipe": recipe.to_dict(),
            "data": dict(material.notes),
            "processor": f"{place.world} x {place.device.type}, {torch.get_num_threads()} threads",
        }
        self.reached = Progressed()
        if (folder / CHECKPOINT).exists():
            state, optimizer, self.reached = read_checkpoint(folder / CHECKPOINT, of=self.of)
            self.network.load_state_dict(state)
            self.optimizer.load_state_dict(optimizer)
        self.inner: nn.Module = DistributedDataParallel(self.network) if place.world > 1 else self.network
        self.bf16 = recipe.bf16 and gains_by_bf16(place.device)

    @property
    def ended(self) -> bool:
        patience = self.recipe.patience
        return self.reached.step >= self.recipe.steps or (patience is not None and self.reached.idle >= patience)

    def figures(self) -> dict[str, float]:
        """Of the last evaluation."""
        last = self.reached.rows[-1] if self.reached.rows else {}
        return {name: value for name, value in last.items() if name not in ("step", "loss", "learning_rate")}

    def update(self) -> float:
        """One step, with the evaluation and the checkpoint that are due after it; returns the loss."""
        recipe, reached = self.recipe, self.reached
        loss = self._step()
        reached.losses.append(loss)
        reached.step += 1
        last = reached.step == recipe.steps
        if last or reached.step % recipe.evaluate_every == 0:
            self._evaluate()
        if self.ended or reached.step % recipe.checkpoint_every == 0:
            self._keep()
        return loss

    def _step(self) -> float:
        recipe, step, device = self.recipe, self.reached.step, self.place.device
        torch.manual_seed(hash((recipe.seed, step, self.place.rank)) % 2**63)  # dropout: a function of the step
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.rate_at(step)
        images, targets = self.material.batches.draw(seed=recipe.seed, step=step, places=self.shares)
        self.inner.train()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=self.bf16):
            output = self.inner(self._tensor(images))
        loss = self.loss(output.float(), torch.from_numpy(np.ascontiguousarray(targets)).to(device))
        value = float(loss.detach())
        if not math.isfinite(value):
            raise DivergedError(
                f"the loss is {value} at step {step + 1}",
                where=f"recipe {recipe.name}",
                way_out="Lower the learning rate, or look for examples with NaN.",
            )
        loss.backward()
        if recipe.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), recipe.clip_norm)
        self.optimizer.step()
        return value

    def _tensor(self, images: NDArray[np.float32]) -> torch.Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(images, dtype=np.float32)).to(self.place.device)
        return tensor.to(memory_format=self.layout) if tensor.ndim == 4 else tensor

    def _evaluate(self) -> None:
        recipe, reached = self.recipe, self.reached
        figures: dict[str, float] = {}
        if self.material.evaluate is not None and self.place.leads:
            figures = {name: float(value) for name, value in self.material.evaluate(self._predict).items()}
        mean = sum(reached.losses) / len(reached.losses)
        if self.place.world > 1:
            held: list[Any] = [None] * self.place.world
            dist.all_gather_object(held, (mean, figures))
            mean, figures = sum(loss for loss, _ in held) / len(held), held[0][1]
        rate = recipe.rate_at(reached.step - 1)
        reached.rows.append({"step": float(reached.step), "learning_rate": rate, "loss": mean, **figures})
        reached.losses = []
        if recipe.patience is None:
            return
        if recipe.watch not in figures:
            raise UsageError(
                f"the evaluation gives {', '.join(sorted(figures)) or 'nothing'}, and not the watched {recipe.watch}",
                where=f"recipe {recipe.name}",
                way_out="Train without patience, or name a figure that is evaluated.",
            )
        if figures[recipe.watch] > reached.best_figure:
            reached.best_figure, reached.best, reached.idle = figures[recipe.watch], _copy(self.network), 0
        else:
            reached.idle += 1

    def _predict(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        self.network.eval()
        with torch.inference_mode():
            output: NDArray[np.float32] = self.network(self._tensor(images)).float().cpu().numpy()
        return output

    def _keep(self) -> None:
        if self.place.leads:
            state = _copy(self.network)
            write_checkpoint(self.folder / CHECKPOINT, state, self.optimizer.state_dict(), self.reached, of=self.of)
            write_curves(self.folder, self.reached.rows)

    def finish(self) -> Trained:
        if self.reached.best is not None:
            self.network.load_state_dict(self.reached.best)
        state = _copy(self.network)
        if self.place.leads:
            replace_by_rename(self.folder / WEIGHTS, lambda path: torch.save(state, path))
        return Trained(self.network.eval(), digest_of(state), self.reached.step, self.reached.rows)


def _optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    used = [parameter for parameter in network.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in used if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in used if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate)


def _copy(network: nn.Module) -> State:
    return {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"
