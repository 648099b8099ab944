"""A tiny writer of CT slices, sound or broken on purpose; anisotropic in all three axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

ROOT_UID = "1.2.826.0.1.3680043.10.999"
EXPLICIT, IMPLICIT = str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian)
RLE = "1.2.840.10008.1.2.5"
JPEG_LOSSLESS, JPEG_SV1 = "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"
JPEGLS, JPEGLS_NEAR = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"
J2K, J2K_LOSSY = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"
HTJ2K, JPEG_EXTENDED = "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.51"

ENCODERS: dict[str, Callable[[NDArray[Any]], bytes]] = {
    JPEG_LOSSLESS: lambda a: imagecodecs.ljpeg_encode(a.view(np.uint16)),
    JPEG_SV1: lambda a: imagecodecs.ljpeg_encode(a.view(np.uint16)),
    JPEGLS: lambda a: imagecodecs.jpegls_encode(a.view(np.uint16)),
    JPEGLS_NEAR: lambda a: imagecodecs.jpegls_encode(a.view(np.uint16), level=2),
    J2K: lambda a: imagecodecs.jpeg2k_encode(a, codecformat="J2K", reversible=True, level=0),
    HTJ2K: lambda a: imagecodecs.htj2k_encode(a.view(np.uint16)),
    JPEG_EXTENDED: lambda a: imagecodecs.jpeg8_encode(a.view(np.uint16), level=98, bitspersample=12),
    J2K_LOSSY: lambda a: imagecodecs.jpeg2k_encode(a, codecformat="J2K", level=90),
}


@dataclass
class SliceWriter:
    """Writes stored pixels (slice, row, column) as one CT series of single-frame files `000.dcm` onwards.

    Geometry is that of the reader: origin, row and column directions, `spacing_mm` (slice, row, column), and `step`,
    the way from slice to slice, or positions given outright. `edit(dataset, n)` may break each slice.
    """

    folder: Path
    spacing_mm: tuple[float, float, float] = (2.5, 0.7, 0.9)
    origin: tuple[float, float, float] = (-31.0, -42.5, 17.25)
    row: tuple[float, float, float] = (1.0, 0.0, 0.0)
    column: tuple[float, float, float] = (0.0, 1.0, 0.0)
    step: tuple[float, float, float] | None = None
    slope: float = 1
    intercept: float = -1024
    series: str = "1"
    study: str = "7"
    syntax: str = EXPLICIT
    modality: str = "CT"
    encoders: dict[str, Callable[[NDArray[Any]], bytes]] = field(default_factory=lambda: ENCODERS, repr=False)
    edit: Callable[[Dataset, int], None] = field(default=lambda dataset, n: None)

    def positions(self, count: int) -> NDArray[np.float64]:
        step = self.step or np.cross(self.row, self.column) * self.spacing_mm[0]
        return np.array(self.origin) + np.arange(count)[:, None] * np.asarray(step)

    def write(self, stored: NDArray[Any], positions: NDArray[np.float64] | None = None) -> list[Path]:
        self.folder.mkdir(parents=True, exist_ok=True)
        where = self.positions(len(stored)) if positions is None else positions
        paths = []
        for n, (plane, position) in enumerate(zip(stored, where, strict=True)):
            dataset = self.dataset(plane, position, n)
            self.edit(dataset, n)
            paths.append(self.folder / f"{n:03d}.dcm")
            dataset.save_as(paths[-1], enforce_file_format=True)
        return paths

    def dataset(self, plane: NDArray[Any], position: NDArray[np.float64], n: int) -> Dataset:
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = self.syntax
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = f"{ROOT_UID}.{self.study}.{self.series}.{n + 1}"
        ds.StudyInstanceUID = f"{ROOT_UID}.{self.study}"
        ds.SeriesInstanceUID = f"{ROOT_UID}.{self.study}.{self.series}"
        ds.FrameOfReferenceUID = f"{ROOT_UID}.{self.study}.0"
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        ds.Modality, ds.PatientName, ds.PatientID = self.modality, "SECRET^NAME", "SECRET-ID"
        ds.PatientBirthDate = "19010203"
        ds.Manufacturer, ds.ManufacturerModelName, ds.ConvolutionKernel = "Maker", "Model 1", "B30f"
        ds.KVP, ds.BodyPartExamined, ds.PatientPosition = 120, "CHEST", "HFS"
        ds.SeriesDescription, ds.SeriesNumber, ds.InstanceNumber = "chest", int(self.series), n + 1
        ds.SliceThickness = self.spacing_mm[0]
        ds.ImagePositionPatient = [round(float(mm), 6) for mm in position]
        ds.ImageOrientationPatient = [round(float(c), 12) for c in (*self.row, *self.column)]
        ds.PixelSpacing = list(self.spacing_mm[1:])
        ds.Rows, ds.Columns = plane.shape
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated = ds.BitsStored = plane.dtype.itemsize * 8
        ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, int(plane.dtype.kind == "i")
        ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = self.slope, self.intercept, "HU"
        ds.WindowCenter, ds.WindowWidth = -600, 1500
        self._put_pixels(ds, plane)
        return ds

    def _put_pixels(self, ds: Dataset, plane: NDArray[Any]) -> None:
        if self.syntax in (EXPLICIT, IMPLICIT, "1.2.840.10008.1.2.1.99"):
            ds.PixelData = plane.tobytes()
            ds["PixelData"].VR = "OW"
        elif self.syntax == RLE:
            ds.file_meta.TransferSyntaxUID = EXPLICIT
            ds.PixelData = plane.tobytes()
            ds.compress(RLE, generate_instance_uid=False)
        else:
            ds.PixelData = encapsulate([self.encoders[self.syntax](np.ascontiguousarray(plane))])
            ds["PixelData"].is_undefined_length = True
            ds["PixelData"].VR = "OB"


@pytest.fixture
def writer(tmp_path: Path) -> SliceWriter:
    """Writes into a fresh folder."""
    return SliceWriter(tmp_path / "series")


@pytest.fixture
def stored() -> NDArray[np.int16]:
    """(8, 24, 20) int16 stored values of CT with intercept -1024: noise, and a bright block off centre."""
    image = np.random.default_rng(3).integers(0, 300, (8, 24, 20)).astype(np.int16)
    image[2:5, 3:9, 11:17] = 1100
    return image


__all__ = ["SliceWriter", "pydicom"]
