"""Pixels of picture files: pages as grey or colour arrays, and what was found in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from overread.errors import DamagedFileError, InputError
from overread.geometry import Fault, Severity
from overread.io.files.exact import narrow_picture
from overread.io.files.picture.file import GREY, Picture, broken, image_of, turned
from overread.io.files.placed import not_finite

_TOP = {"L": 255, "I": 65535}
"""To what pillow stretches the values of a PGM file, by mode."""


class Page(NamedTuple):
    """One page.

    Parameters
    ----------
    array : (row, column) uint8, uint16, int16 or float32; or (row, column, 3) uint8 RGB
        Brighter is larger. A colour file whose red, green and blue are equal everywhere is grey.
    """

    array: NDArray[Any]
    faults: tuple[Fault, ...]

    @property
    def is_colour(self) -> bool:
        """Whether it is RGB."""
        return self.array.ndim == 3

    def lightness(self) -> NDArray[Any]:
        """(row, column): the array itself, or the luma (ITU-R BT.601) of a colour page, rounded to uint8."""
        return np.asarray(Image.fromarray(self.array).convert("L")) if self.is_colour else self.array


def read_pages(picture: Picture, pages: range | None = None) -> list[Page]:
    """The `pages` of a file, counted from 0; all of them if left out.

    Raises
    ------
    DamagedFileError
        It is cut short, or its pages differ in size.
    OSError
        The file cannot be opened any more.
    """
    try:
        with image_of(picture.path) as image:
            return list(_pages(image, picture, pages or range(picture.pages)))
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001
        raise broken(picture.path, error) from None


def _pages(image: Image.Image, picture: Picture, pages: range) -> Iterator[Page]:
    for page in pages:
        image.seek(page)
        image.load()
        shown = turned(image, picture.turn)
        if shown.size != (picture.columns, picture.rows):
            raise DamagedFileError(f"page {page + 1} has another size", where=picture.path)
        array, faults = _values(shown, picture)
        yield Page(array, (*picture.faults, *faults))


def _values(image: Image.Image, picture: Picture) -> tuple[NDArray[Any], list[Fault]]:
    if image.mode not in GREY:
        return _colour(image)
    array = np.asarray(image.convert("L") if image.mode == "1" else image)
    faults = _alpha_faults(_alpha_of_one_value(image, array))
    if picture.top:
        wide = np.uint8 if image.mode == "L" else np.uint16
        array = np.rint(array.astype(np.float64) * (picture.top / _TOP[image.mode])).astype(wide)
    if image.mode.startswith("I;16"):
        array = array.astype(np.uint16)  # in the byte order of this machine
    if picture.white_is_zero:
        array = np.iinfo(array.dtype).max - array
        faults.append(Fault("turned_over", Severity.NOTE, "zero is white in the file; values were turned over"))
    return narrow_picture(array), [*faults, *not_finite(array)]


def _colour(image: Image.Image) -> tuple[NDArray[Any], list[Fault]]:
    rgba = np.asarray(image.convert("RGBA"))
    has_alpha = image.has_transparency_data
    faults = _alpha_faults(rgba[..., 3] if has_alpha else None)
    red_green_blue = np.ascontiguousarray(rgba[..., :3])
    red = red_green_blue[..., 0]
    if all(np.array_equal(red, red_green_blue[..., c]) for c in (1, 2)):
        message = "the file is coded in colour, but red, green and blue are equal everywhere: read as grey"
        faults.append(Fault("grey_in_colour", Severity.NOTE, message))
        return np.ascontiguousarray(red), faults
    return red_green_blue, faults


def _alpha_of_one_value(image: Image.Image, array: NDArray[Any]) -> NDArray[np.uint8] | None:
    """Opacity of a grey picture one value of which is declared to be transparent."""
    value = image.info.get("transparency")
    if not isinstance(value, int):
        return None
    return np.where(array == value, 0, 255).astype(np.uint8)


def _alpha_faults(alpha: NDArray[np.uint8] | None) -> list[Fault]:
    """Transparency has no meaning here: values are read as they are stored beneath it."""
    if alpha is None:
        return []
    clear = int(np.count_nonzero(alpha < 255))
    if not clear:
        return [Fault("alpha_dropped", Severity.NOTE, "the picture has an alpha channel that is opaque everywhere")]
    message = f"{clear} pixels are transparent; they are read as they are stored, as if they were not"
    return [Fault("alpha_dropped", Severity.WARNING, message)]
