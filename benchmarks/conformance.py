"""Files of other projects' test sets: what overread makes of each, beside SimpleITK (GDCM) and pydicom.

    python benchmarks/conformance.py                    # the table, one line a file
    python benchmarks/conformance.py --record tests/io/conformance.toml   # and keep it; `why` of each row stays

The sets are those that installed packages ship: pydicom, pydicom-data, nibabel and pynetdicom. A set that only exists
in a source tree (highdicom) is taken from `$OVERREAD_CONFORMANCE/<name>` where that folder is.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import time
import tomllib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import SimpleITK
from pydicom.pixels import apply_color_lut, apply_modality_lut, pixel_array

from overread.errors import OverreadError
from overread.geometry import Policy
from overread.image import Volume
from overread.io import open_study
from overread.runtime import Runtime

RUNTIME = Runtime(1, max_memory_bytes=2**31)
INSTALLED = {
    "pydicom": ("pydicom", "data"),
    "pydicom-data": ("data_store", "data"),
    "nibabel": ("nibabel", ""),
    "pynetdicom": ("pynetdicom", "tests/dicom_files"),
}
ELSEWHERE = ("highdicom",)
_NOT_DATA = {".py", ".pyc", ".pyi", ".so"}


def sets() -> dict[str, Path]:
    """Folders of the sets that are here."""
    found = {}
    for name, (package, below) in INSTALLED.items():
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            found[name] = Path(spec.origin).parent / below
    more = os.environ.get("OVERREAD_CONFORMANCE", "")
    return found | {name: Path(more) / name for name in ELSEWHERE if more and (Path(more) / name).is_dir()}


def files_of(folder: Path) -> list[Path]:
    """Every data file of a set, sorted; of a package only what lies in a folder of data."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix not in _NOT_DATA]
    if folder.name == "nibabel":
        files = [path for path in files if "data" in path.relative_to(folder).parts]
    return files


@dataclass(frozen=True)
class Outcome:
    """What overread said of one file. `shape` is that of the array; `reason` is empty where it was read."""

    result: str  # read, refused, BUG
    kind: str = ""
    shape: tuple[int, ...] = ()
    spacing_mm: tuple[float, ...] = ()
    reason: str = ""
    image: Any = None


def outcome(path: Path) -> Outcome:
    """Open and load one file alone, under the mildest policy."""
    try:
        study = open_study(path)
        images = [series.load(policy=Policy.AS_IS, runtime=RUNTIME) for series in study.series]
    except OverreadError as error:
        return Outcome("refused", type(error).__name__, reason=error.what)
    except Exception as error:  # noqa: BLE001  (any other exception is what we look for)
        return Outcome("BUG", type(error).__name__, reason=str(error))
    image = images[0]
    spacing = image.grid.spacing_mm if isinstance(image, Volume) else ()
    return Outcome("read", type(image).__name__, image.array.shape, tuple(spacing), image=image)


def by_pydicom(path: Path) -> np.ndarray | str:
    """Pixels after rescale, RGB for colour, as pydicom gives them; or why not."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(path, force=True)
            dataset.file_meta.TransferSyntaxUID  # noqa: B018  (raises where pydicom would guess)
            values = pixel_array(dataset)
            if dataset.PhotometricInterpretation == "PALETTE COLOR":
                colour = apply_color_lut(values, dataset)
                return (colour >> 8).astype(np.uint8) if colour.dtype == np.uint16 else colour
            if dataset.get("SamplesPerPixel", 1) > 1:  # colour is read as 8 bits
                return np.rint(values * (255 / np.iinfo(values.dtype).max)).astype(np.uint8)
            values = apply_modality_lut(values, dataset)
            if dataset.PhotometricInterpretation != "MONOCHROME1":
                return values
            return _ends(dataset) - values  # brighter is larger
    except Exception as error:  # noqa: BLE001
        return f"pydicom cannot ({type(error).__name__})"


def _ends(dataset: pydicom.Dataset) -> float:
    """Sum of the lowest and the highest value that stored bits can become."""
    bits = dataset.BitsStored
    stored = (-(1 << bits - 1), (1 << bits - 1) - 1) if dataset.PixelRepresentation else (0, (1 << bits) - 1)
    return float(apply_modality_lut(np.array(stored), dataset).sum())


def by_sitk(path: Path) -> SimpleITK.Image | str:
    """The image as SimpleITK reads it; or why not."""
    try:
        reader = SimpleITK.ImageFileReader()
        reader.SetFileName(str(path))
        return reader.Execute()
    except RuntimeError:
        return "SimpleITK cannot"


def against(image: Any, theirs: np.ndarray | str) -> str:
    """`equal`, or in a few words how the pixels differ; padding that we set to air is counted apart."""
    if isinstance(theirs, str):
        return theirs
    a, b = np.squeeze(image.array).astype(np.float64), np.squeeze(theirs).astype(np.float64)
    if a.shape != b.shape:
        return f"shape {tuple(theirs.shape)}"
    close = 1e-6 * max(1.0, float(np.nanmax(np.abs(b))))
    off = np.where(np.isnan(a) & np.isnan(b), 0, np.abs(a - b)) > close
    padded, words = int(image.verdict.facts.get("padded_voxels", 0)), ""
    if padded:
        air = off & (a == -1024) & (b == image.verdict.facts["padding_hu"])
        words, off = f" but for {np.count_nonzero(air)} padded pixels set to air", off & ~air
    if not off.any():
        return f"equal{words}"
    worst = float(np.nanmax(np.abs(a - b)[off]))
    return f"differs by up to {worst:g} in {np.count_nonzero(off) / off.size:.2%}{words}"


def place_against(image: Any, theirs: SimpleITK.Image | str) -> str:
    """Whether the voxel centres of two images are at the same places; DICOM's own images only have planes."""
    if isinstance(theirs, str):
        return theirs
    if not isinstance(image, Volume):
        return "has no place"
    affine = image.grid.affine_lps
    dimension = theirs.GetDimension()
    if dimension < 3:
        return f"{dimension} axes"
    direction = np.array(theirs.GetDirection()).reshape(dimension, dimension)[:3, :3]
    columns = direction * np.array(theirs.GetSpacing())[:3]
    axes = [2, 1] if image.array.shape[0] == 1 else [2, 1, 0]
    off = max(float(np.abs(columns[:, 2 - n] - affine[:3, n]).max()) for n in axes)
    off = max(off, float(np.abs(np.array(theirs.GetOrigin())[:3] - affine[:3, 3]).max()))
    return "equal" if off < 1e-3 else f"differs by up to {off:.4g} mm"


def row(path: Path) -> dict[str, Any]:
    """One line of the table."""
    ours = outcome(path)
    line: dict[str, Any] = {"result": ours.result, "kind": ours.kind}
    if ours.result != "read":
        return line | {"reason": ours.reason.replace(str(path), "FILE")}
    itk = by_sitk(path)
    line["shape"] = list(ours.shape)
    if ours.spacing_mm:
        line["spacing_mm"] = [round(mm, 6) for mm in ours.spacing_mm]
        line["place"] = place_against(ours.image, itk)
    if is_dicom(path):
        line["pydicom"] = against(ours.image, by_pydicom(path))
    line["sitk"] = against(ours.image, itk if isinstance(itk, str) else SimpleITK.GetArrayFromImage(itk))
    return line


def needs_reason(line: dict[str, Any]) -> bool:
    """Whether a row says that another program gives something else."""
    said = [str(line.get(key, "equal")) for key in ("pydicom", "sitk", "place")]
    return any(not one.startswith(("equal", "pydicom cannot", "SimpleITK cannot")) for one in said)


def is_dicom(path: Path) -> bool:
    """Whether pydicom takes the file for DICOM, its preamble missing or not."""
    head = path.read_bytes()[:132]
    return head[128:] == b"DICM" or head[:2] in (b"\x08\0", b"\x02\0", b"\0\x08")


def to_toml(rows: dict[str, dict[str, Any]]) -> str:
    """The rows as TOML tables, in order of name."""

    def value(one: Any) -> str:
        if isinstance(one, str):
            return '"' + one.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return str(one)

    blocks = []
    for name, line in rows.items():
        blocks.append("\n".join([f'["{name}"]', *(f"{key} = {value(one)}" for key, one in line.items())]))
    return "\n\n".join(blocks) + "\n"


def main() -> None:
    """Print the table, or write it as TOML."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", type=Path)
    arguments = parser.parse_args()
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    rows = {}
    for name, folder in sets().items():
        for path in files_of(folder):
            began = time.perf_counter()
            key = f"{name}/{path.relative_to(folder).as_posix()}"
            rows[key] = row(path)
            print(key, *(f"{what}: {one};" for what, one in rows[key].items()), f"{time.perf_counter() - began:.2f} s")
    counts = {result: sum(line["result"] == result for line in rows.values()) for result in ("read", "refused", "BUG")}
    print(f"{len(rows)} files: {counts}")
    if arguments.record:
        before = tomllib.loads(arguments.record.read_text()) if arguments.record.exists() else {}
        for key, line in rows.items():
            if needs_reason(line):
                line["why"] = before.get(key, {}).get("why", "")
        arguments.record.write_text(to_toml(rows))
    sys.exit(bool(counts["BUG"]))


__all__ = ["Outcome", "files_of", "needs_reason", "outcome", "row", "sets"]

if __name__ == "__main__":
    main()
