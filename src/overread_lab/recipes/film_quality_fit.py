"""Fitting of the quality heads: exposure by named numbers, chest film or not by the encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from overread.models import LinearHead, Subspace, fit_subspace
from overread.ops.film_exposure import NUMBERS
from overread.tasks.chest_xray_view.quality import EXPOSURE
from overread_lab.recipes.film_quality_data import TONES

AXES = 20
EXPOSURE_CLASSES = ("sound", *EXPOSURE)
KINDS = ("chest_film", "stranger", "crop")
_OF_TONE = {**{name: n for n, name in enumerate(EXPOSURE_CLASSES)}, "other_tone": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityPlan:
    """Inverse penalties, chosen once on the folds of the chest films."""

    exposure: float = 0.3
    kind: float = 0.05
    steps: int = 3000


def fit_logistic(
    rows: NDArray[np.floating],
    classes: NDArray[np.intp],
    weights: NDArray[np.float64],
    names: Sequence[str],
    *,
    penalty: float,
    steps: int,
) -> LinearHead:
    """A head on standardised (n, f) rows, each class of equal say."""
    each = weights.copy()
    for one in np.unique(classes):
        each[classes == one] /= each[classes == one].sum()
    each *= len(each) / len(names)
    scaler = StandardScaler().fit(rows)
    model = LogisticRegression(C=penalty, max_iter=steps).fit(scaler.transform(rows), classes, each)
    coefficients, intercept = model.coef_, model.intercept_
    if len(names) == 2:
        coefficients, intercept = np.stack([0 * coefficients[0], coefficients[0]]), np.array([0.0, intercept[0]])
    weight = coefficients / scaler.scale_
    bias = intercept - weight @ scaler.mean_
    return LinearHead(tuple(names), weight.astype(np.float32), bias.astype(np.float32))


def by_source(source: NDArray[np.str_]) -> NDArray[np.float64]:
    """(n,) weights: each source by the root of its number of films."""
    names, number, count = np.unique(source, return_inverse=True, return_counts=True)
    assert len(names) == len(count)  # noqa: S101
    return np.asarray(1 / np.sqrt(count[number]))


def fit_exposure(numbers: NDArray[np.float64], source: NDArray[np.str_], plan: QualityPlan) -> LinearHead:
    """From (film, TONES, NUMBERS) of `tone_numbers`; mild faults are left out."""
    used = [n for n, name in enumerate(TONES) if name in _OF_TONE]
    rows = numbers[:, used].reshape(-1, len(NUMBERS))
    classes = np.tile([_OF_TONE[TONES[n]] for n in used], len(numbers))
    weights = np.repeat(by_source(source), len(used))
    return fit_logistic(rows, classes, weights, EXPOSURE_CLASSES, penalty=plan.exposure, steps=plan.steps)


def fit_likeness(films: NDArray[np.float32]) -> Subspace:
    """Of the (n, 1280) `kind_features` of chest films."""
    return fit_subspace(films, AXES)


def fit_kind(
    films: NDArray[np.float32], strangers: NDArray[np.float32], crops: NDArray[np.float32], plan: QualityPlan
) -> LinearHead:
    """Chest films against other pictures and against small parts of chest films; (n, 1280) `kind_features` each."""
    rows = np.concatenate([films, strangers, crops]).astype(np.float64)
    classes = np.repeat([0, 1, 2], [len(films), len(strangers), len(crops)])
    mean, spread = rows.mean(axis=0), rows.std()  # one spread for all: features that hardly vary stay small
    each = np.array([len(rows) / len(KINDS) / n for n in np.bincount(classes)])[classes]
    model = LogisticRegression(C=plan.kind, max_iter=plan.steps).fit((rows - mean) / spread, classes, each)
    weight = model.coef_ / spread
    return LinearHead(KINDS, weight.astype(np.float32), (model.intercept_ - weight @ mean).astype(np.float32))
