"""The header of MetaImage files, MHA and MHD (itk.org/Wiki/ITK/MetaIO/Documentation). Axes run fastest first, LPS."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from overread.errors import UnsupportedFormatError
from overread.io.files.research import Layout, beside, damaged
from overread.io.files.unplaced import header_scale

_CODES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4",
    "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip


def parse_metaimage(file: Path, head: bytes) -> Layout:
    """What the header says; raises `UnsupportedFormatError` for kinds that are not read, `ValueError` for nonsense."""
    fields, end = _fields(file, head)
    if fields.get("ObjectType", "Image") != "Image":
        raise UnsupportedFormatError(f"it holds a {fields['ObjectType']!r}, not an image", where=str(file))
    sizes = [int(n) for n in fields["DimSize"].split()]
    if int(fields["NDims"]) != len(sizes):
        raise damaged(file, f"its header says {fields['NDims']} axes, but sizes of {len(sizes)}")
    if len(sizes) not in (2, 3):
        what = f"it has {len(sizes)} axes {tuple(sizes)}, expected three, or two of a picture"
        raise UnsupportedFormatError(what, where=str(file))
    kind, channels = fields["ElementType"], int(fields.get("ElementNumberOfChannels", "1"))
    if kind not in _CODES or channels != 1:
        what = f"its voxels are {channels} values of type {kind!r}, expected one real number"
        raise UnsupportedFormatError(what, where=str(file))
    if _is_true(fields, "BinaryData", default="True") is False:
        raise UnsupportedFormatError("its voxels are written as text", where=str(file))
    big = _is_true(fields, "BinaryDataByteOrderMSB") or _is_true(fields, "ElementByteOrderMSB")
    packed = _is_true(fields, "CompressedData")
    name = fields["ElementDataFile"]
    if name.upper() == "LIST" or "%" in name:
        raise UnsupportedFormatError("its voxels are in several files", where=str(file))
    local = name.upper() == "LOCAL"
    offset = end if local else int(fields.get("HeaderSize", "0"))
    flat = len(sizes) == 2
    return Layout(
        shape=(1 if flat else sizes[2], sizes[1], sizes[0]),
        dtype=np.dtype((">" if big else "<") + _CODES[kind]),
        affine_lps=np.eye(4) if flat else _affine(file, fields),
        scale=header_scale([float(mm) for mm in fields.get("ElementSpacing", "").split()][::-1]) if flat else None,
        encoding="zlib" if packed else "raw",
        data=file if local else beside(file, name),
        offset=offset,
    )


def _fields(file: Path, head: bytes) -> tuple[dict[str, str], int]:
    """Fields up to ElementDataFile, which is the last, and the offset behind its line."""
    fields: dict[str, str] = {}
    pos = 0
    while pos < len(head):
        end = head.find(b"\n", pos)
        line = head[pos : end if end >= 0 else len(head)].decode("latin-1").strip()
        pos = end + 1 if end >= 0 else len(head)
        if not line:
            continue
        name, equals, value = line.partition("=")
        if not equals:
            break
        fields[name.strip()] = value.strip()
        if name.strip() == "ElementDataFile":
            return fields, pos
    raise damaged(file, "the file ends inside its header, or the header has no ElementDataFile")


def _is_true(fields: dict[str, str], name: str, default: str = "False") -> bool:
    return fields.get(name, default).lower() in ("true", "1", "yes")


def _affine(file: Path, fields: dict[str, str]) -> np.ndarray:
    """(4, 4), (k, j, i) -> LPS mm. The matrix lists the direction of one axis after the other."""
    if "ElementSpacing" not in fields:
        raise damaged(file, "its header gives no distance between voxels")
    spacing = np.array([float(s) for s in fields["ElementSpacing"].split()])
    words = next(
        (fields[n] for n in ("TransformMatrix", "Rotation", "Orientation") if n in fields), "1 0 0 0 1 0 0 0 1"
    )
    axes = np.array([float(v) for v in words.split()]).reshape(3, 3)
    origin = next((fields[n] for n in ("Offset", "Position", "Origin") if n in fields), "0 0 0")
    affine = np.eye(4)
    for axis in range(3):
        affine[:3, 2 - axis] = axes[axis] * spacing[axis]
    affine[:3, 3] = [float(v) for v in origin.split()]
    return affine
