"""Masks and images to measurements with intervals. What is measured is decided above."""

from overread.measure.edges import estimate_edge
from overread.measure.nodule import NoduleMeasure, NotMeasurable, measure_nodule
from overread.measure.picture import length_ratio, picture_length
from overread.measure.plan import EdgeModel, MeasurePlan

__all__ = [
    "EdgeModel",
    "MeasurePlan",
    "NoduleMeasure",
    "NotMeasurable",
    "estimate_edge",
    "length_ratio",
    "measure_nodule",
    "picture_length",
]
