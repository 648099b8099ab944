"""A simulated film as the Digital X-Ray Image object that a detector would send. No clock, no random UIDs."""

from __future__ import annotations

from hashlib import sha256
from io import BytesIO
from pathlib import Path

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from overread._version import __version__
from overread.errors import ResourceError
from overread.phantoms.dicom_series import phantom_uid
from overread.phantoms.phantom import FilmPhantom

_ORIENTATION = {"frontal": ["L", "F"], "lateral": ["P", "F"]}
_VIEW = {"frontal": ("399348003", "antero-posterior"), "lateral": ("399067008", "lateral")}


def _code(value: str, meaning: str) -> Dataset:
    ds = Dataset()
    ds.CodeValue, ds.CodingSchemeDesignator, ds.CodeMeaning = value, "SCT", meaning
    return ds


def write_film(phantom: FilmPhantom, folder: Path) -> Path:
    """Write `folder`/film.dcm; the same phantom gives the same bytes.

    Raises
    ------
    ResourceError
        The folder cannot be written.
    """
    pixels = phantom.radiograph.array
    digest = sha256(pixels.tobytes() + phantom.view.encode()).hexdigest()[:32]
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = phantom_uid("film", phantom.seed, digest)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = phantom_uid("implementation")
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    ds.StudyInstanceUID = phantom_uid("film study", phantom.seed, digest)
    ds.SeriesInstanceUID = phantom_uid("film series", phantom.seed, digest)
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20000101"
    ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = "120000"
    ds.AccessionNumber, ds.ReferringPhysicianName, ds.StudyID = "", "", str(phantom.seed)[:16]
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "SIMULATED^NOBODY", "SIMULATED", "", "O"
    ds.Modality, ds.Manufacturer, ds.ManufacturerModelName = "DX", "overread", "overread phantom"
    ds.DeviceSerialNumber, ds.SoftwareVersions = "0", __version__
    ds.StudyDescription = ds.SeriesDescription = "overread phantom"
    ds.SeriesNumber, ds.InstanceNumber, ds.BodyPartExamined = 1, 1, "CHEST"
    ds.ImageType = ["ORIGINAL", "PRIMARY", ""]
    ds.PresentationIntentType, ds.DetectorType, ds.BurnedInAnnotation = "FOR PRESENTATION", "DIRECT", "NO"
    ds.ImageLaterality, ds.PixelIntensityRelationship, ds.PixelIntensityRelationshipSign = "U", "LOG", -1
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType, ds.PresentationLUTShape = 0, 1, "US", "IDENTITY"
    ds.LossyImageCompression, ds.PositionerType = "00", "NONE"
    spacing = [f"{s:.6f}" for s in phantom.radiograph.scale.require_mm()]
    ds.ImagerPixelSpacing, ds.EstimatedRadiographicMagnificationFactor = spacing, 1
    ds.WindowCenter, ds.WindowWidth, ds.PatientOrientation = 2048, 4096, _ORIENTATION[phantom.view]
    ds.ViewPosition = "AP" if phantom.view == "frontal" else "LL"
    ds.AnatomicRegionSequence = Sequence([_code("51185008", "Chest")])
    view = _code(*_VIEW[phantom.view])
    view.ViewModifierCodeSequence = Sequence()
    ds.ViewCodeSequence, ds.AcquisitionContextSequence = Sequence([view]), Sequence()
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = pixels.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.PixelData = pixels.astype("<u2").tobytes()
    ds["PixelData"].VR = "OW"
    stream = BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    path = folder / "film.dcm"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stream.getvalue())
    except OSError as error:
        raise ResourceError(
            f"the phantom film cannot be written ({error.strerror})", where=str(path), way_out="Choose another folder."
        ) from error
    return path
