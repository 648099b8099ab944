"""At which sides of a frontal film the lungs are cut off."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from overread.findings import Descriptor
from overread.models import LinearHead
from overread.ops.film_cut import SIDES, cut_numbers

CUT = "cut.npz"
"""File of the heads `cut_` + side."""
CLASSES = ("whole", "cut_off")


def cut_sides(
    film: NDArray[np.generic],
    run: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    heads: Mapping[str, LinearHead],
) -> tuple[str, ...]:
    """Sides of the picture, of (row, column) `film`, whose head is past its limit.

    Parameters
    ----------
    run : callable
        The network for lung fields.
    heads : dict
        `cut_` + side to a head whose limit lies at even odds.
    """
    numbers = cut_numbers(film, run)[None]
    return tuple(side for side in SIDES if heads[f"cut_{side}"].probabilities(numbers)["cut_off"] > 0.5)


def cut_words(sides: tuple[str, ...]) -> Descriptor:
    """The answer as a label of a reading."""
    if not sides:
        return Descriptor("cut_off", "no", "the lungs lie within the film, as far as can be told")
    return Descriptor("cut_off", "perhaps", cut_warning(sides))


def cut_warning(sides: tuple[str, ...]) -> str:
    """A sentence for a reader."""
    return f"The lungs may be cut off at the {' and the '.join(sides)} of the film."
