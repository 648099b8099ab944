"""Finds nodules: candidates, verification by a forest, one candidate a lesion. Measuring is elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.cards import read_card
from overread.errors import UsageError
from overread.image import Volume
from overread.models import Forest, read_forests
from overread.ops.lung_field import LungField
from overread.ops.nodule_candidates import (
    Branch,
    CandidatePlan,
    CandidateTable,
    SearchField,
    search_field,
    solid_candidates,
    subsolid_candidates,
)
from overread.runtime import Progress, Runtime

WEIGHTS = "detector.npz"


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectPlan:
    """Parameters of finding.

    Parameters
    ----------
    solid_threshold, subsolid_threshold : float
        Least score of a finding in each branch (0..1); the operating points of the card.
    join_level : float
        Two candidates are one lesion when the image between them never falls below this share of the contrast.
    """

    search: CandidatePlan = field(default_factory=CandidatePlan)
    solid_threshold: float = 0.5
    subsolid_threshold: float = 0.5
    join_level: float = 0.6


@dataclass(frozen=True, slots=True)
class Candidate:
    """One suspected nodule.

    `index_kji` is its centre on the grid of the image (float), `radius_mm` about half its diameter, `score` in [0, 1]
    (not a probability), `branch` which search found it.
    """

    index_kji: tuple[float, float, float]
    radius_mm: float
    score: float
    branch: Branch


def find_nodules(
    image: Volume, lung: LungField, plan: DetectPlan, runtime: Runtime, progress: Progress
) -> tuple[Candidate, ...]:
    """Suspected nodules above the plan's thresholds, best score first, one for each lesion.

    Parameters
    ----------
    image : Volume
        CT in HU, any orientation.
    lung : LungField
        Of `image`.

    Raises
    ------
    UsageError
        The lung field is of another image.
    IntegrityError
        The weights are not those of the card.
    """
    if lung.inside.shape != image.grid.shape:
        raise UsageError(f"the lung field has shape {lung.inside.shape} but the image {image.grid.shape}")
    if not lung.found:
        return ()
    forests = _forests()
    scan = search_field(image, lung, plan.search)
    progress("candidates", 0.35)
    tables = (solid_candidates(scan, plan.search, runtime), subsolid_candidates(scan, plan.search, runtime))
    progress("verify", 0.45)
    scored = [(table, forests[table.branch].score(table.table)) for table in tables]
    return merge_candidates(image, scan, scored, plan)


def merge_candidates(
    image: Volume,
    scan: SearchField,
    scored: list[tuple[CandidateTable, NDArray[np.float64]]],
    plan: DetectPlan,
) -> tuple[Candidate, ...]:
    """Drop what is below the thresholds and let the best candidate of each lesion stand for it.

    A candidate belongs to a better one when it lies within it, or when the image between both stays bright.
    """
    limit = {"solid": plan.solid_threshold, "subsolid": plan.subsolid_threshold}
    rows = [
        (float(score), table.branch, table.index_kji[n], float(table.radius_mm[n]))
        for table, scores in scored
        for n, score in enumerate(scores)
        if score >= limit[table.branch]
    ]
    # how far each score lies between its threshold and 1 makes the branches comparable
    rows.sort(key=lambda r: (-(r[0] - limit[r[1]]) / (1 - limit[r[1]] + 1e-9), -r[0], *r[2].tolist()))
    kept: list[tuple[float, Branch, NDArray[np.float64], float]] = []
    for row in rows:
        if not any(_same_lesion(row, better, scan, plan.join_level) for better in kept):
            kept.append(row)
    points = scan.grid.to_lps(np.array([row[2] for row in kept]).reshape(-1, 3))
    index = image.grid.to_index(points)
    return tuple(
        Candidate((float(at[0]), float(at[1]), float(at[2])), radius, score, branch)
        for (score, branch, _, radius), at in zip(kept, index, strict=True)
    )


def _same_lesion(
    row: tuple[float, Branch, NDArray[np.float64], float],
    better: tuple[float, Branch, NDArray[np.float64], float],
    scan: SearchField,
    join_level: float,
) -> bool:
    gap = (row[2] - better[2]) * np.array(scan.rays.spacing_mm)
    away = float(np.linalg.norm(gap))
    if away <= 0.8 * max(row[3], better[3]):
        return True
    if away > 1.3 * (row[3] + better[3]):
        return False
    image = scan.wiped if "subsolid" in (row[1], better[1]) else scan.rays.image_hu
    steps = np.linspace(0, 1, max(3, int(away)) + 1)[:, None]
    line = (better[2] + steps * (row[2] - better[2])).T
    values = ndi.map_coordinates(image, line, order=1, mode="nearest", prefilter=False)
    level = float(np.percentile(scan.rays.image_hu[::3, ::3, ::3], 50))
    ends = min(float(values[0]), float(values[-1])) - level
    return bool(values.min() - level >= join_level * ends)


@cache
def _forests() -> dict[Branch, Forest]:
    folder = Path(str(files(__package__)))
    card = read_card(folder / "card.toml")
    forests, _ = read_forests(folder / WEIGHTS, sha256=card.weights[WEIGHTS])
    return {"solid": forests["solid"], "subsolid": forests["subsolid"]}
