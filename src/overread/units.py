"""UCUM units that overread writes, and how each is printed for people. UCUM is case-sensitive."""

from __future__ import annotations

from dataclasses import dataclass

from overread.errors import UsageError


@dataclass(frozen=True, slots=True)
class Unit:
    """A UCUM unit.

    `code` is what files carry, `meaning` the words that DICOM wants beside it, `display` what people read.
    """

    code: str
    meaning: str
    display: str


UNITS: dict[str, Unit] = {
    unit.code: unit
    for unit in (
        Unit("1", "no units", ""),
        Unit("%", "percent", "%"),
        Unit("mm", "millimeter", "mm"),
        Unit("mm2", "square millimeter", "mm²"),
        Unit("mm3", "cubic millimeter", "mm³"),
        Unit("cm3", "cubic centimeter", "cm³"),
        Unit("mL", "milliliter", "mL"),
        Unit("mg", "milligram", "mg"),
        Unit("deg", "degree", "°"),
        Unit("[hnsf'U]", "Hounsfield unit", "HU"),
        Unit("[hnsf'U]/mm", "Hounsfield unit per millimeter", "HU/mm"),
        Unit("/mm", "per millimeter", "/mm"),
        Unit("{nodules}", "nodules", "nodules"),
    )
}


def require_unit(code: str) -> Unit:
    """The unit with this UCUM code; raises `UsageError` for a code that overread does not write."""
    try:
        return UNITS[code]
    except KeyError:
        raise UsageError(
            f"unknown UCUM unit {code!r}", way_out=f"Use one of {', '.join(UNITS)}, or add it to overread.units."
        ) from None
