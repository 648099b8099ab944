"""The shipped network for lung fields, opened by the digest on its card. Not whether the film is a frontal chest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cards import TaskCard, read_card
from overread.models import Network
from overread.ops.film_lungs import FilmLungs, segment_lungs
from overread.runtime import Runtime

HERE = Path(__file__).parent
WEIGHTS = "film_lungs.onnx"


def film_lungs_card() -> TaskCard:
    """What it was trained on, how it did on patients it never saw, and what it must not be used for."""
    return read_card(HERE / "card.toml")


@dataclass(frozen=True, slots=True)
class LungFinder:
    """An open network; open it once and ask it for many films."""

    network: Network

    @classmethod
    def open(cls, runtime: Runtime) -> LungFinder:
        """Raises `IntegrityError` where the shipped weights are not those of the card."""
        digest = film_lungs_card().weights[WEIGHTS]
        return cls(Network.open(HERE / WEIGHTS, sha256=digest, runtime=runtime))

    def find(self, film: NDArray[np.generic] | NDArray[Any]) -> FilmLungs:
        """Lungs of a (row, column) film of any size and range, brighter where denser.

        It answers for any picture, laterals and pets included: whether the film is a frontal chest film must be known.
        """
        return segment_lungs(film, self.network)
