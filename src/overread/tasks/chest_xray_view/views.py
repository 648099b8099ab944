"""Which view a film is: the linear head on the frozen encoder, and a network trained as a whole, joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.errors import IntegrityError
from overread.models import LinearHead, Network, class_activation
from overread.models.temperature import Temperature
from overread.runtime import Runtime
from overread.tasks._shared.film_encoder import Look
from overread.tasks.chest_xray_view.plan import VIEWS

NETWORK = "network.onnx"


def joined(tables: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """(n, class) geometric mean of tables of probabilities, summing to 1."""
    mean = np.exp(np.mean([np.log(np.maximum(table, 1e-12)) for table in tables], axis=0))
    joint: NDArray[np.float64] = mean / mean.sum(axis=1, keepdims=True)
    return joint


@dataclass(frozen=True, slots=True)
class Temperatures:
    """Of the network's logits, and of the logarithm of the joint probabilities; fitted out of fold."""

    network: Temperature
    joint: Temperature

    @classmethod
    def of(cls, notes: Mapping[str, object]) -> Temperatures:
        """From the notes of the file of heads; raises `IntegrityError` where they are not there."""
        values = [notes.get(f"{name}_temperature") for name in ("network", "joint")]
        if not all(isinstance(value, float) for value in values):
            raise IntegrityError("the heads name no temperatures of the network", way_out="Install overread again.")
        network, joint = (Temperature(float(str(value))) for value in values)
        return cls(network, joint)

    def join(self, frozen: NDArray[np.float64], logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, class) calibrated probabilities.

        Parameters
        ----------
        frozen : (n, class) probabilities of the head on the frozen encoder
        logits : (n, class) of the network
        """
        both = joined([frozen, self.network.probabilities(logits)])
        return self.joint.probabilities(np.log(np.maximum(both, 1e-12)))


LAST_MAP, WEIGHT, BIAS = "hardtanh_32", "head.1.weight", "head.1.bias"
"""Values inside the network: its last feature map, and the head on the mean of that."""
MAP_METHOD = "class activation maps of both answers, scaled and halved as they are joined; 7 x 7 cells, five copies"


@dataclass(frozen=True, slots=True, eq=False)
class ViewAnswer:
    """What both say about one film.

    Parameters
    ----------
    look : Look
        By the frozen encoder.
    seen : dict
        Outputs of the network from `open_network` for the same copies.
    """

    look: Look
    head: LinearHead
    seen: Mapping[str, NDArray[np.float32]]
    scale: Temperatures

    def probabilities(self) -> dict[str, float]:
        """View to its probability."""
        frozen = np.array([list(self.head.probabilities(self.look.features).values())])
        logits = self.seen["logits"][:, : len(VIEWS)].astype(np.float64).mean(axis=0)[None]
        p = self.scale.join(frozen, logits)[0]
        return dict(zip(VIEWS, (float(v) for v in p), strict=True))

    def cells(self, name: str) -> NDArray[np.float32]:
        """(variant, row, column): what each cell says for a view against its rivals, in logarithms of probability.

        Their mean is the logarithm of the probability of the view less the mean of those of its rivals: both maps are
        linear in what is pooled, and joining by the geometric mean is linear in the logits.
        """
        own = LinearHead(VIEWS, self.seen[WEIGHT][: len(VIEWS)], self.seen[BIAS][: len(VIEWS)])
        frozen = class_activation(self.head, self.look.maps, name) / np.float32(self.head.temperature.value)
        network = class_activation(own, self.seen[LAST_MAP], name) / np.float32(self.scale.network.value)
        return np.asarray((frozen + network) / np.float32(2 * self.scale.joint.value))

    def evidence(self, name: str) -> NDArray[np.float32]:
        """(row, column) of the film: the same as `cells`, laid on the film."""
        return self.look.on_film(self.cells(name))


@cache
def open_network(sha256: str, threads: int) -> Network:
    """The shipped network, with its last map and its head; `IntegrityError` where the file was changed."""
    path, also = Path(str(files(__package__) / NETWORK)), (LAST_MAP, WEIGHT, BIAS)
    return Network.open(path, sha256=sha256, runtime=Runtime(threads), also=also)
