"""The header of NRRD files (teem.sourceforge.net/nrrd/format.html). Axes run fastest first; space becomes LPS."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from overread.errors import UnsupportedFormatError
from overread.geometry import Fault
from overread.io.files.research import Encoding, Layout, beside, damaged, unknown_sides
from overread.io.files.unplaced import header_scale

_TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
_CODES = {name: code for code, names in _TYPES.items() for name in names}
_ENCODINGS: dict[str, Encoding] = {
    "raw": "raw", "gzip": "gzip", "gz": "gzip", "bzip2": "bzip2", "bz2": "bzip2",
}  # fmt: skip
_TO_LPS = {
    "left-posterior-superior": (1, 1, 1), "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1), "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1), "las": (1, -1, 1),
}  # fmt: skip


def parse_nrrd(file: Path, head: bytes) -> Layout:
    """What the header says; raises `UnsupportedFormatError` for kinds that are not read, `ValueError` for nonsense."""
    text, end = _split(file, head)
    fields = _fields(text)
    sizes = [int(n) for n in fields["sizes"].split()]
    if int(fields["dimension"]) != len(sizes):
        raise damaged(file, f"its header says {fields['dimension']} axes, but sizes of {len(sizes)}")
    if len(sizes) not in (2, 3):
        what = f"it has {len(sizes)} axes {tuple(sizes)}, expected three, or two of a picture"
        raise UnsupportedFormatError(what, where=str(file))
    kind = fields["type"]
    if kind not in _CODES:
        raise UnsupportedFormatError(f"its voxels are of type {kind!r}, expected one real number", where=str(file))
    encoding = _ENCODINGS.get(fields["encoding"].lower())
    if encoding is None:
        raise UnsupportedFormatError(f"its voxels are coded as {fields['encoding']!r}", where=str(file))
    code, order = _CODES[kind], fields.get("endian", "little")
    if order not in ("little", "big"):
        raise ValueError("endian")
    data, offset = _where(file, fields, end, encoding)
    dtype = np.dtype(("<" if order == "little" else ">") + code)
    if len(sizes) == 2:
        scale = header_scale(_picture_spacing(fields))
        return Layout((1, sizes[1], sizes[0]), dtype, np.eye(4), encoding, data, offset, scale=scale)
    affine, faults = _affine(file, fields, sizes)
    return Layout((sizes[2], sizes[1], sizes[0]), dtype, affine, encoding, data, offset, faults)


def _split(file: Path, head: bytes) -> tuple[str, int]:
    """The header up to the empty line that ends it, and the offset behind that."""
    found = re.search(rb"\r?\n\r?\n", head)
    if found:
        return head[: found.start()].decode("latin-1"), found.end()
    if b"data" not in head:  # a detached header may end with its file
        raise damaged(file, "the file ends inside its header")
    return head.decode("latin-1"), len(head)


def _fields(text: str) -> dict[str, str]:
    fields = {}
    for line in text.splitlines()[1:]:
        if line.startswith("#") or ":=" in line or ":" not in line:
            continue
        name, value = line.split(":", 1)
        fields[name.strip().lower().replace("datafile", "data file")] = value.strip()
    return fields


def _where(file: Path, fields: dict[str, str], end: int, encoding: Encoding) -> tuple[Path, int]:
    lines, skipped = int(fields.get("line skip", "0")), int(fields.get("byte skip", "0"))
    if lines:
        raise UnsupportedFormatError("its voxels begin after a number of lines", where=str(file))
    name = fields.get("data file", "")
    if name.split()[:1] == ["LIST"] or "%" in name:
        raise UnsupportedFormatError("its voxels are in several files", where=str(file))
    if skipped and encoding != "raw":
        raise UnsupportedFormatError("it skips bytes inside compressed voxels", where=str(file))
    if name:
        return beside(file, name), skipped
    return file, end + skipped if skipped >= 0 else -1


def _vector(text: str) -> list[float]:
    return [float(part) for part in text.strip("() ").split(",")]


def _unit_mm(fields: dict[str, str]) -> float:
    units = re.findall(r'"([^"]*)"', fields.get("space units", ""))
    return {"": 1.0, "mm": 1.0, "cm": 10.0, "m": 1000.0, "um": 0.001}[units[0] if units else ""]


def _picture_spacing(fields: dict[str, str]) -> list[float]:
    """(row, column) mm of a file with two axes; empty where it gives none."""
    if "spacings" in fields:
        found = [abs(float(one)) for one in fields["spacings"].split()]
    else:
        vectors = re.findall(r"\([^)]*\)", fields.get("space directions", ""))
        found = [float(np.linalg.norm(_vector(vector))) * _unit_mm(fields) for vector in vectors]
    return found[::-1]


def _affine(file: Path, fields: dict[str, str], sizes: list[int]) -> tuple[np.ndarray, tuple[Fault, ...]]:
    """(4, 4), (k, j, i) -> LPS mm, and whether sides are unknown."""
    affine = np.eye(4)
    directions = re.findall(r"\([^)]*\)|none", fields.get("space directions", ""))
    if not directions:
        spacings = [abs(float(s)) for s in fields["spacings"].split()] if "spacings" in fields else []
        if len(spacings) != 3:
            raise damaged(file, "its header gives no distance between voxels")
        affine[2, 0], affine[1, 1], affine[0, 2] = spacings[2], spacings[1], spacings[0]
        return affine, (unknown_sides(),)
    if len(directions) != 3 or "none" in directions:
        raise UnsupportedFormatError("one of its axes has no direction in space", where=str(file))
    space = fields.get("space", "").lower()
    if space not in _TO_LPS:
        raise UnsupportedFormatError(
            f"its space is {space or 'not named'!r}, expected LPS, RAS or LAS", where=str(file)
        )
    signs = np.array(_TO_LPS[space], dtype=np.float64)
    scale = _unit_mm(fields)
    for axis, words in enumerate(directions):
        affine[:3, 2 - axis] = np.array(_vector(words)) * signs * scale
    if "space origin" in fields:
        affine[:3, 3] = np.array(_vector(fields["space origin"])) * signs * scale
    return affine, ()
