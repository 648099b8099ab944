"""One figure of an evaluation with its interval over patients. Not how it is drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.findings import Interval
from overread_lab.metrics import Bootstrap, Score, bootstrap, proportion
from overread_lab.metrics.checked import group_members

DRAWS = 2000
ALIKE = "every draw of patients gives this value: a bootstrap has no interval for it"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of `n` cases; NaN where it is undefined, and `note` then says why. `method` names its interval."""

    name: str
    value: float
    unit: str
    n: int
    interval: Interval | None = None
    method: str = ""
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values; no number is null."""
        return {
            "name": self.name,
            "value": self.value if math.isfinite(self.value) else None,
            "unit": self.unit,
            "n": self.n,
            "low": None if self.interval is None else self.interval.low,
            "high": None if self.interval is None else self.interval.high,
            "coverage": None if self.interval is None else self.interval.coverage,
            "method": self.method,
            "note": self.note,
        }


def several_a_group(groups: Sequence[str]) -> bool:
    """Whether some patient has more than one case: then cases are not independent."""
    return len(set(groups)) < len(groups)


def of_bootstrap(name: str, found: Bootstrap, *, n: int, unit: str = "1", note: str = "") -> Figure:
    """A figure from a bootstrap over patients."""
    interval, notes = found.interval, [note, *found.notes]
    if interval is not None and interval.low == interval.high:  # it would say "certain" where nothing is known
        interval = None
        notes = [note, *(text for text in found.notes if "accelerated" not in text), ALIKE]
    method = f"{found.method} bootstrap over {found.groups} patients" if interval else ""
    return Figure(name, found.value, unit, n, interval, method, "; ".join(filter(None, notes)))


def by_patient(
    name: str,
    statistic: Callable[[NDArray[np.intp]], float],
    groups: Sequence[str],
    *,
    seed: int,
    unit: str = "1",
    note: str = "",
) -> Figure:
    """`statistic` of case indices, with a bootstrap interval over patients; no case at all: undefined."""
    if not groups:
        return Figure(name, math.nan, unit, 0, note="no cases")
    _, members = group_members(groups)
    found = bootstrap(
        lambda drawn: statistic(np.concatenate([members[i] for i in drawn])), len(members), seed=seed, draws=DRAWS
    )
    return of_bootstrap(name, found, n=len(groups), unit=unit, note=note)


def mean_by_patient(
    name: str, values: ArrayLike, groups: Sequence[str], *, seed: int, unit: str = "1", note: str = ""
) -> Figure:
    """Mean of one number a case, with a bootstrap interval over patients."""
    array = np.asarray(values, dtype=np.float64)
    return by_patient(name, lambda items: float(array[items].mean()), groups, seed=seed, unit=unit, note=note)


def share(name: str, hits: ArrayLike, groups: Sequence[str], *, seed: int) -> Figure:
    """Share of cases: Wilson's interval, or a bootstrap over patients where some have several cases.

    Where all are right, or none is, a bootstrap knows nothing: Wilson's interval then counts each patient once.
    """
    right = np.asarray(hits, dtype=bool)
    if len(right) and several_a_group(groups):
        if right.all() or not right.any():
            n = len(set(groups))
            score = Score(float(right[0]), len(right), proportion(n * int(right[0]), n).interval)
            return of_score(name, score, method=f"Wilson over {n} patients")
        return mean_by_patient(name, right, groups, seed=seed)
    return of_score(name, proportion(int(right.sum()), len(right)), method="Wilson")


def of_score(name: str, score: Score, *, unit: str = "1", method: str = "", note: str = "") -> Figure:
    """A figure from a score."""
    shown = method if score.interval is not None else ""
    return Figure(name, score.value, unit, score.n, score.interval, shown, "; ".join(filter(None, [score.note, note])))
