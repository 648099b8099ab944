"""Films with a pattern planted at a known place, to see whether an evidence map finds it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.ops.film import LONGEST, reduce_film, standardise

Film = NDArray[np.float32]
Place = tuple[float, float]
RADIUS = 0.08
"""Of the longer side of the film."""
INSET = 0.2
"""Centres keep this share of each side away from the edges."""
CONTRAST = 0.35
WAVES = 4.0
"""Bright and dark rings, or bars, from the centre to the rim."""


@dataclass(frozen=True, slots=True, eq=False)
class Planted:
    """A film, and the centres (row, column) of what was planted; `radius` in pixels."""

    film: Film
    centre: Place
    distractor: Place
    radius: float


def plant(background: NDArray[np.generic], rng: np.random.Generator, *, with_rings: bool) -> Planted:
    """A film with bars at one place (the distractor) and, if wanted, rings at another that does not touch it.

    Parameters
    ----------
    background : (row, column)
        Any film; it becomes 0..1 and as small as the encoder sees it.
    """
    film = reduce_film(standardise(background), LONGEST).copy()
    radius = RADIUS * max(film.shape)
    low, high = (np.array(film.shape) * share for share in (INSET, 1 - INSET))
    distractor = rng.uniform(low, high)
    centre = rng.uniform(low, high)
    while np.hypot(*(centre - distractor)) < 3 * radius:
        distractor, centre = rng.uniform(low, high), rng.uniform(low, high)
    rows, columns = np.indices(film.shape, dtype=np.float64)
    _add(film, distractor, radius, np.asarray(rows - distractor[0]))
    if with_rings:
        _add(film, centre, radius, np.hypot(rows - centre[0], columns - centre[1]))
    return Planted(np.clip(film, 0, 1), _pair(centre), _pair(distractor), radius)


def _add(film: Film, centre: NDArray[np.float64], radius: float, phase_px: NDArray[np.float64]) -> None:
    """Waves within a disc of soft rim, added in place."""
    rows, columns = np.indices(film.shape)
    away = np.hypot(rows - centre[0], columns - centre[1])
    rim = 1 / (1 + np.exp(np.clip((away - radius) / 1.5, -50, 50)))
    film += (CONTRAST * rim * np.cos(2 * np.pi * WAVES * phase_px / radius)).astype(np.float32)


def _pair(point: NDArray[np.float64]) -> Place:
    return float(point[0]), float(point[1])
