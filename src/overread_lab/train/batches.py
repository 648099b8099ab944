"""Where a training gets its examples: each is drawn from the seed, the step and its place, from nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Evaluate = Callable[[Callable[[NDArray[np.float32]], NDArray[np.float32]]], Mapping[str, float]]
"""Called with the network as a function, (n, channel, ...) float32 to its raw output; gives figures by name."""


class Batches(Protocol):
    """Examples of a training.

    A step that is repeated after a kill, in another process or on another number of GPUs draws the same examples.
    """

    def draw(self, *, seed: int, step: int, places: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """Examples number `places` of the batch of `step`: (n, channel, ...) float32 and their targets, (n, ...)."""
        ...


def rng_of(*, seed: int, step: int, place: int) -> np.random.Generator:
    """Random numbers of one example of one step; those of different steps, places and seeds are independent."""
    return np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=(step, place)))


@dataclass(frozen=True, slots=True)
class Material:
    """What a recipe makes of a folder of data.

    Parameters
    ----------
    batches : Batches
    evaluate : Evaluate, optional
        None where no case is left to evaluate on (a model of all folds).
    notes : dict
        Plain values that belong to the weights: cases, groups, fold.
    """

    batches: Batches
    evaluate: Evaluate | None
    notes: Mapping[str, Any]
