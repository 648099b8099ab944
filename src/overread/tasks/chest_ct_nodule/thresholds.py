"""Threshold tables of guidelines, read once from the TOML files beside this module; malformed rows are refused."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from math import inf
from pathlib import Path
from typing import Any

from overread.errors import IntegrityError

_RANGE = re.compile(r"([\[(])\s*([0-9.]+)\s*,\s*([0-9.]+|inf)\s*([\])])")


@dataclass(frozen=True, slots=True)
class Range:
    """A range of lengths in mm, written as in mathematics: "[6, 8)" holds 6 but not 8."""

    low: float
    high: float
    holds_low: bool
    holds_high: bool

    @classmethod
    def parse(cls, text: str) -> Range:
        """Raises `IntegrityError` when `text` is not a range."""
        match = _RANGE.fullmatch(text.strip())
        if match is None:
            raise IntegrityError(f"{text!r} is not a range such as '[6, 8)'")
        left, low, high, right = match.groups()
        return cls(float(low), float(high), left == "[", right == "]")

    def __contains__(self, mm: float) -> bool:
        above = mm >= self.low if self.holds_low else mm > self.low
        return above and (mm <= self.high if self.holds_high else mm < self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a table; None stands for "any"."""

    kinds: tuple[str, ...]
    mean_mm: Range
    category: str
    advice: str
    version: str
    source: str
    solid_mm: Range | None = None
    number: str | None = None
    juxtapleural_smooth: bool | None = None

    def matches(self, mean_mm: float, solid_mm: float) -> bool:
        """Whether both lengths lie in the ranges of this row."""
        return mean_mm in self.mean_mm and (self.solid_mm is None or solid_mm in self.solid_mm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A guideline: its rows, its rounding rule, its categories from mild to grave, and for whom it holds."""

    name: str
    round_to_mm: Decimal
    order: tuple[str, ...]
    holds_for: str
    rows: tuple[Row, ...]

    def round(self, mm: float) -> float:
        """`mm` rounded as the guideline says, halves upwards, in decimal as people write it."""
        return float(
            (Decimal(repr(float(mm))) / self.round_to_mm).quantize(Decimal(1), ROUND_HALF_UP) * self.round_to_mm
        )


def _row(table: dict[str, Any], where: str) -> Row:
    known = {field.name for field in fields(Row)}
    if unknown := sorted(set(table) - known):
        raise IntegrityError(f"unknown keys {unknown} in a row", where=where)
    values = table | {key: Range.parse(table[key]) for key in ("mean_mm", "solid_mm") if key in table}
    try:
        return Row(**values | {"kinds": tuple(table["kinds"])})
    except (KeyError, TypeError) as error:
        raise IntegrityError(f"a row is incomplete: {error}", where=where) from error


@cache
def read_table(name: str) -> Table:
    """The table in `name`.toml beside this module. Raises `IntegrityError` for rows that make no sense."""
    path = Path(__file__).with_name(f"{name}.toml")
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    rows = tuple(_row(row, str(path)) for row in content["rows"])
    order = tuple(content["order"])
    if strangers := {row.category for row in rows} - set(order):
        raise IntegrityError(f"categories {sorted(strangers)} have no place in `order`", where=str(path))
    return Table(
        name=content["name"],
        round_to_mm=Decimal(content["round_to_mm"]),
        order=order,
        holds_for=content["holds_for"],
        rows=rows,
    )


def cuts_mm(rows: tuple[Row, ...], *, solid: bool) -> set[float]:
    """Lengths at which the category may change, in the mean diameter or in the solid one; finite."""
    ranges = [row.solid_mm if solid else row.mean_mm for row in rows]
    return {cut for span in ranges if span is not None for cut in (span.low, span.high) if cut != inf}
