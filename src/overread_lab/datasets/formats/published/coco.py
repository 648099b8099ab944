"""COCO JSON (cocodataset.org, format-data), and its form with three lists of categories that DENTEX uses.

DENTEX (Hamamci et al., arXiv:2305.19112): categories_1 are quadrants, categories_2 teeth, categories_3 diseases.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.image import PictureMask, Radiograph
from overread.runtime import Progress
from overread_lab.datasets.fit import load
from overread_lab.datasets.formats.outline import area_of_polygon
from overread_lab.datasets.formats.published.msd import read_json
from overread_lab.datasets.formats.writer import Known, SetWriter

_LISTS = ("categories", "categories_1", "categories_2", "categories_3")


def read_coco(root: Path, writer: SetWriter, progress: Progress) -> None:
    """One case a picture. Label n of the mask is annotation n of the picture, the smaller above the larger; what each
    is, stands in column `annotations` ("1:2-6-Caries 2:..."). The label lists the last category of each."""
    writer.notes.append("the set does not name patients: each picture is its own group")
    writer.notes.append("label n of a mask is annotation n of its picture; column annotations says what it is")
    described = [path for path in sorted(root.rglob("*.json")) if _is_coco(path, writer)]
    if not described:
        raise InputError(
            'no JSON with "images" and "annotations"', where=str(root), way_out="Name the folder of the set."
        )
    files: dict[str, list[Path]] = defaultdict(list)
    for path in root.rglob("*"):
        if path.is_file():
            files[path.name].append(path)
    for description in described:
        told = read_json(description)
        names = _names(told, description)
        by_image: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        for annotation in told["annotations"]:
            by_image[annotation.get("image_id")].append(annotation)
        for number, image in enumerate(told["images"]):
            progress("import", number / len(told["images"]))
            what = f"{description.name}: {image.get('file_name')}"
            with writer.or_left_out(what):
                picture = _picture(root, description, image, files)
                _one(what, picture, (image, by_image.pop(image.get("id"), []), names), writer)
        for orphans in by_image.values():
            writer.leave_out(f"{description.name}: {len(orphans)} annotations", "the picture they are of is not listed")


_Told = tuple[dict[str, Any], list[dict[str, Any]], Mapping[str, dict[int, str]]]


def _one(what: str, picture: Path, told: _Told, writer: SetWriter) -> None:
    image, annotations, names = told
    loaded = load(picture)
    if not isinstance(loaded, Radiograph):
        raise InputError("it is no single picture")
    shape = (loaded.array.shape[0], loaded.array.shape[1])
    if (image.get("height", shape[0]), image.get("width", shape[1])) != shape:
        raise InputError(f"it has {shape[0]} x {shape[1]} pixels, its entry {image['height']} x {image['width']}")
    areas, words, unmarked = [], set(), 0
    for annotation in annotations:
        try:
            kinds = [re.sub(r"\s+", "_", kind) for kind in _categories(annotation, names)]
            words.add(kinds[-1])
            areas.append((_area(annotation, shape), "-".join(kinds)))
        except InputError as error:
            unmarked += 1
            writer.leave_out(f"{what}: annotation {annotation.get('id')}", error.what)
    labels = np.zeros(shape, np.uint8 if len(areas) < 256 else np.uint16)
    for number, (area, _) in sorted(enumerate(areas, 1), key=lambda one: -int(one[1][0].sum())):
        labels[area] = number
    listed = " ".join(f"{number}:{kinds}" for number, (_, kinds) in enumerate(areas, 1))
    note = f"COCO; the patient is not given; {unmarked} annotations are not in the mask"
    known = Known(" ".join(sorted(words)) or "none", picture.stem, note, {"annotations": listed})
    writer.add(picture.stem, picture, known, PictureMask(labels))


def _names(told: dict[str, Any], path: Path) -> dict[str, dict[int, str]]:
    """Number to name, for each list of categories."""
    try:
        return {key: {int(one["id"]): str(one["name"]) for one in told.get(key) or []} for key in _LISTS}
    except (TypeError, KeyError, ValueError):
        raise InputError("a category has no id and name", where=str(path)) from None


def _categories(annotation: dict[str, Any], names: Mapping[str, dict[int, str]]) -> list[str]:
    """Names of its category, or of all that it has of the three lists."""
    found = []
    for key, listed in names.items():
        number = annotation.get(key.replace("categories", "category_id"))
        if number is None:
            continue
        if number not in listed:
            raise InputError(f"its category {number} is not among the {key}")
        found.append(listed[number])
    if not found:
        raise InputError("it has no category")
    return found


def _area(annotation: dict[str, Any], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """(row, column) bool. Coordinates are continuous, so the first pixel's centre is at 0.5."""
    outline = annotation.get("segmentation")
    if not outline:
        raise InputError("it has a box but no outline")
    try:
        return _runs(outline, shape) if isinstance(outline, dict) else _rings(outline, shape)
    except (TypeError, ValueError, OverflowError):
        raise InputError("its outline is neither lists of numbers nor run lengths") from None


def _rings(outline: list[list[float]], shape: tuple[int, int]) -> NDArray[np.bool_]:
    area = np.zeros(shape, bool)
    for ring in outline:
        if len(ring) < 6 or len(ring) % 2:
            raise InputError(f"an outline of {len(ring)} numbers is no polygon")
        points = np.asarray(ring, float).reshape(-1, 2) - 0.5
        area |= area_of_polygon(points[:, 1], points[:, 0], shape)
    if not area.any():
        raise InputError("its outline holds no pixel of the picture")
    return area


def _runs(outline: dict[str, Any], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Runs of 0 and 1 in turn, down the columns."""
    counts = outline.get("counts")
    if not isinstance(counts, list):
        raise InputError("its run lengths are packed as text, which is not read", way_out="Unpack them to lists.")
    if sum(counts) != shape[0] * shape[1] or min(counts, default=-1) < 0:
        raise InputError(f"its runs hold {sum(counts)} pixels, the picture {shape[0] * shape[1]}")
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape(shape[::-1]).T


def _picture(root: Path, description: Path, image: dict[str, Any], files: Mapping[str, list[Path]]) -> Path:
    name = str(image.get("file_name") or "")
    candidates = [path for path in files.get(Path(name).name, []) if path.as_posix().endswith(f"/{name}")]
    near = [path for path in candidates if path.is_relative_to(description.parent)]
    chosen = near or candidates
    if len(chosen) != 1:
        raise InputError(f"{len(chosen)} files of that name are below {root.name}, expected one")
    return chosen[0]


def _is_coco(path: Path, writer: SetWriter) -> bool:
    with writer.or_left_out(path):
        told = read_json(path)
        lists = [told.get("images"), told.get("annotations")]
        if all(isinstance(one, list) and all(isinstance(entry, dict) for entry in one) for one in lists):
            return True
        writer.leave_out(path, 'it has no lists "images" and "annotations" of objects')
    return False
