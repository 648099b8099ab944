"""Tiny X-ray, ultrasound and secondary capture files that a validator accepts, and that validator."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

CLASSES = {
    "DX": "1.2.840.10008.5.1.4.1.1.1.1",
    "CR": "1.2.840.10008.5.1.4.1.1.1",
    "US": "1.2.840.10008.5.1.4.1.1.6.1",
    "US clip": "1.2.840.10008.5.1.4.1.1.3.1",
    "SC": "1.2.840.10008.5.1.4.1.1.7",
    "SC clip": "1.2.840.10008.5.1.4.1.1.7.2",
    "XA": "1.2.840.10008.5.1.4.1.1.12.1",
    "RF": "1.2.840.10008.5.1.4.1.1.12.2",
}


def item(**values: Any) -> Dataset:
    ds = Dataset()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def code(value: str, scheme: str, meaning: str) -> Sequence:
    return Sequence([item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)])


def _of_kind(ds: Dataset, kind: str, frames: int) -> None:
    """What each IOD wants beyond the common modules."""
    if kind == "DX":
        ds.PresentationIntentType, ds.DetectorType, ds.BurnedInAnnotation = "FOR PRESENTATION", "DIRECT", "NO"
        ds.ImageLaterality, ds.PixelIntensityRelationship, ds.PixelIntensityRelationshipSign = "U", "LOG", -1
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType, ds.PresentationLUTShape = 0, 1, "US", "IDENTITY"
        ds.LossyImageCompression, ds.ImagerPixelSpacing, ds.PositionerType = "00", [0.2, 0.3], "NONE"
        ds.WindowCenter, ds.WindowWidth, ds.PatientOrientation = 2048, 4096, ["L", "F"]
        ds.AnatomicRegionSequence, ds.AcquisitionContextSequence = code("51185008", "SCT", "Chest"), Sequence()
        ds.PhotometricInterpretation, ds.ViewPosition = "MONOCHROME2", "PA"
        view = code("399348003", "SCT", "antero-posterior")
        view[0].ViewModifierCodeSequence = Sequence()
        ds.ViewCodeSequence = view
    elif kind == "CR":
        ds.ViewPosition, ds.PatientOrientation, ds.PixelSpacing = "PA", ["L", "F"], [0.2, 0.3]
    elif kind == "US":
        ds.LossyImageCompression, ds.PixelSpacing, ds.PatientOrientation = "00", [0.2, 0.3], ""
    elif kind == "US clip":
        ds.NumberOfFrames, ds.FrameIncrementPointer, ds.FrameTime = frames, 0x00181063, 40
        ds.LossyImageCompression, ds.PatientOrientation = "00", ""
    elif kind.startswith("SC"):
        ds.ConversionType, ds.PatientOrientation = "WSD", ["L", "F"]
        if kind == "SC clip":
            ds.NumberOfFrames, ds.FrameIncrementPointer, ds.FrameTime = frames, 0x00181063, 40
            ds.BurnedInAnnotation, ds.PresentationLUTShape, ds.RescaleType = "NO", "IDENTITY", "US"
            ds.RescaleSlope, ds.RescaleIntercept = 1, 0
    else:
        ds.PixelIntensityRelationship, ds.RadiationSetting, ds.KVP, ds.PatientOrientation = "LIN", "GR", 80, ["L", "F"]
        ds.XRayTubeCurrent, ds.ExposureTime, ds.ImageType = 100, 10, ["ORIGINAL", "PRIMARY", "SINGLE PLANE"]
        ds.PositionerMotion = "STATIC"
        ds.PositionerPrimaryAngle = ds.PositionerSecondaryAngle = 0
        if frames > 1:
            ds.NumberOfFrames, ds.FrameIncrementPointer, ds.FrameTime = frames, 0x00181063, 40


def picture_source(pixels: np.ndarray, kind: str, **changes: object) -> Dataset:
    """One object of `kind`; pixels (row, column), (frame, row, column), with 3 samples behind. None deletes."""
    colour = pixels.shape[-1] == 3
    shape = pixels.shape[:-1] if colour else pixels.shape
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = CLASSES[kind], "2.25.8001"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "2.25.81", "2.25.82"
    ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = "20010203", "101112", "1", ""
    ds.Modality, ds.Manufacturer, ds.ReferringPhysicianName = kind[:2].replace("SC", "OT"), "Acme", ""
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "DOE^JANE", "MRN4711XYZ", "19500203", "F"
    ds.SeriesNumber, ds.InstanceNumber, ds.BodyPartExamined = 1, 1, "CHEST"
    ds.ImageType = ["ORIGINAL", "PRIMARY", ""] if kind == "DX" else ["ORIGINAL", "PRIMARY"]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = (3, "RGB") if colour else (1, "MONOCHROME2")
    if colour:
        ds.PlanarConfiguration = 0
    ds.Rows, ds.Columns = shape[-2:]
    ds.BitsAllocated = 8 * pixels.dtype.itemsize
    ds.BitsStored = 12 if ds.BitsAllocated == 16 else 8
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, 0
    _of_kind(ds, kind, shape[0] if len(shape) == 3 else 1)
    for keyword, value in changes.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    raw = pixels.tobytes()
    ds.PixelData = raw + b"\0" * (len(raw) % 2)
    ds["PixelData"].VR = "OB" if ds.BitsAllocated == 8 else "OW"
    return ds


SaveSource = Callable[..., Path]


@pytest.fixture
def save_source(tmp_path: Path) -> SaveSource:
    """`picture_source` to a file of its own folder; returns the path."""

    def save(pixels: np.ndarray, kind: str, **changes: object) -> Path:
        folder = tmp_path / "source"
        folder.mkdir(exist_ok=True)
        path = folder / "picture.dcm"
        picture_source(pixels, kind, **changes).save_as(path, enforce_file_format=True)
        return path

    return save


def error_lines(path: Path) -> tuple[list[str], int, str]:
    """Lines of dciodvfy that begin with Error, its exit code, and the name of the IOD; a skip where it is absent."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed (Debian: dicom3tools)")
    done = subprocess.run(
        ["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False, errors="replace"
    )
    lines = done.stderr.splitlines()
    named = [line for line in lines if not line.startswith(("Error", "Warning"))]
    return [line for line in lines if line.startswith("Error")], done.returncode, named[0] if named else ""


@pytest.fixture
def validate() -> Callable[[Path], tuple[list[str], int, str]]:
    """`error_lines`, for sources that have errors of their own."""
    return error_lines


@pytest.fixture
def require_valid() -> Callable[[Path, str], None]:
    """Asserts that dciodvfy knows the object as this IOD and finds no error."""

    def check(path: Path, iod: str) -> None:
        errors, exit_code, name = error_lines(path)
        assert (errors, exit_code, name) == ([], 0, iod)

    return check
