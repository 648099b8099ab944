"""The primary figure in parts of the set: by source, truth, sex and age. Not a test of their differences."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from overread_lab.datasets import Case
from overread_lab.evaluate.entry import Entry, Status, cell, counts
from overread_lab.evaluate.figure import Figure
from overread_lab.evaluate.scorer import Scorer

AGE_BANDS = ((0, 1), (1, 6), (6, 18), (18, 40), (40, 65), (65, 80), (80, 200))
"""[from, to) in years."""

MOST_PARTS = 30
"""A column with more different values is no grouping."""


@dataclass(frozen=True, slots=True)
class Subgroup:
    """Cases with one value of a column; `statuses` counts all of them."""

    column: str
    value: str
    statuses: dict[str, int]
    figure: Figure

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"column": self.column, "value": self.value, "cases": self.statuses, "figure": self.figure.to_dict()}


def age_band(text: str) -> str:
    """Such as "40 to 64" from "58" or DICOM's "058Y"; "unknown" for anything else. Months, weeks and days are years
    below 1 or as many as they make."""
    found = re.fullmatch(r"\s*(\d{1,3}(?:\.\d+)?)\s*([YMWDymwd]?)\s*", text)
    if not found:
        return "unknown"
    years = float(found[1]) / {"": 1, "Y": 1, "M": 12, "W": 52.18, "D": 365.25}[found[2].upper()]
    band = next(((low, high) for low, high in AGE_BANDS if low <= years < high), None)
    if band is None:
        return "unknown"
    low, high = band
    return "below 1" if high == 1 else f"{low} and over" if high == 200 else f"{low} to {high - 1}"


def _rank(value: str) -> tuple[bool, float, str]:
    """Numbers and bands of age by their size, words by letter, "unknown" last."""
    first = value.partition(" ")[0]
    size = float(first) if first.isdecimal() else 0.0 if value == "below 1" else math.inf
    return value == "unknown", size, value


def _value(case: Case, column: str) -> str:
    return age_band(cell(case, column)) if column == "age" else cell(case, column) or "unknown"


def subgroups(scorer: Scorer, entries: Sequence[Entry[Any]], trained_on: Sequence[str]) -> list[Subgroup]:
    """Of each value of `source`, the truth's column, `sex` and `age`, where there is more than one value.

    Cases that are excluded by their truth stay out. Where some cases were trained on, both parts are given first.
    """
    asked = [entry for entry in entries if entry.status is not Status.EXCLUDED]
    trained = set(trained_on)
    parts: dict[tuple[str, str], list[Entry[Any]]] = defaultdict(list)
    if trained & {entry.about.case for entry in asked}:
        for entry in asked:
            parts["training", "in training" if entry.about.case in trained else "never seen"].append(entry)
    for column in dict.fromkeys(("source", scorer.question.column, "sex", "age")):
        if not column or column == "mask":
            continue
        values: dict[str, list[Entry[Any]]] = defaultdict(list)
        for entry in asked:
            values[_value(entry.about, column)].append(entry)
        if 1 < len(values) <= MOST_PARTS:
            parts.update({(column, value): values[value] for value in sorted(values, key=_rank)})
    return [
        Subgroup(column, value, counts(inside), _figure(scorer, inside)) for (column, value), inside in parts.items()
    ]


def _figure(scorer: Scorer, entries: Sequence[Entry[Any]]) -> Figure:
    """The primary figure; where it is undefined because only one truth is there, the share or mean that is left."""
    rows = [entry.row for entry in entries if entry.row is not None]
    found = scorer.primary(rows)
    if math.isnan(found.value) and rows:
        others = [f for f in scorer.figures(rows) if not math.isnan(f.value) and f.n == len(rows)]
        accuracy = next((f for f in others if f.name == "accuracy"), None)
        return accuracy or found
    return found
