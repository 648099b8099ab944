"""Copies of films that are blank, noisy or badly exposed, as a file of 8 bits would hold them.

The films of the public sets were given a window by their publishers: how they were exposed is not known. What is far
from what any of them shows can be made all the same, and is told apart from them; what is a little off cannot.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Film = NDArray[np.uint8]
Tone = NDArray[np.float64]


def _noise(tone: Tone, rng: np.random.Generator) -> Tone:
    return np.asarray(tone + rng.normal(0, rng.uniform(8, 20) / 255, tone.shape))


def _blank(tone: Tone, rng: np.random.Generator) -> Tone:
    return np.asarray(rng.uniform(0, 1) + rng.normal(0, rng.uniform(0, 3) / 255, tone.shape))


SEVERE: dict[str, Callable[[Tone, np.random.Generator], Tone]] = {
    "blank": _blank,
    "noise": _noise,
    "too_dark": lambda tone, rng: rng.uniform(0.25, 0.45) * tone ** rng.uniform(2.5, 4),
    "too_white": lambda tone, rng: 1 - rng.uniform(0.25, 0.45) * (1 - tone) ** rng.uniform(2.5, 4),
    "clipped_black": lambda tone, rng: (tone - np.quantile(tone, rng.uniform(0.55, 0.7))) * 2,
    "clipped_white": lambda tone, rng: tone / max(np.quantile(tone, rng.uniform(0.3, 0.45)), 0.02),
}
"""Name of a fault to (row, column) tone of 0..1 and a generator to the tone with the fault, before it is clipped."""
MILD: dict[str, Callable[[Tone, np.random.Generator], Tone]] = {
    "rather_dark": lambda tone, rng: rng.uniform(0.6, 0.8) * tone ** rng.uniform(1.3, 1.8),
    "rather_white": lambda tone, rng: 1 - rng.uniform(0.6, 0.8) * (1 - tone) ** rng.uniform(1.3, 1.8),
}
SOUND: dict[str, Callable[[Tone, np.random.Generator], Tone]] = {
    "other_tone": lambda tone, rng: tone ** np.exp(rng.uniform(-0.25, 0.25)),
}


def changed(film: Film, how: Callable[[Tone, np.random.Generator], Tone], rng: np.random.Generator) -> Film:
    """(row, column) uint8 with the fault."""
    return np.rint(255 * np.clip(how(film / 255.0, rng), 0, 1)).astype(np.uint8)
