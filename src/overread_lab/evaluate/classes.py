"""Questions with classes: figures, plots and comparison of the answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cards import Question
from overread.findings import Reading
from overread.image import Image
from overread_lab import metrics
from overread_lab.datasets import Case
from overread_lab.evaluate.class_plots import class_plots
from overread_lab.evaluate.class_rows import ClassRow, controls_in, probabilities_in
from overread_lab.evaluate.entry import Held, Status, cell
from overread_lab.evaluate.figure import Figure, by_patient, mean_by_patient, of_score, several_a_group, share
from overread_lab.evaluate.plots import Plot

PREVALENCES = (0.02, 0.1, 0.3)
"""Prevalences at which predictive values are restated."""

RARE = 0.1
"""Below this prevalence the average precision is reported too."""


class Classes:
    """Scores a question of classes."""

    def __init__(self, question: Question, seed: int = 0) -> None:
        self.question, self.seed = question, seed

    @property
    def positive(self) -> str | None:
        """The class looked for, of two."""
        return self.question.classes[1] if len(self.question.classes) == 2 else None

    def truth_of(self, case: Case) -> str | Held:
        """The true class, or why there is none."""
        value = cell(case, self.question.column)
        found = self.question.truth.get(value, self.question.truth.get("*") if value else None)
        return found or Held(Status.EXCLUDED, f"{self.question.column} is {value or 'empty'}")

    def take(self, case: Case, reading: Reading, truth: str, image: Image) -> ClassRow | Held:
        """The answer of a reading beside its truth; held back with its probabilities where the task did not decide."""
        label = next((d for d in reading.labels if d.name == self.question.name), None)
        p = probabilities_in(reading, self.question)
        if label is None or label.value not in self.question.classes:
            reason = "no answer" if label is None else label.value
            if p is None:
                return Held(Status.ABSTAINED, reason)
            likeliest = self.question.classes[p.index(max(p))]
            return Held(Status.ABSTAINED, reason, self._row(case, reading, (truth, likeliest), p))
        return self._row(case, reading, (truth, label.value), p)

    def _row(self, case: Case, reading: Reading, words: tuple[str, str], p: tuple[float, ...] | None) -> ClassRow:
        """A row of (truth, answer)."""
        last = f"{self.question.name}_{self.question.classes[-1]}"
        interval = next((m.interval for m in reading.measurements if m.name == last), None)
        limits = (None, None) if interval is None else (interval.low, interval.high)
        truth, answer = words
        controls = controls_in(reading, self.question)
        return ClassRow(case.case, case.group, truth, answer, p, low=limits[0], high=limits[1], controls=controls)

    def row_from(self, table: dict[str, Any]) -> ClassRow:
        """Back from plain values."""
        return ClassRow.from_dict(table)

    def _index(self, rows: Sequence[ClassRow], name: str) -> NDArray[np.intp]:
        return np.array([self.question.classes.index(getattr(row, name)) for row in rows], dtype=np.intp)

    def _table(self, rows: Sequence[ClassRow]) -> NDArray[np.float64]:
        return np.array([row.probabilities for row in rows], dtype=np.float64)

    def _balanced(self, truth: NDArray[np.intp], answer: NDArray[np.intp]) -> float:
        k = len(self.question.classes)
        return metrics.balanced_accuracy(metrics.confusion_matrix(truth, answer, classes=k)).value

    def primary(self, rows: Sequence[ClassRow]) -> Figure:
        """Area under the curve for two classes with probabilities, else balanced accuracy."""
        given = [row for row in rows if row.probabilities is not None]
        if self.positive is not None and given:
            return self._auc(given)
        return self._balanced_accuracy(rows)

    def _auc(self, rows: Sequence[ClassRow]) -> Figure:
        name = "area under the ROC curve"
        truth, p = self._index(rows, "truth"), self._table(rows)
        groups = [row.group for row in rows]
        if self.positive is None:
            note = metrics.macro_auc(p, truth).note
            name = "area under the ROC curve, one class against the rest, mean"
            return by_patient(
                name, lambda items: metrics.macro_auc(p[items], truth[items]).value, groups, seed=self.seed, note=note
            )
        if several_a_group(groups):
            return by_patient(name, lambda i: metrics.area(p[i, 1], truth[i] == 1), groups, seed=self.seed)
        found = metrics.auc(p[:, 1], truth == 1)
        method = "DeLong, logit scale" if found.interval is not None else ""
        return Figure(name, found.value, "1", len(rows), found.interval, method, found.note)

    def _balanced_accuracy(self, rows: Sequence[ClassRow]) -> Figure:
        truth, answer = self._index(rows, "truth"), self._index(rows, "answer")
        present = {row.truth for row in rows}
        absent = [name for name in self.question.classes if name not in present]
        return by_patient(
            "balanced accuracy",
            lambda items: self._balanced(truth[items], answer[items]),
            [row.group for row in rows],
            seed=self.seed,
            note=f"no case of {', '.join(absent)}" if absent and rows else "",
        )

    def figures(self, rows: Sequence[ClassRow]) -> list[Figure]:
        """All figures, the primary one first."""
        if not rows:
            return [self.primary(rows)]
        truth, answer = self._index(rows, "truth"), self._index(rows, "answer")
        groups = [row.group for row in rows]
        k = len(self.question.classes)
        first = self.primary(rows)
        found = [first]
        if first.name != "balanced accuracy":
            found.append(self._balanced_accuracy(rows))
        found.append(share("accuracy", truth == answer, groups, seed=self.seed))
        found.append(
            by_patient(
                "kappa",
                lambda i: metrics.kappa(metrics.confusion_matrix(truth[i], answer[i], classes=k)).value,
                groups,
                seed=self.seed,
            )
        )
        found += (
            self._binary(truth, answer, groups) if self.positive is not None else self._recalls(truth, answer, groups)
        )
        given = [row for row in rows if row.probabilities is not None]
        return found + (self._of_probabilities(given) if given else [])

    def _recalls(self, truth: NDArray[np.intp], answer: NDArray[np.intp], groups: Sequence[str]) -> list[Figure]:
        names = enumerate(self.question.classes)
        inside = {name: np.flatnonzero(truth == c) for c, name in names}
        return [
            share(f"recall of {name}", answer[i] == truth[i], [groups[int(n)] for n in i], seed=self.seed)
            for name, i in inside.items()
        ]

    def _binary(self, truth: NDArray[np.intp], answer: NDArray[np.intp], groups: Sequence[str]) -> list[Figure]:
        found = []
        for name, inside, right in (
            (f"sensitivity for {self.positive}", truth == 1, answer == 1),
            ("specificity", truth == 0, answer == 0),
            ("PPV at the prevalence of these cases", answer == 1, truth == 1),
            ("NPV at the prevalence of these cases", answer == 0, truth == 0),
        ):
            at = np.flatnonzero(inside)
            found.append(share(name, right[at], [groups[int(n)] for n in at], seed=self.seed))
        counts = metrics.binary_counts(truth, answer)
        sensitivity, specificity = counts.sensitivity.value, counts.specificity.value
        if not math.isnan(sensitivity + specificity):
            for q in PREVALENCES:
                for name, restate in (("PPV", metrics.restated_ppv), ("NPV", metrics.restated_npv)):
                    value = restate(sensitivity, specificity, prevalence=q)
                    found.append(
                        Figure(f"{name} at a prevalence of {100 * q:g} %", value, "1", counts.n, note="restated")
                    )
        return found

    def _of_probabilities(self, rows: Sequence[ClassRow]) -> list[Figure]:
        truth, p = self._index(rows, "truth"), self._table(rows)
        groups, n = [row.group for row in rows], len(rows)
        probabilities = p[:, 1] if self.positive is not None else p
        found = [] if self.positive is not None else [self._auc(rows)]
        loss = metrics.log_loss(p, truth)
        each = -np.log(np.clip(p[np.arange(n), truth], 1e-7, None))
        clipped = f"{loss.clipped} probabilities clipped" if loss.clipped else ""
        found.append(mean_by_patient("log loss", each, groups, seed=self.seed, note=clipped))
        if self.positive is not None:
            found.append(mean_by_patient("Brier score", (p[:, 1] - truth) ** 2, groups, seed=self.seed))
            found.append(of_score("Brier skill", metrics.brier_skill(probabilities, truth)))
            line = metrics.calibration_line(probabilities, truth)
            method = "Wald" if line.slope_interval else ""
            found.append(Figure("calibration slope", line.slope, "1", n, line.slope_interval, method, line.note))
            found.append(
                Figure("calibration intercept", line.intercept, "1", n, line.intercept_interval, method, line.note)
            )
            prevalence = float(truth.mean())
            if 0 < prevalence < RARE:
                score = metrics.average_precision(p[:, 1], truth, truths=int(truth.sum()))
                found.append(of_score(f"average precision (prevalence {prevalence:.3f})", score))
        else:
            found.append(
                mean_by_patient(
                    "Brier score", ((p - np.eye(p.shape[1])[truth]) ** 2).sum(axis=1), groups, seed=self.seed
                )
            )
        for name, measure in (
            ("ECE, 15 bins of equal width", metrics.ece),
            ("ACE, 15 bins of equal mass", metrics.ace),
        ):
            error = measure(probabilities, truth)
            note = f"a perfectly calibrated model would score {error.null_mean:.3f} at n {n}"
            found.append(Figure(name, error.value, "1", n, note=note))
        bounded = [row.high - row.low for row in rows if row.high is not None and row.low is not None]
        if bounded:
            found.append(Figure("mean width of the probability's interval", float(np.mean(bounded)), "1", len(bounded)))
        return found

    def plots(self, rows: Sequence[ClassRow]) -> list[Plot]:
        """ROC, reliability and decision curve of two classes; reliability of the top class of more."""
        given = [row for row in rows if row.probabilities is not None]
        if not given:
            return []
        return class_plots(self._table(given), self._index(given, "truth"), self.positive)

    def worst(self, rows: Sequence[ClassRow], most: int) -> list[tuple[str, str]]:
        """Wrong answers, the surest first: (case, words)."""

        def p_true(row: ClassRow) -> float:
            if row.probabilities is None:
                return 0.5
            return row.probabilities[self.question.classes.index(row.truth)]

        wrong = sorted((row for row in rows if row.truth != row.answer), key=lambda row: (p_true(row), row.case))
        return [
            (
                row.case,
                f"answered {row.answer}, truth {row.truth}"
                + ("" if row.probabilities is None else f" (given a probability of {p_true(row):.2f})"),
            )
            for row in wrong[:most]
        ]

    def comparison(self, first: Sequence[ClassRow], second: Sequence[ClassRow]) -> tuple[str, metrics.ItemStatistic]:
        """Name of the primary figure, and its statistic over (which of the two models, item)."""
        truth = self._index(first, "truth")
        both = [first, second]
        if self.positive is not None and all(row.probabilities is not None for rows in both for row in rows):
            p = np.stack([self._table(rows)[:, 1] for rows in both])
            return "area under the ROC curve", lambda model, i: metrics.area(p[model, i], truth[i] == 1)
        answer = np.stack([self._index(rows, "answer") for rows in both])
        return "balanced accuracy", lambda model, i: self._balanced(truth[i], answer[model, i])
