"""What a trained network looks for: pictures that excite a unit most, and the filters of its first layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from overread.errors import UsageError

Film = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class VisualPlan:
    """How pictures are found.

    Parameters
    ----------
    size : int
        Side of a picture, pixels.
    steps : int
        Of Adam.
    jitter : int
        The picture is moved by up to so many pixels before each step, and back after it.
    blur_every, blur_sd : int, float
        Every so many steps the picture is smoothed by so many pixels: what grows back counts.
    roughness : float
        Weight of the mean absolute difference of neighbours against the activation, in units of its spread at first.
    """

    size: int = 128
    steps: int = 160
    learning_rate: float = 0.05
    jitter: int = 6
    blur_every: int = 8
    blur_sd: float = 0.7
    roughness: float = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Excited:
    """Pictures that excite units.

    Parameters
    ----------
    pictures : (unit, size, size) float32
        0..1.
    before, after : (unit,) float32
        Mean activation of the unit on the noise that it began with, and on the picture.
    """

    pictures: Film
    before: Film
    after: Film


def exciting(network: nn.Module, layer: str, units: Sequence[int], plan: VisualPlan, *, seed: int) -> Excited:
    """Pictures that maximise the mean activation of some units (channels, or outputs) of one layer.

    Parameters
    ----------
    network : module
        Takes (n, 1, size, size) of 0..1.
    layer : str
        Name of a submodule, as in `named_modules`; "" is the network itself.

    Raises
    ------
    UsageError
        There is no such layer or unit.

    Notes
    -----
    Activation maximisation (Erhan et al. 2009) with jitter (Mordvintsev et al. 2015) and blur (Yosinski et al. 2015).
    """
    modules = dict(network.named_modules())
    if layer not in modules:
        raise UsageError(f"the network has no layer {layer!r}", way_out=f"It has {', '.join(filter(None, modules))}.")
    network.eval()
    seen: list[torch.Tensor] = []
    handle = modules[layer].register_forward_hook(lambda _module, _given, answer: seen.append(answer))

    def activation(pictures: torch.Tensor) -> torch.Tensor:
        seen.clear()
        network(pictures)
        every = seen[-1].flatten(2).mean(2) if seen[-1].ndim > 2 else seen[-1]
        if max(units) >= every.shape[1]:
            raise UsageError(f"{layer or 'the output'} has {every.shape[1]} units, asked for unit {max(units)}")
        return every[torch.arange(len(units)), torch.tensor(list(units))]

    draw = torch.Generator().manual_seed(seed)
    hidden = 0.3 * torch.randn((len(units), 1, plan.size, plan.size), generator=draw)
    try:
        with torch.no_grad():
            before = activation(torch.sigmoid(hidden))
        scale = before.std() + 0.1 * before.abs().mean() + 1e-6 if len(units) > 1 else before.abs().mean() + 1e-6
        hidden.requires_grad_(True)
        optimizer = torch.optim.Adam([hidden], lr=plan.learning_rate)
        for step in range(plan.steps):
            down, across = torch.randint(-plan.jitter, plan.jitter + 1, (2,), generator=draw).tolist()
            pictures = torch.sigmoid(hidden)
            moved = torch.roll(pictures, (down, across), (2, 3))
            loss = -(activation(moved) / scale).sum() + plan.roughness * _roughness(pictures)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if plan.blur_every and step % plan.blur_every == plan.blur_every - 1 and step < plan.steps - 1:
                with torch.no_grad():
                    hidden.copy_(_blurred(hidden, plan.blur_sd))
        with torch.no_grad():
            found = torch.sigmoid(hidden)
            after = activation(found)
    finally:
        handle.remove()
    return Excited(found[:, 0].numpy(), before.numpy(), after.numpy())


def first_filters(network: nn.Module) -> Film:
    """(filter, row, column) weights of the first convolution on one channel; `UsageError` where there is none."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.in_channels == 1:
            return np.asarray(module.weight.detach()[:, 0].numpy())
    raise UsageError("the network has no convolution on a single channel")


def _roughness(pictures: torch.Tensor) -> torch.Tensor:
    down, across = pictures.diff(dim=2).abs().mean((1, 2, 3)), pictures.diff(dim=3).abs().mean((1, 2, 3))
    return (down + across).sum()


def _blurred(pictures: torch.Tensor, sd: float) -> torch.Tensor:
    reach = max(1, round(3 * sd))
    at = torch.arange(-reach, reach + 1, dtype=pictures.dtype)
    kernel = torch.exp(-(at**2) / (2 * sd**2))
    kernel = kernel / kernel.sum()
    padded = nn.functional.pad(pictures, [reach] * 4, mode="replicate")
    rows = nn.functional.conv2d(padded, kernel.reshape(1, 1, -1, 1))
    return nn.functional.conv2d(rows, kernel.reshape(1, 1, 1, -1))
