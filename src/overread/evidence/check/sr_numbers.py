"""Are the numbers of a report sound: finite, in the unit of their concept, with uncertainties that mean something?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from overread.evidence import vocabulary as words
from overread.evidence.check.remarks import Remark, error, warning
from overread.evidence.check.sr_tree import UNCERTAINTIES, Num, Pair

NO_UNIT = ("1", "UCUM")
DECIMAL_AGREES = 1e-5
"""Numeric Value is a decimal of at most 16 characters: its share of the binary value may differ by this."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a number may be: units with their factor to the first of them, and the least and greatest value in it."""

    words: str
    units: dict[str, float]
    least: float = -math.inf
    greatest: float = math.inf


VOLUME = Kind("a volume", {"mm3": 1.0, "cm3": 1e3, "mL": 1e3, "ml": 1e3, "L": 1e6, "l": 1e6, "uL": 1.0}, 0.0, 1e8)
LENGTH = Kind("a length", {"mm": 1.0, "cm": 10.0, "m": 1000.0, "um": 1e-3}, 0.0, 3e3)
AREA = Kind("an area", {"mm2": 1.0, "cm2": 100.0}, 0.0, 1e7)
DENSITY = Kind("a CT value", {"[hnsf'U]": 1.0}, -2000.0, 40000.0)
SHARE = Kind("a probability", {"1": 1.0, "%": 0.01, "{ratio}": 1.0}, 0.0, 1.0)
ANGLE = Kind("an angle", {"deg": 1.0, "rad": 57.29578}, -360.0, 360.0)

CONCEPTS: dict[Pair, Kind] = {
    ("118565006", "SCT"): VOLUME,
    ("G-D705", "SRT"): VOLUME,
    ("RNMU", "IBSI"): VOLUME,
    ("YEKZ", "IBSI"): VOLUME,
    ("103339001", "SCT"): LENGTH,
    ("103340004", "SCT"): LENGTH,
    ("410668003", "SCT"): LENGTH,
    ("81827009", "SCT"): LENGTH,
    ("103355008", "SCT"): LENGTH,
    ("G-A185", "SRT"): LENGTH,
    ("G-A186", "SRT"): LENGTH,
    ("G-D7A2", "SRT"): LENGTH,
    ("M-02550", "SRT"): LENGTH,
    ("L0JK", "IBSI"): LENGTH,
    ("42798000", "SCT"): AREA,
    ("G-A166", "SRT"): AREA,
    ("112031", "DCM"): DENSITY,
    ("122157", "DCM"): SHARE,
    ("111047", "DCM"): SHARE,
    ("1483009", "SCT"): ANGLE,
}
IS_LENGTH_OF_SEGMENT = frozenset(pair for pair, kind in CONCEPTS.items() if kind is LENGTH)


def is_volume(num: Num) -> bool:
    """Whether a number says it is a volume."""
    return CONCEPTS.get(num.name) is VOLUME


def in_unit_of_kind(num: Num) -> float | None:
    """The value in the first unit of its kind (mm3, mm, mm2 ...); None where it has none or the unit is not of it."""
    kind = CONCEPTS.get(num.name)
    factor = kind.units.get(num.unit[0]) if kind is not None else None
    return None if factor is None or num.value is None else num.value * factor


def check_num(num: Num, part: str) -> Iterator[Remark]:
    """Remarks on one number and its uncertainties."""
    name = f"{num.meaning or num.name[0] or 'a number without a name'}"
    if not all(num.name):
        yield error("number_without_name", "a number has no coded name", part)
    if num.unreadable:
        yield error("number_not_finite", f"{name} holds something that is no finite number", part)
        return
    if num.value is None:
        if not num.qualifier:
            yield error("empty_without_qualifier", f"{name} has no value, and no code says why (CID 42)", part)
        return
    if num.qualifier:
        yield error("value_and_qualifier", f"{name} has a value and a code that says it has none", part)
    if num.decimal is not None and num.binary is not None and not _agree(num.decimal, num.binary):
        yield error("two_values", f"{name} is {num.decimal:g} as decimal and {num.binary:g} as binary number", part)
    yield from _unit(num, name, part)
    yield from _uncertainties(num, name, part)


def _agree(a: float, b: float) -> bool:
    return abs(a - b) <= DECIMAL_AGREES * max(abs(a), abs(b), 1e-9)


def _unit(num: Num, name: str, part: str) -> Iterator[Remark]:
    code, scheme = num.unit
    if not code:
        yield error("no_unit", f"{name} has no unit", part)
        return
    if scheme != "UCUM":
        yield warning("unit_not_ucum", f"{name} is in {code!r} of {scheme or 'no scheme'}, not in a UCUM unit", part)
    kind = CONCEPTS.get(num.name)
    if kind is None:
        return
    if code not in kind.units:
        yield error("unit_implausible", f"{name} is {kind.words}, and its unit is {code!r}", part)
        return
    value = in_unit_of_kind(num)
    if value is not None and not kind.least <= value <= kind.greatest:
        yield error("value_implausible", f"{name} is {num.value:g} {code}: not possible for {kind.words}", part)


def _uncertainties(num: Num, name: str, part: str) -> Iterator[Remark]:
    """TID 310: distances from the value, in its unit."""
    for one in num.properties:
        if one.name == (words.COVERAGE.value, words.PRIVATE):
            if one.value is None or not 0 < one.value < 1:
                yield error(
                    "coverage_implausible", f"the coverage of the interval of {name} is not within 0 and 1", part
                )
            continue
        if one.name not in UNCERTAINTIES:
            continue
        which = f"the {UNCERTAINTIES[one.name]} of {name}"
        if one.unreadable or one.value is None:
            yield error("uncertainty_without_value", f"{which} has no value", part)
            continue
        if one.value < 0:
            yield error("uncertainty_negative", f"{which} is {one.value:g}; it is a distance, which is 0 or more", part)
        if one.unit != num.unit:
            if one.unit == NO_UNIT or not one.unit[0]:
                yield warning(
                    "uncertainty_without_unit", f"{which} has no unit; that of {name} is {num.unit[0]!r}", part
                )
            else:
                yield error("uncertainty_unit", f"{which} is in {one.unit[0]!r}, and {name} in {num.unit[0]!r}", part)
