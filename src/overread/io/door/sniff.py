"""What kind of file the first bytes say it is. Names are not trusted."""

from __future__ import annotations

import re
import zlib
from typing import Literal

Kind = Literal["dicom", "nifti", "nrrd", "metaimage", "picture", "video", "zip", "unknown"]

_STARTS: tuple[tuple[Kind, tuple[bytes, ...]], ...] = (
    ("picture", (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    ("zip", (b"PK\3\4", b"PK\5\6")),
    ("nrrd", (b"NRRD000",)),
    ("metaimage", (b"ObjectType", b"NDims")),
    ("video", (b"\x1a\x45\xdf\xa3",)),
)
_NETPBM = re.compile(rb"P[2356][ \t\r\n]")
_BARE_DICOM = (b"\x08\0", b"\x02\0", b"\0\x08")  # no preamble: begins with group 0002 or 0008
_GZIP = b"\x1f\x8b"


def kind_of(head: bytes) -> Kind:
    """Kind of file from its first bytes; 348 of them decide, gzip is looked into."""
    if head[128:132] == b"DICM":
        return "dicom"
    for kind, starts in _STARTS:
        if head.startswith(starts):
            return kind
    if _is_video(head):
        return "video"
    if _NETPBM.match(head) or (head.startswith(b"BM") and head[6:10] == bytes(4)):  # BMP: reserved bytes are 0
        return "picture"
    if _is_nifti(unzipped(head) if head.startswith(_GZIP) else head):
        return "nifti"
    return "dicom" if head.startswith(_BARE_DICOM) else "unknown"


def _is_video(head: bytes) -> bool:
    """AVI, or MP4 and QuickTime but not the still pictures that share their box (HEIC, AVIF)."""
    if head[4:8] == b"ftyp":
        return head[8:12] not in (b"heic", b"heix", b"mif1", b"avif", b"avis")
    return head.startswith(b"RIFF") and head[8:12] == b"AVI "


def _is_nifti(head: bytes) -> bool:
    """NIfTI-1 or NIfTI-2, header and image in one file or in two."""
    return head[344:348] in (b"n+1\0", b"ni1\0") or head[4:8] in (b"n+2\0", b"ni2\0")


def unzipped(head: bytes, count: int = 1024) -> bytes:
    """The first bytes of what a gzip stream holds; empty when it is broken."""
    try:
        return zlib.decompressobj(wbits=31).decompress(head, count)
    except zlib.error:
        return b""
