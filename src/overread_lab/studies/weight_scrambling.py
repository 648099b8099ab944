"""Shipped heads and networks with their weights shuffled, and how alike two maps are: does a map need the weights?

Adebayo et al. 2018, "Sanity checks for saliency maps".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from overread.models import LinearHead, Network
from overread.runtime import Runtime
from overread.tasks._shared import film_encoder
from overread.tasks._shared.film_encoder import LAST_MAP

Film = NDArray[np.float32]


def scrambled_head(head: LinearHead, rng: np.random.Generator) -> LinearHead:
    """The head with the weights of each class dealt to other features."""
    return replace(head, weight=np.stack([rng.permutation(row) for row in head.weight]))


def scrambled_encoder(parts: Sequence[str], rng: np.random.Generator, folder: Path) -> Network:
    """The shipped encoder with some layers scrambled."""
    shipped = Path(film_encoder.__file__).parent / "encoder.onnx"
    path = folder / "encoder.onnx"
    path.write_bytes(scrambled(shipped, parts, rng))
    return Network.open(path, sha256=None, runtime=Runtime(), also=(LAST_MAP,))


def scrambled(shipped: Path, parts: Sequence[str], rng: np.random.Generator) -> bytes:
    """A shipped network with the values of each weight whose name holds one of `parts` shuffled within it."""
    import onnx  # noqa: PLC0415  (an extra)

    model = onnx.load(shipped)
    for weight in model.graph.initializer:
        if any(part in weight.name for part in parts):
            values = onnx.numpy_helper.to_array(weight)
            shuffled = rng.permutation(values.reshape(-1)).reshape(values.shape)
            weight.CopyFrom(onnx.numpy_helper.from_array(shuffled, weight.name))
    data: bytes = model.SerializeToString()
    return data


def likeness(one: Film, other: Film) -> float:
    """Rank correlation of two maps of a film, where either is not 0; 0 where one of them is flat."""
    shown = (one != 0) | (other != 0)
    first, second = one[shown][::16], other[shown][::16]
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(spearmanr(first, second).statistic)
