"""What is wrong with a pile of frames, each fault with its files and millimetres. Nothing is mended here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.geometry.orientation import right_angled
from overread.geometry.verdict import Fault, Policy, Severity, Verdict

SAME_PLACE_MM = 0.01
"""Two frames nearer than this are at one place; positions carry two or more decimals."""
EVEN_SHARE = 0.01
"""A stack is even when no slice is off its even place by more than this share of the gap."""
CAUTION_SHARE = 0.05
"""Up to this share of the gap the stack loads with a warning: rounded positions, not lost slices."""
ROUNDED_MM = 0.1
"""What positions of one decimal may be off (both ends of the stack rounded the other way), up to a tenth of a gap."""
SIDEWAYS_SHARE = 0.25
"""Slices shifted sideways by less than this share of a pixel load with a warning."""
MISSING_FROM = 1.5
"""A gap this many times the usual one has lost slices."""
SQUARE_SHARE = 0.01
COSINE_TOLERANCE = 1e-4
COSINE_LIMIT = 0.01
TILT_NOTED_DEG = 0.05
FILL_AT_MOST_MM = 20.0
"""Repair does not invent more tissue than this between two slices (or four usual gaps, if more)."""

Facts = dict[str, float | int | str]
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """The places of the frames of one series, in any order.

    Parameters
    ----------
    positions_lps : (n, 3)
        Centre of the first pixel, mm.
    row_lps, column_lps : (3,)
        Direction cosines along increasing column index and increasing row index, common to all frames.
    spacing_mm : (row, column)
    shape : (rows, columns)
    names : n names for people
        Files, relative to what was opened.
    thickness_mm : float
        Nominal slice thickness; NaN when unknown.
    """

    positions_lps: NDArray[np.float64]
    row_lps: tuple[float, float, float]
    column_lps: tuple[float, float, float]
    spacing_mm: tuple[float, float]
    shape: tuple[int, int]
    names: Sequence[str]
    thickness_mm: float = np.nan


@dataclass(frozen=True, slots=True, eq=False)
class Pile:
    """Frames sorted along the slice normal, one a place.

    Parameters
    ----------
    names : n names
    positions_lps : (n, 3)
        Sorted, mm.
    depth : (n,)
        Positions along the normal, rising, mm.
    row, column, normal : (3,)
        Unit vectors at right angles.
    """

    names: Sequence[str]
    positions_lps: NDArray[np.float64]
    depth: NDArray[np.float64]
    row: Vector
    column: Vector
    normal: Vector
    spacing_mm: tuple[float, float]
    thickness_mm: float

    @property
    def gaps(self) -> NDArray[np.float64]:
        """(n - 1,) distances along the normal, mm."""
        return np.diff(self.depth)

    @property
    def usual_gap_mm(self) -> float:
        """The distance most neighbours have: the mean of the gaps within a quarter of the lower median."""
        gaps = self.gaps
        middle = np.sort(gaps)[(len(gaps) - 1) // 2]
        return float(gaps[np.abs(gaps - middle) <= 0.25 * middle].mean())

    @property
    def span(self) -> Vector:
        """(3,) from the first to the last position, mm."""
        return np.asarray(self.positions_lps[-1] - self.positions_lps[0])


def orthonormal(frames: Frames) -> tuple[Vector, Vector, list[Fault]]:
    """Unit row and column directions at right angles, and faults of the given ones and of the pixel spacing."""
    row, column = np.asarray(frames.row_lps, float), np.asarray(frames.column_lps, float)
    spacing = np.asarray(frames.spacing_mm, float)
    if spacing.shape != (2,) or not np.isfinite(spacing).all() or (spacing <= 0).any():
        message = f"pixel spacing is {tuple(spacing.tolist())} mm, expected two lengths above 0"
        return row, column, [Fault("bad_spacing", Severity.FATAL, message)]
    if not (np.isfinite(row).all() and np.isfinite(column).all() and np.isfinite(frames.positions_lps).all()):
        return row, column, [Fault("not_finite", Severity.FATAL, "a position or direction is not a number")]
    off = max(abs(np.linalg.norm(row) - 1), abs(np.linalg.norm(column) - 1), abs(row @ column))
    if off > COSINE_LIMIT:
        message = f"direction cosines are not two unit vectors at right angles (off by {off:.3f})"
        return row, column, [Fault("cosines_not_orthonormal", Severity.FATAL, message)]
    faults = []
    if abs(spacing[0] - spacing[1]) > SQUARE_SHARE * spacing.min():
        message = f"pixels are {spacing[0]:.3f} x {spacing[1]:.3f} mm (row x column), not square"
        faults.append(Fault("anisotropic_pixels", Severity.NOTE, message, float(abs(spacing[0] - spacing[1]))))
    if off > COSINE_TOLERANCE:
        extent = float(off * max(np.multiply(frames.shape, spacing)))
        message = f"direction cosines are off by {off:.5f}, {extent:.2f} mm over the picture; put right"
        faults.append(Fault("cosines_not_orthonormal", Severity.WARNING, message, extent))
    return *right_angled(row, column), faults


def gap_faults(pile: Pile, policy: Policy) -> list[Fault]:
    """Missing slices, uneven distances, or rounded positions; empty when every slice is at its even place."""
    gaps, usual = pile.gaps, pile.usual_gap_mm
    off = float(np.abs(pile.depth - np.linspace(pile.depth[0], pile.depth[-1], len(pile.depth))).max())
    if off <= max(EVEN_SHARE * usual, SAME_PLACE_MM / 2):
        return []
    if off <= max(CAUTION_SHARE * usual, min(ROUNDED_MM, usual / 10)):
        message = f"slices are up to {off:.3f} mm off an even distance of {usual:.3f} mm"
        return [Fault("rounded_positions", Severity.WARNING, message, off)]
    too_wide = gaps.max() > max(FILL_AT_MOST_MM, 4 * usual)
    fatal = policy is Policy.STRICT or (policy is Policy.REPAIR and too_wide)
    severity = Severity.FATAL if fatal else Severity.WARNING
    wide = np.flatnonzero(gaps >= MISSING_FROM * usual).tolist()
    odd = np.abs(gaps / usual - np.rint(gaps / usual)) > 2 * CAUTION_SHARE  # a gap lies between two rounded places
    if 0 < len(wide) <= 0.2 * len(gaps) + 1 and not odd.any():
        return [_missing(pile, wide, severity)]
    at = np.flatnonzero(np.abs(gaps - usual) > CAUTION_SHARE * usual).tolist()
    names = sorted({pile.names[n] for n in at} | {pile.names[n + 1] for n in at})
    message = f"distances between slices range from {gaps.min():.2f} to {gaps.max():.2f} mm, expected {usual:.2f} mm"
    return [Fault("uneven_spacing", severity, message, float(gaps.max() - gaps.min()), tuple(names))]


def _missing(pile: Pile, wide: list[int], severity: Severity) -> Fault:
    gaps, usual = pile.gaps, pile.usual_gap_mm
    lost = [round(float(gaps[n]) / usual) - 1 for n in wide]
    pairs = [(pile.names[n], pile.names[n + 1]) for n in wide]
    where = ", ".join(
        f"{count} between {below} and {above} ({gaps[n]:.2f} mm)"
        for (below, above), count, n in list(zip(pairs, lost, wide, strict=True))[:3]
    )
    more = f" and {len(wide) - 3} more gaps" if len(wide) > 3 else ""
    noun = "slice is" if sum(lost) == 1 else "slices are"
    message = f"{sum(lost)} {noun} missing: {where}{more}; the usual distance is {usual:.2f} mm"
    files = tuple(dict.fromkeys(name for pair in pairs for name in pair))
    return Fault("missing_slices", severity, message, float(gaps[wide].max()), files)


def line_faults(pile: Pile, policy: Policy) -> list[Fault]:
    """Slices shifted sideways, so that first pixels do not lie on one line."""
    along = (pile.depth - pile.depth[0]) / (pile.depth[-1] - pile.depth[0])
    residual = pile.positions_lps - pile.positions_lps[0] - along[:, None] * pile.span
    aside = np.hypot(residual @ pile.row, residual @ pile.column)
    off, pixel = float(aside.max()), min(pile.spacing_mm)
    if off <= max(EVEN_SHARE * pixel, SAME_PLACE_MM):
        return []
    names = tuple(pile.names[n] for n in np.flatnonzero(aside > max(EVEN_SHARE * pixel, SAME_PLACE_MM)).tolist())
    message = f"slices are shifted sideways by up to {off:.2f} mm against a straight stack"
    small = off <= SIDEWAYS_SHARE * pixel or policy is Policy.AS_IS
    return [Fault("shifted_slices", Severity.WARNING if small else Severity.FATAL, message, off, names)]


def tilt_of(pile: Pile) -> tuple[float, float]:
    """Angle between the stack and its slice normal, degrees, and the sideways way from first to last slice, mm."""
    up = float(pile.normal @ pile.span)
    aside = float(np.linalg.norm(pile.span - up * pile.normal))
    return float(np.degrees(np.arctan2(aside, up))), aside


def tilt_faults(pile: Pile) -> list[Fault]:
    """A sheared stack: carried as a sheared grid, so a warning."""
    tilt, aside = tilt_of(pile)
    if tilt <= TILT_NOTED_DEG:
        return []
    message = f"the stack is sheared by {tilt:.2f} degrees (tilted gantry), {aside:.1f} mm from first to last slice"
    return [Fault("tilted_gantry", Severity.WARNING, message, aside)]


def thickness_faults(pile: Pile) -> list[Fault]:
    """Slices thicker or thinner than their distance."""
    thickness, usual = pile.thickness_mm, pile.usual_gap_mm
    if not (np.isfinite(thickness) and thickness > 0):
        return []
    if usual > MISSING_FROM * thickness:
        message = f"slices are {usual:.2f} mm apart but {thickness:.2f} mm thick: tissue between them was not imaged"
        return [Fault("slices_apart", Severity.WARNING, message, usual - thickness)]
    if abs(usual - thickness) <= 0.05 * thickness:
        return []
    word = "overlap by" if usual < thickness else "leave a small gap of"
    message = (
        f"slices are {thickness:.2f} mm thick and {usual:.2f} mm apart: they {word} {abs(usual - thickness):.2f} mm"
    )
    return [Fault("thickness_differs", Severity.NOTE, message, usual - thickness)]


_RANK = {Severity.FATAL: 0, Severity.WARNING: 1, Severity.NOTE: 2}


def is_fatal(faults: Sequence[Fault]) -> bool:
    """Whether one of the faults is fatal."""
    return any(fault.severity is Severity.FATAL for fault in faults)


def verdict_of(faults: Sequence[Fault], policy: Policy, facts: Facts | None = None, repaired: bool = False) -> Verdict:
    """A verdict with its faults worst first."""
    ordered = tuple(sorted(faults, key=lambda fault: _RANK[fault.severity]))
    return Verdict(ordered, policy, repaired, facts or {})
