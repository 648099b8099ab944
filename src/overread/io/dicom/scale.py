"""Millimetres of a pixel of X-ray and ultrasound pictures: which tag says them, and how far they may be off."""

from __future__ import annotations

import math
from typing import Any

from pydicom.dataset import Dataset

from overread.image import NO_SCALE, Calibration, PixelScale, Region

_PROJECTIONS = frozenset(("CR", "DX", "MG", "XA", "RF", "PX", "IO", "RG"))
_CALIBRATED = {"FIDUCIAL": "calibrated by an object of known size", "GEOMETRY": "corrected for magnification"}
_CM = 3  # PS3.3 C.8.5.5: physical units of a region


def scale_of(dataset: Dataset) -> PixelScale:
    """The best evidence in the header of a picture that is no slice.

    Spacings are taken from the functional groups too (Pixel Measures); frames that differ have none in common.
    Order: Pixel Spacing with its calibration type; ultrasound regions; Imager Pixel Spacing, where Pixel Spacing is
    absent or only repeats it, divided by the estimated magnification (0018,1114) or by source distances (0018,1110
    over 0018,1111) where these are given; Pixel Spacing of unknown origin; Nominal Scanned Pixel Spacing; none.
    """
    spacings = _of_groups(dataset, "PixelMeasuresSequence", "PixelSpacing")
    imagers = _of_groups(dataset, "FramePixelDataPropertiesSequence", "ImagerPixelSpacing")
    if len(spacings) > 1 or len(imagers) > 1:
        return PixelScale.of(Calibration.NONE, None, "its frames have different spacings, none for all of them")
    spacing = _pair(dataset, "PixelSpacing") or next(iter(spacings), None)
    imager = _pair(dataset, "ImagerPixelSpacing") or next(iter(imagers), None)
    kind = str(dataset.get("PixelSpacingCalibrationType", "") or "").upper()
    if spacing and kind in _CALIBRATED:
        return PixelScale.of(Calibration[kind], spacing, f"{_CALIBRATED[kind]} (Pixel Spacing)")
    tissue = [region for region in regions_of(dataset) if region.kind == "tissue" and region.scale.spacing_mm]
    return max(tissue, key=_area).scale if tissue else _of_spacings(dataset, spacing, imager)


def _of_spacings(
    dataset: Dataset, spacing: tuple[float, float] | None, imager: tuple[float, float] | None
) -> PixelScale:
    """Of a picture that is neither calibrated nor ultrasound."""
    is_detector = imager is not None and (spacing is None or not _differ(spacing, imager))
    if is_detector and imager:
        return _of_detector(imager, _magnification(dataset))
    if spacing:
        what = "a projection" if dataset.get("Modality", "") in _PROJECTIONS or imager else "a picture"
        return PixelScale.of(Calibration.UNSAID, spacing, f"Pixel Spacing of {what} that does not say how it was found")
    nominal = _pair(dataset, "NominalScannedPixelSpacing")
    if nominal:
        return PixelScale.of(Calibration.NOMINAL, nominal, "millimetres on the scanned film, not in the patient")
    return NO_SCALE


def _of_groups(dataset: Dataset, group: str, name: str) -> set[tuple[float, float]]:
    """The different (row, column) spacings of all frames by their functional groups."""
    shared = dataset.get("SharedFunctionalGroupsSequence", None) or ()
    items = [*shared, *(dataset.get("PerFrameFunctionalGroupsSequence", None) or ())]
    told = (_pair(held[0], name) for item in items if (held := item.get(group, None)))
    return {pair for pair in told if pair is not None}


def _of_detector(imager: tuple[float, float], factor: float) -> PixelScale:
    if not factor:
        return PixelScale.of(
            Calibration.DETECTOR, imager, "millimetres on the detector: up to 30 % larger than in the patient"
        )
    shrunk = (imager[0] / factor, imager[1] / factor)
    return PixelScale.of(
        Calibration.MAGNIFICATION, shrunk, f"detector pixels divided by a magnification of {factor:.3f}"
    )


def regions_of(dataset: Dataset) -> tuple[Region, ...]:
    """Regions of an ultrasound picture (0018,6011), in the order of the file; those that lie outside are left out."""
    found = []
    rows, columns = int(dataset.get("Rows", 0) or 0), int(dataset.get("Columns", 0) or 0)
    for item in dataset.get("SequenceOfUltrasoundRegions", None) or ():
        corners = [item.get(f"RegionLocation{name}", None) for name in ("MinY0", "MaxY1", "MinX0", "MaxX1")]
        if any(corner is None for corner in corners):
            continue
        top, bottom, left, right = (int(corner) for corner in corners)
        if not (0 <= top <= bottom and 0 <= left <= right) or top >= rows or left >= columns:
            continue
        found.append(Region((top, bottom + 1), (left, right + 1), _kind(item), _region_scale(item)))
    return tuple(found)


def _kind(item: Dataset) -> str:
    spatial, data = int(item.get("RegionSpatialFormat", 0) or 0), int(item.get("RegionDataType", 0) or 0)
    if spatial == 2:
        return "m-mode"
    if spatial == 3:
        return "spectral doppler"
    return {1: "tissue", 2: "colour flow"}.get(data, "tissue" if spatial == 1 and data == 0 else "other")


def _region_scale(item: Dataset) -> PixelScale:
    """A region measures length where both axes are in cm (PS3.3 C.8.5.5.1.15)."""
    units = int(item.get("PhysicalUnitsXDirection", 0) or 0), int(item.get("PhysicalUnitsYDirection", 0) or 0)
    deltas = [_number(item.get(f"PhysicalDelta{axis}", None)) for axis in "YX"]
    if units != (_CM, _CM) or not all(math.isfinite(delta) and delta != 0 for delta in deltas):
        return PixelScale.of(Calibration.NONE, None, "an ultrasound region whose axes are not both lengths")
    return PixelScale.of(
        Calibration.REGION, (abs(deltas[0]) * 10, abs(deltas[1]) * 10), "an ultrasound region, cm a pixel"
    )


def _magnification(dataset: Dataset) -> float:
    factor = _number(dataset.get("EstimatedRadiographicMagnificationFactor", None))
    if not math.isfinite(factor):
        detector = _number(dataset.get("DistanceSourceToDetector", None))
        patient = _number(dataset.get("DistanceSourceToPatient", None))
        factor = detector / patient if math.isfinite(detector) and math.isfinite(patient) and patient > 0 else math.nan
    return factor if math.isfinite(factor) and 1 <= factor < 20 else 0.0


def _pair(dataset: Dataset, name: str) -> tuple[float, float] | None:
    """(row, column) of a spacing tag; None when absent, zero or no number."""
    value = dataset.get(name, None)
    if value is None or isinstance(value, (str, bytes)) or not hasattr(value, "__len__") or len(value) != 2:
        return None
    row, column = (_number(part) for part in value)
    return (row, column) if math.isfinite(row) and math.isfinite(column) and row > 0 and column > 0 else None


def _number(value: Any) -> float:
    try:
        return math.nan if value is None else float(value)
    except (TypeError, ValueError):
        return math.nan


def _differ(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return any(abs(x - y) > 1e-4 * y for x, y in zip(a, b, strict=True))


def _area(region: Region) -> int:
    return (region.rows[1] - region.rows[0]) * (region.columns[1] - region.columns[0])
