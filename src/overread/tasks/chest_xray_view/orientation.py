"""Whether a film is turned or inverted, and the film set right again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.findings import Descriptor, Reason
from overread.models import LinearHead
from overread.tasks.chest_xray_view.plan import ViewPlan

_TURNED = {
    "turned_left": "turned by a quarter, its top to the left",
    "turned_right": "turned by a quarter, its top to the right",
    "upside_down": "upside down",
}
_BACK = {"turned_left": 3, "upside_down": 2, "turned_right": 1}
"""Quarter turns to the left that set it upright."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a film lies: `turn` is a name such as "upside_down", None where it is upright."""

    turn: str | None
    inverted: bool

    @classmethod
    def of(cls, features: NDArray[np.floating[Any]], heads: Mapping[str, LinearHead], plan: ViewPlan) -> Orientation:
        """From the (copy, 1280) features of a film; only its first copy is asked, as in training."""
        turn, tone = (heads[name].probabilities(features[:1]) for name in ("turn", "tone"))
        worst = max(_TURNED, key=lambda name: turn[name])
        return cls(worst if turn[worst] > plan.turned_above else None, tone["inverted"] > plan.inverted_above)

    @property
    def sound(self) -> bool:
        """Neither turned nor inverted."""
        return self.turn is None and not self.inverted

    def undone(self, film: NDArray[Any]) -> NDArray[Any]:
        """The (row, column) film upright, and dense bright."""
        upright = np.rot90(film, _BACK[self.turn]) if self.turn else film
        upright = (
            (upright.max() - upright) + upright.min() if self.inverted else upright
        )  # in this order nothing overflows
        return np.ascontiguousarray(upright)

    def reasons(self) -> tuple[Reason, ...]:
        """Why it is refused."""
        turned = (Reason(self.turn, f"the film is {_TURNED[self.turn]}"),) if self.turn else ()
        return (*turned, Reason("inverted", "the film is inverted: bone is dark")) if self.inverted else turned

    def labels(self) -> tuple[Descriptor, ...]:
        """The same as answers."""
        tone = ("inverted", "bone is dark") if self.inverted else ("normal", "bone is bright")
        turn = (self.turn, _TURNED[self.turn]) if self.turn else ("upright", "upright")
        return Descriptor("orientation", *turn), Descriptor("tone", *tone)
