"""What can decide over a voxel of the band: each learns from rows and labels and returns decisions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from overread.models.self_paced_svm import SelfPacedSVM
from overread.tasks.brain_mr_hippocampus.rows import NAMES
from overread_lab.studies.hippocampus_classifiers.score import Bools, Decide, Learner

Floats = NDArray[np.float64]
TREES, LEAF = 150, 3
KERNELS = {"linear": "linear", "Gaussian": "rbf", "Fourier": "fourier"}


def machine(kernel: str, *, end: float | None = None, seed: int = 0) -> Learner:
    """A support vector machine of C 1; self-paced up to the share `end` of each class, or plain (None).

    Parameters
    ----------
    kernel : str
        "linear", "Gaussian", or "Fourier": linear on 512 random Fourier features.
    """
    first, last = (1.0, 1.0) if end is None else (0.5, end)

    def learn(rows: Floats, truth: Bools) -> Decide:
        fitted = SelfPacedSVM(kernel=KERNELS[kernel], start=first, end=last, seed=seed).fit(rows, truth)
        return lambda seen: np.asarray(fitted.decision_function(seen.astype(np.float64)), np.float64)

    return learn


def forest(*, seed: int = 0) -> Learner:
    """A random forest of 150 trees with 3 rows to a leaf; decides by its share less one half."""

    def learn(rows: Floats, truth: Bools) -> Decide:
        fitted = RandomForestClassifier(TREES, min_samples_leaf=LEAF, random_state=seed, n_jobs=1).fit(rows, truth)
        return lambda seen: np.asarray(fitted.predict_proba(seen.astype(np.float64))[:, 1] - 0.5, np.float64)

    return learn


def by_prior(rows: Floats, truth: Bools) -> Decide:
    """The logit of the place prior as a decision; learns nothing."""
    column = NAMES.index("prior_logit")
    return lambda seen: seen[:, column].astype(np.float64)


def on_columns(learner: Learner, columns: NDArray[np.intp]) -> Learner:
    """The learner, which sees only some columns."""

    def learn(rows: Floats, truth: Bools) -> Decide:
        decide = learner(rows[:, columns], truth)

        def few(seen: NDArray[Any]) -> Floats:
            return decide(seen[:, columns])

        return few

    return learn
