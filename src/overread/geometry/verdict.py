"""The verdict on an input's geometry: what was checked, what was found, in words and millimetres."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """How much a fault matters to a measurement."""

    NOTE = "note"
    WARNING = "warning"
    FATAL = "fatal"


class Policy(StrEnum):
    """What to do with a stack that is not an even orthogonal grid."""

    STRICT = "strict"
    """Refuse anything that would make a length or volume wrong. Tilt is carried as a sheared grid."""
    REPAIR = "repair"
    """Mend what can be mended by dropping duplicates and resampling, and say what that did."""
    AS_IS = "as-is"
    """Load by the mean spacing; the verdict keeps its faults and every result its caveat."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong or odd.

    Parameters
    ----------
    code : str
        Stable name, such as "missing_slices", "duplicate_position", "uneven_spacing", "tilted_gantry".
    message : str
        In plain words with numbers and units.
    amount_mm : float or None
        How far from right, mm, where that has a meaning.
    files : tuple of str
        The files at fault, relative to the opened path.
    """

    code: str
    severity: Severity
    message: str
    amount_mm: float | None = None
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Result of all geometry checks of one series under one policy.

    Parameters
    ----------
    faults : tuple of Fault
        Everything found, worst first.
    policy : Policy
        What the loader was told to do.
    repaired : bool
        The loaded grid is not the grid of the files (dropped or resampled frames).
    facts : dict
        Plain numbers: slices, slice_gap_mm, gap_min_mm, gap_max_mm, tilt_deg, `max_shift_mm` (how far the grid puts a
        slice from where its file says), repair losses ...
    """

    faults: tuple[Fault, ...] = ()
    policy: Policy = Policy.STRICT
    repaired: bool = False
    facts: dict[str, float | int | str] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """One word: "sound", "caution" (warnings), "repaired" or "unsound" (fatal faults)."""
        if self.repaired:
            return "repaired"
        if any(fault.severity is Severity.FATAL for fault in self.faults):
            return "unsound"
        return "caution" if any(fault.severity is Severity.WARNING for fault in self.faults) else "sound"

    def has(self, code: str) -> bool:
        """Whether a fault with this code was found."""
        return any(fault.code == code for fault in self.faults)

    def sentence(self) -> str:
        """The verdict in one line of plain words."""
        worst = [fault.message for fault in self.faults if fault.severity is not Severity.NOTE]
        if self.repaired and "interpolated_ml" in self.facts:
            slices, ml = self.facts["interpolated_slices"], float(self.facts["interpolated_ml"])
            worst.append(f"repair made {slices} slice{'' if slices == 1 else 's'} ({ml:.1f} mL) from their neighbours")
        return f"{self.status}: {'; '.join(worst)}" if worst else self.status
