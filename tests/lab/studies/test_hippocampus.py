"""The study counts as it says: figures of made-up rows that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from overread_lab.studies.hippocampus import rows_from, some, write_rows
from overread_lab.studies.hippocampus_card import figures_of
from overread_lab.studies.hippocampus_report import ALL, curve_report, report, symmetry, volume_line
from overread_lab.studies.hippocampus_rows import COPIES, MIRRORED_COPY, WAYS, Row


def row(case, fold, way=WAYS[0], *, dice=0.9, found=3000.0, true=3000.0, doubts=(), **more):
    parts = ("anterior", "posterior", "whole")
    mm3 = dict.fromkeys(parts, (found, true, found / 1.1, found * 1.1))
    return Row(case, case, fold, way, dict.fromkeys(parts, dice), mm3, doubts, seconds=2.0, **more)


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


def test_sizes_are_compared_on_the_same_regions():
    rows = [row(c, 1, dice=d, cases=20) for c, d in (("a", 0.8), ("b", 0.9))]
    rows += [row(c, 1, dice=d, cases=ALL) for c, d in (("b", 0.91), ("a", 0.83), ("c", 0.1))]  # c has no partner
    rows += [row(c, 1, dice=0.7, cases=20, draw=1) for c in "ab"]
    lines = curve_report(rows)
    at = next(n for n, line in enumerate(lines) if line.startswith("folds 1-4, all cases of the other folds, n=3"))
    assert "whole +0.0200" in lines[at + 1]
    assert lines[at + 1].endswith("n=2")
    assert "folds 1-4, 20 cases, draw 1, n=2: Dice anterior 0.700, posterior 0.700, whole 0.700" in lines
    assert any(line.startswith("folds 1-4, 20 cases, all draws, n=4: Dice anterior 0.775") for line in lines)


def test_symmetry_tells_the_copy_that_is_accepted_from_those_that_must_be_flagged():
    rows = [row("a", 1, name, agreement=1.0, doubts=("match",) if n in {1, 2} else ()) for n, name in enumerate(COPIES)]
    rows = [
        one if one.way != MIRRORED_COPY else row("a", 1, MIRRORED_COPY, agreement=0.9, found=3300.0) for one in rows
    ]
    accepted, wrong = symmetry(rows)
    assert "n=1: Dice 0.900" in accepted
    assert "10.0 %" in accepted
    assert "n=6: 0.333 flagged" in wrong
    assert symmetry([row("a", 1)]) == []


def fits_of(set_name):
    folds, words = set_name.split(", by fits", 1) if ", by fits" in set_name else set_name.split(", the same", 1)
    assert folds == "folds 1, 2, 3, 4"
    words = f"by fits{words}" if ", by fits" in set_name else f"the same{words}"
    return words.split(",")[0]


def test_the_figures_of_the_card_are_those_of_folds_1_to_4_and_name_their_fits():
    rng, rows = np.random.default_rng(0), []
    for n in range(25):
        fold, true = n % 5, float(rng.uniform(2000, 4000))
        for size, draw, shift in ((ALL, 0, 0.02), (20, 0, 0.0), (20, 1, -0.01)):
            more = {"cases": size, "draw": draw, "true": true, "found": true * 1.05}
            rows += [
                row(
                    f"c{n}",
                    fold,
                    way,
                    dice=0.1 if fold == 0 else 0.85 + shift,
                    doubts=("match",) if "must" in way else (),
                    **more,
                )
                for way in WAYS
            ]
        copies = {name: ("match",) if number in {1, 2} else () for number, name in enumerate(COPIES)}
        rows += [row(f"c{n}", fold, way, doubts=d, cases=ALL, agreement=1.0) for way, d in copies.items()]
    found = {(figure.name, fits_of(figure.set_name)): figure for figure in figures_of(rows)}
    every, twenty = "by fits to all cases of the other folds", "by fits to 20 cases of the other folds"
    assert found["Dice, whole", every].value == 0.87  # fold 0 is left out
    assert found["Dice, whole", every].n == 20
    assert found["Dice, whole", twenty].value == pytest.approx(0.845)
    assert found["Dice, whole", twenty].n == 40
    assert "draws 0.850, 0.840" in found["Dice, whole", twenty].note
    assert found["mean error of the volume, whole", every].value == 5.0
    assert "bias +5.0 %" in found["mean error of the volume, whole", every].note
    assert found["coverage of the 95 % interval, whole", every].value == 1.0
    assert found["flagged, upside down or front half cut off", every].value == 1.0
    assert found["regions flagged or refused", every].value == 0.0
    assert found["symmetry: copies flagged that the task must not accept", every].value == 0.333
    difference = found["Dice, whole, all training cases minus 20", "the same regions"]
    assert (difference.value, difference.n) == (0.02, 20)


def test_kept_rows_come_back_as_they_were(tmp_path):
    rows = [row("a", 1, doubts=("hand",), cases=20, draw=2, agreement=0.5)]
    write_rows(tmp_path / "rows.json", rows)
    assert rows_from(tmp_path / "rows.json") == rows
    assert [path.name for path in tmp_path.iterdir()] == ["rows.json"]


@pytest.mark.parametrize(("each", "expected"), [(None, 9), (20, 9), (4, 4)])
def test_sub_samples_are_spread_over_the_set(each, expected):
    chosen = some(list(range(9)), each)
    assert len(chosen) == expected
    assert (chosen[0], chosen[-1]) == (0, 8)
