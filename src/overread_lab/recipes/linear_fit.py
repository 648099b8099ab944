"""Linear heads on features: scaled, reduced, logistic, each class of equal say; one matrix comes out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from overread.models import LinearHead


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadPlan:
    """How a head is fitted; chosen once on the folds of the chest films, the same for every question."""

    components: int = 120
    inverse_penalty: float = 0.1
    steps: int = 400


def say_of_each(classes: NDArray[np.intp], sources: NDArray[np.str_]) -> NDArray[np.float64]:
    """(n,) weights: classes weigh the same; within one, each source by the root of its number of films."""
    weights = np.zeros(len(classes))
    for one in np.unique(classes):
        for source in np.unique(sources[classes == one]):
            these = (classes == one) & (sources == source)
            weights[these] = 1 / np.sqrt(these.sum())
        weights[classes == one] /= weights[classes == one].sum()
    return weights * len(classes) / len(np.unique(classes))


def fit_head(
    features: NDArray[np.float32],
    classes: NDArray[np.intp],
    weights: NDArray[np.float64],
    names: Sequence[str],
    plan: HeadPlan,
) -> LinearHead:
    """Fit one head.

    Parameters
    ----------
    features : (n, copy, feature)
    classes : (n,) index into `names`
    weights : (n,) float
    """
    n, copies, width = features.shape
    rows = features.reshape(n * copies, width).astype(np.float64)
    each = np.repeat(weights / copies, copies)
    first = StandardScaler().fit(rows)
    reduced = PCA(min(plan.components, n - 1), svd_solver="randomized", random_state=0).fit(first.transform(rows))
    second = StandardScaler().fit(reduced.transform(first.transform(rows)))
    model = LogisticRegression(C=plan.inverse_penalty, max_iter=plan.steps)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a few steps short of convergence changes no figure
        model.fit(second.transform(reduced.transform(first.transform(rows))), np.repeat(classes, copies), each)
    coefficients, intercept = model.coef_, model.intercept_
    if len(names) == 2:
        coefficients, intercept = np.stack([0 * coefficients[0], coefficients[0]]), np.array([0.0, intercept[0]])
    inner = coefficients / second.scale_
    weight = inner @ reduced.components_ / first.scale_
    bias = intercept - inner @ second.mean_ - inner @ reduced.components_ @ reduced.mean_ - weight @ first.mean_
    return LinearHead(tuple(names), weight.astype(np.float32), bias.astype(np.float32))


def out_of_fold(
    features: NDArray[np.float32],
    looked_at: NDArray[np.float32],
    classes: NDArray[np.intp],
    sources: NDArray[np.str_],
    folds: NDArray[np.intp],
    *,
    names: Sequence[str],
    plan: HeadPlan,
) -> NDArray[np.float64]:
    """(n, class) logits of each case by a head that saw no case of its fold.

    Parameters
    ----------
    features : (n, copy, feature)
        To train on.
    looked_at : (n, copy, feature)
        To answer on, as when the task runs.
    folds : (n,)
        Whatever is to be left out together: folds of patients, or sources.
    """
    logits = np.full((len(classes), len(names)), np.nan)
    for fold in np.unique(folds):
        train, test = folds != fold, folds == fold
        if len(np.unique(classes[train])) < len(names):
            continue
        head = fit_head(features[train], classes[train], say_of_each(classes[train], sources[train]), names, plan)
        logits[test] = [head.logits(row) for row in looked_at[test]]
    return logits
