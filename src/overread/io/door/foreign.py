"""Names for files that are not read, so that a refusal says what they are. Decides nothing else."""

from __future__ import annotations

from overread.io.door.sniff import unzipped

_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (MINC 2 among others)"),
    (b"CDF\x01", "a NetCDF file (MINC 1 among others)"),
    (b"CDF\x02", "a NetCDF file (MINC 1 among others)"),
    (b"TRACK", "fibre tracks (TrackVis)"),
    (b"mrtrix tracks", "fibre tracks (MRtrix)"),
    (b"mrtrix image", "an MRtrix image"),
    (b"MATRIX7", "an ECAT 7 file"),
    (b"%PDF-", "a PDF document"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\0", "an xz file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"GIF8", "a GIF picture"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture without DICOM around it"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture without DICOM around it"),
    (b"<?xml", "an XML document (GIfTI among others)"),
    (b"Rar!", "a RAR archive"),
    (b"\0\0\0\x01\0\0", "an MGH image (FreeSurfer)"),
)
_GZIP = b"\x1f\x8b"
_WAY = {
    "a bzip2 file": "unpack it first",
    "an xz file": "unpack it first",
    "a GIF picture": "save its pictures as PNG, or export a clip as a DICOM multi-frame image",
    "a JPEG 2000 picture without DICOM around it": "save it as PNG",
}


def describe(head: bytes) -> str:
    """What a file that is no image for us is, from its first bytes; "" where they tell nothing."""
    if head.startswith(_GZIP):
        inside = unzipped(head)
        if inside[128:132] == b"DICM":
            return "a DICOM file packed with gzip: unpack it first"
        name = describe(inside) if inside and not inside.startswith(_GZIP) else ""
        return f"{name}, packed with gzip" if name not in ("", "text") else "a gzip file that holds no NIfTI image"
    for beginning, name in _BEGINNINGS:
        if head.startswith(beginning):
            return f"{name}: {_WAY[name]}" if name in _WAY else name
    return _by_place(head)


def _by_place(head: bytes) -> str:
    """Kinds whose mark is not at the beginning, or only likely."""
    if head[:4] in (b"\x5c\x01\0\0", b"\0\0\x01\x5c"):
        return "an Analyze 7.5 header, which does not say left from right"
    if head[4:8] == b"ftyp":
        return "a HEIC or AVIF picture: save it as PNG"
    if head[257:262] == b"ustar":
        return "a tar archive: unpack it first"
    if head.lstrip()[:7] in (b"type = ", b"type  ="):
        return "an AFNI header"
    if head.lstrip().startswith(b"# === DATA DESCRIPTION FILE"):
        return "a Philips PAR header"
    return "text" if head and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head[:256]) else ""
