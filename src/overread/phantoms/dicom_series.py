"""A simulated volume as the DICOM CT series a scanner would send. No clock, no random UIDs."""

from __future__ import annotations

import errno
import uuid
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage

from overread._version import __version__
from overread.errors import GeometryError, ResourceError, UsageError
from overread.geometry import Grid
from overread.image import Intensity, Volume
from overread.phantoms.dicom_pixels import Transfer, encode

__all__ = ["SeriesLabels", "SliceLayout", "Transfer", "phantom_uid", "write_series"]

_NAMESPACE = uuid.UUID("6f0d5d0e-3c57-5d8b-9a0a-2f5d6c9b7e11")
_RESCALE_INTERCEPT = -1024


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceLayout:
    """Which slices of the array are sent, in what order, and whether they may come from a tilted gantry.

    Parameters
    ----------
    sheared : bool
        Write a sheared grid as slices of a tilted gantry: each at its place, the tilt in Gantry/Detector Tilt
        (0018,1120). Not so unless asked for, since many readers lay such slices on a straight grid.
    slices : tuple of int, optional
        Indices of the slices to write, each once, in the order of their instance numbers; all, rising, if left out.
    """

    sheared: bool = False
    slices: tuple[int, ...] | None = None


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
    layout: SliceLayout | None = None,
) -> tuple[Path, ...]:
    """Write one CT Image object a slice: `CT0001.dcm` is the first slice of the layout, slice 0 unless told otherwise.

    The same arguments give the same bytes. Patient Position is HFS; any grid is written as it lies.

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
    layout : SliceLayout, optional

    Returns
    -------
    tuple of Path
        In the order of instance numbers.

    Raises
    ------
    UsageError
        Not in HU, out of range, the folder is not empty, or the layout names a slice twice or one that is not there.
    GeometryError
        A sheared grid that the layout does not ask for.
    ResourceError
        The disk is full, or the folder cannot be written.
    """
    words, layout = labels or SeriesLabels(), layout or SliceLayout()
    stored = _require_writable(volume, folder, sheared=layout.sheared)
    order = _require_order(layout, volume.grid.shape[0])
    what = repr((words, volume.grid.affine_lps.tolist())) + (repr(layout.slices) if layout.slices else "")
    digest = sha256(stored.tobytes() + what.encode()).hexdigest()[:32]
    series = series_header(volume, words, seed, digest)
    if layout.sheared:
        series.GantryDetectorTilt = _ds(_tilt_deg(volume.grid))
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, k in enumerate(order, start=1):
            path = folder / f"CT{number:04d}.dcm"
            uid = phantom_uid("instance", seed, digest, k)
            instance = slice_instance(series, volume, stored[k], k=k, syntax=transfer_syntax, uid=uid)
            instance.InstanceNumber = number
            save_dataset(instance, path)
            paths.append(path)
    except OSError as error:
        raise not_written(error, folder) from error
    return tuple(paths)


def save_dataset(instance: FileDataset, path: Path) -> None:
    """By way of memory: pydicom wraps an error of the disk so that its cause is lost."""
    stream = BytesIO()
    instance.save_as(stream, enforce_file_format=True, implicit_vr=False, little_endian=True)
    path.write_bytes(stream.getvalue())


def not_written(error: OSError, folder: Path) -> ResourceError:
    """What to raise for an error of the disk while `folder` was written."""
    where = str(error.filename or folder)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        way_out = "Free some space, or choose a folder elsewhere. What was written so far is not a whole series."
        return ResourceError("the disk is full", where=where, way_out=way_out)
    reason = error.strerror or type(error).__name__
    return ResourceError(
        f"the phantom series cannot be written: {reason}", where=where, way_out="Choose another folder."
    )


def _tilt_deg(grid: Grid) -> float:
    """Gantry/Detector Tilt, degrees: negative where the top of the gantry leans away from where the table enters.

    That is so for a patient head first on the back (HFS) whose slices rise towards the face.
    """
    return grid.shear_deg if grid.affine_lps[2, 1] >= 0 else -grid.shear_deg


def _require_order(layout: SliceLayout, slices: int) -> tuple[int, ...]:
    if layout.slices is None:
        return tuple(range(slices))
    if (
        not layout.slices
        or len(set(layout.slices)) < len(layout.slices)
        or not set(layout.slices) <= set(range(slices))
    ):
        raise UsageError(
            f"the layout names slices {layout.slices}, expected some of 0 to {slices - 1}, each once",
            way_out="Copies and slices from elsewhere are made by editing the files.",
        )
    return layout.slices


def _require_writable(volume: Volume, folder: Path, *, sheared: bool) -> NDArray[np.int16]:
    """Stored values (HU + 1024) of a volume that can be written there."""
    if volume.intensity is not Intensity.HU:
        raise UsageError(f"a CT series holds HU, got an image in {volume.intensity.value}")
    if volume.grid.shear_deg > 0.01 and not sheared:
        raise GeometryError(
            f"the grid is sheared by {volume.grid.shear_deg:.2f} degrees, and such slices were not asked for",
            way_out="Ask for a tilted gantry with SliceLayout(sheared=True), or resample it onto a straight grid.",
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError("the folder for the phantom is not empty", where=str(folder), way_out="Name a new folder.")
    rounded = np.rint(volume.array.astype(np.float32))
    if not (np.isfinite(rounded).all() and rounded.min() >= -1024 and rounded.max() <= 31743):
        raise UsageError(f"HU from {rounded.min()} to {rounded.max()} do not fit, expected -1024..31743")
    return (rounded - _RESCALE_INTERCEPT).astype(np.int16)


def series_header(volume: Volume, words: SeriesLabels, seed: int, digest: str) -> Dataset:
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


def slice_instance(
    series: Dataset, volume: Volume, plane: NDArray[np.int16], *, k: int, syntax: Transfer, uid: str
) -> FileDataset:
    """Slice `k` of a volume, stored as (row, column) `plane`, with the header of its series."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = series.SOPClassUID
    meta.MediaStorageSOPInstanceUID = uid
    meta.TransferSyntaxUID = syntax.value
    meta.ImplementationClassUID = phantom_uid("implementation")
    meta.ImplementationVersionName = "OVERREAD"
    ds = FileDataset("", series, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    at = volume.grid.to_lps((k, 0, 0))
    ds.ImagePositionPatient = [_ds(c) for c in at]
    ds.SliceLocation = _ds(float(volume.grid.slice_normal @ at))
    ds.PixelData = encode(plane, syntax)
    ds["PixelData"].VR = "OW" if syntax is Transfer.UNCOMPRESSED else "OB"
    if syntax is not Transfer.UNCOMPRESSED:
        ds["PixelData"].is_undefined_length = True
    return ds


def _ds(value: float) -> str:
    """A decimal string of at most 16 characters, as exact as that allows; never -0."""
    for digits in range(15, 0, -1):
        text = f"{float(value) + 0.0:.{digits}g}"
        if len(text) <= 16:
            return "0" if float(text) == 0 else text
    raise UsageError(f"{value} does not fit a DICOM decimal string")
