"""Labelled candidates of scans with planted nodules, and a figure of how well scores find them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.ops.lung_field import lung_field
from overread.ops.nodule_candidates import (
    Branch,
    CandidatePlan,
    CandidateTable,
    search_field,
    solid_candidates,
    subsolid_candidates,
)
from overread.phantoms.phantom import Planted
from overread.runtime import Runtime
from overread_lab.recipes.nodule_planting import PlantedScan

BRANCH_KINDS: dict[Branch, tuple[str, ...]] = {
    "solid": ("solid", "calcified", "part_solid"),
    "subsolid": ("ground_glass", "part_solid"),
}
IGNORED, NEGATIVE, POSITIVE = -1, 0, 1


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Candidates of one scan in one branch; `label` is POSITIVE, NEGATIVE or IGNORED."""

    scan: str
    patient: str
    table: NDArray[np.float32]
    label: NDArray[np.int8]


def candidate_points(
    scan: PlantedScan, plan: CandidatePlan
) -> dict[Branch, tuple[CandidateTable, NDArray[np.float64]]]:
    """Both branches' candidates of a scan and their (n, 3) points in mm."""
    runtime = Runtime(1)
    lung = lung_field(scan.volume, runtime)
    field = search_field(scan.volume, lung, plan)
    tables = (solid_candidates(field, plan, runtime), subsolid_candidates(field, plan, runtime))
    return {table.branch: (table, field.grid.to_lps(table.index_kji)) for table in tables}


def label_candidates(
    branch: Branch,
    points_lps: NDArray[np.float64],
    radius_mm: NDArray[np.float64],
    scan: PlantedScan,
) -> NDArray[np.int8]:
    """POSITIVE near the centre of a nodule of the branch and of its size, IGNORED elsewhere on a nodule or mark."""
    label = np.full(len(points_lps), NEGATIVE, dtype=np.int8)
    for mark in scan.marked:
        away = np.linalg.norm(points_lps - mark.centre_lps, axis=1)
        label[away < max(1.3 * mark.radius_mm, mark.radius_mm + 4)] = IGNORED
    for one in scan.planted:
        radius = nodule_radius_mm(one)
        away = np.linalg.norm(points_lps - np.array(one.centre_lps), axis=1)
        label[away < max(1.4 * radius, radius + 2)] = IGNORED
        fits = (away < max(0.6 * radius, 1.5)) & (radius_mm < 1.9 * radius + 0.8) & (radius_mm > 0.45 * radius)
        if one.kind in BRANCH_KINDS[branch]:
            label[fits] = POSITIVE
    return label


def nodule_radius_mm(one: Planted) -> float:
    """Half the effective diameter, mm."""
    return one.truths["effective_diameter_mm"] / 2
