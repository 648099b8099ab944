"""The study counts as it says: figures of made-up rows that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from overread_lab.studies.hippocampus import WAYS, Row, _some, report, volume_line


def row(case, fold, way=WAYS[0], *, dice=0.9, found=3000.0, true=3000.0, doubts=()):
    parts = ("anterior", "posterior", "whole")
    mm3 = dict.fromkeys(parts, (found, true, found / 1.1, found * 1.1))
    return Row(case, case, fold, way, dict.fromkeys(parts, dice), mm3, doubts, seconds=2.0)


def test_errors_and_coverage_are_those_of_the_rows():
    rows = [row("a", 1), row("b", 1, found=3300.0), row("c", 1, found=2400.0, true=3000.0), row("d", 1, true=3030.0)]
    line = volume_line(rows, "whole")
    mean = 100 * np.mean([0, 0.1, 0.2, 30 / 3030])
    assert f"error mean {mean:.1f} %" in line
    assert "coverage 0.750" in line  # c: 2640 is the upper end


def test_fold_0_is_told_apart_and_flags_are_counted():
    rows = [row("a", 0, dice=0.5), row("b", 1), row("c", 2, doubts=("match",)), row("b", 1, WAYS[2], dice=0.8)]
    lines = report(rows)
    assert any(line.startswith("folds 1-4, as it is, n=2: Dice anterior 0.900") for line in lines)
    assert any(line.startswith("all folds, as it is, n=3: Dice anterior 0.767") for line in lines)
    assert any("start 6 mm off, n=1" in line and "0.800" in line for line in lines)
    assert lines.count("  flagged 1, of these refused 0") == 2


@pytest.mark.parametrize(("each", "expected"), [(None, 9), (20, 9), (4, 4)])
def test_sub_samples_are_spread_over_the_set(each, expected):
    chosen = _some(list(range(9)), each)
    assert len(chosen) == expected
    assert (chosen[0], chosen[-1]) == (0, 8)
