"""A training on disk: everything a killed one needs to go on as if nothing had happened."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from overread.errors import DamagedFileError, UsageError

State = dict[str, torch.Tensor]


@dataclass(slots=True)
class Progressed:
    """What a training has reached.

    `rows` are the evaluations so far, each with `step`, `loss`, `learning_rate` and the figures; `best` is the weights
    of the highest watched figure, None unless the recipe has patience.
    """

    step: int = 0
    rows: list[dict[str, float]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    best: State | None = None
    best_figure: float = float("-inf")
    idle: int = 0


def write_checkpoint(
    path: Path, network: State, optimizer: Mapping[str, Any], reached: Progressed, *, of: Mapping[str, Any]
) -> None:
    """Write a checkpoint by one rename: a kill leaves the last one or this one, never half of one.

    Parameters
    ----------
    of : dict
        What the checkpoint belongs to (recipe, data, processor); plain values.
    """
    whole = {
        "of": dict(of),
        "network": network,
        "optimizer": dict(optimizer),
        "reached": {name: getattr(reached, name) for name in reached.__slots__},
    }
    replace_by_rename(path, lambda target: torch.save(whole, target))


def read_checkpoint(path: Path, *, of: Mapping[str, Any]) -> tuple[State, dict[str, Any], Progressed]:
    """Weights, state of the optimizer and what was reached.

    Raises
    ------
    UsageError
        The checkpoint belongs to another training.
    DamagedFileError
        Not a checkpoint.
    """
    try:
        whole = torch.load(path, map_location="cpu", weights_only=True)
        theirs, network, optimizer, reached = (whole[name] for name in ("of", "network", "optimizer", "reached"))
    except (OSError, RuntimeError, KeyError, TypeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise DamagedFileError(
            "not a checkpoint of a training", where=str(path), way_out="Remove it to start from the beginning."
        ) from error
    differing = sorted(name for name in {*theirs, *of} if theirs.get(name) != of.get(name))
    if differing:
        told = "; ".join(f"{name} was {theirs.get(name)}, is {of.get(name)}" for name in differing)
        raise UsageError(
            f"the checkpoint belongs to another training: {told}",
            where=str(path),
            way_out="Go on with the same options, or train into another folder.",
        )
    return network, optimizer, Progressed(**reached)


def digest_of(state: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 over names, shapes and bytes of weights: equal means equal to the last bit."""
    digest = hashlib.sha256()
    for name in sorted(state):
        values = state[name].detach().cpu().contiguous()
        digest.update(f"{name}{tuple(values.shape)}{values.dtype}".encode())
        digest.update(values.numpy().tobytes())
    return digest.hexdigest()


def replace_by_rename(path: Path, write: Any) -> None:
    """Let `write(neighbour)` make the file beside `path`, sync it, and rename it over `path`."""
    neighbour = path.with_name(f".{path.name}.part")
    write(neighbour)
    with neighbour.open("rb") as file:
        os.fsync(file.fileno())
    neighbour.replace(path)
