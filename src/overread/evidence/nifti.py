"""Masks and images as NIfTI: written through nibabel, read back by our own parser. LPS here, RAS only in the file."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from overread.errors import IntegrityError
from overread.geometry import Grid
from overread.image import LabelMap

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_LABELS: dict[int, np.dtype[Any]] = {2: np.dtype("u1"), 512: np.dtype("<u2")}
_VALUES: dict[int, np.dtype[Any]] = {16: np.dtype("<f4")}
_SHEARED_DEG = 1e-3


def write_nifti(mask: LabelMap, path: Path) -> None:
    """Write labels as NIfTI-1, axes (column, row, slice), sform in scanner RAS mm; the same mask gives the same bytes.

    A quaternion cannot say shear, so a sheared grid carries an sform only.
    """
    small = int(mask.array.max(initial=0)) < 256
    _write(np.ascontiguousarray(mask.array, dtype=np.uint8 if small else np.uint16), mask.grid, path)


def write_nifti_values(array: NDArray[np.float32], grid: Grid, path: Path) -> None:
    """Write float32 values as `write_nifti` writes labels."""
    _write(np.ascontiguousarray(array, dtype=np.float32), grid, path)


def _write(array: NDArray[Any], grid: Grid, path: Path) -> None:
    affine = (_LPS_TO_RAS @ grid.affine_lps)[:, [2, 1, 0, 3]]
    image = nibabel.Nifti1Image(array.transpose(2, 1, 0), affine)
    image.set_sform(affine, code=1)
    image.set_qform(affine if grid.shear_deg < _SHEARED_DEG else None, code=1)
    if grid.shear_deg >= _SHEARED_DEG:
        image.header["qform_code"] = 0
    image.header.set_xyzt_units("mm")
    path.write_bytes(gzip.compress(image.to_bytes(), compresslevel=1, mtime=0))


def read_nifti_labels(path: Path) -> LabelMap:
    """Read a label NIfTI-1 file by its bytes alone (no nibabel).

    Raises
    ------
    IntegrityError
        Not a little-endian single-file NIfTI-1 of 8 or 16 bit labels with an sform.
    """
    return LabelMap(*_read(path, _LABELS))


def read_nifti_values(path: Path) -> tuple[NDArray[np.float32], Grid]:
    """Read a file of `write_nifti_values` by its bytes alone; raises `IntegrityError` where it is none."""
    return _read(path, _VALUES)


def _read(path: Path, types: dict[int, np.dtype[Any]]) -> tuple[NDArray[Any], Grid]:
    try:
        blob = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, gzip.zlib.error) as error:  # type: ignore[attr-defined]
        raise IntegrityError(f"cannot be unpacked: {error}", where=path.name) from error
    if len(blob) < 352 or blob[344:348] != b"n+1\0" or struct.unpack_from("<i", blob, 0)[0] != 348:
        raise IntegrityError("is not a NIfTI-1 file", where=path.name)
    dim = struct.unpack_from("<8h", blob, 40)
    (datatype,) = struct.unpack_from("<h", blob, 70)
    (offset,) = struct.unpack_from("<f", blob, 108)
    (sform,) = struct.unpack_from("<h", blob, 254)
    if datatype not in types or dim[0] != 3 or sform != 1:
        raise IntegrityError(
            f"datatype {datatype}, {dim[0]} axes, sform code {sform}: not what was written", where=path.name
        )
    count = dim[1] * dim[2] * dim[3]
    try:
        flat: NDArray[Any] = np.frombuffer(blob, types[datatype], count, int(offset))
    except ValueError as error:
        raise IntegrityError(f"is shorter than its header says: {error}", where=path.name) from error
    srow = np.array(struct.unpack_from("<12f", blob, 280), dtype=np.float64).reshape(3, 4)
    affine = _LPS_TO_RAS @ np.vstack([srow, (0, 0, 0, 1)])
    shape = (dim[3], dim[2], dim[1])
    return flat.reshape(shape), Grid(shape, affine[:, [2, 1, 0, 3]])
