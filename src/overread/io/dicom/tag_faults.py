"""Tags that say something else than the positions do: tilt, distance, order, side. The positions are used always."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from overread.geometry import Fault, Severity
from overread.geometry.stack import Frames
from overread.io.dicom.header import Header, Shared

TILT_AGREES_DEG = 0.5
"""Scanners set the gantry to half degrees."""
GAP_AGREES = 0.05
BESIDE_MM = 10.0
"""A picture that keeps this far from the middle of the scanner lies on one side of it."""


def tag_faults(shared: Shared, facts: Mapping[str, float | int | str]) -> list[Fault]:
    """Faults for another gantry tilt (0018,1120) or distance between slices (0018,0088) than the positions give."""
    faults = []
    told, found = shared.facts.get("gantry_tilt_deg"), facts.get("tilt_deg")
    if told is not None and found is not None and abs(abs(float(told)) - abs(float(found))) > TILT_AGREES_DEG:
        message = (
            f"the header says a gantry tilt of {float(told):.1f} degrees, the positions {float(found):.1f}; "
            "the positions are used"
        )
        faults.append(Fault("tilt_tag_differs", Severity.WARNING, message))
    gap = facts.get("usual_gap_mm")
    told_mm = abs(shared.spacing_between_mm)
    if gap is not None and math.isfinite(told_mm) and abs(told_mm - float(gap)) > GAP_AGREES * float(gap):
        message = f"the header says {told_mm:.2f} mm between slices, the positions {float(gap):.2f}; positions are used"
        faults.append(Fault("gap_tag_differs", Severity.NOTE, message, abs(told_mm - float(gap))))
    return faults


def order_notes(ordered: Sequence[Header]) -> list[Fault]:
    """A note where instance numbers (0020,0013) do not rise with the positions; `ordered` is by position."""
    numbers = [h.instance_number for h in ordered if h.instance_number is not None and h.shared.frames <= 1]
    steps = [after - before for before, after in pairwise(numbers)]
    back = sum(step < 0 for step in steps)
    if len(numbers) < len(ordered) or not back:
        return []
    if back == len(steps):
        message = f"instance numbers run against the positions, from {numbers[0]} at the first slice to {numbers[-1]}"
        return [Fault("reversed_order", Severity.NOTE, f"{message} at the last; positions are used")]
    message = f"instance numbers do not follow the positions: {back} of {len(steps)} steps go back; positions are used"
    return [Fault("shuffled_order", Severity.NOTE, message)]


def side_faults(frames: Frames, told: str) -> list[Fault]:
    """A warning where the header names a side and the whole picture lies on the other side of the scanner's middle.

    Judged only where no corner comes nearer than 10 mm to x = 0: the patient lies on the middle of the table, but a
    joint may have been moved into the middle of the scanner. `told` is Laterality (0020,0060) or Image Laterality
    (0020,0062); anything but L and R is not judged.
    """
    if told not in ("L", "R"):
        return []
    x = _corners_x_mm(frames)
    lies, off = ("L", float(x.min())) if x.min() > 0 else ("R", float(-x.max()))
    if off < BESIDE_MM or lies == told:
        return []
    sides = {"L": "left", "R": "right"}
    message = (
        f"the header says the {sides[told]} side, but all of the picture lies to the {sides[lies]} of the scanner's "
        f"middle, by {off:.0f} mm or more; the positions are used"
    )
    return [Fault("laterality_differs", Severity.WARNING, message, off)]


def _corners_x_mm(frames: Frames) -> NDArray[np.float64]:
    """x of the four corner pixels of all frames, mm; rising to the patient's left."""
    along = frames.row_lps[0] * frames.spacing_mm[1] * (frames.shape[1] - 1)
    down = frames.column_lps[0] * frames.spacing_mm[0] * (frames.shape[0] - 1)
    return np.add.outer(frames.positions_lps[:, 0], (0.0, along, down, along + down))


def acquisition_notes(headers: Sequence[Header]) -> list[Fault]:
    """What places that occur twice may come from."""
    numbers = sorted({header.shared.acquisition_number for header in headers})
    if len(numbers) < 2:
        return []
    message = f"the files carry {len(numbers)} acquisition numbers: several acquisitions may share the series"
    return [Fault("several_acquisitions", Severity.NOTE, message)]
