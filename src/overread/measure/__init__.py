"""Masks and images to measurements with intervals. What is measured is decided above."""

from overread.measure.edges import estimate_edge
from overread.measure.nodule import NoduleMeasure, NotMeasurable, measure_nodule
from overread.measure.plan import EdgeModel, MeasurePlan

__all__ = ["EdgeModel", "MeasurePlan", "NoduleMeasure", "NotMeasurable", "estimate_edge", "measure_nodule"]
