"""Questions with one number: error, agreement, and whether its interval keeps its promise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cards import Question
from overread.errors import IntegrityError
from overread.findings import Reading
from overread.image import Image
from overread.units import require_unit
from overread_lab import metrics
from overread_lab.datasets import Case
from overread_lab.evaluate.entry import Held, Status, cell
from overread_lab.evaluate.figure import Figure, mean_by_patient, of_score
from overread_lab.evaluate.plots import Curve, Dot, Plot, padded_range


@dataclass(frozen=True, slots=True)
class NumberRow:
    """`value` against `truth` in the unit of the question; `low` and `high` where there is an interval."""

    case: str
    group: str
    truth: float
    value: float
    low: float | None = None
    high: float | None = None
    coverage: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


class Numbers:
    """Scores a question of one number."""

    def __init__(self, question: Question, seed: int = 0) -> None:
        self.question, self.seed = question, seed
        self.unit = require_unit(question.unit).code

    def truth_of(self, case: Case) -> float | Held:
        """The true number, or why there is none."""
        text = cell(case, self.question.column)
        try:
            value = float(text)
        except ValueError:
            return Held(Status.EXCLUDED, f"{self.question.column} is {'empty' if not text else 'no number'}")
        return value if math.isfinite(value) else Held(Status.EXCLUDED, f"{self.question.column} is not finite")

    def take(self, case: Case, reading: Reading, truth: float, image: Image) -> NumberRow | Held:
        """The answer of a reading beside its truth."""
        found = next((m for m in reading.measurements if m.name == self.question.name), None)
        if found is None or math.isnan(found.value):
            return Held(Status.ABSTAINED, "no answer" if found is None else found.method)
        if found.unit != self.unit:
            raise IntegrityError(
                f"the task gives {self.question.name} in {found.unit!r}, its card says {self.unit!r}",
                way_out="This is a fault of the task.",
            )
        if found.interval is None:
            return NumberRow(case.case, case.group, truth, found.value)
        limits = found.interval
        return NumberRow(case.case, case.group, truth, found.value, limits.low, limits.high, limits.coverage)

    def row_from(self, table: dict[str, Any]) -> NumberRow:
        """Back from plain values."""
        return NumberRow(**table)

    def _pairs(self, rows: Sequence[NumberRow]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return np.array([row.value for row in rows]), np.array([row.truth for row in rows])

    def primary(self, rows: Sequence[NumberRow]) -> Figure:
        """Mean absolute error."""
        value, truth = self._pairs(rows)
        groups = [row.group for row in rows]
        return mean_by_patient("mean absolute error", np.abs(value - truth), groups, seed=self.seed, unit=self.unit)

    def figures(self, rows: Sequence[NumberRow]) -> list[Figure]:
        """All figures, the primary one first."""
        found = [self.primary(rows)]
        if not rows:
            return found
        value, truth = self._pairs(rows)
        n, groups = len(rows), [row.group for row in rows]
        found.append(mean_by_patient("bias", value - truth, groups, seed=self.seed, unit=self.unit))
        limits = metrics.bland_altman(value, truth)
        for name, end, interval in (
            ("lower limit of agreement", limits.low, limits.low_interval),
            ("upper limit of agreement", limits.high, limits.high_interval),
        ):
            found.append(Figure(name, end, self.unit, n, interval, "Bland-Altman" if interval else "", limits.note))
        found.append(Figure("p of proportional bias", limits.slope_p, "1", n, note=limits.note))
        found.append(of_score("concordance (Lin)", metrics.concordance(value, truth)))
        agreement = metrics.icc(np.column_stack([value, truth]))
        method = "F (McGraw and Wong)" if agreement.absolute_interval else ""
        found.append(
            Figure("ICC(2,1)", agreement.absolute, "1", n, agreement.absolute_interval, method, agreement.note)
        )
        return found + self._promises(rows)

    def _promises(self, rows: Sequence[NumberRow]) -> list[Figure]:
        found = []
        for level in sorted({row.coverage for row in rows if row.coverage is not None}):
            inside = [row for row in rows if row.coverage == level]
            low, high, truth = (np.array([getattr(row, k) for row in inside], float) for k in ("low", "high", "truth"))
            kept = metrics.coverage(low, high, truth, nominal=level)
            name = f"share of {100 * level:g} % intervals that hold the truth"
            found.append(Figure(name, kept.share, "1", kept.n, kept.exact, "Clopper-Pearson"))
            found.append(Figure(f"median width of {100 * level:g} % intervals", kept.median_width, self.unit, kept.n))
            found.append(Figure("mean interval score", kept.mean_score, self.unit, kept.n))
        return found

    def plots(self, rows: Sequence[NumberRow]) -> list[Plot]:
        """Bland-Altman: difference against mean with bias and limits."""
        if len(rows) < 3:
            return []
        value, truth = self._pairs(rows)
        limits, mean, difference = metrics.bland_altman(value, truth), (value + truth) / 2, value - truth
        x, y = padded_range(mean.tolist()), padded_range([*difference.tolist(), limits.low, limits.high])
        unit = require_unit(self.unit).display
        suffix = f", {unit}" if unit else ""
        return [
            Plot(
                "Bland-Altman",
                f"Difference (answer - truth) against their mean; lines: bias and limits of agreement; n {len(rows)}.",
                f"mean{suffix}",
                f"difference{suffix}",
                x,
                y,
                (
                    Curve(((x[0], limits.bias), (x[1], limits.bias)), "bias", "main"),
                    Curve(((x[0], limits.low), (x[1], limits.low)), "limits of agreement", "other"),
                    Curve(((x[0], limits.high), (x[1], limits.high)), "", "other"),
                ),
                tuple(Dot(a, b) for a, b in zip(mean.tolist(), difference.tolist(), strict=True)),
            )
        ]

    def worst(self, rows: Sequence[NumberRow], most: int) -> list[tuple[str, str]]:
        """The largest errors: (case, words)."""
        unit = require_unit(self.unit).display
        ordered = sorted(rows, key=lambda row: (-abs(row.value - row.truth), row.case))
        return [
            (row.case, f"answered {row.value:.4g} {unit}".rstrip() + f", truth {row.truth:.4g} {unit}".rstrip())
            for row in ordered[:most]
            if row.value != row.truth
        ]

    def comparison(self, first: Sequence[NumberRow], second: Sequence[NumberRow]) -> tuple[str, metrics.ItemStatistic]:
        """Mean absolute error over (which of the two models, item)."""
        errors = np.stack([np.abs(np.subtract(*self._pairs(rows))) for rows in (first, second)])
        return "mean absolute error", lambda model, i: float(errors[model, i].mean())
