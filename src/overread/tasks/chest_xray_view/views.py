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
from overread.models import LinearHead, Network
from overread.models.temperature import Temperature
from overread.runtime import Runtime
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


def view_probabilities(
    squares: NDArray[np.float32], features: NDArray[np.float32], head: LinearHead, network: Network, scale: Temperatures
) -> dict[str, float]:
    """View to its probability.

    Parameters
    ----------
    squares : (variant, 1, size, size)
        Copies of one film.
    features : (variant, feature)
        Of the same by the frozen encoder.
    """
    frozen = np.array([list(head.probabilities(features).values())])
    logits = network(squares)[:, : len(VIEWS)].astype(np.float64).mean(axis=0)[None]
    p = scale.join(frozen, logits)[0]
    return dict(zip(VIEWS, (float(v) for v in p), strict=True))


@cache
def open_network(sha256: str, threads: int) -> Network:
    """The shipped network; `IntegrityError` where the file was changed."""
    return Network.open(Path(str(files(__package__) / NETWORK)), sha256=sha256, runtime=Runtime(threads))
