"""Fitted scikit-learn forests to the flat arrays that overread evaluates."""

from __future__ import annotations

from typing import Any

import numpy as np

from overread.models import Forest


def forest_from_sklearn(fitted: Any, names: tuple[str, ...]) -> Forest:
    """Flatten a fitted two-class `RandomForestClassifier` or `ExtraTreesClassifier`.

    Thresholds become float32 rounded down: scikit-learn compares float32 features with `<=` against float64, and a
    float32 value that was above the threshold stays above it.
    """
    feature, threshold, left, right, value, roots = [], [], [], [], [], []
    offset = 0
    for estimator in fitted.estimators_:
        tree = estimator.tree_
        leaf = tree.children_left < 0
        here = np.arange(tree.node_count) + offset
        feature.append(np.where(leaf, -1, tree.feature))
        threshold.append(_float32_below(np.where(leaf, 0.0, tree.threshold)))
        left.append(np.where(leaf, here, tree.children_left + offset))
        right.append(np.where(leaf, here, tree.children_right + offset))
        counts = tree.value[:, 0, :]
        value.append(counts[:, 1] / counts.sum(axis=1))
        roots.append(offset)
        offset += tree.node_count
    return Forest(
        names=names,
        feature=np.concatenate(feature).astype(np.int16),
        threshold=np.concatenate(threshold),
        left=np.concatenate(left).astype(np.int32),
        right=np.concatenate(right).astype(np.int32),
        value=np.concatenate(value).astype(np.float32),
        roots=np.array(roots, dtype=np.int32),
        depth=max(int(estimator.tree_.max_depth) for estimator in fitted.estimators_),
    )


def _float32_below(values: Any) -> Any:
    """Largest float32 that is not above each float64."""
    near = np.asarray(values, dtype=np.float64).astype(np.float32)
    return np.where(near.astype(np.float64) > values, np.nextafter(near, np.float32(-np.inf)), near)
