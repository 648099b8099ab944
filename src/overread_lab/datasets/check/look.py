"""One look at the files of a case: do they load, do image and mask fit, and a few numbers to compare cases by."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from overread.errors import GeometryError, InputError, UsageError
from overread.image import Image as Loaded
from overread.image import Volume
from overread_lab.datasets.check.report import Level, Remark
from overread_lab.datasets.check.similar import perceptual_hash
from overread_lab.datasets.fit import NoMaskError, load, require_fit, require_labels
from overread_lab.datasets.manifest import Case

THUMBNAIL = 16
BORDER_SHARE = 0.1
_FRAMED = 40  # the outer 10 % of 40 x 40 is a ring 4 wide


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What is kept of a picture, or of the middle slice or frame of anything else.

    Parameters
    ----------
    shape : (rows, columns)
    digest : str
        SHA-256 of all loaded values and their shape; equal for equal pixels in other files.
    bits, mirrored : (256,) or (64,) bool, or None
        Perceptual hash, and that of the mirror image; None for a picture of one value.
    thumbnail : (256,) float32 in 0..1
        16 x 16 means, stretched to a square.
    border : (576,) float32 in 0..1
        The outer tenth of 40 x 40 means.
    """

    case: Case
    shape: tuple[int, int]
    digest: str
    bits: NDArray[np.bool_] | None
    mirrored: NDArray[np.bool_] | None
    thumbnail: NDArray[np.float32]
    border: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Look:
    """`seen` is None where there is no image or it does not load; `labels` are those in the mask, None without one."""

    case: Case
    seen: Seen | None
    labels: tuple[int, ...] | None
    remarks: tuple[Remark, ...]


def look(case: Case, *, hash_bits: int) -> Look:
    """Load the image and the mask of a case, and compare them."""
    remarks: list[Remark] = []
    image = _load(case, case.image, "image", remarks)
    mask = _load(case, case.mask, "mask", remarks)
    labels = None if mask is None else _labels(case, mask, remarks)
    if image is not None and mask is not None:
        remarks += _misfit(case, image, mask)
    seen = None if image is None else _see(case, image, hash_bits)
    return Look(case, seen, labels, tuple(remarks))


def _load(case: Case, path: Path | None, what: str, remarks: list[Remark]) -> Loaded | None:
    if path is None:
        return None
    if not os.path.exists(path):  # noqa: PTH110  (false, not an error, for a name that no disk could hold)
        remarks.append(Remark(Level.ERROR, "file_missing", f"the {what} is missing: {path.name}", (case.case,)))
        return None
    try:
        return load(path)
    except (InputError, UsageError) as error:
        code = "geometry_refused" if isinstance(error, GeometryError) else "file_unreadable"
        message = f"the {what} cannot be read ({path.name}): {error.what}"
        remarks.append(Remark(Level.ERROR, code, message, (case.case,)))
        return None


def _labels(case: Case, mask: Loaded, remarks: list[Remark]) -> tuple[int, ...] | None:
    try:
        values = np.unique(require_labels(mask))
    except NoMaskError as error:
        remarks.append(Remark(Level.ERROR, "mask_not_labels", error.what, (case.case,)))
        return None
    return tuple(int(value) for value in values if value)


def _misfit(case: Case, image: Loaded, mask: Loaded) -> list[Remark]:
    try:
        require_fit(image, mask)
    except GeometryError as error:
        return [Remark(Level.ERROR, "mask_misfit", error.what, (case.case,))]
    return []


def _see(case: Case, image: Loaded, hash_bits: int) -> Seen:
    if isinstance(image, Volume):
        picture = image.array[image.array.shape[0] // 2]
    else:
        grey = image.grey()
        picture = grey if grey.ndim == 2 else grey[len(grey) // 2]
    scaled = unit_range(picture)
    framed = shrunk(scaled, _FRAMED)
    ring = np.ones(framed.shape, bool)
    width = round(BORDER_SHARE * _FRAMED)
    ring[width:-width, width:-width] = False
    whole = hashlib.sha256(repr(image.array.shape).encode())
    whole.update(np.ascontiguousarray(image.array).data)
    return Seen(
        case=case,
        shape=(picture.shape[0], picture.shape[1]),
        digest=whole.hexdigest(),
        bits=perceptual_hash(scaled, hash_bits) if scaled.any() else None,
        mirrored=perceptual_hash(np.ascontiguousarray(scaled[:, ::-1]), hash_bits) if scaled.any() else None,
        thumbnail=shrunk(scaled, THUMBNAIL).ravel(),
        border=framed[ring],
    )


def unit_range(picture: NDArray[np.generic]) -> NDArray[np.float32]:
    """(row, column) in 0..1 from the 1st to the 99th percentile; all 0 where these are equal. NaN counts as dark."""
    values = np.asarray(picture, dtype=np.float32)
    finite = values[np.isfinite(values)]
    low, high = np.percentile(finite, (1, 99)) if finite.size else (0.0, 0.0)
    if high <= low:
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if high <= low:
        return np.zeros(values.shape, np.float32)
    scaled: NDArray[np.float32] = np.clip((np.nan_to_num(values, nan=low) - low) / (high - low), 0, 1)
    return scaled


def shrunk(picture: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """(side, side) means, stretched to a square."""
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BOX), dtype=np.float32)
