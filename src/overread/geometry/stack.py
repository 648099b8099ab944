"""From the places of 2-D frames to an even grid: order, duplicates, affine, and what repair would take.

Only places are judged here; files and pixels are the reader's business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from overread.geometry.grid import Grid
from overread.geometry.orientation import plane_name
from overread.geometry.stack_faults import (
    EVEN_SHARE,
    SAME_PLACE_MM,
    Facts,
    Frames,
    Pile,
    gap_faults,
    is_fatal,
    line_faults,
    orthonormal,
    thickness_faults,
    tilt_faults,
    tilt_of,
    verdict_of,
)
from overread.geometry.verdict import Fault, Policy, Severity, Verdict

__all__ = ["Frames", "Stack", "assess_stack", "even_weights", "verdict_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """How frames become slices.

    Parameters
    ----------
    order : (frames used,) int
        Indices into the frames, sorted along the slice normal; dropped duplicates are left out.
    grid : Grid or None
        None when the verdict is fatal.
    lower, weight : (slices,) int, (slices,) float
        Slice n is (1 - weight) of frame `order[lower[n]]` and weight of the next one; weight 0 copies a frame.
    """

    order: NDArray[np.intp]
    grid: Grid | None
    verdict: Verdict
    lower: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    weight: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @property
    def is_resampled(self) -> bool:
        """Whether any slice is not simply one frame."""
        return bool(self.weight.any()) or len(self.lower) != len(self.order)


def _never(first: int, second: int) -> bool:
    return False


def assess_stack(
    frames: Frames, policy: Policy = Policy.STRICT, same_pixels: Callable[[int, int], bool] = _never
) -> Stack:
    """Order the frames, judge their places, and lay the grid that the policy allows.

    Parameters
    ----------
    same_pixels : function of two frame indices
        Whether two frames at one place show the same pixels. Asked only where places coincide.

    Returns
    -------
    Stack
        With `grid` None when a fault is fatal under `policy`. Nothing is raised: the verdict says why.
    """
    row, column, faults = orthonormal(frames)
    if is_fatal(faults):
        return Stack(np.arange(len(frames.names)), None, verdict_of(faults, policy))
    normal = np.cross(row, column)
    depth = frames.positions_lps @ normal
    places = _places(depth)
    kept = np.array([place[0] for place in places], dtype=np.intp)
    faults += _duplicate_faults(frames.names, places, policy, same_pixels)
    pile = Pile(
        names=[frames.names[n] for n in kept],
        positions_lps=frames.positions_lps[kept],
        depth=depth[kept],
        row=row,
        column=column,
        normal=normal,
        spacing_mm=frames.spacing_mm,
        thickness_mm=frames.thickness_mm,
    )
    lay = _lay_one if len(kept) == 1 else _lay_many
    return lay(pile, frames, kept, faults, policy)


def _places(depth: NDArray[np.float64]) -> list[list[int]]:
    """Frame indices grouped by place along the normal, rising; within a place in the given order of frames."""
    order = np.argsort(depth, kind="stable")
    cuts = np.flatnonzero(np.diff(depth[order]) > SAME_PLACE_MM) + 1
    return [sorted(part.tolist()) for part in np.split(order, cuts)]


def _duplicate_faults(
    names: Sequence[str], places: list[list[int]], policy: Policy, same_pixels: Callable[[int, int], bool]
) -> list[Fault]:
    """Faults for all but the first frame at each place: copies, or other pictures at the same place."""
    same: list[str] = []
    other: list[str] = []
    for first, *rest in places:
        for again in rest:
            (same if same_pixels(first, again) else other).append(names[again])
    faults = []
    if other:
        strict = policy is Policy.STRICT
        message = f"{len(other)} of {len(names)} frames are at the place of another with other pixels"
        message += "" if strict else "; the first of each place was kept"
        severity = Severity.FATAL if strict else Severity.WARNING
        faults.append(Fault("duplicate_position", severity, message, 0.0, tuple(other)))
    if same:
        message = f"{len(same)} of {len(names)} frames are copies of another and were left out"
        faults.append(Fault("duplicate_frame", Severity.WARNING, message, 0.0, tuple(same)))
    return faults


def _affine(pile: Pile, step: NDArray[np.float64]) -> NDArray[np.float64]:
    affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1] = pile.column * pile.spacing_mm[0]
    affine[:3, 2] = pile.row * pile.spacing_mm[1]
    affine[:3, 3] = pile.positions_lps[0]
    return affine


def _lay_one(pile: Pile, frames: Frames, kept: NDArray[np.intp], faults: list[Fault], policy: Policy) -> Stack:
    """One slice has no gap: refused, or under AS_IS laid with the slice thickness."""
    thickness = float(pile.thickness_mm)
    facts: Facts = {"frames": len(frames.names), "slices": 1}
    if policy is not Policy.AS_IS or not (np.isfinite(thickness) and thickness > 0):
        faults.append(Fault("single_slice", Severity.FATAL, "there is one slice only, so no distance between slices"))
        return Stack(kept, None, verdict_of(faults, policy, facts))
    message = f"one slice only; its thickness of {thickness:.2f} mm is taken as the slice distance"
    faults.append(Fault("single_slice", Severity.WARNING, message, thickness))
    grid = Grid((1, *frames.shape), _affine(pile, pile.normal * thickness))
    verdict = verdict_of(faults, policy, facts | {"slice_gap_mm": thickness})
    return Stack(kept, grid, verdict, np.zeros(1, np.intp), np.zeros(1))


def _lay_many(pile: Pile, frames: Frames, kept: NDArray[np.intp], faults: list[Fault], policy: Policy) -> Stack:
    """Two or more places: judged, and laid on an even grid between the first and the last."""
    gaps = gap_faults(pile, policy)
    faults = [*faults, *line_faults(pile, policy), *tilt_faults(pile), *gaps, *thickness_faults(pile)]
    extent = float(pile.depth[-1] - pile.depth[0])
    slices = len(kept)
    facts: Facts = {
        "frames": len(frames.names),
        "slices": slices,
        "plane": plane_name(pile.normal),
        "slice_gap_mm": extent / (slices - 1),
        "usual_gap_mm": pile.usual_gap_mm,
        "gap_min_mm": float(pile.gaps.min()),
        "gap_max_mm": float(pile.gaps.max()),
        "tilt_deg": tilt_of(pile)[0],
    }
    if is_fatal(faults):
        return Stack(kept, None, verdict_of(faults, policy, facts))
    lower, weight = np.arange(slices, dtype=np.intp), np.zeros(slices)
    repaired = policy is Policy.REPAIR and any(fault.code == "duplicate_position" for fault in faults)
    if policy is Policy.REPAIR and any(fault.severity is Severity.WARNING for fault in gaps):
        repaired = True
        lower, weight = even_weights(pile.depth, pile.usual_gap_mm)
        slices = len(lower)
        facts |= {"slices": slices, "slice_gap_mm": extent / (slices - 1)}
        facts |= _losses(pile, frames.shape, lower, weight)
    elif any(fault.severity is Severity.WARNING for fault in gaps):
        facts["largest_volume_error_percent"] = 100 * float(np.abs(extent / (slices - 1) / pile.gaps - 1).max())
    grid = Grid((slices, *frames.shape), _affine(pile, pile.span / (slices - 1)))
    facts["max_shift_mm"] = _max_shift_mm(pile, grid, lower, weight)
    return Stack(kept, grid, verdict_of(faults, policy, facts, repaired), lower, weight)


def even_weights(depth: NDArray[np.float64], usual_mm: float) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """An even grid over `depth` (sorted, mm) with gaps as near to `usual_mm` as both ends allow.

    Returns for each slice the frame below it and the weight of the frame above; a slice within 1 % of a gap of a
    frame takes that frame as it is.
    """
    slices = max(round(float(depth[-1] - depth[0]) / usual_mm) + 1, 2)
    places = np.linspace(depth[0], depth[-1], slices)
    lower = np.clip(np.searchsorted(depth, places, side="right") - 1, 0, len(depth) - 2)
    weight = (places - depth[lower]) / (depth[lower + 1] - depth[lower])
    near = EVEN_SHARE * usual_mm
    weight[np.abs(places - depth[lower]) <= near] = 0.0
    above = np.abs(places - depth[lower + 1]) <= near
    lower[above], weight[above] = lower[above] + 1, 0.0
    return lower, weight


def _max_shift_mm(pile: Pile, grid: Grid, lower: NDArray[np.intp], weight: NDArray[np.float64]) -> float:
    """How far the grid puts a slice from where its files say it is, at most, mm."""
    upper = np.minimum(lower + 1, len(pile.depth) - 1)
    share = weight[:, None]
    told = pile.positions_lps[lower] * (1 - share) + pile.positions_lps[upper] * share
    laid = grid.to_lps([(n, 0, 0) for n in range(len(lower))])
    return float(np.linalg.norm(laid - told, axis=1).max())


def _losses(pile: Pile, shape: tuple[int, int], lower: NDArray[np.intp], weight: NDArray[np.float64]) -> Facts:
    """What repair costs: slices that are interpolated, the widest gap they bridge, and their share and mL."""
    made = weight > 0
    gap = float(pile.depth[-1] - pile.depth[0]) / (len(lower) - 1)
    bridged = pile.gaps[lower[made]] if made.any() else np.zeros(1)
    area = shape[0] * shape[1] * pile.spacing_mm[0] * pile.spacing_mm[1]
    return {
        "interpolated_slices": int(made.sum()),
        "interpolated_share": float(made.mean()),
        "interpolated_ml": float(made.sum()) * gap * area / 1000,
        "largest_interpolated_gap_mm": float(bridged.max()),
    }
