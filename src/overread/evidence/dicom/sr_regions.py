"""Regions in a picture as SCOORD: (column, row) from the upper left corner of the first pixel (PS3.3 C.18.6.1.1)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from highdicom.sr import CoordinatesForMeasurement, GraphicTypeValues, SourceImageForRegion
from highdicom.sr import ImageRegion as DicomRegion
from numpy.typing import NDArray

from overread.errors import IntegrityError
from overread.findings import ImageRegion, Shape
from overread.image import Source

HALF_A_PIXEL = 0.5
"""DICOM counts from the corner of the first pixel, a region from its centre."""
_TYPES = {
    Shape.POINT: GraphicTypeValues.POINT,
    Shape.POLYLINE: GraphicTypeValues.POLYLINE,
    Shape.POLYGON: GraphicTypeValues.POLYLINE,
    Shape.CIRCLE: GraphicTypeValues.CIRCLE,
    Shape.ELLIPSE: GraphicTypeValues.ELLIPSE,
}


def graphic_type(region: ImageRegion) -> str:
    """Graphic Type of a region; a polygon is a polyline that ends where it began."""
    return str(_TYPES[region.shape].value)


def graphic_data(region: ImageRegion) -> NDArray[np.float64]:
    """(n, 2): (column, row) of each point, from the corner of the first pixel."""
    points = region.outline_rc() if region.shape is Shape.POLYGON else region.points_rc
    return np.array(points)[:, ::-1] + HALF_A_PIXEL


def _image(region: ImageRegion, source: Source) -> SourceImageForRegion:
    if not 0 <= region.frame_index < len(source.frames):
        raise IntegrityError(f"a region lies on frame {region.frame_index + 1} of {len(source.frames)}", where="sr.dcm")
    frame = source.frames[region.frame_index]
    several = len(source.frames) > 1
    return SourceImageForRegion(
        frame.sop_class_uid, frame.sop_uid, referenced_frame_numbers=[frame.frame_number] if several else None
    )


def image_region(region: ImageRegion, source: Source) -> DicomRegion:
    """The region of a TID 1410 group. An open line is no region: it is closed."""
    data = graphic_data(region)
    if _TYPES[region.shape] is GraphicTypeValues.POLYLINE and not np.array_equal(data[0], data[-1]):
        data = np.concatenate([data, data[:1]])
    return DicomRegion(_TYPES[region.shape], data, _image(region, source))


def lines_of(name: str, marks: Iterable[ImageRegion], source: Source) -> list[CoordinatesForMeasurement]:
    """The marks that belong to a measurement, as the coordinates that it was inferred from."""
    return [
        CoordinatesForMeasurement(_TYPES[mark.shape], graphic_data(mark), _image(mark, source))
        for mark in marks
        if mark.name == name
    ]
