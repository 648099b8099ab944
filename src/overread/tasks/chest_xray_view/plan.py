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
    sure_above : float
        Probability that frontal, lateral or child needs; else the film needs a reader.
    frontal_above : float
        Probability of an adult's frontal film from which lung fields and heart are measured.
    lateral_above : float
        Probability of a lateral film from which lungs are not looked for.
    mirrored_above : float
        Probability, were half of all films mirrored, from which a frontal film is warned of.
    excluded_below : float
        Views that are less probable than this are excluded.
    least_side : int
        Pixels along the shorter side.
    unlike_beyond : float
        Distance from chest films, in multiples of the usual, from which a picture is refused.
    stranger_above : float
        Probability of being no chest film, or a small part of one, from which a picture is refused.
    badly_exposed_above : float
        Probability of a blank, noisy, much too dark, much too white or clipped film from which it is refused.
    """

    turned_above: float = 0.5
    inverted_above: float = 0.5
    sure_above: float = 0.7
    frontal_above: float = 0.5
    lateral_above: float = 0.5
    mirrored_above: float = 0.9
    excluded_below: float = 0.1
    least_side: int = 64
    unlike_beyond: float = 3.6
    stranger_above: float = 0.8
    badly_exposed_above: float = 0.75
