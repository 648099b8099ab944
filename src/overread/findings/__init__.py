"""What overread says: measurements with intervals, findings, readings. Not how they are written."""

from overread.findings.codes import Code
from overread.findings.finding import Descriptor, Finding, Laterality, Line
from overread.findings.measurement import Component, Interval, Measurement, Quality
from overread.findings.reading import Provenance, Reading, Reason, Scope, ScopeAnswer

__all__ = [
    "Code",
    "Component",
    "Descriptor",
    "Finding",
    "Interval",
    "Laterality",
    "Line",
    "Measurement",
    "Provenance",
    "Quality",
    "Reading",
    "Reason",
    "Scope",
    "ScopeAnswer",
]
