"""BUSI: breast ultrasound in folders benign, malignant and normal; "benign (1).png" with "benign (1)_mask.png".

Published with Al-Dhabyani et al., Data in Brief 28:104863, 2020. More lesions of a picture are in _mask_1, _mask_2 ...
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from overread.errors import InputError
from overread.image import Image, PictureMask, Radiograph
from overread.runtime import Progress
from overread_lab.datasets.fit import load, require_fit
from overread_lab.datasets.formats.writer import Known, SetWriter

CLASSES = ("benign", "malignant", "normal")
_MASK = re.compile(r"(.+)_mask(?:_(\d+))?")


def read_busi(root: Path, writer: SetWriter, progress: Progress) -> None:
    """One case a picture; lesion n of the mask is the n-th mask file."""
    writer.notes.append(
        "the set does not say which pictures are of one patient (780 of 600 patients): each is its own group, so folds "
        "may leak; look at what `overread datasets check` finds alike"
    )
    folders = {name: [one for one in (root / name, *root.glob(f"*/{name}")) if one.is_dir()] for name in CLASSES}
    absent = [name for name, found in folders.items() if len(found) != 1]
    if absent:
        raise InputError(
            f"expected one folder each of {', '.join(CLASSES)}; not so for {', '.join(absent)}", where=str(root),
            way_out="Name the folder that holds the three.",
        )  # fmt: skip
    for number, (name, (folder,)) in enumerate(folders.items()):
        progress("import", number / len(CLASSES))
        _folder(name, folder, writer)


def _folder(label: str, folder: Path, writer: SetWriter) -> None:
    masks: dict[str, list[tuple[int, Path]]] = {}
    pictures: list[Path] = []
    for file in sorted(folder.iterdir()):
        found = _MASK.fullmatch(file.stem)
        if file.suffix.lower() != ".png":
            writer.leave_out(file, "it is no PNG picture")
        elif found:
            masks.setdefault(found[1], []).append((int(found[2] or 0), file))
        else:
            pictures.append(file)
    for picture in pictures:
        files = [file for _, file in sorted(masks.pop(picture.stem, []))]
        with writer.or_left_out(picture):
            if not files:
                raise InputError("it has no mask")
            mask = _mask(load(picture), files)
            if label != "normal" and not mask.array.any():
                raise InputError(f"its mask is empty, though it is {label}")
            group = re.sub(r"\W+", "_", picture.stem).strip("_")
            writer.add(picture.stem, picture, Known(label, group, "BUSI; the patient is not given"), mask)
    for orphans in masks.values():
        for _, file in orphans:
            writer.leave_out(file, "the picture of this mask is not there")


def _mask(picture: Image, files: list[Path]) -> PictureMask:
    """White is lesion; where two overlap, the first keeps the pixel. Some masks of the set are coded in colour."""
    whites = []
    for file in files:
        one = load(file)
        if not isinstance(one, Radiograph):
            raise InputError(f"its mask {file.name} is no single picture")
        grey = Radiograph(one.grey())
        require_fit(picture, grey)
        whites.append(grey.array > grey.array.max() / 2)
    labels = np.zeros(whites[0].shape, np.uint8)
    for number, white in enumerate(whites, start=1):
        labels[white & (labels == 0)] = number
    return PictureMask(labels)
