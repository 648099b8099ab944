"""How well `brain_mr_hippocampus` outlines and measures patients that its fit never saw.

    python -m overread_lab.studies.hippocampus --data ../shared/data/hippocampus_mr --each 12
    python -m overread_lab.studies.hippocampus --data ../shared/data/hippocampus_mr --each 12 --model model.npz

The first fits anew: for each fold, 20 cases drawn from the other folds are fitted and `--each` cases of the fold (all
without it; otherwise every n-th, in the order of the manifest) are read. The parameters of the plan were tried on cases
of fold 0 only, so the figures of folds 1 to 4 stand beside those of all five. A third of the cases is read twice more:
with 12 mm of edge values added on three sides, which puts the hippocampus 6 mm off the middle along each axis, and
left-right mirrored; and twice in ways that must be flagged: upside down, and with the front half cut off.

The second reads with a model that the recipe wrote, the shipped one say, and leaves out the patients it learned from.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.runtime import Runtime
from overread.tasks.brain_mr_hippocampus.atlas import Map
from overread.tasks.brain_mr_hippocampus.model import Model, read_model
from overread.tasks.brain_mr_hippocampus.plan import HippocampusPlan
from overread.tasks.brain_mr_hippocampus.segment import Segmented, segment
from overread_lab.datasets.manifest import Case
from overread_lab.datasets.sets import ManifestSet
from overread_lab.metrics import bootstrap, coverage, dice, icc
from overread_lab.recipes.brain_mr_hippocampus import draw, read_outlined
from overread_lab.recipes.hippocampus_atlas import Outlined
from overread_lab.recipes.hippocampus_fit import FitPlan, fit_model

SHIFT_MM = 6
PARTS = {"anterior": (1,), "posterior": (2,), "whole": (1, 2)}
WAYS = (
    "as it is",
    "prior alone",
    "start 6 mm off",
    "mirrored",
    "upside down (must be flagged)",
    "half of it cut off (must be flagged)",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One case read in one way.

    `dice` is by part; `mm3` by part: (found, true, low, high); empty for the prior alone.
    """

    case: str
    group: str
    fold: int
    way: str
    dice: dict[str, float]
    mm3: dict[str, tuple[float, float, float, float]] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    refused: bool = False
    seconds: float = math.nan


def rows_of(case: Outlined, fold: int, model: Model, plan: HippocampusPlan, *, harder: bool) -> list[Row]:
    """Every way of reading one case."""
    runtime = Runtime(1)
    began = time.perf_counter()
    plain = segment(case.values, model, plan, runtime)
    rows = [_row(case, fold, WAYS[0], plain, model, seconds=time.perf_counter() - began)]
    prior = plain.placed.prior
    inside = prior.whole > 0.5
    prior_labels = np.where(inside, np.where(prior.anterior > prior.whole / 2, 1, 2), 0).astype(np.uint8)
    if plain.placed.mirrored:
        prior_labels = prior_labels[:, :, ::-1]
    rows.append(Row(case.name, case.group, fold, WAYS[1], _dice(prior_labels, case.labels)))
    if harder:
        pad = ((2 * SHIFT_MM, 0),) * 3
        moved = segment(_padded(case.values, pad, "edge"), model, plan, runtime)
        cut = Segmented(moved.labels[2 * SHIFT_MM :, 2 * SHIFT_MM :, 2 * SHIFT_MM :], moved.placed, moved.checks,
                        moved.doubts, moved.refusals)  # fmt: skip
        rows.append(_row(case, fold, WAYS[2], cut, model))
        turned = segment(np.ascontiguousarray(case.values[:, :, ::-1]), model, plan, runtime)
        back = Segmented(turned.labels[:, :, ::-1], turned.placed, turned.checks, turned.doubts, turned.refusals)
        rows.append(_row(case, fold, WAYS[3], back, model))
        for way, cut_off in ((WAYS[4], np.s_[::-1, :, :]), (WAYS[5], np.s_[:, case.values.shape[1] // 2 :, :])):
            part = Outlined(case.name, case.group, np.ascontiguousarray(case.values[cut_off]), case.labels[cut_off])
            rows.append(_row(part, fold, way, segment(part.values, model, plan, runtime), model))
    return rows


def _padded(values: Map, pad: tuple[tuple[int, int], ...], mode: str) -> Map:
    return np.asarray(np.pad(values, pad, mode=mode), np.float32)  # type: ignore[call-overload]


def _dice(found: NDArray[np.uint8], truth: NDArray[np.uint8]) -> dict[str, float]:
    return {name: dice(np.isin(found, of), np.isin(truth, of)).value for name, of in PARTS.items()}


def _row(case: Outlined, fold: int, way: str, found: Segmented, model: Model, *, seconds: float = math.nan) -> Row:
    mm3 = {}
    for name, of in PARTS.items():
        value, width = float(np.isin(found.labels, of).sum()), math.exp(model.log_width[name])
        mm3[name] = (value, float(np.isin(case.labels, of).sum()), value / width, value * width)
    return Row(
        case.name, case.group, fold, way, _dice(found.labels, case.labels), mm3, found.doubts,
        bool(found.refusals), seconds,
    )  # fmt: skip


def mean_by_group(rows: Sequence[Row], score: Callable[[Row], float]) -> str:
    """Mean with its 95 % interval over groups."""
    groups: dict[str, list[float]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(score(row))
    values = [np.array(one) for one in groups.values()]
    found = bootstrap(lambda drawn: float(np.concatenate([values[i] for i in drawn]).mean()), len(values), seed=0)
    limits = "" if found.interval is None else f" [{found.interval.low:.3f}, {found.interval.high:.3f}]"
    return f"{found.value:.3f}{limits}"


def report(rows: Sequence[Row]) -> list[str]:
    """The printed study, for folds 1 to 4 and for all."""
    lines = []
    for label, chosen in (("folds 1-4", [r for r in rows if r.fold > 0]), ("all folds", list(rows))):
        for way in WAYS:
            here = [row for row in chosen if row.way == way]
            if not here:
                continue
            means = "; ".join(f"{name} {mean_by_group(here, lambda r, n=name: r.dice[n])}" for name in PARTS)  # type: ignore[misc]
            low = ", ".join(f"{np.percentile([r.dice[n] for r in here], 5):.3f}" for n in PARTS)
            flagged = sum(bool(row.doubts) or row.refused for row in here)
            lines.append(f"{label}, {way}, n={len(here)}: Dice {means}; 5th percentile {low}")
            if way != WAYS[1]:
                lines.append(f"  flagged {flagged}, of these refused {sum(r.refused for r in here)}")
        kept = [row for row in chosen if row.way == WAYS[0] and not row.refused]
        lines += [f"{label}, volume of {name}: {volume_line(kept, name)}" for name in PARTS] if kept else []
        seconds = [row.seconds for row in kept]
        if seconds:
            lines.append(f"{label}: {np.median(seconds):.2f} s a case (median, one thread)")
    return lines


def volume_line(rows: Sequence[Row], name: str) -> str:
    """Errors of the volume of a part, agreement, and how often its interval holds."""
    table = np.array([row.mm3[name] for row in rows])
    relative = np.abs(table[:, 0] / table[:, 1] - 1)
    bias = float(np.mean(table[:, 0] / table[:, 1] - 1))
    kept = coverage(table[:, 2], table[:, 3], table[:, 1])
    bounds = f" [{kept.exact.low:.3f}, {kept.exact.high:.3f}]" if kept.exact else ""
    return (
        f"error mean {100 * relative.mean():.1f} %, median {100 * np.median(relative):.1f} %, bias {100 * bias:+.1f} %;"
        f" ICC {icc(table[:, :2]).absolute:.3f}; coverage {kept.share:.3f}{bounds},"
        f" mean half width {100 * float(np.mean((table[:, 3] - table[:, 2]) / table[:, 0])) / 2:.1f} %, n={len(rows)}"
    )


def run(data: Path, *, each: int | None, cases: int, seed: int, folds: Sequence[int]) -> list[Row]:
    """Fit and read, fold by fold."""
    found, plan = ManifestSet.open(data), HippocampusPlan()
    rows: list[Row] = []
    for fold in folds:
        split = found.split(fold)
        train = draw(split.train, cases, seed=seed + fold)
        began = time.perf_counter()
        model = fit_model([read_outlined(case, plan) for case in train], plan, FitPlan(), seed=seed)
        sys.stderr.write(f"fold {fold}: fitted {cases} cases in {time.perf_counter() - began:.0f} s\n")
        for number, case in enumerate(_some(split.test, each)):
            rows += rows_of(read_outlined(case, plan), fold, model, plan, harder=number % 3 == 0)
        sys.stderr.write("\n".join(report([row for row in rows if row.fold == fold])) + "\n")
    return rows


def run_model(data: Path, path: Path, *, each: int | None, folds: Sequence[int]) -> list[Row]:
    """Read, with a model from the recipe, cases of patients that it did not learn from."""
    model, plan = read_model(path, sha256=None), HippocampusPlan()
    cases = ManifestSet.open(data).cases
    known = {case.group for case in draw(cases, int(str(model.notes["cases"])), seed=int(str(model.notes["seed"])))}
    rows: list[Row] = []
    for fold in folds:
        unseen = [case for case in cases if case.fold == fold and case.group not in known]
        for number, case in enumerate(_some(unseen, each)):
            rows += rows_of(read_outlined(case, plan), fold, model, plan, harder=number % 3 == 0)
        sys.stderr.write("\n".join(report([row for row in rows if row.fold == fold])) + "\n")
    return rows


def _some(cases: Sequence[Case], each: int | None) -> list[Case]:
    if each is None or each >= len(cases):
        return list(cases)
    return [cases[int(n)] for n in np.linspace(0, len(cases) - 1, each).round()]


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m overread_lab.studies.hippocampus", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the set hippocampus_mr")
    parser.add_argument("--each", type=int, help="test cases of each fold; all by default")
    parser.add_argument("--cases", type=int, default=20, help="training cases of each fit")
    parser.add_argument("--seed", type=int, default=0, help="of the draw of training cases")
    parser.add_argument("--fold", type=int, action="append", help="only these folds")
    parser.add_argument("--model", type=Path, help="read with this model in place of fits")
    parser.add_argument("--json", type=Path, help="also write every row to this file")
    given = parser.parse_args(arguments)
    folds = given.fold or list(range(5))
    if given.model is not None:
        rows = run_model(given.data, given.model, each=given.each, folds=folds)
    else:
        rows = run(given.data, each=given.each, cases=given.cases, seed=given.seed, folds=folds)
    sys.stdout.write("\n".join(report(rows)) + "\n")
    if given.json is not None:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
