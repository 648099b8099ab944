"""A simulated volume as the DICOM CT series a scanner would send, and its truth as JSON. No clock, no random UIDs."""

from __future__ import annotations

import errno
import json
import uuid
from dataclasses import asdict, dataclass
from enum import StrEnum
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, JPEGLSLossless, RLELossless

from overread._version import __version__
from overread.errors import GeometryError, ResourceError, UsageError
from overread.image import Intensity, Volume
from overread.phantoms.phantom import Phantom

_NAMESPACE = uuid.UUID("6f0d5d0e-3c57-5d8b-9a0a-2f5d6c9b7e11")
_RESCALE_INTERCEPT = -1024


class Transfer(StrEnum):
    """How the pixels are stored; the values are transfer syntax UIDs."""

    UNCOMPRESSED = str(ExplicitVRLittleEndian)
    JPEG_LS = str(JPEGLSLossless)
    RLE = str(RLELossless)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesLabels:
    """Words of the headers. The patient is invented: nothing here comes from a person.

    Neither name nor ID is a word of the other texts, since a reader withholds texts that name the patient.
    """

    description: str = "overread phantom"
    patient_name: str = "SIMULATED^NOBODY"
    patient_id: str = "SIMULATED"
    body_part: str = "CHEST"
    kvp: float = 120.0
    kernel: str = "PHANTOM_B"
    thickness_mm: float | None = None


def phantom_uid(*parts: str | int) -> str:
    """A UID under 2.25 that depends on nothing but `parts`."""
    return f"2.25.{uuid.uuid5(_NAMESPACE, '/'.join(str(p) for p in parts)).int}"


def write_series(
    volume: Volume,
    folder: Path,
    *,
    seed: int,
    transfer_syntax: Transfer = Transfer.UNCOMPRESSED,
    labels: SeriesLabels | None = None,
) -> tuple[Path, ...]:
    """Write one CT Image object a slice: `CT0001.dcm` is slice 0 of the array.

    The same arguments give the same bytes. Patient Position is HFS; any orthogonal grid is written as it lies.

    Parameters
    ----------
    volume : Volume
        CT in HU; values are rounded to whole HU, -1024..31743.
    folder : Path
        Made when it does not exist; must be empty otherwise.
    seed : int
        Enters every UID together with the labels and the pixels, so that two phantoms never share one.
    transfer_syntax : Transfer
    labels : SeriesLabels, optional

    Returns
    -------
    tuple of Path
        In slice order.

    Raises
    ------
    UsageError
        Not in HU, out of range, or the folder is not empty.
    GeometryError
        A sheared grid: single-frame slices of a tilted gantry are not simulated.
    ResourceError
        The disk is full, or the folder cannot be written.
    """
    stored, words = _require_writable(volume, folder), labels or SeriesLabels()
    digest = sha256(stored.tobytes() + repr((words, volume.grid.affine_lps.tolist())).encode()).hexdigest()[:32]
    series = _series_header(volume, words, seed, digest)
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for k in range(volume.grid.shape[0]):
            path = folder / f"CT{k + 1:04d}.dcm"
            uid = phantom_uid("instance", seed, digest, k)
            _save(_instance(series, volume, stored[k], k=k, syntax=transfer_syntax, uid=uid), path)
            paths.append(path)
    except OSError as error:
        raise _not_written(error, folder) from error
    return tuple(paths)


def _save(instance: FileDataset, path: Path) -> None:
    """By way of memory: pydicom wraps an error of the disk so that its cause is lost."""
    stream = BytesIO()
    instance.save_as(stream, enforce_file_format=True, implicit_vr=False, little_endian=True)
    path.write_bytes(stream.getvalue())


def _not_written(error: OSError, folder: Path) -> ResourceError:
    where = str(error.filename or folder)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        way_out = "Free some space, or choose a folder elsewhere. What was written so far is not a whole series."
        return ResourceError("the disk is full", where=where, way_out=way_out)
    reason = error.strerror or type(error).__name__
    return ResourceError(
        f"the phantom series cannot be written: {reason}", where=where, way_out="Choose another folder."
    )


def _require_writable(volume: Volume, folder: Path) -> NDArray[np.int16]:
    """Stored values (HU + 1024) of a volume that can be written there."""
    if volume.intensity is not Intensity.HU:
        raise UsageError(f"a CT series holds HU, got an image in {volume.intensity.value}")
    if volume.grid.shear_deg > 0.01:
        raise GeometryError(
            f"the grid is sheared by {volume.grid.shear_deg:.2f} degrees; only orthogonal grids are written"
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError("the folder for the phantom is not empty", where=str(folder), way_out="Name a new folder.")
    rounded = np.rint(volume.array.astype(np.float32))
    if not (np.isfinite(rounded).all() and rounded.min() >= -1024 and rounded.max() <= 31743):
        raise UsageError(f"HU from {rounded.min()} to {rounded.max()} do not fit, expected -1024..31743")
    return (rounded - _RESCALE_INTERCEPT).astype(np.int16)


def _series_header(volume: Volume, words: SeriesLabels, seed: int, digest: str) -> Dataset:
    """Everything that all instances share. Dates are those of no real examination."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID = CTImageStorage
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20000101"
    ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = "120000"
    ds.AccessionNumber = ""
    ds.Modality = "CT"
    ds.Manufacturer = "overread"
    ds.ManufacturerModelName = "overread phantom"
    ds.DeviceSerialNumber = "0"
    ds.SoftwareVersions = __version__
    ds.ReferringPhysicianName = ""
    ds.StudyDescription = words.description
    ds.SeriesDescription = words.description
    ds.PatientName = words.patient_name
    ds.PatientID = words.patient_id
    ds.PatientBirthDate = ""
    ds.PatientSex = "O"
    ds.PatientPosition = "HFS"
    ds.BodyPartExamined = words.body_part
    ds.KVP = _ds(words.kvp)
    ds.ConvolutionKernel = words.kernel
    ds.SliceThickness = _ds(words.thickness_mm or volume.grid.slice_gap_mm)
    ds.SpacingBetweenSlices = _ds(volume.grid.slice_gap_mm)
    ds.StudyInstanceUID = phantom_uid("study", seed, digest)
    ds.SeriesInstanceUID = phantom_uid("series", seed, digest)
    ds.FrameOfReferenceUID = phantom_uid("frame of reference", seed, digest)
    ds.PositionReferenceIndicator = ""
    ds.StudyID = str(seed)[:16]
    ds.SeriesNumber = 1
    ds.AcquisitionNumber = 1
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows, ds.Columns = volume.grid.shape[1:]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = _RESCALE_INTERCEPT, 1, "HU"
    ds.WindowCenter, ds.WindowWidth = ["-600", "40"], ["1500", "400"]
    ds.WindowCenterWidthExplanation = ["LUNG", "SOFT"]
    row, column = (volume.grid.affine_lps[:3, n] / np.linalg.norm(volume.grid.affine_lps[:3, n]) for n in (2, 1))
    ds.ImageOrientationPatient = [_ds(c) for c in (*row, *column)]
    ds.PixelSpacing = [_ds(volume.grid.spacing_mm[1]), _ds(volume.grid.spacing_mm[2])]
    return ds


def _instance(
    series: Dataset, volume: Volume, plane: NDArray[np.int16], *, k: int, syntax: Transfer, uid: str
) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = uid
    meta.TransferSyntaxUID = syntax.value
    meta.ImplementationClassUID = phantom_uid("implementation")
    meta.ImplementationVersionName = "OVERREAD"
    ds = FileDataset("", series, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    ds.InstanceNumber = k + 1
    at = volume.grid.to_lps((k, 0, 0))
    ds.ImagePositionPatient = [_ds(c) for c in at]
    ds.SliceLocation = _ds(float(volume.grid.slice_normal @ at))
    ds.PixelData = _encode(plane, syntax)
    ds["PixelData"].VR = "OW" if syntax is Transfer.UNCOMPRESSED else "OB"
    if syntax is not Transfer.UNCOMPRESSED:
        ds["PixelData"].is_undefined_length = True
    return ds


def _encode(plane: NDArray[np.int16], syntax: Transfer) -> bytes:
    """Pixel Data of one frame."""
    if syntax is Transfer.UNCOMPRESSED:
        return plane.astype("<i2").tobytes()
    if syntax is Transfer.JPEG_LS:
        return bytes(encapsulate([bytes(imagecodecs.jpegls_encode(plane.view(np.uint16)))]))
    high, low = (plane.view(np.uint16) >> 8).astype(np.uint8), (plane.view(np.uint16) & 255).astype(np.uint8)
    segments = [b"".join(_packbits(row) for row in part) for part in (high, low)]
    segments = [s + b"\0" * (len(s) % 2) for s in segments]
    offsets = np.zeros(16, dtype="<u4")
    offsets[:3] = (2, 64, 64 + len(segments[0]))
    return bytes(encapsulate([offsets.tobytes() + b"".join(segments)]))


def _packbits(row: NDArray[np.uint8]) -> bytes:
    """One row of one byte plane as PackBits; DICOM PS3.5 annex G wants each row on its own."""
    return bytes(imagecodecs.packbits_encode(row.tobytes()))


def _ds(value: float) -> str:
    """A decimal string of at most 16 characters, as exact as that allows; never -0."""
    for digits in range(15, 0, -1):
        text = f"{float(value) + 0.0:.{digits}g}"
        if len(text) <= 16:
            return "0" if float(text) == 0 else text
    raise UsageError(f"{value} does not fit a DICOM decimal string")


def write_truth(phantom: Phantom, path: Path) -> None:
    """What was planted, as JSON with sorted keys: name, seed, settings and every `Planted` with its truths."""
    text = json.dumps(
        {
            "schema": "overread-phantom-truth/1",
            "name": phantom.name,
            "seed": phantom.seed,
            "settings": phantom.settings,
            "planted": [asdict(one) for one in phantom.planted],
        },
        indent=2,
        sort_keys=True,
    )
    path.write_text(text + "\n", encoding="utf-8")
