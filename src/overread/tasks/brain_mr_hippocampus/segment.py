"""One region from values to labels, with what speaks for and against it; the task and the studies both call this."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.runtime import Runtime
from overread.tasks.brain_mr_hippocampus.atlas import Atlas, Map, Placed, find_place
from overread.tasks.brain_mr_hippocampus.model import Model
from overread.tasks.brain_mr_hippocampus.outline import outline, overlap, part, prior_cut
from overread.tasks.brain_mr_hippocampus.plan import HippocampusPlan
from overread.tasks.brain_mr_hippocampus.rows import Band, band_of

DOUBT_SD, REFUSE_SD = 3.0, 6.0
LEAST_HAND_MARGIN = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Segmented:
    """Labels and checks.

    Parameters
    ----------
    labels : (slice, row, column) uint8
        0, 1 anterior, 2 posterior, on the grid of the region as it was given (mirrored back).
    checks : dict
        Check to its value.
    doubts, refusals : tuple of str
        Which checks lie beyond 3 and 6 standard deviations of left-out cases, to the bad side.
    """

    labels: NDArray[np.uint8]
    placed: Placed
    checks: dict[str, float]
    doubts: tuple[str, ...]
    refusals: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A region as all models with one atlas see it: the atlas over it, and its band (None where that is empty)."""

    placed: Placed
    band: Band | None


def see(values: Map, atlas: Atlas, plan: HippocampusPlan, runtime: Runtime) -> Seen:
    """Place the atlas and describe the band: most of the time that a region takes."""
    placed = find_place(values, atlas, plan)
    is_there = bool((placed.prior.whole > 0.5).any())
    return Seen(placed, band_of(placed, plan.band_mm, runtime) if is_there else None)


def segment(
    values: Map, model: Model, plan: HippocampusPlan, runtime: Runtime, *, seen: Seen | None = None
) -> Segmented:
    """Place the atlas, unless it was `seen`; classify the band, outline, part."""
    seen = seen or see(values, model.atlas, plan, runtime)
    placed, band = seen.placed, seen.band
    if band is None:
        return Segmented(np.zeros(values.shape, np.uint8), placed, {}, (), ("match",))
    decisions = model.classifier.decide(band.rows, runtime)
    inside = outline(band, decisions, model.classifier.threshold, plan)
    if not inside.any():
        return Segmented(np.zeros(values.shape, np.uint8), placed, {}, (), ("log_volume",))
    labels = part(inside, model.plane(inside, prior_cut(placed.prior)))
    checks = checks_of(placed, labels)
    away = {name: _beyond(name, value, model.usual[name]) for name, value in checks.items()}
    doubts = [name for name, sds in away.items() if sds > DOUBT_SD]
    if placed.match - placed.other_hand < LEAST_HAND_MARGIN:
        doubts.append("hand")
    refusals = tuple(name for name, sds in away.items() if sds > REFUSE_SD)
    if placed.mirrored:
        labels = np.ascontiguousarray(labels[:, :, ::-1])
    return Segmented(labels, placed, checks, tuple(doubts), refusals)


def checks_of(placed: Placed, labels: NDArray[np.uint8]) -> dict[str, float]:
    """The checks of a result: how well the atlas matched, how far prior and outline agree, how large it is (mm3)."""
    inside = labels > 0
    return {
        "match": placed.match,
        "local_match": placed.local_match,
        "agreement": overlap(placed.prior.whole > 0.5, inside),
        "log_volume": float(np.log(max(int(np.count_nonzero(inside)), 1))),
    }


def _beyond(name: str, value: float, usual: tuple[float, float]) -> float:
    away = (usual[0] - value) / max(usual[1], 1e-6)
    return abs(away) if name == "log_volume" else away
