"""What the triage task goes by; every number of it stands in the provenance of a reading."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TriagePlan:
    """Limits of the answers; the task decides by a site file alone.

    Parameters
    ----------
    lateral_below : float
        A film gets a score where the view task's probability of a lateral is less.
    """

    lateral_below: float = 0.5
