"""A picture of ours (an overlay, a key image) as Secondary Capture of the patient and study of its source."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence as Many
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import RLELossless, SecondaryCaptureImageStorage

from overread.errors import UsageError
from overread.evidence.dicom.headers import SourceHeaders
from overread.evidence.dicom.identity import Stamp
from overread.evidence.dicom.images.begin import Kind, begin, common_to, source_item
from overread.evidence.vocabulary import ascii_text
from overread.findings import Provenance
from overread.image import SourceFrame
from overread.io.quiet import quiet

SERIES_NUMBER = 9103
_CLEAN = frozenset(("CT", "MR", "PT", "NM"))
"""Modalities whose pixels come from reconstruction: nobody's name is in them unless the header says so."""


def burned_in(headers: SourceHeaders) -> str:
    """YES or NO: whether the pixels of the source may name the patient (0028,0301).

    Our own drawing carries no name. What the source shows stays: YES where a header says so, or where none says no
    and the pixels may hold a screen text (ultrasound, secondary capture, plain X-ray, anything but CT, MR, PT, NM).
    """
    said = {str(h.get("BurnedInAnnotation") or "").strip().upper() for h in headers.datasets}
    if "YES" in said:
        return "YES"
    if said == {"NO"}:
        return "NO"
    silent = [h for h in headers.datasets if str(h.get("BurnedInAnnotation") or "").strip().upper() != "NO"]
    return "NO" if all(_is_clean(h) for h in silent) else "YES"


def _is_clean(header: Dataset) -> bool:
    captured = str(header.get("SOPClassUID", "")).startswith(str(SecondaryCaptureImageStorage))
    return not captured and str(header.get("Modality", "")) in _CLEAN


def build_secondary_capture(
    rgb: NDArray[np.uint8],
    headers: SourceHeaders,
    stamp: Stamp,
    *,
    provenance: Provenance,
    title: str,
    number: int = 1,
    shown: Many[SourceFrame] = (),
    compress: bool = True,
) -> Dataset:
    """The picture as a Secondary Capture Image object (PS3.3 A.8.1), ready for `save_as(enforce_file_format=True)`.

    Parameters
    ----------
    rgb : (row, column, 3) uint8
        As it shall be shown. It must not name the patient: `BurnedInAnnotation` follows the source alone.
    headers : SourceHeaders
        Of the source; the first gives patient and study. Nothing of its geometry is taken over.
    title : str
        What the picture is, such as "Findings, overview"; becomes series and derivation description, in ASCII.
    number : int
        Instance number, from 1; all pictures of one stamp share a series.
    shown : sequence of SourceFrame
        The frames that the picture shows; named in the Source Image Sequence.
    compress : bool
        RLE (lossless, which every reader of DICOM knows) rather than raw.

    Returns
    -------
    Dataset
        The same for the same arguments, to the byte once saved.

    Raises
    ------
    UsageError
        `rgb` is no picture, or `number` is below 1.
    InputError
        The source has no study.
    """
    _require_picture(rgb, number)
    digest = hashlib.sha256(repr(rgb.shape).encode() + np.ascontiguousarray(rgb).tobytes()).hexdigest()
    kind = Kind(str(SecondaryCaptureImageStorage), "OT", SERIES_NUMBER, f"overread {title}", number)
    with quiet("pydicom"):
        ds = begin(headers.first, provenance, stamp, kind, uids=("captures-series", f"capture-{number}-{digest}"))
        ds.ConversionType = "WSD"
        ds.ImageType = ["DERIVED", "SECONDARY"]
        ds.DerivationDescription = ascii_text(f"{title}. Research use only, not a diagnosis.")
        ds.PatientOrientation = ""  # several panels may lie in several directions
        ds.BurnedInAnnotation = burned_in(headers)
        ds.update(common_to(headers.datasets))
        items = dict.fromkeys((f.sop_class_uid, f.sop_uid, f.frame_number) for f in shown)
        if items:
            many = _with_frames(headers)
            ds.SourceImageSequence = Sequence([source_item(c, u, n if u in many else None) for c, u, n in items])
        _put_rgb(ds, rgb, compress=compress)
    return ds


def _require_picture(rgb: NDArray[Any], number: int) -> None:
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or not min(rgb.shape[:2]) >= 1:
        raise UsageError(f"a picture is (row, column, 3) uint8, got {rgb.shape} {rgb.dtype}")
    if max(rgb.shape[:2]) > 65535:
        raise UsageError(f"a DICOM picture has at most 65535 rows and columns, got {rgb.shape[:2]}")
    if number < 1:
        raise UsageError(f"instances are numbered from 1, got {number}")


def _with_frames(headers: SourceHeaders) -> frozenset[str]:
    """SOP Instance UIDs of the objects in which a frame number says something."""
    return frozenset(str(h.SOPInstanceUID) for h in headers.datasets if "NumberOfFrames" in h)


def _put_rgb(ds: Dataset, rgb: NDArray[np.uint8], *, compress: bool) -> None:
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    ds.Rows, ds.Columns = rgb.shape[:2]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    if compress:
        ds.compress(RLELossless, np.ascontiguousarray(rgb), generate_instance_uid=False)
    else:
        raw = rgb.tobytes()
        ds.PixelData = raw + b"\0" * (len(raw) % 2)
        ds["PixelData"].VR = "OB"
