"""Masks of pictures and clips, written as PNG or multi-page TIFF, and read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from overread.errors import IntegrityError
from overread.image import PictureMask

PICTURE, CLIP = "mask.png", "mask.tif"


def mask_name(mask: PictureMask) -> str:
    """File name of a mask: a picture, or a page for each frame of a clip."""
    return PICTURE if mask.array.ndim == 2 else CLIP


def write_picture_mask(mask: PictureMask, path: Path) -> None:
    """Label n is grey value n; 8 or 16 bits."""
    pages = [Image.fromarray(np.ascontiguousarray(page)) for page in mask.stack]
    if path.suffix == ".png":
        pages[0].save(path, "PNG")
    else:
        pages[0].save(path, "TIFF", save_all=True, append_images=pages[1:], compression="tiff_adobe_deflate")


def prove_picture_mask(path: Path, mask: PictureMask) -> None:
    """Read the file and compare every pixel.

    Raises
    ------
    IntegrityError
        A pixel, the size or the number of frames differs.
    """
    read = _read(path)
    if read.shape != mask.stack.shape or not np.array_equal(read, mask.stack):
        raise IntegrityError(f"reads back as {read.shape}, or with other labels", where=path.name)


def _read(path: Path) -> NDArray[np.generic]:
    with Image.open(path) as opened:
        pages = []
        for n in range(getattr(opened, "n_frames", 1)):
            opened.seek(n)
            pages.append(np.array(opened))
    return np.stack(pages)
