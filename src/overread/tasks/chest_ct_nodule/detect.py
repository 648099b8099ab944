"""Finds nodules: candidates, verification by a forest, one candidate a lesion. Measuring is elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.cards import read_card
from overread.errors import IntegrityError, UsageError
from overread.geometry import Grid
from overread.image import Volume
from overread.models import Forest, read_forests
from overread.ops.lung_field import LungField
from overread.ops.nodule_candidates import (
    Branch,
    CandidatePlan,
    CandidateTable,
    SearchField,
    find_candidates,
    search_field,
)
from overread.runtime import Progress, Runtime

WEIGHTS = "detector.npz"
STRENGTH = 1  # column of the blobness in the tables of both branches
CORE_RATIO = 1.6
"""A subsolid candidate this much wider than the solid one inside it is the lesion, the other its solid core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectPlan:
    """Parameters of finding.

    Parameters
    ----------
    solid_threshold, subsolid_threshold : float
        Share of the trees that must vote for a nodule in each branch (0..1): the operating points.
    least_score : float
        Findings below this common score are dropped; 1/2 is the operating point, less is for studies.
    join_level : float
        Two candidates are one lesion when the image between them never falls below this share of the contrast.
    """

    search: CandidatePlan = field(default_factory=CandidatePlan)
    solid_threshold: float = 0.6
    subsolid_threshold: float = 0.55
    least_score: float = 0.5
    join_level: float = 0.6

    def threshold(self, branch: Branch) -> float:
        """The operating point of a branch."""
        return self.solid_threshold if branch == "solid" else self.subsolid_threshold


@dataclass(frozen=True, slots=True)
class Candidate:
    """One suspected nodule.

    `index_kji` is its centre on the grid of the image (float), `radius_mm` about half its diameter, `score` in [0, 1]
    (1/2 is the operating point; not a probability), `branch` which search found it.
    """

    index_kji: tuple[float, float, float]
    radius_mm: float
    score: float
    branch: Branch


def find_nodules(
    image: Volume, lung: LungField, plan: DetectPlan, runtime: Runtime, progress: Progress
) -> tuple[Candidate, ...]:
    """Suspected nodules at or above the operating point, best score first, one for each lesion.

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
    forests = shipped_forests()
    scan = search_field(image, lung, plan.search)
    progress("candidates", 0.35)
    tables = find_candidates(scan, plan.search, runtime)
    progress("verify", 0.45)
    scored = [(table, forests[table.branch].score(table.table)) for table in tables]
    return merge_candidates(scan, scored, plan, image.grid)


def merge_candidates(
    scan: SearchField,
    scored: Iterable[tuple[CandidateTable, NDArray[np.float64]]],
    plan: DetectPlan,
    grid: Grid,
) -> tuple[Candidate, ...]:
    """Drop what scores below the plan's least score and let one candidate stand for each lesion.

    A candidate belongs to a better one when it lies within it, or when the image between both stays bright. Of two that
    score alike the solid one stands, unless the subsolid one is much wider: then the solid one is its core.

    Parameters
    ----------
    scored : pairs of a table and its (n,) votes
    grid : Grid
        Of the image, for the indices that come out.
    """
    rows = [
        _Row(score, table.branch, table.index_kji[n], float(table.radius_mm[n]), float(table.table[n, STRENGTH]))
        for table, votes in scored
        for n, score in enumerate(common_score(votes, plan.threshold(table.branch)).tolist())
        if score >= plan.least_score
    ]
    # scores within a tenth are as good as equal: then the strongest blob, which is the whole and not a part of it
    rows.sort(key=lambda row: (-row.rank, -row.strength_hu, *row.index_kji.tolist()))
    kept: list[_Row] = []
    for row in rows:
        same = [n for n, better in enumerate(kept) if _same_lesion(row, better, scan, plan.join_level)]
        if not same:
            kept.append(row)
        elif all(row.holds(kept[n]) for n in same):
            kept[same[0]] = row
            for n in reversed(same[1:]):
                del kept[n]
    kept.sort(key=lambda row: (-row.score, *row.index_kji.tolist()))
    points = scan.grid.to_lps(np.array([row.index_kji for row in kept]).reshape(-1, 3))
    index = grid.to_index(points)
    return tuple(
        Candidate((float(at[0]), float(at[1]), float(at[2])), row.radius_mm, row.score, row.branch)
        for row, at in zip(kept, index, strict=True)
    )


def common_score(votes: NDArray[np.float64], threshold: float) -> NDArray[np.float64]:
    """Votes of a forest on a scale that both branches share: 0 at 0, 1/2 at the branch's `threshold`, 1 at 1."""
    below = 0.5 * votes / threshold
    above = 0.5 + 0.5 * (votes - threshold) / (1 - threshold)
    return np.where(votes < threshold, below, above)


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    score: float
    branch: Branch
    index_kji: NDArray[np.float64]
    radius_mm: float
    strength_hu: float

    @property
    def rank(self) -> float:
        """Score in tenths, with a tenth more for the solid branch: its size and place are the better ones."""
        return round(self.score, 1) + (0.1 if self.branch == "solid" else 0.0)

    def holds(self, core: _Row) -> bool:
        """Whether this is a subsolid lesion and `core` the solid one inside it."""
        wide = self.radius_mm > CORE_RATIO * core.radius_mm
        return wide and self.branch == "subsolid" and core.branch == "solid" and self.score >= 0.5


def _same_lesion(row: _Row, better: _Row, scan: SearchField, join_level: float) -> bool:
    away = float(np.linalg.norm((row.index_kji - better.index_kji) * np.array(scan.rays.spacing_mm)))
    if away <= 0.8 * max(row.radius_mm, better.radius_mm):
        return True
    if away > 1.3 * (row.radius_mm + better.radius_mm):
        return False
    image = scan.wiped if "subsolid" in (row.branch, better.branch) else scan.rays.image_hu
    steps = np.linspace(0, 1, max(3, int(away)) + 1)[:, None]
    line = (better.index_kji + steps * (row.index_kji - better.index_kji)).T
    values = ndi.map_coordinates(image, line, order=1, mode="nearest", prefilter=False)
    ends = min(float(values[0]), float(values[-1])) - scan.lung_hu
    return bool(float(values.min()) - scan.lung_hu >= join_level * ends)


def task_folder() -> Path:
    """Where the card and the weights of this task are."""
    return Path(str(files(__package__)))


@cache
def shipped_forests() -> dict[Branch, Forest]:
    """The forests beside this module, checked against the card; read once."""
    folder = task_folder()
    digest = read_card(folder / "card.toml").weights.get(WEIGHTS)
    if digest is None:
        raise IntegrityError(f"the card names no SHA-256 for {WEIGHTS}", where=str(folder / "card.toml"))
    forests, _ = read_forests(folder / WEIGHTS, sha256=digest)
    return {"solid": forests["solid"], "subsolid": forests["subsolid"]}
