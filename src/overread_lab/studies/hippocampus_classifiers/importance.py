"""How much worse left-out voxels are told apart when features are shuffled, and which few features do as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from scipy.stats import spearmanr

from overread.ops.texture import FEATURES
from overread.tasks.brain_mr_hippocampus.rows import NAMES
from overread_lab.recipes.hippocampus_fit import FitPlan, Ready
from overread_lab.studies.hippocampus_classifiers.score import Decide, Learner, parts_of, sample

Floats = NDArray[np.float64]
VOXELS, REPEATS = 400, 3
ALIKE = 0.7
"""Features whose rank correlation is above this, in the mean over two clusters, are shuffled together."""
CO_OCCURRENCE = ("ggcm_", "glcm_")
FAMILIES: dict[str, tuple[str, ...]] = {
    "prior": NAMES[len(FEATURES) :],
    "place": ("x", "y", "z", "phi_mm", "centre_distance"),
    "grey and smoothed": ("intensity", "mean_2", "min_2", "max_2", "median_2", "gauss_1", "mean_3", "median_3"),
    "spread of grey": ("sd_2", "skew_2", "kurtosis_2", "sd_3"),
    "edges": (
        *("dog_12", "sobel_column", "sobel_row", "gradient_2"),
        *("hessian_large", "hessian_small", "gradient_3", "laplacian_3"),
    ),
    "gray-gradient 2-D": tuple(name for name in NAMES if name.startswith("ggcm_2")),
    "gray-gradient 3-D": tuple(name for name in NAMES if name.startswith("ggcm_3")),
    "co-occurrence 3-D": tuple(name for name in NAMES if name.startswith("glcm_3")),
}


@dataclass(frozen=True, slots=True)
class Drop:
    """How far the share of right answers falls in one left-out case; inside and outside count alike."""

    case: str
    group: str
    drop: dict[str, float]


def importance(
    learner: Learner, train: Sequence[Ready], shuffled: Mapping[str, Sequence[str]], how: FitPlan, *, seed: int = 0
) -> list[Drop]:
    """Shuffle each set of features together among the voxels of a left-out case, and look how far answers fall.

    Parameters
    ----------
    shuffled : mapping
        Name to the features that are shuffled as one, so that what they share is lost with them.
    """
    part, found = parts_of(train, how.parts, seed=seed), []
    for held in range(how.parts):
        others = [one for one, of in zip(train, part, strict=True) if of != held]
        decide = learner(*sample(others, [one.truth for one in others], how, seed=seed))
        for one in (one for one, of in zip(train, part, strict=True) if of == held):
            found.append(Drop(one.case.name, one.case.group, _drops(decide, one, shuffled, seed)))
    return found


def _drops(decide: Decide, one: Ready, shuffled: Mapping[str, Sequence[str]], seed: int) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    chosen = [np.flatnonzero(one.truth == label) for label in (False, True)]
    chosen = [rng.choice(members, min(VOXELS, len(members)), replace=False) for members in chosen]
    rows, truth = one.band.rows[np.concatenate(chosen)], np.repeat([False, True], [len(c) for c in chosen])
    before = _right(decide(rows), truth)
    drops = {}
    for name, members in shuffled.items():
        columns = [NAMES.index(member) for member in members]
        after = []
        for _ in range(REPEATS):
            mixed = rows.copy()
            mixed[:, columns] = rows[rng.permutation(len(rows))][:, columns]
            after.append(_right(decide(mixed), truth))
        drops[name] = before - float(np.mean(after))
    return drops


def _right(decisions: Floats, truth: NDArray[np.bool_]) -> float:
    found = decisions > 0
    return float((found[truth].mean() + (~found[~truth]).mean()) / 2)


def clusters(rows: NDArray[np.floating], names: Sequence[str] = NAMES) -> list[tuple[str, ...]]:
    """Features that rank voxels alike: average linkage of 1 - |Spearman correlation|, cut at 1 - `ALIKE`.

    Parameters
    ----------
    rows : (n, features)
        In the order of `names`; a constant column is alike to none.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        alike = np.abs(np.nan_to_num(np.atleast_2d(spearmanr(rows).statistic)))
    away = np.clip(1 - (alike + alike.T) / 2, 0, 1)
    np.fill_diagonal(away, 0)
    label = fcluster(linkage(squareform(away, checks=False), "average"), 1 - ALIKE, "distance")
    return [tuple(name for name, of in zip(names, label, strict=True) if of == one) for one in np.unique(label)]


def ranked(drops: Sequence[Drop]) -> dict[str, float]:
    """Mean drop by name, the largest first."""
    means = {name: float(np.mean([one.drop[name] for one in drops])) for name in drops[0].drop}
    return dict(sorted(means.items(), key=lambda pair: -pair[1]))


def select(
    drops: Sequence[Drop], alike: Sequence[tuple[str, ...]], wanted: int, *, among: Sequence[str] = NAMES
) -> tuple[str, ...]:
    """At most `wanted` features: the best of each cluster, the clusters by their drop; then the next best.

    Parameters
    ----------
    drops : list of Drop
        With every feature and every cluster (named as `joined` does).
    among : sequence of str
        Only these may be chosen.
    """
    mean = ranked(drops)
    reduced = [tuple(name for name in cluster if name in among) for cluster in alike]
    order = sorted(range(len(alike)), key=lambda n: -mean[joined(alike[n])])
    first = [max(reduced[n], key=mean.__getitem__) for n in order if reduced[n]]
    rest = sorted((name for name in among if name not in first), key=lambda name: -mean[name])
    chosen = set([*first, *rest][:wanted])
    return tuple(name for name in NAMES if name in chosen)


def joined(cluster: Sequence[str]) -> str:
    """Name of a cluster; a feature that stands alone keeps its own."""
    return " + ".join(cluster)
