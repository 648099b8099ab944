"""BCDR film and digital mammograms: TIFF pictures, and one row an outlined lesion in bcdr_*_outlines.csv.

Published with Lopez et al., 15th International Conference on Experimental Mechanics, 2012, and at bcdr.eu. Points of an
outline are whole pixels from 0, parted by blanks.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.image import PictureMask, Radiograph
from overread.io.files.outline import BCDR_PICTURE, BCDR_POINTS, bcdr_points
from overread.io.files.table import read_table
from overread.runtime import Progress
from overread_lab.datasets.fit import load
from overread_lab.datasets.formats.outline import area_with_outline
from overread_lab.datasets.formats.writer import Known, SetWriter, find_one

_COLUMNS = ("patient_id", BCDR_PICTURE, *BCDR_POINTS, "classification")
_CLASSES = {"benign": "benign", "malign": "malignant", "malignant": "malignant"}


def read_bcdr(root: Path, writer: SetWriter, progress: Progress) -> None:
    """One case a picture with an outlined lesion; label n of the mask is its n-th row."""
    table = find_one(root, "bcdr_*_outlines.csv", "outlines of BCDR")
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in read_table(table, _COLUMNS):
        rows[row[BCDR_PICTURE]].append(row)
    known = {path for path in table.parent.rglob("*") if path.suffix.lower() in (".tif", ".tiff")}
    pictures = set(known)
    for number, (name, lesions) in enumerate(sorted(rows.items())):
        progress("import", number / len(rows))
        picture = table.parent / name
        pictures.discard(picture)
        with writer.or_left_out(f"{name} ({len(lesions)} outlines)"):
            if picture not in known:
                raise InputError("the picture is not there")
            _one(picture, lesions, writer)
    for picture in sorted(pictures):
        writer.leave_out(picture, f"{table.name} has no outline for it, which does not say that it is normal")


def _one(picture: Path, lesions: list[dict[str, str]], writer: SetWriter) -> None:
    loaded = load(picture)
    if not isinstance(loaded, Radiograph):
        raise InputError("it is no single picture")
    shape = (loaded.array.shape[0], loaded.array.shape[1])
    patients = {lesion["patient_id"] for lesion in lesions}
    if len(patients) != 1 or not min(patients):
        raise InputError(f"its outlines name {len(patients)} patients")
    kept: list[str] = []
    labels = np.zeros(shape, np.uint8)
    for number, lesion in enumerate(lesions, start=1):
        try:
            kind = _CLASSES.get(lesion["classification"].lower())
            if kind is None:
                raise InputError(f"{lesion['classification']!r} is neither benign nor malign")
            area = _area(lesion, shape)
        except InputError as error:
            writer.leave_out(f"{picture.name}: outline {number}", error.what)
            continue
        kept.append(kind)
        labels[area & (labels == 0)] = len(kept)
    if not kept:
        raise InputError("none of its outlines can be used")
    extra = {"view": lesions[0].get("image_view", ""), "lesions": " ".join(kept)}
    label = "malignant" if "malignant" in kept else "benign"
    group = f"bcdr_{min(patients)}"
    writer.add(picture.stem, picture, Known(label, group, "BCDR; the label is that of the worst lesion", extra),
               PictureMask(labels))  # fmt: skip


def _area(lesion: dict[str, str], shape: tuple[int, int]) -> NDArray[np.bool_]:
    rows, columns = bcdr_points(lesion).T
    if min(rows.min(), columns.min()) < 0 or rows.max() >= shape[0] or columns.max() >= shape[1]:
        raise InputError("its outline leaves the picture")
    return area_with_outline(rows, columns, shape)
