"""The parameters of a training as data: frozen, checked when made, stored with the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import Enum
from math import cos, isfinite, pi
from typing import Any

from overread.errors import UsageError


class Schedule(Enum):
    """How the learning rate goes on after the warm-up."""

    CONSTANT = "constant"
    COSINE = "cosine"
    """Half a cosine down to 0 at the last step (Loshchilov & Hutter 2017, without restarts)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How long and how a network is trained. Lengths are steps, never minutes: a slower machine gives the same weights.

    Parameters
    ----------
    steps : int
        Updates of the weights.
    batch : int
        Examples an update, over all processes together.
    learning_rate : float
        The highest, after the warm-up (AdamW).
    warmup_steps : int
        The rate grows in equal parts over so many steps.
    weight_decay : float
        AdamW's, on weights of two dimensions or more; biases and norms are left alone.
    seed : int
        Decides first weights and every draw.
    evaluate_every, checkpoint_every : int
        Steps between evaluations, and between checkpoints.
    watch : str
        The figure of an evaluation that decides about stopping.
    patience : int, optional
        Stop after so many evaluations in which `watch` did not grow, and keep the best weights. None trains to the
        last step and keeps the last weights, as an out-of-fold figure needs: its fold may choose nothing.
    channels_last : bool
        Memory order of pictures, the faster one on CPUs; it changes rounding, so it belongs here.
    bf16 : bool
        Lower precision where the processor gains by it; float32 where not.
    clip_norm : float, optional
        Longest gradient.
    """

    name: str
    steps: int
    batch: int = 8
    learning_rate: float = 1e-3
    warmup_steps: int = 0
    schedule: Schedule = Schedule.COSINE
    weight_decay: float = 1e-4
    seed: int = 0
    evaluate_every: int = 100
    checkpoint_every: int = 100
    watch: str = "dice"
    patience: int | None = None
    channels_last: bool = False
    bf16: bool = False
    clip_norm: float | None = 1.0

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "evaluate_every", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise self._wrong(name, "1 or more")
        if not 0 <= self.warmup_steps < self.steps:
            raise self._wrong("warmup_steps", f"0 to {self.steps - 1}, less than steps")
        if not (isfinite(self.learning_rate) and self.learning_rate > 0):
            raise self._wrong("learning_rate", "more than 0")
        if not (isfinite(self.weight_decay) and self.weight_decay >= 0):
            raise self._wrong("weight_decay", "0 or more")
        if self.patience is not None and self.patience < 1:
            raise self._wrong("patience", "1 or more, or None")
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise self._wrong("clip_norm", "more than 0, or None")

    def _wrong(self, name: str, expected: str) -> UsageError:
        return UsageError(f"{name} is {getattr(self, name)}, expected {expected}", where=f"recipe {self.name}")

    def rate_at(self, step: int) -> float:
        """Learning rate of the step after `step` finished ones: a function of the step alone."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        if self.schedule is Schedule.CONSTANT:
            return self.learning_rate
        done = (step - self.warmup_steps) / (self.steps - self.warmup_steps)
        return self.learning_rate * 0.5 * (1 + cos(pi * done))

    def with_seed(self, seed: int | None) -> Recipe:
        """The same with another seed; None changes nothing."""
        return self if seed is None else replace(self, seed=seed)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as they are stored with the weights."""
        return {**asdict(self), "schedule": self.schedule.value}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Recipe:
        """The recipe that `to_dict` described; raises `UsageError` for a key that no recipe has."""
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise UsageError(f"a recipe has no {', '.join(unknown)}", where=str(values.get("name", "")))
        return cls(**{**values, "schedule": Schedule(values["schedule"])})
