"""A processed image to a folder: a derived DICOM series, NIfTI, or a picture; read back before the folder appears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from overread.errors import IntegrityError, UsageError
from overread.evidence import manifest, result_json
from overread.evidence.dicom.headers import read_headers
from overread.evidence.dicom.identity import Stamp
from overread.evidence.dicom.images.derived import build_derived_slices
from overread.evidence.dicom.images.readback import prove_derived
from overread.evidence.dicom_results import save_dataset
from overread.evidence.folder import result_folder
from overread.evidence.nifti import read_nifti_values, write_nifti_values
from overread.findings import Provenance
from overread.image import Image, Volume

FACTS = "enhanced.json"
_PICTURE, _CLIP, _VOLUME = "enhanced.png", "enhanced.tif", "enhanced.nii.gz"


class DerivedForm(StrEnum):
    """What a processed image is written as.

    `DICOM` one file a slice, for volumes from single-frame CT or MR; `NIFTI` float32, for any volume; `PICTURE` an 8 or
    16-bit PNG for one picture, float32 pages of a TIFF for a clip.
    """

    DICOM = "dicom"
    NIFTI = "nifti"
    PICTURE = "picture"

    @classmethod
    def of(cls, image: Image) -> DerivedForm:
        """The form of the source: DICOM stays DICOM where it is a volume."""
        if not isinstance(image, Volume):
            return cls.PICTURE
        return cls.DICOM if image.source.kind == "dicom" else cls.NIFTI


@dataclass(frozen=True, slots=True, eq=False)
class DerivedImage:
    """What is written.

    Parameters
    ----------
    image : Volume, Radiograph or Frames
        Processed values, float32, with the source of the image they were made from.
    was : dtype
        Type of the values before; 8-bit pictures stay 8-bit.
    description : str
        What was done, in words; it stands in the DICOM objects.
    facts : dict
        For enhanced.json, as plain values.
    beside : dict
        Name to bytes of what else belongs into the folder.
    """

    image: Image
    was: np.dtype[Any]
    provenance: Provenance
    description: str
    facts: Mapping[str, object]
    beside: Mapping[str, bytes] = field(default_factory=dict)


def write_derived(
    derived: DerivedImage,
    out: Path,
    *,
    form: DerivedForm,
    overwrite: bool = False,
    inputs: Mapping[str, str] | None = None,
    request: Mapping[str, object] | None = None,
) -> tuple[Path, ...]:
    """Write the image, enhanced.json and manifest.json; the same image gives the same bytes.

    Raises
    ------
    UsageError
        The form does not suit the image, or the folder exists or cannot be written.
    UnsupportedFormatError, GeometryError
        No derived DICOM series can follow the source; NIfTI can.
    IntegrityError
        What was written reads back differently; nothing is left.
    ResourceError
        The disk is full.
    """
    if (form is DerivedForm.PICTURE) == isinstance(derived.image, Volume):
        raise UsageError(
            f"{'a volume' if isinstance(derived.image, Volume) else 'a picture'} cannot be written as {form.value}",
            way_out=f"Leave the form out, or ask for {DerivedForm.of(derived.image).value}.",
        )
    out = Path(out)
    with result_folder(out, overwrite=overwrite) as folder:
        if isinstance(derived.image, Volume):
            stored = _dicom(derived, derived.image, folder) if form is DerivedForm.DICOM else None
            stored = stored or _nifti(derived.image, folder)
        else:
            stored = _picture(derived, folder)
        for name, content in derived.beside.items():
            (folder / name).write_bytes(content)
        files = sorted(path.name for path in folder.iterdir())
        facts = {**derived.facts, "stored": stored, "files": files}
        (folder / FACTS).write_bytes(result_json.dumps(facts))
        manifest.write_manifest(folder, derived.provenance, inputs=inputs or {}, request=request or {})
        names = sorted(path.name for path in folder.iterdir())
    return tuple(out / name for name in names)


def _dicom(derived: DerivedImage, volume: Volume, folder: Path) -> dict[str, object]:
    headers = read_headers(volume.source.frames, gap_mm=volume.grid.slice_gap_mm)
    stamp = Stamp.make(result_json.dumps(derived.facts), headers.first)
    series = build_derived_slices(
        volume, headers, stamp, provenance=derived.provenance, description=derived.description
    )
    paths = [folder / f"slice-{n + 1:04d}.dcm" for n in range(len(series.datasets))]
    for dataset, path in zip(series.datasets, paths, strict=True):
        save_dataset(dataset, path)
    prove_derived(paths, volume, headers, rounding=series.rounding)
    return {"form": "dicom", "step": series.slope, "rounding": series.rounding, "clipped_share": 0.0}


def _nifti(volume: Volume, folder: Path) -> dict[str, object]:
    path, values = folder / _VOLUME, volume.array.astype(np.float32)
    write_nifti_values(values, volume.grid, path)
    read, grid = read_nifti_values(path)
    if not np.array_equal(read, values) or not grid.same_place(volume.grid):
        raise IntegrityError("values or places read back differently", where=path.name)
    return {"form": "nifti", "step": 0.0, "rounding": 0.0, "clipped_share": 0.0}


def _picture(derived: DerivedImage, folder: Path) -> dict[str, object]:
    values = derived.image.array.astype(np.float32)
    if values.ndim == 3:
        path, pages = folder / _CLIP, list(values)
        first, *rest = (Pillow.fromarray(page) for page in pages)
        first.save(path, "TIFF", save_all=True, append_images=rest, compression="tiff_adobe_deflate")
        stored: dict[str, object] = {"form": "tiff float32", "step": 0.0, "rounding": 0.0, "clipped_share": 0.0}
    else:
        path = folder / _PICTURE
        page, stored = _eight_bit(values) if derived.was == np.uint8 else _sixteen_bit(values)
        Pillow.fromarray(page).save(path, "PNG")
        pages = [page]
    with Pillow.open(path) as opened:
        for n, page in enumerate(pages):
            opened.seek(n)
            if not np.array_equal(np.asarray(opened), page):
                raise IntegrityError(f"page {n} reads back differently", where=path.name)
    return stored


def _eight_bit(values: NDArray[np.float32]) -> tuple[NDArray[np.uint8], dict[str, object]]:
    """Rounded and clipped to 0 .. 255, as the picture was; how much was clipped is said."""
    share = np.count_nonzero((values < -0.5) | (values > 255.5)) / values.size
    page = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return page, {"form": "png 8 bit", "step": 1.0, "offset": 0.0, "rounding": 0.5, "clipped_share": share}


def _sixteen_bit(values: NDArray[np.float32]) -> tuple[NDArray[np.uint16], dict[str, object]]:
    """Laid over 0 .. 65535: value = grey * step + offset."""
    low, high = float(values.min()), float(values.max())
    step = (high - low) / 65535 or 1.0
    page = np.rint((values.astype(np.float64) - low) / step).astype(np.uint16)
    return page, {"form": "png 16 bit", "step": step, "offset": low, "rounding": step / 2, "clipped_share": 0.0}
