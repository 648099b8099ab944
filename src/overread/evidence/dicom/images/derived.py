"""A processed CT or MR volume (enhanced, denoised) as a derived series, slice by slice on the frames of its source."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, JPEGLSLossless, MRImageStorage
from pydicom.valuerep import DSfloat

from overread.errors import GeometryError, UnsupportedFormatError, UsageError
from overread.evidence.dicom.headers import SourceHeaders, is_as_stored
from overread.evidence.dicom.identity import Stamp
from overread.evidence.dicom.images import carried
from overread.evidence.dicom.images.begin import Kind, begin, common_to, element_of, source_item
from overread.evidence.dicom.images.rescale import StoredValues, store
from overread.evidence.segments import where_slices_lie
from overread.evidence.vocabulary import ascii_text
from overread.findings import Provenance
from overread.image import Intensity, SourceFrame, Volume
from overread.io.quiet import quiet

SERIES_NUMBER = 9104
_CLASSES = {str(CTImageStorage): "CT", str(MRImageStorage): "MR"}
_THIRD = {"CT": "AXIAL", "MR": "OTHER"}
"""Third value of Image Type: PS3.3 C.8.2.1.1.1 and C.8.3.1.1.1."""


@dataclass(frozen=True, slots=True, eq=False)
class DerivedSeries:
    """Datasets in slice order, and how exactly they hold the values.

    `rounding` is the largest difference between a value and what is read back, in the unit of the values.
    """

    datasets: tuple[Dataset, ...]
    slope: float
    intercept: float
    rounding: float


def build_derived_slices(
    volume: Volume,
    headers: SourceHeaders,
    stamp: Stamp,
    *,
    provenance: Provenance,
    description: str,
    compress: bool = True,
) -> DerivedSeries:
    """One CT or MR Image object a slice, of the place and study of the source, in a series of its own.

    Place, spacing and acquisition are copied from the source slice; values are those of `volume`. Private attributes,
    overlays, padding values and whatever is not in `carried` stay behind.

    Parameters
    ----------
    volume : Volume
        Slice n is frame n of `volume.source`, so that a repaired or resampled volume cannot be written. Values in
        HU or arbitrary, as the source.
    headers : SourceHeaders
        One for each slice, in its order.
    description : str
        What was done, in words: "Adaptive fractional enhancement, order 0.6". In ASCII in the file.
    compress : bool
        JPEG-LS lossless rather than raw.

    Raises
    ------
    UnsupportedFormatError
        The source is not a stack of single-frame CT or MR slices.
    GeometryError
        The volume does not lie on the frames of its source, or these have no Frame of Reference.
    UsageError
        A value is not finite, or there is no description.
    """
    modality = _require_followed(volume, headers, description)
    stored = store(volume.array)
    words = _words(description, stored, volume.intensity)
    parts = (words, stored.slope, stored.intercept, modality, [str(h.SOPInstanceUID) for h in headers.datasets])
    digest = hashlib.sha256(repr(parts).encode() + stored.array.tobytes()).hexdigest()
    datasets = []
    with quiet("pydicom"):
        common = common_to(headers.datasets)
        for n, (header, frame) in enumerate(zip(headers.datasets, volume.source.frames, strict=True)):
            kind = Kind(str(header.SOPClassUID), modality, SERIES_NUMBER, f"overread {description}", n + 1)
            uids = (f"derived-series-{digest}", f"derived-{n}-{digest}")
            ds = begin(header, provenance, stamp, kind, uids=uids)
            _carry(header, frame, ds)
            ds.ImageType = ["DERIVED", "SECONDARY", _THIRD[modality]]
            ds.DerivationDescription = words
            ds.SourceImageSequence = Sequence([source_item(frame.sop_class_uid, frame.sop_uid)])
            ds.update(common)  # of all slices: a filter may mix them
            _add_values(ds, volume, stored, n, compress=compress)
            datasets.append(ds)
    return DerivedSeries(tuple(datasets), float(stored.slope), float(stored.intercept), stored.rounding)


def _require_followed(volume: Volume, headers: SourceHeaders, description: str) -> str:
    """The modality; raises where the source cannot be followed slice by slice."""
    if not description.strip():
        raise UsageError("a derived image needs a description of what was done", way_out="Pass description=...")
    frames = volume.source.frames
    kinds = {_CLASSES.get(frame.sop_class_uid, frame.sop_class_uid) for frame in frames}
    if len(kinds) != 1 or not kinds <= set(_CLASSES.values()):
        raise UnsupportedFormatError(
            f"derived series are written for single-frame CT and MR slices, the source has {sorted(kinds) or 'none'}",
            way_out="Write the volume as NIfTI, or convert the source to single-frame slices first.",
        )
    if [frame.sop_uid for frame in frames] != [str(h.SOPInstanceUID) for h in headers.datasets]:
        raise UsageError(
            f"{len(headers.datasets)} headers do not belong to the {len(frames)} frames of the volume, one each",
            way_out="Read them with read_headers(volume.source.frames, ...).",
        )
    if where_slices_lie(volume.grid, frames, repaired=volume.verdict.repaired)[0] == "mapped":
        raise GeometryError(
            f"the volume of {volume.grid.shape} slices, rows and columns does not lie on the {len(frames)} frames of"
            " its source, since slices were repaired, cropped or resampled",
            way_out="Process the volume as it was read, or write it as NIfTI.",
        )
    if not all(h.get("FrameOfReferenceUID") for h in headers.datasets):
        raise GeometryError("the source has no Frame of Reference, so its slices have no common place")
    return kinds.pop()


def _words(description: str, stored: StoredValues, intensity: Intensity) -> str:
    unit = {Intensity.HU: " HU", Intensity.SUV: " g/ml"}.get(intensity, ", in arbitrary units")
    exact = "Values are kept exactly."
    if stored.rounding:
        exact = f"Values are stored in steps of {stored.slope}{unit}, at most {stored.rounding:.3g}{unit} off."
    return f"{ascii_text(description)[:900].rstrip('. ')}. {exact} Research use only, not a diagnosis."


def _carry(header: Dataset, frame: SourceFrame, ds: Dataset) -> None:
    """Place and acquisition from the source slice."""
    modality = str(ds.Modality)
    own = carried.CT if modality == "CT" else carried.MR
    for keyword in (*carried.SERIES, *carried.PLACE, *carried.PLANE, *carried.IMAGE, *carried.CONTRAST, *own):
        element = element_of(header, keyword)
        if element is not None:
            ds.add(element)
    for keyword in carried.MAY_BE_EMPTY[modality]:
        if keyword not in ds:
            setattr(ds, keyword, "")
    cosines = (*frame.row_lps, *frame.column_lps)
    if not is_as_stored(cosines, header):  # the header rounds them; the standard wants right angles
        ds.ImageOrientationPatient = [DSfloat(c, auto_format=True) for c in cosines]


def _add_values(ds: Dataset, volume: Volume, stored: StoredValues, n: int, *, compress: bool) -> None:
    """Pixels of slice n, and what they mean."""
    plane: NDArray[np.int16] | NDArray[np.uint16] = np.ascontiguousarray(stored.array[n])
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = plane.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 16, 15
    ds.PixelRepresentation = int(plane.dtype == np.int16)
    if ds.Modality == "CT" or not stored.is_plain:  # Modality LUT is no part of a plain MR slice
        ds.RescaleSlope, ds.RescaleIntercept = stored.slope, stored.intercept
        ds.RescaleType = "HU" if volume.intensity is Intensity.HU else "US"
    if volume.windows:
        ds.WindowCenter = [DSfloat(float(w.center), auto_format=True) for w in volume.windows]
        ds.WindowWidth = [DSfloat(float(w.width), auto_format=True) for w in volume.windows]
    if compress:
        ds.file_meta.TransferSyntaxUID = JPEGLSLossless
        ds.PixelData = encapsulate([bytes(imagecodecs.jpegls_encode(plane.view(np.uint16)))])
        ds["PixelData"].is_undefined_length = True
        ds["PixelData"].VR = "OB"
    else:
        ds.PixelData = plane.astype(plane.dtype.newbyteorder("<")).tobytes()
        ds["PixelData"].VR = "OW"
