"""A place in a picture that has no place in the patient: points in pixels of one frame."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from overread.errors import UsageError


class Shape(StrEnum):
    """What the points of a region mean; the names are those of DICOM graphic types but for the polygon."""

    POINT = "point"
    POLYLINE = "polyline"
    """An open line, such as a width."""
    POLYGON = "polygon"
    """A closed outline; the first point is not repeated."""
    CIRCLE = "circle"
    """Centre, and a point on the rim."""
    ELLIPSE = "ellipse"
    """Both ends of the long axis, then both ends of the short axis."""


_COUNTS = {Shape.POINT: (1, 1), Shape.CIRCLE: (2, 2), Shape.ELLIPSE: (4, 4), Shape.POLYLINE: (2, None)}
_AT_LEAST_A_TRIANGLE = (3, None)


@dataclass(frozen=True, slots=True)
class ImageRegion:
    """A region of one frame.

    Parameters
    ----------
    points_rc : tuple of (row, column)
        In pixels: (0, 0) is the centre of the first pixel, and fractions are allowed.
    frame_index : int
        From 0; 0 for a single picture.
    name : str
        The measurement that it belongs to, if any.
    """

    shape: Shape
    points_rc: tuple[tuple[float, float], ...]
    frame_index: int = 0
    name: str = ""

    def __post_init__(self) -> None:
        least, most = _COUNTS.get(self.shape, _AT_LEAST_A_TRIANGLE)
        count = len(self.points_rc)
        if count < least or (most is not None and count > most):
            raise UsageError(f"a {self.shape} of {count} points, expected {least}{'' if most else ' or more'}")
        if not all(math.isfinite(value) for point in self.points_rc for value in point):
            raise UsageError(f"a {self.shape} has a point that is no number")

    @property
    def centre_rc(self) -> tuple[float, float]:
        """Mean of the points; of a circle its centre."""
        points = self.points_rc[:1] if self.shape is Shape.CIRCLE else self.points_rc
        return sum(row for row, _ in points) / len(points), sum(column for _, column in points) / len(points)

    def outline_rc(self, *, corners: int = 72) -> tuple[tuple[float, float], ...]:
        """The points to draw: as they are, closed for a polygon, `corners` of them for a circle or an ellipse."""
        if self.shape is Shape.POLYGON:
            return (*self.points_rc, self.points_rc[0])
        if self.shape not in (Shape.CIRCLE, Shape.ELLIPSE):
            return self.points_rc
        row, column = self.centre_rc
        if self.shape is Shape.CIRCLE:
            radius = math.dist(self.points_rc[0], self.points_rc[1])
            along, across = (radius, 0.0), (0.0, radius)
        else:
            a, b, c, d = self.points_rc
            along, across = ((b[0] - a[0]) / 2, (b[1] - a[1]) / 2), ((d[0] - c[0]) / 2, (d[1] - c[1]) / 2)
        turns = [2 * math.pi * n / corners for n in range(corners + 1)]
        return tuple(
            (
                row + math.cos(t) * along[0] + math.sin(t) * across[0],
                column + math.cos(t) * along[1] + math.sin(t) * across[1],
            )
            for t in turns
        )
