"""How well `brain_mr_hippocampus` outlines and measures patients that its fit never saw.

    python -m overread_lab.studies.hippocampus --data ../shared/data/hippocampus_mr --each 16 --draws 3 \\
        --curve 5 10 20 40 all --work FOLDER
    python -m overread_lab.studies.hippocampus --data ../shared/data/hippocampus_mr --each 12 --model model.npz

The first fits anew: for each fold, cases drawn from the other folds are fitted and `--each` cases of the fold (all
without it; otherwise spread evenly over the fold, in the order of the manifest) are read. Draw 0 is fitted at every
size of the curve, each size holding the smaller ones; sizes of 20 and more share the atlas of the first 20 cases.
Further draws are fitted to 20 cases. The parameters of the plan were tried on regions of fold 0, and on left-out
training cases of its fit, which lie in the other folds: figures of folds 1 to 4 stand beside those of all five. What a
fit read is kept in the work folder and not made twice.

With the fits of draw 0 to 20 cases and to all, a third of the cases is read twice more: with 12 mm of edge values added
on three sides, which puts the hippocampus 6 mm off the middle along each axis, and left-right mirrored; and twice in
ways that must be flagged: upside down, and with the front half cut off. With the fit to most cases, every sixth
case is read in its eight axial copies too.

The second reads with a model that the recipe wrote, and leaves out the patients it learned from.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from overread.errors import UsageError
from overread.runtime import Runtime
from overread.tasks.brain_mr_hippocampus.model import read_model
from overread.tasks.brain_mr_hippocampus.plan import HippocampusPlan
from overread.tasks.brain_mr_hippocampus.segment import Seen
from overread_lab.datasets.manifest import Case
from overread_lab.datasets.sets import ManifestSet, Split
from overread_lab.recipes.brain_mr_hippocampus import chosen_cases, draw, read_outlined
from overread_lab.recipes.evidence import leave, say
from overread_lab.recipes.hippocampus_fit import FitPlan, Laid, lay_atlas, learn
from overread_lab.studies.hippocampus_card import figures_of
from overread_lab.studies.hippocampus_report import ALL, BESIDE, curve_report, report
from overread_lab.studies.hippocampus_rows import Fit, Reader, Row

COMMAND = "python -m overread_lab.studies.hippocampus --data ../shared/data/hippocampus_mr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is fitted and read.

    Parameters
    ----------
    each : int, optional
        Test cases of each fold; all by default.
    draws : int
        Of `BESIDE` training cases.
    sizes : tuple of int
        Training cases of draw 0; `ALL` for all.
    work : Path, optional
        Folder for what was read.
    """

    data: Path
    each: int | None = None
    draws: int = 1
    sizes: tuple[int, ...] = (BESIDE,)
    seed: int = 0
    folds: tuple[int, ...] = (0, 1, 2, 3, 4)
    work: Path | None = None


def run(wish: Wish) -> list[Row]:
    """Fit and read, fold by fold; sizes and draws that the work folder holds are taken from there."""
    found = ManifestSet.open(wish.data)
    rows: list[Row] = []
    for fold in wish.folds:
        split = found.split(fold)
        here = [row for number in range(wish.draws) for row in _run_draw(wish, split, fold, number)]
        sys.stderr.write("\n".join(curve_report(here)) + "\n")
        rows += here
    return rows


def _run_draw(wish: Wish, split: Split, fold: int, number: int) -> Iterator[Row]:
    sizes = sorted(set(wish.sizes), key=lambda n: (n == ALL, n)) if number == 0 else [BESIDE]
    plan, how = HippocampusPlan(), FitPlan(least_cases=5)
    laid: dict[int, Laid] = {}
    seen: dict[int, dict[tuple[str, str], tuple[Seen, float]]] = {}
    for size in sizes:
        fit, is_most = Fit(fold, number, size), number == 0 and size == sizes[-1]
        kept = _kept(wish, fit, copies=is_most)
        if kept is not None and kept.exists():
            yield from rows_from(kept)
            continue
        began = time.perf_counter()
        most = sizes[-1] if size == ALL or size >= how.atlas_cases else size
        if most not in laid:
            train = draw(split.train, None if most == ALL else most, seed=wish.seed + 100 * number + fold)
            laid[most] = lay_atlas([read_outlined(case, plan) for case in train], plan, how, runtime=Runtime(1))
        part = laid[most]
        model = learn(part if size == ALL else part.first(size), plan, how, seed=wish.seed, runtime=Runtime(1))
        sys.stderr.write(f"{fit}: {time.perf_counter() - began:.0f} s, threshold {model.classifier.threshold}\n")
        reader = Reader(model, plan, fit, seen.setdefault(most, {}))
        rows: list[Row] = []
        for n, case in enumerate(some(split.test, wish.each)):
            third = n % 3 == 0
            rows += reader.rows(
                read_outlined(case, plan),
                harder=third and number == 0 and size in {BESIDE, ALL},
                copies=n % 6 == 0 and is_most,
            )
        if kept is not None:
            write_rows(kept, rows)
        yield from rows


def _kept(wish: Wish, fit: Fit, *, copies: bool) -> Path | None:
    """Where the rows of a fit are kept: the name holds all that they depend on, but the code."""
    if wish.work is None:
        return None
    wish.work.mkdir(parents=True, exist_ok=True)
    manifest = sha256((wish.data / "manifest.csv").read_bytes()).hexdigest()
    key = repr((HippocampusPlan(), FitPlan(), wish.seed, wish.each, copies, manifest))
    return (
        wish.work
        / f"fold{fit.fold}_draw{fit.draw}_cases{fit.cases or 'all'}_{sha256(key.encode()).hexdigest()[:12]}.json"
    )


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as JSON; the file appears whole."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")
    part.replace(path)


def rows_from(path: Path) -> list[Row]:
    """Rows that `write_rows` wrote."""
    told = json.loads(path.read_text(encoding="utf-8"))
    for one in told:
        one["mm3"] = {name: tuple(values) for name, values in one["mm3"].items()}
        one["doubts"] = tuple(one["doubts"])
    return [Row(**one) for one in told]


def run_model(data: Path, path: Path, *, each: int | None, folds: Sequence[int]) -> list[Row]:
    """Read, with a model from the recipe, cases of patients that it did not learn from.

    Raises
    ------
    UsageError
        It learned from all of them.
    """
    model, plan = read_model(path, sha256=None), HippocampusPlan()
    found, notes = ManifestSet.open(data), model.notes
    told = {name: None if notes.get(name) is None else int(str(notes[name])) for name in ("cases", "leave_out")}
    learned = chosen_cases(found, cases=told["cases"], seed=int(str(notes["seed"])), leave_out=told["leave_out"])
    known = {case.group for case in learned}
    rows: list[Row] = []
    for fold in folds:
        unseen = [case for case in found.cases if case.fold == fold and case.group not in known]
        reader = Reader(model, plan, Fit(fold, cases=len(known)))
        for number, case in enumerate(some(unseen, each)):
            rows += reader.rows(read_outlined(case, plan), harder=number % 3 == 0)
    if not rows:
        raise UsageError(
            f"the model learned from all {len(known)} cases of the folds",
            where=str(path),
            way_out="Its figures are those of fits that leave a fold out: leave --model away.",
        )
    return rows


def some(cases: Sequence[Case], each: int | None) -> list[Case]:
    """`each` of the cases, spread evenly; all for None."""
    if each is None or each >= len(cases):
        return list(cases)
    return [cases[int(n)] for n in np.linspace(0, len(cases) - 1, each).round()]


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m overread_lab.studies.hippocampus", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the set hippocampus_mr")
    parser.add_argument("--each", type=int, help="test cases of each fold; all by default")
    parser.add_argument("--draws", type=int, default=1, help=f"draws of {BESIDE} training cases")
    parser.add_argument("--curve", nargs="+", default=[str(BESIDE)], help="training cases of draw 0: numbers, or all")
    parser.add_argument("--seed", type=int, default=0, help="of the draws")
    parser.add_argument("--fold", type=int, action="append", help="only these folds")
    parser.add_argument("--work", type=Path, help="folder in which each fit's rows are kept, to go on from")
    parser.add_argument("--model", type=Path, help="read with this model in place of fits")
    parser.add_argument("--json", type=Path, help="also write every row to this file")
    parser.add_argument("-o", "--out", type=Path, help="folder for evidence.toml, the figures of the card")
    given = parser.parse_args(arguments)
    folds = tuple(given.fold or range(5))
    if given.model is not None:
        rows = run_model(given.data, given.model, each=given.each, folds=folds)
        lines = report(rows)
    else:
        sizes = tuple(ALL if one == "all" else int(one) for one in given.curve)
        rows = run(
            Wish(data=given.data, each=given.each, draws=given.draws, sizes=sizes, seed=given.seed, folds=folds,
                 work=given.work)
        )  # fmt: skip
        lines = curve_report(rows)
        for size in (n for n in sizes if n in {BESIDE, ALL}):
            lines += ["", f"fits to {size or 'all'} cases, draw 0:"]
            lines += report([row for row in rows if row.cases == size and row.draw == 0])
        figures = figures_of(rows)
        lines += ["", *(say(figure) for figure in figures)]
        if given.out is not None:
            given.out.mkdir(parents=True, exist_ok=True)
            curve = " ".join(given.curve)
            only = "".join(f" --fold {fold}" for fold in given.fold or ())
            command = f"{COMMAND} --each {given.each} --draws {given.draws} --curve {curve}{only}"
            leave(given.out, figures, command=command)
    sys.stdout.write("\n".join(lines) + "\n")
    if given.json is not None:
        write_rows(given.json, rows)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
