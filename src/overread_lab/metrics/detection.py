"""Which candidates of one scan hit which truths. Not how hits add up over scans: see `froc`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.errors import UsageError
from overread_lab.metrics.average import finite

FALSE_POSITIVE = -1
NEITHER = -2


@dataclass(frozen=True, slots=True, eq=False)
class ScanOutcome:
    """Candidates of one scan against its truths.

    Parameters
    ----------
    scan, group : str
        The scan, and the patient it belongs to: resampling draws groups.
    score : (n,) float
        Higher is surer.
    outcome : (n,) int
        Index of the truth that the candidate found; -1 false positive; -2 neither (another candidate found the
        truth with a better score, or it marks a finding declared irrelevant).
    truths : int
        Number of truths in the scan; those never hit stay in the denominator.
    """

    scan: str
    group: str
    score: NDArray[np.float64]
    outcome: NDArray[np.int64]
    truths: int

    @property
    def hits(self) -> frozenset[int]:
        """Indices of the truths found at any score."""
        return frozenset(int(i) for i in self.outcome if i >= 0)

    @property
    def false_positives(self) -> int:
        """Candidates that hit nothing."""
        return int(np.count_nonzero(self.outcome == FALSE_POSITIVE))


def _points(points: ArrayLike, name: str) -> NDArray[np.float64]:
    array = finite(points, name)
    array = array.reshape(0, 3) if array.size == 0 else array
    if array.ndim != 2 or array.shape[1] != 3:
        raise UsageError(f"{name} has shape {array.shape}, expected (n, 3) mm")
    return array


def _diameters(diameters: ArrayLike, points: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    array = finite(diameters, name)
    if array.shape != (len(points),) or np.any(array <= 0):
        raise UsageError(f"{name} must be {len(points)} lengths above 0 mm")
    return array


def match_candidates(
    points_lps: ArrayLike,
    scores: ArrayLike,
    truths_lps: ArrayLike,
    diameters_mm: ArrayLike,
    *,
    scan: str,
    group: str = "",
    irrelevant_lps: ArrayLike = (),
    irrelevant_diameters_mm: ArrayLike = (),
) -> ScanOutcome:
    """Match the candidates of one scan to its truths by the rule of the LUNA16 challenge.

    A candidate hits a truth when its centre lies within half the diameter of the truth's centre (<=). The best-scored
    candidate of a truth counts, others on it count neither way. A candidate within several truths takes the nearest
    that is free; candidates choose in order of score, equal scores in order of distance. Candidates within an
    irrelevant finding count neither way.

    Parameters
    ----------
    points_lps : (n, 3) mm
    scores : (n,)
    truths_lps : (m, 3) mm
    diameters_mm : (m,)
    group : str
        The patient; the scan itself if left out.
    """
    points, centres = _points(points_lps, "points_lps"), _points(truths_lps, "truths_lps")
    score = finite(scores, "scores")
    if score.shape != (len(points),):
        raise UsageError(f"{score.shape} scores for {len(points)} candidates")
    others = _points(irrelevant_lps, "irrelevant_lps")
    radius = _diameters(diameters_mm, centres, "diameters_mm") / 2
    other_radius = _diameters(irrelevant_diameters_mm, others, "irrelevant_diameters_mm") / 2

    distance = np.linalg.norm(points[:, None] - centres[None], axis=2)
    within = distance <= radius
    ignored = (np.linalg.norm(points[:, None] - others[None], axis=2) <= other_radius).any(axis=1)
    nearest = np.where(within, distance, np.inf).min(axis=1, initial=np.inf)

    outcome = np.where(within.any(axis=1) | ignored, NEITHER, FALSE_POSITIVE).astype(np.int64)
    free = np.ones(len(centres), dtype=bool)
    for i in np.lexsort((points[:, 2], points[:, 1], points[:, 0], nearest, -score)):
        open_to_it = np.flatnonzero(within[i] & free)
        if len(open_to_it):
            outcome[i] = open_to_it[np.argmin(distance[i, open_to_it])]
            free[outcome[i]] = False
    return ScanOutcome(scan, group or scan, score, outcome, len(centres))
