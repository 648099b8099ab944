"""What the view task decides by; every number of it stands in the provenance of a reading."""

from __future__ import annotations

from dataclasses import dataclass

VIEWS = ("adult_frontal", "bedside", "lateral", "child")
TURNS = ("upright", "turned_left", "upside_down", "turned_right")


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewPlan:
    """Limits of the answers.

    Parameters
    ----------
    turned_above, inverted_above : float
        Probability from which a film is refused as turned or inverted.
    mirrored_above : float
        Probability from which a film is said to be perhaps mirrored; never refused for it.
    sure_above : float
        Probability that the most probable view needs; else the film needs a reader.
    least_side : int
        Pixels along the shorter side.
    """

    turned_above: float = 0.5
    inverted_above: float = 0.5
    mirrored_above: float = 0.9
    sure_above: float = 0.6
    least_side: int = 64
