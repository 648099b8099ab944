"""One region from values to labels, with what speaks for and against it; the task and the studies both call this."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.runtime import Runtime
from overread.tasks.brain_mr_hippocampus.atlas import Map, Placed, find_place
from overread.tasks.brain_mr_hippocampus.model import Model
from overread.tasks.brain_mr_hippocampus.outline import outline, overlap, part, prior_cut
from overread.tasks.brain_mr_hippocampus.plan import HippocampusPlan
from overread.tasks.brain_mr_hippocampus.rows import band_of

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


def segment(values: Map, model: Model, plan: HippocampusPlan, runtime: Runtime) -> Segmented:
    """Place the atlas, classify the band, outline, part."""
    placed = find_place(values, model.atlas, plan)
    if not (placed.prior.whole > 0.5).any():
        return Segmented(np.zeros(values.shape, np.uint8), placed, {}, (), ("match",))
    band = band_of(placed, plan.band_mm, runtime)
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
