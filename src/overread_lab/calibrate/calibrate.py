"""Calibrate: what the labelled cases of a site say about a task's probabilities, as a file bound to its weights."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cards import Question, QuestionKind, TaskCard
from overread.errors import ResourceError, UsageError
from overread.image import Intensity
from overread.models import Gain, QuestionCalibration, SiteFile
from overread.models.temperature import Temperature, fit_temperature, logits_of
from overread.runtime import Progress, Runtime, silent, within
from overread_lab import metrics
from overread_lab.datasets import Case, read_manifest
from overread_lab.evaluate.answers import answers, numbered_patients, require_columns
from overread_lab.evaluate.class_rows import ClassRow
from overread_lab.evaluate.entry import Entry, counts
from overread_lab.evaluate.evaluate import scorers_of
from overread_lab.evaluate.told import gain_over

LEAST_CASES = 50
"""Patients with an answer, below which nothing is calibrated."""

LEAST_OF_A_CLASS = 10
"""Patients of each class."""

FOLDS = 5
MISS_RATE = 0.1


@dataclass(frozen=True, slots=True)
class Scores:
    """Log loss, Brier score and expected calibration error of the same cases."""

    log_loss: float
    brier: float
    ece: float

    @classmethod
    def of(cls, p: NDArray[np.float64], truth: NDArray[np.intp]) -> Scores:
        """Of (n, classes) probabilities."""
        return cls(metrics.log_loss(p, truth).value, metrics.brier(p, truth), metrics.ece(p, truth, draws=1).value)


@dataclass(frozen=True, slots=True)
class Change:
    """What calibration changes for one question.

    `before` are the task's own probabilities, `after` those of temperatures fitted on the other four fifths of the
    patients: an honest forecast. `coverage` is the range of coverage that the sets of classes will have, 90 %.
    `cases` counts what became of every case of the set; `patients` were used, one case each, decided or not. `gains`
    are over the controls of the question: with none shown, the task decides nothing at this site.
    """

    question: str
    patients: int
    cases: dict[str, int]
    temperature: Temperature
    before: Scores
    after: Scores
    miss_rate: float
    by_class: bool
    coverage: tuple[float, float]
    gains: dict[str, Gain] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "question": self.question,
            "patients": self.patients,
            "cases": self.cases,
            "temperature": self.temperature.value,
            "note": self.temperature.note,
            "before": {"log_loss": self.before.log_loss, "brier": self.before.brier, "ece": self.before.ece},
            "after": {"log_loss": self.after.log_loss, "brier": self.after.brier, "ece": self.after.ece},
            "miss_rate": self.miss_rate,
            "threshold_a_class": self.by_class,
            "coverage_90_percent": list(self.coverage),
            "gains": {name: [gain.value, gain.low, gain.high] for name, gain in self.gains.items()},
        }


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A site file to be saved, and what it changes."""

    site: SiteFile
    changes: tuple[Change, ...]

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the site file, whole or not at all; `UsageError` where it exists, `ResourceError` where it cannot."""
        path = Path(path)
        if path.exists() and not overwrite:
            raise UsageError("the site file exists", where=str(path), way_out="Name a new one, or add --overwrite.")
        partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
        try:
            partial.write_bytes(self.site.to_bytes())
            partial.replace(path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise ResourceError(f"the site file cannot be written ({error.strerror})", where=str(path)) from None
        return path


def calibrate(
    task: str,
    data: str | Path,
    *,
    miss_rate: float = MISS_RATE,
    seed: int = 0,
    intensity: Intensity | None = None,
    runtime: Runtime | None = None,
    progress: Progress = silent,
) -> Calibration:
    """Calibrate every question of classes of `task` on the labelled cases of a site.

    One case a patient is used, drawn by `seed`: several of one patient are not exchangeable with those to come.

    Raises
    ------
    UsageError
        No such task, no question of classes, fewer than 50 patients with an answer or 10 of a class, answers without
        probabilities, or patients that the task learned from.
    InputError
        The manifest cannot be read.
    """
    card, scorers = scorers_of(task, seed=seed)
    scorers = tuple(one for one in scorers if one.question.kind is QuestionKind.CLASSES)
    if not scorers:
        raise UsageError(f"the card of {task} has no question of classes, so nothing can be calibrated")
    manifest = read_manifest(data)
    require_columns(scorers, manifest.cases, str(manifest.folder / "manifest.csv"))
    _refuse_trained_on(card, manifest.cases, str(manifest.folder))
    found = answers(
        task,
        numbered_patients(manifest.cases),
        scorers,
        intensity=intensity,
        runtime=runtime,
        progress=within(progress, 0.0, 0.9),
    )
    questions, changes, used = {}, [], []
    for scorer in scorers:
        progress("calibrate", 0.9)
        entries = found.entries[scorer.question.name]
        rows = _one_a_patient(entries, seed)
        _require_enough(scorer.question, rows, str(manifest.folder))
        questions[scorer.question.name], change = _question(scorer.question, rows, counts(entries), miss_rate, seed)
        changes.append(change)
        used += [f"{scorer.question.name} {row.case} {row.truth} {found.digests.get(row.case, '')}" for row in rows]
    site = SiteFile(
        task=card.name,
        task_version=card.version,
        weights=dict(found.weights or card.weights),
        cases=hashlib.sha256("\n".join(sorted(used)).encode()).hexdigest(),
        n=min(change.patients for change in changes),
        questions=questions,
    )
    return Calibration(site, tuple(changes))


def _refuse_trained_on(card: TaskCard, cases: Sequence[Case], where: str) -> None:
    """Answers for patients in training are better than they will be: a calibration on them is overconfident."""
    groups = card.training_groups
    known = [case for case in cases if groups.hold(case.group)] if groups is not None else []
    if known:
        raise UsageError(
            f"the patients of {len(known)} cases were in training, such as that of {known[0].case!r}",
            where=where,
            way_out="Leave them out of the manifest.",
        )


def _one_a_patient(entries: Sequence[Entry[Any]], seed: int) -> list[ClassRow]:
    """The row of each patient whose case has the lowest digest with the seed, by patient."""
    chosen: dict[str, tuple[str, ClassRow]] = {}
    for entry in entries:
        row = entry.told
        if row is None or row.probabilities is None:
            continue
        key = hashlib.sha256(f"{seed}|{row.case}".encode()).hexdigest()
        if row.group not in chosen or key < chosen[row.group][0]:
            chosen[row.group] = (key, row)
    return [chosen[group][1] for group in sorted(chosen)]


def _require_enough(question: Question, rows: Sequence[ClassRow], where: str) -> None:
    sizes = {name: sum(row.truth == name for row in rows) for name in question.classes}
    few = {name: n for name, n in sizes.items() if n < LEAST_OF_A_CLASS}
    if len(rows) < LEAST_CASES or few:
        raise UsageError(
            f"question {question.name}: {len(rows)} patients with an answer in probabilities ({_words(sizes)}), "
            f"expected {LEAST_CASES} or more and {LEAST_OF_A_CLASS} of each class",
            where=where,
            way_out="Label more cases; `overread evaluate` says which were left out and why.",
        )


def _words(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in sizes.items())


def _question(
    question: Question, rows: Sequence[ClassRow], cases: dict[str, int], miss_rate: float, seed: int
) -> tuple[QuestionCalibration, Change]:
    p = np.array([row.probabilities for row in rows], dtype=np.float64)
    truth = np.array([question.classes.index(row.truth) for row in rows], dtype=np.intp)
    gains = {name: _gain(question, rows, name, seed) for name in question.controls}
    fitted = QuestionCalibration.fit(question.classes, p, truth, miss_rate=miss_rate, gains=gains)
    change = Change(
        question=question.name,
        patients=len(rows),
        cases=cases,
        temperature=fitted.temperature,
        before=Scores.of(p, truth),
        after=Scores.of(_cross_fitted(p, truth), truth),
        miss_rate=miss_rate,
        by_class=fitted.sets.by_class,
        coverage=fitted.sets.coverage(),
        gains=gains,
    )
    return fitted, change


def _gain(question: Question, rows: Sequence[ClassRow], control: str, seed: int) -> Gain:
    """Over a control; none is shown where it cannot be computed."""
    found = gain_over(question, rows, control, seed=seed)
    if found.interval is None:
        return Gain(0.0 if math.isnan(found.value) else found.value, -1.0, 1.0)
    return Gain(found.value, found.interval.low, found.interval.high)


def _cross_fitted(p: NDArray[np.float64], truth: NDArray[np.intp]) -> NDArray[np.float64]:
    """(n, classes) probabilities of each fifth of the patients by the temperature of the others."""
    logits, fold = logits_of(p), np.arange(len(p)) % FOLDS
    found = np.empty_like(p)
    for k in range(FOLDS):
        inside = fold == k
        found[inside] = fit_temperature(logits[~inside], truth[~inside]).probabilities(logits[inside])
    return found
