"""Which machines learn from what, and the files in which rows and answers are kept."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from overread.errors import UsageError
from overread.tasks.brain_mr_hippocampus.plan import HippocampusPlan
from overread_lab.datasets.manifest import Case
from overread_lab.datasets.sets import ManifestSet
from overread_lab.recipes.brain_mr_hippocampus import read_outlined
from overread_lab.recipes.hippocampus_fit import FitPlan, Ready
from overread_lab.studies.hippocampus import some
from overread_lab.studies.hippocampus_classifiers import wrong_labels
from overread_lab.studies.hippocampus_classifiers.machines import by_prior, forest, machine
from overread_lab.studies.hippocampus_classifiers.rows import (
    FoldRows,
    Kept,
    has_rows,
    key_of,
    make_rows,
    read_rows,
    with_rows,
    write_rows,
)
from overread_lab.studies.hippocampus_classifiers.score import Answers, Bools, Learner, Setting, answer, answer_by_prior

TASK, PRIOR = "Gaussian", "prior alone"
CLEAN, RIGHT = "clean", "right labels"
ENDS = (0.95, 0.8)
LABEL_VOXELS = 0.5
"""Share of the voxels that the part `labels` learns from, right labels too: it fits 32 machines a fold."""
WRONG = ("4 outlines moved", "8 outlines wide", "flips 20 %", "flips 30 %", "flips 10 %")


@dataclass(frozen=True, slots=True)
class Arm:
    """A machine, the labels it learns from and the rows it sees ("plain", or "enhanced" images)."""

    part: str
    name: str
    learner: Learner | None
    labels: str = CLEAN
    seen: str = "plain"

    @property
    def file(self) -> str:
        """Name of its answers."""
        words = f"{self.name} {self.labels} {self.seen}".replace("%", "percent")
        return "-".join(words.replace(".", "").split()) + ".json"


def self_paced(kernel: str, end: float) -> str:
    """Name of a self-paced machine."""
    return f"self-paced {kernel}, to {100 * end:.0f} %"


def arms(parts: Sequence[str]) -> list[Arm]:
    """All that is compared, the machine of the task first: it gives the spread."""
    every = [
        Arm("classifiers", TASK, machine("Gaussian")),
        Arm("classifiers", PRIOR, None),
        Arm("classifiers", "prior, post-processed", by_prior),
        Arm("classifiers", "linear", machine("linear")),
        Arm("classifiers", "Fourier", machine("Fourier")),
        Arm("classifiers", "random forest", forest()),
        *(Arm("classifiers", self_paced(k, e), machine(k, end=e)) for e in ENDS for k in ("linear", TASK, "Fourier")),
        Arm("chain", TASK, machine("Gaussian"), seen="enhanced"),
        Arm("chain", "linear", machine("linear"), seen="enhanced"),
        Arm("chain", self_paced(TASK, ENDS[0]), machine("Gaussian", end=ENDS[0]), seen="enhanced"),
    ]
    for labels in (RIGHT, *WRONG):
        for kernel in (TASK, "linear"):
            every.append(Arm("labels", kernel, machine(kernel), labels))
            if labels in WRONG:
                every += [Arm("labels", self_paced(kernel, end), machine(kernel, end=end), labels) for end in ENDS]
    return [arm for arm in every if arm.part in parts or arm == every[0]]


def told(labels: str, train: Sequence[Ready], *, seed: int) -> list[Bools]:
    """The labels of the bands that an arm learns from."""
    makers: dict[str, Callable[[], list[Bools]]] = {
        CLEAN: lambda: wrong_labels.right(train),
        RIGHT: lambda: wrong_labels.right(train),
        "4 outlines moved": lambda: wrong_labels.moved(train, 4, seed=seed),
        "8 outlines wide": lambda: wrong_labels.wider(train, 8, seed=seed),
    }
    for share in (10, 20, 30):
        makers[f"flips {share} %"] = lambda share=share: wrong_labels.flipped(train, share / 100, seed=seed)  # type: ignore[misc]
    return makers[labels]()


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What is read and how much of it.

    `each` cases of a fold are answered (None: all); with `kept_only` no machine is fitted that was not yet.
    """

    data: Path
    work: Path
    each: int | None = 12
    cases: int = 20
    folds: tuple[int, ...] = (0, 1, 2, 3, 4)
    draw: int = 0
    kept_only: bool = False
    plan: HippocampusPlan = HippocampusPlan()  # noqa: RUF009  (frozen)
    how: FitPlan = FitPlan()  # noqa: RUF009  (frozen)

    def folder(self, fold: int) -> Path:
        """Where rows and answers of a fold are kept."""
        return self.work / f"draw{self.draw}" / f"fold{fold}"

    def rows(self, fold: int) -> FoldRows:
        """Rows of a fold, made where they are not there yet."""
        split = ManifestSet.open(self.data).split(fold)
        train = drawn(split.train, self.cases, seed=100 * self.draw + fold)
        test = some(split.test, self.each)
        key = key_of([case.case for case in train], [case.case for case in test], self.plan)
        folder = self.folder(fold)
        if not has_rows(folder, key):
            began = time.perf_counter()
            outlined, asked = ([read_outlined(case, self.plan) for case in cases] for cases in (train, test))
            write_rows(folder, *make_rows(outlined, asked, self.plan, rounds=self.how.atlas_rounds), key)
            say(f"fold {fold}: rows of {len(train)} and {len(test)} cases in {time.perf_counter() - began:.0f} s")
        return read_rows(folder, fold, self.draw)

    def answers(self, fold: int, parts: Sequence[str]) -> Iterator[tuple[Arm, Answers]]:
        """Every arm of a fold, kept or made; only those kept where nothing may be made."""
        rows = self.rows(fold)
        spread = None
        for arm in arms(parts):
            if self.kept_only and not (self.folder(fold) / "answers" / arm.file).exists():
                continue
            found = self.kept_or_made(arm.file, rows, arm, spread)
            spread = found.spread if spread is None else spread
            yield arm, found

    def kept_or_made(self, file: str, rows: FoldRows, arm: Arm, spread: float | None) -> Answers:
        """The answers in a file of the fold; made and written where there is none."""
        path = self.folder(rows.fold) / "answers" / file
        if path.exists():
            return Answers.of(json.loads(path.read_text(encoding="utf-8")))
        began = time.perf_counter()
        how, wrong = self.how, arm.part == "labels"
        if wrong:
            how = replace(how, least_voxels=int(LABEL_VOXELS * how.least_voxels))
        setting = Setting(
            fold=rows.fold, draw=rows.draw, plan=self.plan, how=how, seed=0, spread=spread, one_fit=wrong
        )  # fmt: skip
        test = [_seen(one, arm) for one in rows.test]
        if arm.learner is None:
            found = answer_by_prior(test, setting)
        else:
            train = [_seen(one, arm) for one in rows.train]
            found = answer(arm.learner, train, told(arm.labels, train, seed=rows.fold), test, setting)
        path.parent.mkdir(exist_ok=True)
        neighbour = path.with_suffix(".part")
        neighbour.write_text(json.dumps(found.to_json()), encoding="utf-8")
        neighbour.replace(path)
        mean = float(np.mean([one.dice["whole"] for one in found.scored]))
        say(
            f"fold {rows.fold}: {arm.name}, {arm.labels}, {arm.seen}: {mean:.3f} in {time.perf_counter() - began:.0f} s"
        )
        return found


def _seen(one: Kept, arm: Arm) -> Ready:
    return with_rows(one, one.chained) if arm.seen == "enhanced" else one.ready


def drawn(cases: Sequence[Case], wanted: int, *, seed: int) -> list[Case]:
    """`wanted` of the cases at random, in their order.

    Raises
    ------
    UsageError
        There are not so many.
    """
    if not 0 < wanted <= len(cases):
        raise UsageError(f"{wanted} cases are asked for, there are {len(cases)}", way_out="Give --cases within that.")
    chosen = np.random.default_rng(seed).choice(len(cases), wanted, replace=False)
    return [cases[n] for n in sorted(chosen)]


def say(words: str) -> None:
    """Progress, apart from the figures."""
    sys.stderr.write(words + "\n")
    sys.stderr.flush()
