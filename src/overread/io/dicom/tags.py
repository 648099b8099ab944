"""Walk the tags of a DICOM header in a buffer, little endian. Values stay raw bytes; nothing is interpreted here."""

from __future__ import annotations

import re
from struct import Struct, error
from typing import NamedTuple

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED_LITTLE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"

UNDEFINED = 0xFFFFFFFF
PIXEL_DATA = 0x7FE00010
_FIRST_PIXEL_TAG = 0x7FE00008  # float, double float and integer pixel data all begin here
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_DEEPEST = 16

# PS3.5 7.1.2: these explicit VRs have two reserved bytes and a 32-bit length
_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_SHORT = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split()  # the rest of PS3.5 table 6.2-1
)
_REPEATED_IN_META = ((0x00080016, 2), (0x00080018, 3))  # SOP class and instance, should the dataset lack them
_SYNTAX = re.compile(r"1\.2\.840\.10008\.1\.2[0-9.]{0,40}")
_explicit = Struct("<HH2sH").unpack_from
_implicit = Struct("<HHI").unpack_from
_uint32 = Struct("<I").unpack_from


class OddHeaderError(Exception):
    """The header is not one this walker follows; pydicom may."""


class ShortBufferError(Exception):
    """The header goes on beyond the buffer."""


class Walked(NamedTuple):
    """What a walk found.

    `pixel_tag` is 0 when the file ends without pixels; `pixel_length` is `UNDEFINED` for encapsulated pixels.
    """

    elements: dict[int, bytes]
    transfer_syntax: str
    pixel_tag: int
    pixel_offset: int
    pixel_length: int


def walk(head: bytes, wanted: frozenset[int], *, whole: bool) -> Walked:
    """Raw values of the `wanted` top-level tags (group << 16 | element), and where the pixels lie.

    Parameters
    ----------
    head : bytes
        The file from its first byte on.
    whole : bool
        `head` is the whole file.

    Raises
    ------
    OddHeaderError
        No preamble, big endian, deflated, tags out of order, unknown VR, nested too deep.
    ShortBufferError
        More bytes are needed; with `whole`, the file is cut short.
    """
    if head[128:132] != b"DICM":
        raise OddHeaderError("no DICM after the preamble")
    try:
        meta, start = _walk_meta(head)
        syntax = meta.get(0x10, b"").rstrip(b"\0 ").decode("latin-1")
        if syntax in (DEFLATED_LITTLE, EXPLICIT_BIG) or not _SYNTAX.fullmatch(syntax):
            raise OddHeaderError("transfer syntax")
        walked = walk_dataset(head, start, syntax, wanted, whole)
    except error:
        raise ShortBufferError from None
    for tag, element in _REPEATED_IN_META:
        if tag in wanted and tag not in walked.elements and element in meta:
            walked.elements[tag] = meta[element]
    return walked


def _walk_meta(head: bytes) -> tuple[dict[int, bytes], int]:
    """Short values of group 0002 by element, and the offset behind it. It is always explicit little endian.

    The group length is not trusted, since some writers leave it out.
    """
    meta: dict[int, bytes] = {}
    pos = 132
    while True:
        group, element, vr, length = _explicit(head, pos)
        if group != 2:
            return meta, pos
        pos += 8
        if vr in _LONG:
            length = _uint32(head, pos)[0]
            pos += 4
        elif vr not in _SHORT:
            raise OddHeaderError(f"unknown VR {vr!r}")
        meta[element] = _inside(head, pos, length)
        pos += length


def walk_dataset(head: bytes, pos: int, syntax: str, wanted: frozenset[int], whole: bool) -> Walked:
    explicit = syntax != IMPLICIT_LITTLE
    found: dict[int, bytes] = {}
    last, size = 0, len(head)
    while pos < size or not whole:
        if explicit:
            group, element, vr, length = _explicit(head, pos)
            pos += 8
            if vr not in _SHORT:
                if vr not in _LONG:
                    raise OddHeaderError(f"unknown VR {vr!r}")
                length = _uint32(head, pos)[0]
                pos += 4
        else:
            group, element, length = _implicit(head, pos)
            pos += 8
        tag = group << 16 | element
        if tag <= last:
            raise OddHeaderError("tags are out of order")
        last = tag
        if tag >= _FIRST_PIXEL_TAG:
            if group == 0x7FE0:
                return Walked(found, syntax, tag, pos, length)
            break  # trailing padding or a digital signature: no pixels
        if length == UNDEFINED:
            pos = _skip_items(head, pos, explicit and vr != b"UN", 0)
            continue
        if tag in wanted:
            found[tag] = head[pos : pos + length]  # one that is cut short ends the walk below
        pos += length
    if pos > size:
        raise ShortBufferError
    return Walked(found, syntax, 0, pos, 0)


def _inside(head: bytes, pos: int, length: int) -> bytes:
    value = head[pos : pos + length]
    if len(value) != length:
        raise ShortBufferError
    return value


def _skip_items(head: bytes, pos: int, explicit: bool, depth: int) -> int:
    """Offset behind a sequence of undefined length whose first item begins at `pos`."""
    if depth > _DEEPEST:
        raise OddHeaderError("sequences are nested too deep")
    while True:
        group, element, length = _implicit(head, pos)
        pos += 8
        tag = group << 16 | element
        if tag == _SEQUENCE_END:
            return pos
        if tag != _ITEM:
            raise OddHeaderError("a sequence holds something that is not an item")
        pos = _skip_elements(head, pos, explicit, depth) if length == UNDEFINED else pos + length


def _skip_elements(head: bytes, pos: int, explicit: bool, depth: int) -> int:
    """Offset behind an item of undefined length whose first element begins at `pos`."""
    while True:
        group, element, length = _implicit(head, pos)
        if group << 16 | element == _ITEM_END:
            return pos + 8
        vr = b"SQ"
        if explicit:
            _, _, vr, length = _explicit(head, pos)
            if vr in _LONG:
                length = _uint32(head, pos + 8)[0]
                pos += 4
            elif vr not in _SHORT:
                raise OddHeaderError(f"unknown VR {vr!r}")
        pos += 8
        if length == UNDEFINED:
            pos = _skip_items(head, pos, explicit and vr != b"UN", depth + 1)
        else:
            pos += length
