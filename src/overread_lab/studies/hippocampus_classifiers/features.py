"""Which features are needed: importance in each fold, few features chosen there, and what they cost and save."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from overread.models.self_paced_svm import SelfPacedSVM
from overread.ops.texture import FEATURES, co_occurrence_features, gradient_per_mm, gray_gradient_features, to_levels
from overread.ops.texture.voxel_features import DEEP_WINDOW, FLAT_WINDOW
from overread.runtime import Runtime
from overread.tasks.brain_mr_hippocampus.rows import NAMES, band_of
from overread.tasks.brain_mr_hippocampus.segment import segment
from overread.tasks.brain_mr_hippocampus.task import shipped_model
from overread_lab.metrics import Bootstrap, bootstrap
from overread_lab.recipes.hippocampus_fit import Ready
from overread_lab.studies.hippocampus_classifiers.importance import (
    CO_OCCURRENCE,
    FAMILIES,
    Drop,
    clusters,
    importance,
    joined,
    ranked,
    select,
)
from overread_lab.studies.hippocampus_classifiers.machines import machine, on_columns
from overread_lab.studies.hippocampus_classifiers.picture import bars
from overread_lab.studies.hippocampus_classifiers.report import limits
from overread_lab.studies.hippocampus_classifiers.run import Arm, Study, say
from overread_lab.studies.hippocampus_classifiers.score import Answers, sample

CHEAP = tuple(name for name in NAMES if not name.startswith(CO_OCCURRENCE))
TIMED, TIMED_CASES = 5, 6
GIVEN: dict[str, tuple[str, ...]] = {
    "the 61 without those of the prior": tuple(FEATURES),
    "all without co-occurrence": CHEAP,
    "prior only": FAMILIES["prior"],
}
CHOSEN: dict[str, tuple[int, tuple[str, ...]]] = {
    "20 chosen": (20, NAMES),
    "20 chosen without co-occurrence": (20, CHEAP),
    "10 chosen without co-occurrence": (10, CHEAP),
}


@dataclass(frozen=True, slots=True)
class FoldFeatures:
    """What was found on the training cases of a fold.

    Parameters
    ----------
    clusters : tuple of tuples of str
        Features that rank its voxels alike.
    drops : tuple of Drop
        Left-out training cases: single features, families and clusters.
    chosen : dict
        Name of a selection to its features.
    """

    clusters: tuple[tuple[str, ...], ...]
    drops: tuple[Drop, ...]
    chosen: dict[str, tuple[str, ...]]


def of_fold(study: Study, fold: int) -> FoldFeatures:
    """Importance and selections of a fold, kept or made; no case that is answered takes part."""
    path = study.folder(fold) / "features.json"
    rows = study.rows(fold)
    if path.exists():
        told = json.loads(path.read_text(encoding="utf-8"))
        return FoldFeatures(
            tuple(tuple(one) for one in told["clusters"]),
            tuple(Drop(**one) for one in told["drops"]),
            {name: tuple(names) for name, names in told["chosen"].items()},
        )
    began = time.perf_counter()
    train = [one.ready for one in rows.train]
    table, _ = sample(train, [one.truth for one in train], study.how, seed=0)
    alike = clusters(table)
    shuffled = {name: (name,) for name in NAMES} | FAMILIES | {joined(one): one for one in alike}
    drops = importance(machine("Gaussian"), train, shuffled, study.how)
    chosen = {name: select(drops, alike, wanted, among=among) for name, (wanted, among) in CHOSEN.items()}
    found = FoldFeatures(tuple(alike), tuple(drops), chosen)
    path.write_text(json.dumps(asdict(found)), encoding="utf-8")
    say(f"fold {fold}: importance in {time.perf_counter() - began:.0f} s")
    return found


def answers(study: Study, fold: int, spread: float) -> list[tuple[Arm, Answers]]:
    """The Gaussian machine on fewer features, in one fold."""
    rows, found = study.rows(fold), of_fold(study, fold)
    every = []
    for name, names in (GIVEN | found.chosen).items():
        columns = np.array([NAMES.index(one) for one in names])
        arm = Arm("features", name, on_columns(machine("Gaussian"), columns))
        every.append((arm, study.kept_or_made(arm.file, rows, arm, spread)))
    return every


def importance_lines(found: Mapping[int, FoldFeatures]) -> list[str]:
    """Families, then every feature, by how far right answers fall; clusters; and what was chosen how often."""
    drops = [one for each in found.values() for one in each.drops]
    lines = [f"shuffled in {len(drops)} left-out training cases of {len({d.group for d in drops})} patients"]
    for kind, names in (("family", tuple(FAMILIES)), ("feature", NAMES)):
        falls = sorted(((name, fall(drops, name)) for name in names), key=lambda pair: -pair[1].value)
        lines += [
            f"{kind} {name}: right answers fall by {one.value:.2f} points{limits(one.interval, '.2f')}"
            for name, one in falls
        ]
    for fold, each in found.items():
        mean = ranked(each.drops)
        groups = sorted((one for one in each.clusters if len(one) > 1), key=lambda one: -mean[joined(one)])
        told = "; ".join(f"{100 * mean[joined(one)]:.2f} {joined(one)}" for one in groups)
        lines.append(f"fold {fold}: {len(each.clusters)} clusters; fall, in points, of those of several: {told}")
    for name in CHOSEN:
        times = Counter(feature for each in found.values() for feature in each.chosen[name])
        often = ", ".join(f"{feature} {count}" for feature, count in times.most_common())
        lines.append(f"{name}, in how many of {len(found)} folds: {often}")
    return lines


def fall(drops: Sequence[Drop], name: str) -> Bootstrap:
    """Mean fall in points of a hundred, with its interval over patients."""
    groups: dict[str, list[float]] = {}
    for one in drops:
        groups.setdefault(one.group, []).append(100 * one.drop[name])
    values = [np.array(one) for one in groups.values()]
    return bootstrap(lambda some: float(np.concatenate([values[i] for i in some]).mean()), len(values), seed=0)


def drawing(found: Mapping[int, FoldFeatures], shown: int = 25) -> str:
    """SVG of the families and of the `shown` features that matter most, with intervals."""
    drops, rows = [one for each in found.values() for one in each.drops], []
    for kind, names, most in (("family", tuple(FAMILIES), len(FAMILIES)), ("feature", NAMES, shown)):
        falls = sorted(((name, fall(drops, name)) for name in names), key=lambda pair: -pair[1].value)[:most]
        for name, one in falls:
            low, high = (one.value,) * 2 if one.interval is None else (one.interval.low, one.interval.high)
            rows.append((name, one.value, low, high, kind))
    title = (
        f"What the machine of the hippocampus loses when features are shuffled (the {shown} largest of {len(NAMES)})"
    )
    return bars(title, "points of right answers lost; dark: families shuffled as one; whiskers: 95 % intervals", rows)


def seconds_lines(study: Study, fold: int) -> list[str]:
    """Medians of what a case takes: all of it, its rows, co-occurrence in them, and decisions on all and on few."""
    rows, chosen = study.rows(fold), of_fold(study, fold).chosen
    train, runtime = [one.ready for one in rows.train], Runtime(1)
    cases = [one.ready for one in rows.test[:TIMED_CASES]]
    lines = []
    for name, work in {
        "all of it, as shipped": lambda one: segment(one.case.values, shipped_model(), study.plan, runtime),
        "its rows": lambda one: band_of(one.placed, study.plan.band_mm, runtime),
        "co-occurrence in them": co_occurrence,
    }.items():
        lines.append(f"{name}: {_median(work, cases):.3f} s a case")
    table, truth = sample(train, [one.truth for one in train], study.how, seed=0)
    for name, names in ({"all": NAMES} | chosen).items():
        columns = [NAMES.index(one) for one in names]
        fitted = SelfPacedSVM(start=1.0, end=1.0).fit(table[:, columns], truth)

        def decide(one: Ready, fitted: SelfPacedSVM = fitted, columns: list[int] = columns) -> object:
            return fitted.predict(one.band.rows[:, columns], runtime=runtime)

        lines.append(f"decisions on {name} ({len(columns)} features): {_median(decide, cases):.3f} s a case")
    return [
        *lines,
        f"processor seconds: medians over {len(cases)} cases of fold {fold} of the best of {TIMED}",
    ]


def _median(work: Callable[[Ready], object], cases: Sequence[Ready]) -> float:
    return float(np.median([timed(lambda one=one: work(one)) for one in cases]))  # type: ignore[misc]


def timed(work: Callable[[], object]) -> float:
    """The least processor seconds of several runs: what else the machine does counts little."""
    best = np.inf
    for _ in range(TIMED):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return float(best)


def co_occurrence(one: Ready) -> None:
    """The co-occurrence features of a band and nothing else, as `voxel_features` makes them."""
    values, points, runtime = one.placed.values, one.band.points, Runtime(1)
    grey = to_levels(values, *np.percentile(values, (1, 99)))
    slope = gradient_per_mm(values, (1.0, 1.0, 1.0))
    levels = to_levels(slope, 0.0, float(np.percentile(slope, 99)))
    for size in (FLAT_WINDOW, DEEP_WINDOW):
        gray_gradient_features(grey, levels, points, size, runtime=runtime)
    co_occurrence_features(grey, points, DEEP_WINDOW, runtime=runtime)
