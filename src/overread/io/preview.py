"""One picture of a series to recognise it by: its middle slice or frame. Only that one is read where files allow."""

from __future__ import annotations

import numpy as np

from overread.errors import GeometryError
from overread.geometry import Policy
from overread.image import NO_SCALE, Calibration, Intensity, PixelScale, Radiograph, Volume
from overread.io.dicom.pixels import read_float32
from overread.io.dicom.series import DicomSeries, rescale_of
from overread.io.dicom.windows import windows_from
from overread.io.door.opening import OpenedDicom
from overread.io.door.private import users_paths
from overread.io.study import Series, SinglePictures
from overread.runtime import Runtime


def middle_picture(series: Series, runtime: Runtime | None = None) -> Radiograph:
    """The middle slice or frame of a series.

    A DICOM stack is judged by no policy here: its middle file is shown even where the stack would not load.

    Raises
    ------
    InputError
        The picture cannot be read.
    """
    with users_paths():
        return _middle(series, runtime)


def _middle(series: Series, runtime: Runtime | None) -> Radiograph:
    if isinstance(series.opened, OpenedDicom):
        return _of_stack(series.opened.series)
    if isinstance(series.opened, SinglePictures):
        return series.opened.picture(series.shape[0] // 2, runtime=runtime)
    image = series.load(policy=Policy.AS_IS, runtime=runtime)
    if isinstance(image, Radiograph):
        return image
    if not isinstance(image, Volume):
        raise GeometryError(f"a {type(image).__name__.lower()} gives no picture one by one")
    middle = image.array.shape[0] // 2
    scale = NO_SCALE if series.spacing_mm is None else _in_plane(image.grid.spacing_mm[1:])
    return Radiograph(image.array[middle], scale, image.intensity, image.source, image.verdict, image.windows)


def _of_stack(stack: DicomSeries) -> Radiograph:
    assessed, headers = stack.assess(Policy.AS_IS)
    order = assessed.order if len(assessed.order) else np.arange(len(headers))
    header = headers[int(order[len(order) // 2])]
    shared, rescale = header.shared, rescale_of(header.shared)
    plane = np.empty((shared.rows, shared.columns), np.float32)
    read_float32(header, plane, rescale)
    spacing = shared.spacing_mm
    return Radiograph(
        plane,
        _in_plane((spacing[0], spacing[1])) if len(spacing) == 2 else NO_SCALE,
        Intensity.HU if rescale.is_hu else Intensity.ARBITRARY,
        stack.source([header]),
        assessed.verdict,
        windows_from(shared.windows, shared.window_function),
    )


def _in_plane(spacing_mm: tuple[float, float]) -> PixelScale:
    return PixelScale.of(Calibration.PATIENT, spacing_mm, "distances between pixels in the patient")
