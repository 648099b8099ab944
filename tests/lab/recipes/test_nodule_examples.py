"""Which candidates become examples of nodules, of background, or of neither."""

from __future__ import annotations

import numpy as np

from overread.ops.nodule_candidates import CandidateTable
from overread.phantoms.phantom import Planted
from overread_lab.recipes.nodule_examples import IGNORED, NEGATIVE, POSITIVE, SearchedScan, examples, label_candidates
from overread_lab.recipes.nodule_planting import Marked


def planted(number, kind, centre, diameter):
    return Planted(number, kind, "isolated", centre, {"effective_diameter_mm": diameter})


def searched_by_hand():
    points = np.array(
        [
            [0.5, 0, 0],  # on the solid nodule, right size
            [0.0, 0.5, 0],  # on it, but three times too large
            [5.5, 0, 0],  # at its rim
            [50, 0, 0],  # background
            [0, 100, 0],  # on the ground-glass nodule
            [0, 0, 200.0],  # on what a reader marked
        ]
    )
    radius = np.array([5.0, 15.0, 5.0, 5.0, 4.0, 5.0])
    table = CandidateTable("solid", ("a",), points, radius, np.arange(6, dtype=np.float32)[:, None])
    sub = CandidateTable("subsolid", ("a",), points, radius, np.arange(6, dtype=np.float32)[:, None])
    return SearchedScan(
        "scan",
        "patient",
        (planted(1, "solid", (0.0, 0.0, 0.0), 10.0), planted(2, "ground_glass", (0.0, 100.0, 0.0), 8.0)),
        (Marked(np.array([0, 0, 200.0]), 6.0),),
        {"solid": table, "subsolid": sub},
        {"solid": points, "subsolid": points},
    )


def test_each_branch_learns_its_own_nodules():
    scan = searched_by_hand()
    solid = label_candidates(scan, "solid").tolist()
    assert solid == [POSITIVE, IGNORED, IGNORED, NEGATIVE, IGNORED, IGNORED]
    subsolid = label_candidates(scan, "subsolid").tolist()
    assert subsolid == [IGNORED, IGNORED, IGNORED, NEGATIVE, POSITIVE, IGNORED]


def test_ignored_candidates_are_no_examples():
    table, label, weight = examples([searched_by_hand(), searched_by_hand()], "solid")
    np.testing.assert_array_equal(table[:, 0], [0, 3, 0, 3])
    np.testing.assert_array_equal(label, [1, 0, 1, 0])
    np.testing.assert_allclose(weight, 1)
