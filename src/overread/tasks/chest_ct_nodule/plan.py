"""Every parameter of the task, frozen; written with each result."""

from __future__ import annotations

from dataclasses import dataclass, field

from overread.measure import MeasurePlan
from overread.tasks.chest_ct_nodule.detect import DetectPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class NodulePlan:
    """Parameters of `chest_ct_nodule`.

    Parameters
    ----------
    smallest_mm : float
        Findings with a smaller mean diameter are not listed (LIDC-IDRI and the categories start at 3 mm).
    largest_mm : float
        A nodule is at most 30 mm by definition (Fleischner glossary); larger findings are listed as masses.
    most_findings : int
        The best scored this many are measured.
    """

    detect: DetectPlan = field(default_factory=DetectPlan)
    measure: MeasurePlan = field(default_factory=MeasurePlan)
    smallest_mm: float = 3.0
    largest_mm: float = 30.0
    most_findings: int = 40
