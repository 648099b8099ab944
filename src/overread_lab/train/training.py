"""What a recipe module offers: parameters, data, network, loss and export, each made only when asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from overread_lab.train.batches import Material
from overread_lab.train.recipe import Recipe

if TYPE_CHECKING:
    from overread_lab.train.loop import Goal


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPlan:
    """How a trained network becomes an ONNX file.

    Parameters
    ----------
    input_name, output_name : str
        Names in the file.
    shape : tuple of int
        Of one example, (channel, ...); the number of examples stays free.
    tolerance : float
        Largest allowed difference between torch and onnxruntime, in units of the output.
    sigmoid : bool
        The file gives probabilities where the network gives logits.
    float16 : bool
        Weights are stored in half precision; the arithmetic stays float32.
    """

    input_name: str
    output_name: str
    shape: tuple[int, ...]
    tolerance: float
    sigmoid: bool = False
    float16: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """One entry of the register of recipes.

    Parameters
    ----------
    summary : str
        One line: what the network finds, on what, and how long it takes.
    material : callable
        (folder, fold) -> Material; fold None trains on all folds.
    goal : callable
        Makes network and loss; the first to need torch.
    """

    recipe: Recipe
    summary: str
    material: Callable[[Path, int | None], Material]
    goal: Callable[[], Goal]
    export: ExportPlan
