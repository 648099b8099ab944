"""Fleischner 2017 and Lung-RADS 2022: a category, and every other that the error bars cannot exclude.

The thresholds are data (`fleischner_2017.toml`, `lung_rads_2022.toml`). The value is rounded as the guideline says
before it is compared; the ends of its interval are not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Literal, get_args

from overread.errors import IntegrityError, UsageError
from overread.findings import Descriptor, Measurement
from overread.tasks.chest_ct_nodule.thresholds import Row, Table, cuts_mm, read_table

Kind = Literal["solid", "part_solid", "ground_glass", "calcified"]

UNDETERMINED = "undetermined"
_CALCIFIED = "Calcified: judged as solid, because the pattern of calcification (benign or not) is not judged."


def fleischner_2017(
    kind: str, mean_diameter: Measurement, solid_diameter: Measurement | None, *, n_nodules: int
) -> Descriptor:
    """Size class and follow-up of an incidental nodule by the Fleischner Society, 2017.

    Parameters
    ----------
    kind : "solid", "part_solid", "ground_glass" or "calcified"
    mean_diameter : Measurement
        (long + short axis) / 2, mm, with its interval.
    solid_diameter : Measurement or None
        Diameter of the solid component, mm; asked for part-solid nodules only.
    n_nodules : int
        Nodules found in the scan; 2 or more read the table for multiple nodules.

    Returns
    -------
    Descriptor
        `also` are the classes that some length inside the intervals would give; "undetermined" when a length that
        decides was not measured.

    Raises
    ------
    UsageError
        Unknown kind, fewer than one nodule, or a length not in mm or without interval.
    """
    if n_nodules < 1:
        raise UsageError(f"n_nodules is {n_nodules}, expected 1 or more")
    number = "single" if n_nodules == 1 else "multiple"
    return _describe("fleischner_2017", kind, mean_diameter, solid_diameter, number=number)


def lung_rads_2022(
    kind: str, mean_diameter: Measurement, solid_diameter: Measurement | None, *, juxtapleural_smooth: bool
) -> Descriptor:
    """Lung-RADS 2022 category of one nodule in a baseline screening examination.

    `juxtapleural_smooth`: solid, on the pleura, smooth, and oval, lentiform or triangular; other parameters, result
    and errors as in `fleischner_2017`. Growth, new nodules, 4X, cysts and airway nodules are not judged.
    """
    return _describe("lung_rads_2022", kind, mean_diameter, solid_diameter, juxtapleural_smooth=juxtapleural_smooth)


def gravest(descriptors: Sequence[Descriptor]) -> Descriptor:
    """The one of the gravest category, all of one guideline; "undetermined" counts as the gravest it may be."""
    order = read_table(descriptors[0].name).order

    def rank(one: Descriptor) -> int:
        categories = one.also if one.value == UNDETERMINED else (one.value,)
        return max(map(order.index, categories), default=-1)

    return max(descriptors, key=rank)


def _describe(
    name: str,
    kind: str,
    mean: Measurement,
    solid: Measurement | None,
    *,
    number: str | None = None,
    juxtapleural_smooth: bool | None = None,
) -> Descriptor:
    table = read_table(name)
    rows = _rows_for(table, kind, number, juxtapleural_smooth)
    note = f" {_CALCIFIED}" if kind == "calcified" else ""
    if math.isnan(mean.value):
        return Descriptor(name, UNDETERMINED, f"{UNDETERMINED}: the mean diameter was not measured ({mean.method}).")
    low, high = _ends(mean)
    rounded_mm, solid_mm, span = table.round(mean.value), 0.0, (0.0, 0.0)
    if any(row.solid_mm is not None for row in rows):
        if solid is None or math.isnan(solid.value):
            span = (0.0, high)
            at_value = _between((rounded_mm, rounded_mm), span, rows, table)
            if len(at_value) > 1:
                also = _sorted(at_value | _between((low, high), span, rows, table), table)
                reason = "the solid component was not measured"
                return Descriptor(name, UNDETERMINED, f"{UNDETERMINED}: {reason}; {_either(also)}.{note}", also)
        else:
            solid_mm, span = table.round(solid.value), _ends(solid)
    row = _find(rows, table, rounded_mm, solid_mm)
    also = _sorted(_between((low, high), span, rows, table) - {row.category}, table)
    doubt = f", cannot exclude {_either(also)}" if also else ""
    return Descriptor(name, row.category, f"{row.category}{doubt}. {row.advice}{note}", also)


def _rows_for(table: Table, kind: str, number: str | None, juxtapleural_smooth: bool | None) -> tuple[Row, ...]:
    if kind not in get_args(Kind):
        raise UsageError(f"unknown kind of nodule {kind!r}", way_out=f"Use one of {', '.join(get_args(Kind))}.")
    read_as = "solid" if kind == "calcified" else kind
    return tuple(
        row
        for row in table.rows
        if read_as in row.kinds
        and row.number in (None, number)
        and row.juxtapleural_smooth in (None, juxtapleural_smooth)
    )


def _between(mean: tuple[float, float], solid: tuple[float, float], rows: tuple[Row, ...], table: Table) -> set[str]:
    """Categories of all lengths with `mean` and `solid` between their ends (mm)."""
    means = _points(*mean, cuts_mm(rows, solid=False))
    solids = _points(*solid, cuts_mm(rows, solid=True))
    return {_find(rows, table, m, s).category for m, s in product(means, solids)}


def _ends(length: Measurement) -> tuple[float, float]:
    if length.unit != "mm" or length.interval is None:
        raise UsageError(f"{length.name} must be in mm and carry an interval, got {length.unit}, {length.interval}")
    return max(0.0, length.interval.low), length.interval.high


def _points(low: float, high: float, cuts: set[float]) -> set[float]:
    """Lengths that stand for everything between `low` and `high`: the ends, each cut, and just above each cut."""
    inside = {point for cut in cuts for point in (cut, math.nextafter(cut, math.inf)) if low <= point <= high}
    return {low, high} | inside


def _find(rows: tuple[Row, ...], table: Table, mean_mm: float, solid_mm: float) -> Row:
    matching = [row for row in rows if row.matches(mean_mm, solid_mm)]
    if len(matching) != 1:
        raise IntegrityError(f"{len(matching)} rows for {mean_mm} mm (solid {solid_mm} mm)", where=table.name)
    return matching[0]


def _sorted(categories: set[str], table: Table) -> tuple[str, ...]:
    return tuple(sorted(categories, key=table.order.index))


def _either(categories: tuple[str, ...]) -> str:
    *first, last = categories
    return f"{', '.join(first)} or {last}" if first else last
