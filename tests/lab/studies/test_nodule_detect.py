"""The table of the detection study, by hand."""

from __future__ import annotations

import numpy as np

from overread.phantoms.phantom import Planted
from overread_lab.recipes.nodule_examples import SearchedScan
from overread_lab.recipes.nodule_planting import Marked
from overread_lab.studies.nodule_detect import Found, table_of


def scan_by_hand():
    truths = (
        Planted(1, "solid", "isolated", (0.0, 0.0, 0.0), {"effective_diameter_mm": 10.0}),
        Planted(2, "solid", "juxtapleural", (100.0, 0.0, 0.0), {"effective_diameter_mm": 8.0}),
        Planted(3, "ground_glass", "isolated", (0.0, 100.0, 0.0), {"effective_diameter_mm": 12.0}),
    )
    return SearchedScan("s", "p", truths, (Marked(np.array([0, 0, 300.0]), 5.0),), {}, {})


def test_hits_misses_and_false_findings_are_counted():
    points = np.array([[1.0, 0, 0], [0, 101.0, 0], [0, 0, 300.0], [500.0, 0, 0], [100.0, 0, 0]])
    score = np.array([0.9, 0.8, 0.95, 0.7, 0.3])
    table = table_of([Found(scan_by_hand(), points, score)])
    solid, glass = table["groups"]["solid >= 6 mm"], table["groups"]["ground-glass >= 6 mm"]
    assert (solid["n"], solid["shipped"]) == (2, 0.5)
    assert (glass["n"], glass["shipped"]) == (1, 1.0)
    assert table["false_positives_per_scan_shipped"] == 1.0  # the mark of a reader is none
    assert solid["at_rates"][0.25] == 0.5
    assert solid["at_rates"][1.0] == 1.0
    assert "part-solid >= 6 mm" not in table["groups"]
