"""Questions with masks: overlap and surface distances against the mask of the manifest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cards import Question
from overread.errors import InputError, OverreadError
from overread.findings import Reading
from overread.image import Image, LabelMap, PictureMask, Radiograph, Volume
from overread.io import open_study
from overread_lab import metrics
from overread_lab.datasets import Case
from overread_lab.evaluate.entry import Held, Status
from overread_lab.evaluate.figure import Figure, mean_by_patient
from overread_lab.evaluate.plots import Plot

ANYTHING = "object"
"""Name of the one class of a question that names none: anything against background."""


def read_labels(path: Path, image: Image) -> NDArray[np.integer[Any]]:
    """The label picture or volume at `path`, on the pixels of `image`; raises `InputError` where it does not fit."""
    series = open_study(path).series
    if len(series) != 1:
        raise InputError(f"{len(series)} images, expected one mask", where=str(path))
    mask = series[0].load()
    if isinstance(mask, Volume) != isinstance(image, Volume):
        raise InputError("the mask is a picture where the image is a volume, or the reverse", where=str(path))
    if isinstance(mask, Volume) and isinstance(image, Volume) and not mask.grid.same_place(image.grid, within_mm=0.1):
        raise InputError("the mask lies on another grid than the image", where=str(path))
    array = mask.grey() if isinstance(mask, Radiograph) else mask.array
    if array.shape != _shape(image):
        raise InputError(f"the mask has shape {array.shape}, the image {_shape(image)}", where=str(path))
    labels: NDArray[np.int64] = np.rint(array).astype(np.int64)
    if np.any(labels != array):
        raise InputError("the mask holds values that are no labels", where=str(path))
    return labels


def _shape(image: Image) -> tuple[int, ...]:
    return image.array.shape if isinstance(image, Volume) else image.grey().shape


def spacing_of(image: Image) -> tuple[tuple[float, ...], str]:
    """Spacing in array order and its unit: mm, or pixels ("1") where the picture has no scale."""
    if isinstance(image, Volume):
        return image.grid.spacing_mm, "mm"
    ahead = (1.0,) * (len(_shape(image)) - 2)
    known = image.scale.spacing_mm
    return (*ahead, *(known or (1.0, 1.0))), "1" if known is None else "mm"


@dataclass(frozen=True, slots=True)
class MaskRow:
    """Scores of one class of one case; distances in `unit` ("1" is pixels). `note` names a convention."""

    case: str
    group: str
    name: str
    dice: float
    iou: float
    hd95: float
    assd: float
    surface_dice: float
    unit: str
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class CaseMasks:
    """The rows of all classes of one case."""

    case: str
    group: str
    rows: tuple[MaskRow, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"case": self.case, "group": self.group, "rows": [row.to_dict() for row in self.rows]}

    @property
    def dice(self) -> float:
        """Mean over the classes."""
        return float(np.mean([row.dice for row in self.rows]))


class Masks:
    """Scores a question of masks."""

    def __init__(self, question: Question, seed: int = 0, tolerance: float = 1.0) -> None:
        self.question, self.seed, self.tolerance = question, seed, tolerance

    def truth_of(self, case: Case) -> Path | Held:
        """Where the mask lies, or why there is none."""
        if case.mask is None:
            return Held(Status.EXCLUDED, "no mask")
        return case.mask if case.mask.exists() else Held(Status.EXCLUDED, "the mask is not there")

    def take(self, case: Case, reading: Reading, truth: Path, image: Image) -> CaseMasks | Held:
        """The segments of a reading beside the mask of the manifest; classes in neither are left out."""
        try:
            labels = read_labels(truth, image)
        except OverreadError as error:
            return Held(Status.EXCLUDED, f"mask: {error.what}")
        if reading.segments is None:
            return Held(Status.ABSTAINED, "no mask in the reading")
        spacing, unit = spacing_of(image)
        rows = []
        for name in self.question.classes or (ANYTHING,):
            true, said = self._true(labels, name), self._said(reading.segments, name)
            if true.any() or said.any() or not self.question.classes:
                rows.append(self._score(case, name, true, said.reshape(true.shape), (spacing, unit)))
        return CaseMasks(case.case, case.group, tuple(rows)) if rows else Held(Status.EXCLUDED, "no class is there")

    def _true(self, labels: NDArray[np.integer[Any]], name: str) -> NDArray[np.bool_]:
        if not self.question.truth:
            return np.asarray(labels > 0)
        return np.isin(labels, [int(value) for value, of in self.question.truth.items() if of == name])

    def _said(self, segments: LabelMap | PictureMask, name: str) -> NDArray[np.bool_]:
        if not self.question.classes:
            return np.asarray(segments.array > 0)
        return np.isin(segments.array, [label for label, words in segments.names.items() if words == name])

    def _score(
        self, case: Case, name: str, true: NDArray[np.bool_], said: NDArray[np.bool_], scale: tuple[Any, str]
    ) -> MaskRow:
        spacing, unit = scale
        overlap, apart = metrics.dice(true, said), metrics.surface_distances(true, said, spacing=spacing)
        return MaskRow(
            case.case, case.group, name, overlap.value, metrics.iou(true, said).value, apart.hd95.value,
            apart.assd.value, apart.surface_dice(self.tolerance).value, unit, apart.hd95.note,
        )  # fmt: skip

    def row_from(self, table: dict[str, Any]) -> CaseMasks:
        """Back from plain values."""
        return CaseMasks(table["case"], table["group"], tuple(MaskRow(**row) for row in table["rows"]))

    def primary(self, rows: Sequence[CaseMasks]) -> Figure:
        """Mean Dice: classes within a case first, then cases."""
        both = sum(r.note == "both_empty" for row in rows for r in row.rows)
        note = f"{both} with both masks empty count as 1" if both else ""
        return mean_by_patient(
            "mean Dice", [row.dice for row in rows], [row.group for row in rows], seed=self.seed, note=note
        )

    def figures(self, rows: Sequence[CaseMasks]) -> list[Figure]:
        """All figures, the primary one first; each class has its own."""
        found = [self.primary(rows)]
        for name in self.question.classes or (ANYTHING,):
            inside = [r for row in rows for r in row.rows if r.name == name]
            groups = [r.group for r in inside]
            missed = sum(r.note == "missed" for r in inside)
            note = f"{missed} with one mask empty: the diagonal of the image" if missed else ""
            units = {r.unit for r in inside}
            unit = units.pop() if len(units) == 1 else ""
            for words, attribute in (("Dice", "dice"), ("IoU", "iou")):
                values = [getattr(r, attribute) for r in inside]
                found.append(mean_by_patient(f"{words} of {name}", values, groups, seed=self.seed))
            if inside:
                metrics.require_possible_means(found[-2].value, found[-1].value)
            if not unit:
                if inside:
                    found.append(Figure(f"HD95 of {name}", math.nan, "1", len(inside), note="mm and pixels are mixed"))
                continue
            scale = "px" if unit == "1" else "mm"
            for words, attribute in (("HD95", "hd95"), ("ASSD", "assd")):
                values = [getattr(r, attribute) for r in inside]
                found.append(
                    mean_by_patient(f"{words} of {name}, {scale}", values, groups, seed=self.seed, unit=unit, note=note)
                )
            near = [r.surface_dice for r in inside]
            words = f"surface Dice of {name} at {self.tolerance:g} {scale}"
            found.append(mean_by_patient(words, near, groups, seed=self.seed))
        return found

    def plots(self, rows: Sequence[CaseMasks]) -> list[Plot]:
        """None yet: the table says it all."""
        return []

    def worst(self, rows: Sequence[CaseMasks], most: int) -> list[tuple[str, str]]:
        """The lowest Dice: (case, words)."""
        ordered = sorted((row for row in rows if row.dice < 1), key=lambda row: (row.dice, row.case))
        return [(row.case, f"Dice {row.dice:.3f}") for row in ordered[:most]]

    def comparison(self, first: Sequence[CaseMasks], second: Sequence[CaseMasks]) -> tuple[str, metrics.ItemStatistic]:
        """Mean Dice over (which of the two models, item)."""
        dice = np.array([[row.dice for row in rows] for rows in (first, second)])
        return "mean Dice", lambda model, i: float(dice[model, i].mean())
