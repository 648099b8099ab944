"""Loading the files of a case; whether a mask is one, and whether it fits its image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import GeometryError, InputError
from overread.image import Image, LabelMap, PictureMask, Volume
from overread.io import middle_picture, open_study

WITHIN_MM = 0.1


class NoMaskError(InputError, ValueError):
    """A file that should be a mask holds values that are no labels."""


def load(path: Path) -> Image:
    """The one image at a path; a single CT or MR slice, which has no distance to a next one, is a picture.

    Raises
    ------
    InputError
        It cannot be read, or its geometry is refused.
    UsageError
        Several series there are equally good.
    """
    series = open_study(path).only()
    return middle_picture(series) if series.kind == "dicom" and series.shape[0] == 1 else series.load()


def require_labels(mask: Image) -> NDArray[np.uint16]:
    """The labels of a loaded mask, in its own shape; raises `NoMaskError` where it holds anything else."""
    if not isinstance(mask, Volume) and mask.is_colour:
        raise NoMaskError("the mask is a picture in colour", way_out="Save one grey value a label.")
    values: NDArray[Any] = np.unique(mask.array)
    if not np.array_equal(values, np.rint(values)) or values.min() < 0 or values.max() > 65535:
        raise NoMaskError("the mask holds values that are no labels (whole numbers from 0 to 65535)")
    return mask.array.astype(np.uint16)


def require_fit(image: Image, mask: Image) -> None:
    """Raise `GeometryError` unless both have the same size and, where both are volumes, the same place."""
    shapes = [
        one.array.shape if isinstance(one, Volume) or not one.is_colour else one.array.shape[:-1]
        for one in (image, mask)
    ]
    if shapes[0] != shapes[1]:
        sizes = [" x ".join(map(str, shape)) for shape in shapes]
        raise GeometryError(f"the image has {sizes[0]} pixels, the mask {sizes[1]}")
    grids = [one.grid for one in (image, mask) if isinstance(one, Volume)]
    if len(grids) == 2 and not grids[0].same_place(grids[1], within_mm=WITHIN_MM):
        raise GeometryError(f"image and mask have the same size but lie more than {WITHIN_MM} mm apart")


def labels_on(image: Image, mask: Image) -> LabelMap | PictureMask:
    """The labels of `mask`, placed as `image` is; raises what `require_labels` and `require_fit` raise."""
    array = require_labels(mask)
    require_fit(image, mask)
    return LabelMap(array, image.grid) if isinstance(image, Volume) else PictureMask(array)
