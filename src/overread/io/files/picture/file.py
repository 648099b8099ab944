"""The header of one picture file: size, kind of pixels, and what its coding did to them. No pixels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from PIL import Image, UnidentifiedImageError

from overread.errors import DamagedFileError, InputError, UnsupportedFormatError
from overread.geometry import Fault, Severity
from overread.io.quiet import quiet

GREY = frozenset(("1", "L", "I;16", "I;16B", "I;16L", "I;16N", "I", "F"))
COLOUR = frozenset(("LA", "RGB", "RGBA", "P", "PA", "CMYK", "YCbCr"))
_PHOTOMETRIC, _BITS, _ORIENTATION = 262, 258, 274  # tags of TIFF 6.0; the last is that of EXIF, too
_LOSSY_TIFF = ("jpeg", "tiff_jpeg", "webp")
_UNREADABLE = 0
_TURNS: dict[int, tuple[Image.Transpose, str]] = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT, "mirrored"),
    3: (Image.Transpose.ROTATE_180, "turned by 180 degrees"),
    4: (Image.Transpose.FLIP_TOP_BOTTOM, "flipped upside down"),
    5: (Image.Transpose.TRANSPOSE, "flipped about its falling diagonal"),
    6: (Image.Transpose.ROTATE_270, "turned by 90 degrees clockwise"),
    7: (Image.Transpose.TRANSVERSE, "flipped about its rising diagonal"),
    8: (Image.Transpose.ROTATE_90, "turned by 90 degrees counter-clockwise"),
}
"""Values of the EXIF orientation (CIPA DC-008, 4.6.5.1.3), but for 1; pillow counts angles counter-clockwise."""
_SIDEWAYS = (5, 6, 7, 8)


class Picture(NamedTuple):
    """Header of one picture file: pages of (rows, columns) pixels in a mode of pillow, turned as the file asks.

    `white_is_zero`: stored values are larger where the picture is darker, and pillow leaves them so. `top` is the
    largest value that a PGM file says it may hold, where pillow stretches values from there; else 0. `turn` is the
    EXIF orientation that is still to be applied; pillow applies that of TIFF itself.
    """

    path: str
    pages: int
    rows: int
    columns: int
    mode: str
    white_is_zero: bool
    top: int
    turn: int
    faults: tuple[Fault, ...]


def open_picture(path: str) -> Picture:
    """Read the header of a picture.

    Raises
    ------
    DamagedFileError
        It cannot be read, or its size is absurd.
    UnsupportedFormatError
        Its pixels are of a kind that is not read.
    """
    try:
        with image_of(path) as image:  # sizes are judged by memory, when pixels are asked for
            picture = _header(path, image)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001
        raise broken(path, error) from None
    if min(picture.rows, picture.columns, picture.pages) < 1:
        size = f"{picture.pages} pages of {picture.rows} x {picture.columns} pixels"
        raise DamagedFileError(f"its header says {size}", where=path)
    if picture.mode not in GREY | COLOUR:
        raise UnsupportedFormatError(f"pixels of kind {picture.mode!r} are not read", where=path)
    if picture.white_is_zero and picture.mode == "F":
        raise UnsupportedFormatError("real numbers that are larger where the picture is darker", where=path)
    return picture


def _header(path: str, image: Image.Image) -> Picture:
    columns, rows = image.size
    turn = _turn(path, image)
    is_left_to_us = image.format != "TIFF"
    if turn in _SIDEWAYS and is_left_to_us:
        rows, columns = columns, rows
    return Picture(
        path,
        1 if image.format == "MPO" else int(getattr(image, "n_frames", 1)),
        rows,
        columns,
        image.mode,
        white_is_zero=_is_white_zero(image),
        top=_top(image),
        turn=turn if is_left_to_us else 1,
        faults=(*_turn_faults(turn), *_coding_faults(image)),
    )


def _turn(path: str, image: Image.Image) -> int:
    """The EXIF orientation; 0 where it is no whole number. Of a PNG, pillow would decode all pixels to find it."""
    try:
        exif = Image.Exif()
        exif.load(image.info.get("exif") or (_exif_of_png(path) if image.format == "PNG" else b""))
        return int(exif.get(_ORIENTATION) or Image.Image.getexif(image).get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001  (pillow raises many kinds on broken EXIF, which is no part of the pixels)
        return _UNREADABLE


def _exif_of_png(path: str) -> bytes:
    """The chunk eXIf, which may stand behind the pixels (PNG 3, 11.3.4.5); empty where there is none."""
    with open(path, "rb") as stream:  # noqa: PTH123
        stream.seek(8)
        while len(head := stream.read(8)) == 8:
            length, kind = int.from_bytes(head[:4], "big"), head[4:]
            if kind == b"eXIf":
                return stream.read(length)
            stream.seek(length + 4, 1)
    return b""


def turned(image: Image.Image, turn: int) -> Image.Image:
    """The page as the file asks for it to be shown."""
    return image.transpose(_TURNS[turn][0]) if turn in _TURNS else image


def _turn_faults(turn: int) -> list[Fault]:
    if turn == 1:
        return []
    if turn not in _TURNS:
        message = f"EXIF orientation {turn} does not exist, or cannot be read; the picture was left as it is stored"
        return [Fault("turn_unknown", Severity.WARNING, message)]
    message = f"the picture was {_TURNS[turn][1]}, as the file asks (EXIF orientation {turn})"
    return [Fault("turned_as_asked", Severity.NOTE, message)]


def _coding_faults(image: Image.Image) -> list[Fault]:
    faults = []
    if image.format in ("JPEG", "MPO") or image.info.get("compression") in _LOSSY_TIFF:
        faults.append(Fault("lossy", Severity.NOTE, "the picture was compressed with loss (JPEG)"))
    if image.format == "MPO":
        count = int(getattr(image, "n_frames", 1))
        message = f"the file holds {count} pictures of one shot, as cameras write previews; the first is read"
        faults.append(Fault("more_pictures", Severity.NOTE, message))
    if image.mode not in GREY and _is_deep(image):
        message = "the file has 16 bits a channel and is read with 8: the finer steps of grey or colour are lost"
        faults.append(Fault("depth_reduced", Severity.WARNING, message))
    return faults


def _is_deep(image: Any) -> bool:
    """Whether a colour picture has more than 8 bits a channel, of which pillow keeps 8."""
    tags = getattr(image, "tag_v2", None)
    if tags is not None:
        return bool(max(tags.get(_BITS, (8,))) > 8)
    coding = image.tile[0].args if image.tile else ""
    first, *more = coding if isinstance(coding, tuple) else (coding,)
    return "16" in str(first) or any(isinstance(top, int) and top > 255 for top in more)


def _is_white_zero(image: Image.Image) -> bool:
    """TIFF with photometric interpretation 0: pillow turns 1 and 8 bits over, but not more."""
    tags = getattr(image, "tag_v2", None)
    return tags is not None and tags.get(_PHOTOMETRIC) == 0 and image.mode not in ("1", "L")


def _top(image: Any) -> int:
    """The largest value of a grey PGM whose values pillow stretches to 255 or 65535."""
    if image.format != "PPM" or image.mode not in ("L", "I") or not image.tile:
        return 0
    coding = image.tile[0].args
    if isinstance(coding, tuple) and isinstance(coding[1], int) and coding[1] > 0:
        return coding[1]
    return 65535 if image.mode == "I" else 0


@contextmanager
def image_of(path: str) -> Iterator[Image.Image]:
    """The file opened by pillow; raises `DamagedFileError`, or the `OSError` of the file system.

    Opened as a stream: given a path, pillow 13 maps raw TIFF pixels into memory and garbles those that are to be
    turned sideways.
    """
    with open(path, "rb") as stream, quiet():  # noqa: PTH123
        try:
            image = Image.open(stream)
        except Image.DecompressionBombError:
            raise DamagedFileError("its header says an absurd size", where=path) from None
        except UnidentifiedImageError:
            raise DamagedFileError("it begins like a picture but cannot be read", where=path) from None
        except Exception as error:  # noqa: BLE001  (each plug-in of pillow has its own way to fail)
            raise broken(path, error) from None
        with image:
            yield image


def broken(path: str, error: Exception) -> Exception:
    """What to raise for an error of pillow."""
    if isinstance(error, OSError) and error.errno is not None:  # of the file system, not of what the file holds
        return error
    return DamagedFileError(
        f"the picture is cut short or broken ({type(error).__name__})", where=path, way_out="Copy it again."
    )
