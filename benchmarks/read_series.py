"""Reading CT series: ours with all checks against SimpleITK and pydicom, interleaved in one run.

    python benchmarks/read_series.py            # everything, about two minutes
    python benchmarks/read_series.py --raw-only # the uncompressed series alone

Each reader goes from the path of a folder to an int16 HU array (SimpleITK: GetGDCMSeriesFileNames,
ImageSeriesReader, array out). Before timing, whole arrays are compared. Peak memory is that of a fresh process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import imagecodecs
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate

EXPLICIT, RLE, JPEGLS, J2K = (
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.90",
)
SIZE = 512
SPACING_MM = (1.25, 0.7, 0.9)


def chest_slice(n: int, noise: np.ndarray) -> np.ndarray:
    """Stored values of a smooth, noisy chest-like slice, 12 bits in uint16; the noise moves from slice to slice."""
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    image = np.full((SIZE, SIZE), 24.0)
    image[(x / 0.9) ** 2 + (y / 0.7) ** 2 < 1] = 1060
    for side in (-0.42, 0.42):
        image[((x - side) / 0.33) ** 2 + (y / (0.45 + 0.0004 * n)) ** 2 < 1] = 170
    return np.clip(image + np.roll(noise, 37 * n), 0, 4095).astype(np.uint16)


def write_series(folder: Path, count: int, syntax: str) -> None:
    """`count` single-frame CT slices of 512 x 512 in one transfer syntax, with a header of ordinary length."""
    folder.mkdir(parents=True)
    noise = np.random.default_rng(1).normal(0, 25, (SIZE, SIZE))
    for n in range(count):
        plane = chest_slice(n, noise)
        ds = _header(n, syntax)
        if syntax == EXPLICIT:
            ds.PixelData = plane.tobytes()
            ds["PixelData"].VR = "OW"
        elif syntax == RLE:
            ds.PixelData = plane.tobytes()
            ds.compress(RLE, generate_instance_uid=False)
        else:
            coded = (
                imagecodecs.jpegls_encode(plane)
                if syntax == JPEGLS
                else imagecodecs.jpeg2k_encode(plane, codecformat="J2K", reversible=True, level=0)
            )
            ds.PixelData = encapsulate([coded])
            ds["PixelData"].is_undefined_length = True
        ds.save_as(folder / f"{n:04d}.dcm", enforce_file_format=True)


def _header(n: int, syntax: str) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = EXPLICIT if syntax == RLE else syntax  # `compress` sets RLE itself
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.3680043.10.999.1.{n + 1}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.826.0.1.3680043.10.999", "1.2.826.0.1.3680043.10.999.1"
    ds.FrameOfReferenceUID = "1.2.826.0.1.3680043.10.999.2"
    ds.ImageType, ds.Modality, ds.SeriesNumber, ds.InstanceNumber = ["ORIGINAL", "PRIMARY", "AXIAL"], "CT", 1, n + 1
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20260101"
    ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = "101112.5"
    ds.Manufacturer, ds.ManufacturerModelName, ds.InstitutionName = "Maker", "Model", "Hospital"
    ds.StudyDescription, ds.SeriesDescription, ds.ProtocolName = "Chest", "Thin", "Chest routine"
    ds.PatientName, ds.PatientID, ds.PatientSex, ds.PatientAge = "A^B", "1", "O", "050Y"
    ds.BodyPartExamined, ds.KVP, ds.ConvolutionKernel, ds.PatientPosition = "CHEST", 120, "B30f", "HFS"
    ds.SliceThickness, ds.GantryDetectorTilt, ds.TableHeight = SPACING_MM[0], 0, 144.4
    ds.ExposureTime, ds.XRayTubeCurrent, ds.Exposure, ds.FilterType = 500, 200, 100, "BODY"
    ds.DataCollectionDiameter, ds.ReconstructionDiameter, ds.RotationDirection = 500, 360, "CW"
    ds.StudyID, ds.AcquisitionNumber, ds.SliceLocation = "1", 1, n * SPACING_MM[0]
    ds.ImagePositionPatient = [-180.0, -165.5, round(-340 + n * SPACING_MM[0], 4)]
    ds.ImageOrientationPatient, ds.PixelSpacing = [1, 0, 0, 0, 1, 0], list(SPACING_MM[1:])
    ds.Rows = ds.Columns = SIZE
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.WindowCenter, ds.WindowWidth = [-600, 40], [1500, 400]
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = -1024, 1, "HU"
    return ds


def read_ours(folder: Path, threads: int = 2) -> np.ndarray:
    from overread.io import open_study  # noqa: PLC0415  (each reader's import is part of its own process)
    from overread.runtime import Runtime  # noqa: PLC0415

    return open_study(folder).only("CT").load_volume(runtime=Runtime(threads)).array


def read_ours_1(folder: Path) -> np.ndarray:
    return read_ours(folder, threads=1)


def read_simpleitk(folder: Path) -> np.ndarray:
    import SimpleITK  # noqa: PLC0415

    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    return SimpleITK.GetArrayFromImage(reader.Execute()).astype(np.int16, copy=False)


def read_pydicom(folder: Path) -> np.ndarray:
    slices = [pydicom.dcmread(path) for path in folder.iterdir()]
    slices.sort(key=lambda ds: float(ds.ImagePositionPatient[2]))
    stack = np.empty((len(slices), slices[0].Rows, slices[0].Columns), np.int16)
    for n, ds in enumerate(slices):
        stack[n] = ds.pixel_array
        stack[n] += np.int16(ds.RescaleIntercept)
    return stack


READERS: dict[str, Callable[[Path], np.ndarray]] = {
    "overread, 2 threads": read_ours,
    "overread, 1 thread": read_ours_1,
    "SimpleITK": read_simpleitk,
    "pydicom": read_pydicom,
}


def timed(folder: Path, repeats: int) -> dict[str, float]:
    """Median milliseconds of each reader, interleaved, after one untimed round that compares arrays."""
    arrays = {name: reader(folder) for name, reader in READERS.items()}
    reference = arrays["SimpleITK"]
    for name, array in arrays.items():
        assert np.array_equal(array, reference), f"{name} differs from SimpleITK"
    del arrays, reference, array
    times: dict[str, list[float]] = {name: [] for name in READERS}
    for _ in range(repeats):
        for name, reader in READERS.items():
            start = time.perf_counter()
            reader(folder)
            times[name].append((time.perf_counter() - start) * 1000)
    return {name: median(values) for name, values in times.items()}


def open_ours(folder: Path) -> int:
    from overread.io import open_study  # noqa: PLC0415

    return open_study(folder).only("CT").n_files


def open_pydicom(folder: Path) -> int:
    tags = ["ImagePositionPatient", "SOPInstanceUID"]
    return len([pydicom.dcmread(path, stop_before_pixels=True, specific_tags=tags) for path in folder.iterdir()])


def timed_headers(folder: Path, repeats: int) -> dict[str, float]:
    """Median milliseconds to know the series: ours with grouping and verdict, pydicom two tags of each file."""
    times: dict[str, list[float]] = {"overread": [], "pydicom": []}
    for _ in range(repeats):
        for name, reader in (("overread", open_ours), ("pydicom", open_pydicom)):
            start = time.perf_counter()
            reader(folder)
            times[name].append((time.perf_counter() - start) * 1000)
    return {name: median(values) for name, values in times.items()}


def peak_mib(folder: Path, name: str) -> tuple[float, float]:
    """Peak resident memory of one fresh process that reads once, and the size of its array; MiB."""
    script = Path(__file__).with_name("read_series_peak.py")
    done = subprocess.run([sys.executable, str(script), str(folder), name], capture_output=True, text=True, check=True)
    peak, size = done.stdout.split()
    return float(peak), float(size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--raw-only", action="store_true")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    figures = {}
    rows = [("uncompressed", EXPLICIT, 300)]
    if not options.raw_only:
        rows += [("JPEG-LS", JPEGLS, 60), ("RLE", RLE, 40), ("JPEG 2000 lossless", J2K, 20)]
    with tempfile.TemporaryDirectory() as base:
        for label, syntax, count in rows:
            folder = Path(base) / label.replace(" ", "_")
            write_series(folder, count, syntax)
            times = timed(folder, options.repeats)
            ours = times["overread, 2 threads"]
            print(f"\n{label}, {count} x {SIZE} x {SIZE} -> int16 HU, median of {options.repeats}")
            figures[label] = times
            for name, ms in times.items():
                peak, size = peak_mib(folder, name)
                print(f"  {name:20s} {ms:8.1f} ms  {ms / ours:6.2f} x ours   peak {peak:6.0f} MiB (array {size:.0f})")
            if syntax == EXPLICIT:
                figures["headers"] = headers = timed_headers(folder, options.repeats)
                ours, peer = headers["overread"], headers["pydicom"]
                print(
                    f"  headers only: overread {ours:.1f} ms with verdict, pydicom {peer:.1f} ms ({peer / ours:.2f} x)"
                )
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
