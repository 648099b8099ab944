"""What overread says: measurements with intervals, findings, readings. Not how they are written."""

from overread.findings.codes import Code
from overread.findings.finding import Descriptor, Finding, Laterality, Line
from overread.findings.measurement import Component, Interval, Measurement, Quality
from overread.findings.reading import EvidenceMap, ProbabilityMap, Provenance, Reading, Reason, Scope, ScopeAnswer
from overread.findings.region import ImageRegion, Shape

__all__ = [
    "Code",
    "Component",
    "Descriptor",
    "EvidenceMap",
    "Finding",
    "ImageRegion",
    "Interval",
    "Laterality",
    "Line",
    "Measurement",
    "ProbabilityMap",
    "Provenance",
    "Quality",
    "Reading",
    "Reason",
    "Scope",
    "ScopeAnswer",
    "Shape",
]
