"""Two models on the same cases: difference with the same draws for both, permutation by patient; Holm for families."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.errors import UsageError
from overread_lab.metrics.average import finite
from overread_lab.metrics.bootstrap import Bootstrap, bootstrap
from overread_lab.metrics.checked import group_members

ItemStatistic = Callable[[NDArray[Any], NDArray[np.intp]], float]
"""Takes the answers of one model for some items (rows in the order of the indices) and the indices of those items;
gives the figure, NaN where it is undefined."""


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Figure of the first model, of the second, and their difference with its interval over patients.

    `p` is two-sided, from exchanging the models' answers patient by patient (+1 rule); NaN where undefined.
    """

    first: float
    second: float
    difference: Bootstrap
    p: float
    permutations: int


def mean_of_items(answers: NDArray[Any], items: NDArray[np.intp]) -> float:
    """The statistic of scores that are one number a case, such as Dice."""
    return float(np.mean(answers)) if len(answers) else math.nan


def paired_comparison(
    first: ArrayLike,
    second: ArrayLike,
    groups: Sequence[str],
    *,
    statistic: ItemStatistic = mean_of_items,
    seed: int = 0,
    draws: int = 2000,
    permutations: int = 10_000,
) -> PairedComparison:
    """Compare the answers (n, ...) of two models for the same n items of the patients `groups`.

    Both models see the same draws of patients. The permutation exchanges the two answers of whole patients, which for
    means is the flip of signs. Source: metrics as in Efron and Tibshirani 1993; Phipson and Smyth 2010 for the +1.
    """
    a, b = finite(first, "first"), finite(second, "second")
    if a.shape != b.shape or len(a) != len(groups):
        raise UsageError(f"answers {a.shape} and {b.shape} for {len(groups)} items: expected the same items for both")
    _, members = group_members(groups)

    def difference(drawn: NDArray[np.intp]) -> float:
        items = np.concatenate([members[i] for i in drawn])
        return statistic(a[items], items) - statistic(b[items], items)

    every = np.arange(len(a))
    found = bootstrap(difference, len(members), seed=seed, draws=draws)
    observed = statistic(a, every) - statistic(b, every)
    p = math.nan
    if not math.isnan(observed):
        p = _permutation_p(a, b, members, statistic, observed=observed, seed=seed, permutations=permutations)
    return PairedComparison(statistic(a, every), statistic(b, every), found, p, permutations)


def _permutation_p(
    a: NDArray[Any], b: NDArray[Any], members: list[NDArray[np.intp]], statistic: ItemStatistic,
    *, observed: float, seed: int, permutations: int,
) -> float:  # fmt: skip
    rng = np.random.default_rng(seed)
    every, of_group = np.arange(len(a)), np.empty(len(a), dtype=np.intp)
    for i, items in enumerate(members):
        of_group[items] = i
    shape = (len(a),) + (1,) * (a.ndim - 1)
    as_far = 0
    for _ in range(permutations):
        swap = rng.integers(0, 2, len(members)).astype(bool)[of_group].reshape(shape)
        one, other = np.where(swap, b, a), np.where(swap, a, b)
        as_far += abs(statistic(one, every) - statistic(other, every)) >= abs(observed) - 1e-12
    return (as_far + 1) / (permutations + 1)


def holm(p: Mapping[str, float]) -> dict[str, float]:
    """p values adjusted for being a family of tests (Holm 1979), each at most 1, in the order given."""
    values = finite(list(p.values()), "p")
    if np.any(values < 0) or np.any(values > 1):
        raise UsageError("a p value lies outside 0 to 1")
    names, adjusted, worst = list(p), {}, 0.0
    for rank, i in enumerate(np.argsort(values, kind="stable")):
        worst = max(worst, min(1.0, (len(names) - rank) * float(values[i])))
        adjusted[names[i]] = worst
    return {name: adjusted[name] for name in names}
