"""Where pixels are in the patient: grids, orientation, and the verdict on an input's geometry. No pixels here."""

from overread.geometry.grid import Grid, axial_grid
from overread.geometry.orientation import (
    ORIENTATIONS,
    closest_letters,
    orient,
    orientation_of,
    plane_name,
    right_angled,
)
from overread.geometry.verdict import Fault, Policy, Severity, Verdict

__all__ = [
    "ORIENTATIONS",
    "Fault",
    "Grid",
    "Policy",
    "Severity",
    "Verdict",
    "axial_grid",
    "closest_letters",
    "orient",
    "orientation_of",
    "plane_name",
    "right_angled",
]
