"""Searched scans and their labelled candidates: what the forests learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.ops.lung_field import lung_field
from overread.ops.nodule_candidates import (
    Branch,
    CandidatePlan,
    CandidateTable,
    SearchField,
    find_candidates,
    search_field,
)
from overread.phantoms.phantom import Planted
from overread.runtime import Runtime
from overread_lab.recipes.nodule_planting import Marked, PlantedScan

BRANCHES: tuple[Branch, ...] = ("solid", "subsolid")
BRANCH_KINDS: dict[Branch, tuple[str, ...]] = {
    "solid": ("solid", "calcified", "part_solid"),
    "subsolid": ("ground_glass", "part_solid"),
}
IGNORED, NEGATIVE, POSITIVE = -1, 0, 1


@dataclass(frozen=True, slots=True, eq=False)
class SearchedScan:
    """A scan after the search: its candidates and truths. The image itself is gone.

    `field` is kept only where candidates are to be merged later; `points_lps` are (n, 3) mm by branch.
    """

    name: str
    patient: str
    planted: tuple[Planted, ...]
    marked: tuple[Marked, ...]
    tables: dict[Branch, CandidateTable]
    points_lps: dict[Branch, NDArray[np.float64]]
    field: SearchField | None = None


def search(scan: PlantedScan, plan: CandidatePlan, *, keep_field: bool = False) -> SearchedScan:
    """Lung field and both branches' candidates of a scan, by the code that runs in use."""
    runtime = Runtime(1)
    field = search_field(scan.volume, lung_field(scan.volume, runtime), plan)
    tables = {table.branch: table for table in find_candidates(field, plan, runtime)}
    points = {branch: field.grid.to_lps(table.index_kji) for branch, table in tables.items()}
    return SearchedScan(
        scan.name, scan.patient, scan.planted, scan.marked, tables, points, field if keep_field else None
    )


def label_candidates(scan: SearchedScan, branch: Branch) -> NDArray[np.int8]:
    """(n,) labels: POSITIVE near the centre of a nodule of the branch and about its size, IGNORED elsewhere on a nodule
    or mark, NEGATIVE on everything else.
    """
    points, radius_mm = scan.points_lps[branch], scan.tables[branch].radius_mm
    label = np.full(len(points), NEGATIVE, dtype=np.int8)
    for mark in scan.marked:
        away = np.linalg.norm(points - mark.centre_lps, axis=1)
        label[away < max(1.3 * mark.radius_mm, mark.radius_mm + 4)] = IGNORED
    for one in scan.planted:
        radius = nodule_radius_mm(one)
        away = np.linalg.norm(points - np.array(one.centre_lps), axis=1)
        label[away < max(1.4 * radius, radius + 2)] = IGNORED
        fits = _close_to(points, one) & (radius_mm < 1.9 * radius + 0.8) & (radius_mm > 0.45 * radius)
        if one.kind in BRANCH_KINDS[branch]:
            label[fits] = POSITIVE
    return label


def examples(
    scans: list[SearchedScan], branch: Branch
) -> tuple[NDArray[np.float32], NDArray[np.int8], NDArray[np.float64]]:
    """(n, features), (n,) labels and (n,) weights of all candidates that are not ignored, scan after scan.

    The candidates of one nodule share a weight of 1, so a large nodule with many counts no more than a small one;
    in sum, nodules weigh as much as background.
    """
    tables, labels, weights = [], [], []
    for scan in scans:
        label = label_candidates(scan, branch)
        weight = np.ones(len(label))
        for one in scan.planted:
            on_it = (label == POSITIVE) & _close_to(scan.points_lps[branch], one)
            weight[on_it] = 1.0 / max(1, int(np.count_nonzero(on_it)))
        tables.append(scan.tables[branch].table[label != IGNORED])
        labels.append(label[label != IGNORED])
        weights.append(weight[label != IGNORED])
    label, weight = np.concatenate(labels), np.concatenate(weights)
    for sort in (NEGATIVE, POSITIVE):
        weight[label == sort] *= 0.5 * len(label) / max(weight[label == sort].sum(), 1e-9)
    return np.concatenate(tables), label, weight


def _close_to(points_lps: NDArray[np.float64], one: Planted) -> NDArray[np.bool_]:
    radius = nodule_radius_mm(one)
    close: NDArray[np.bool_] = np.linalg.norm(points_lps - np.array(one.centre_lps), axis=1) < max(0.6 * radius, 1.5)
    return close


def nodule_radius_mm(one: Planted) -> float:
    """Half the effective diameter, mm."""
    return one.truths["effective_diameter_mm"] / 2
