"""Scope gate: whether an image is of the kind a model was checked on, from named numeric features, in words.

The gate does not compute features and knows nothing of images: a task gives numbers by name, and the words for each
limit ("the picture is blank", "hardly more than noise").
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.errors import IntegrityError, UsageError
from overread.findings import Reason, Scope, ScopeAnswer
from overread.models.checked import finite
from overread.models.conformal import conformal_quantile


@dataclass(frozen=True, slots=True)
class FeatureLimit:
    """A feature lies within `low` and `high`, both allowed; `below` and `above` say what is wrong beyond."""

    name: str
    low: float
    high: float
    below: Reason
    above: Reason

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise UsageError(f"{self.name} is limited from {self.low} to {self.high}")


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """How far an image may lie from those the model was checked on, all features together (Mahalanobis).

    Parameters
    ----------
    mean : (f,) float
    precision : (f, f) float
        Inverse of the covariance.
    doubtful_beyond, refused_beyond : float
        Distances in standard deviations.
    """

    names: tuple[str, ...]
    mean: NDArray[np.float64]
    precision: NDArray[np.float64]
    doubtful_beyond: float
    refused_beyond: float
    reason: Reason

    def __post_init__(self) -> None:
        f = len(self.names)
        if self.mean.shape != (f,) or self.precision.shape != (f, f):
            raise UsageError(f"{f} features, a mean of {self.mean.shape} and a precision of {self.precision.shape}")
        if not 0 <= self.doubtful_beyond <= self.refused_beyond:
            raise UsageError(f"doubt from {self.doubtful_beyond}, refusal from {self.refused_beyond}: wrong order")

    def distance(self, features: Mapping[str, float]) -> float:
        """sqrt((x - m)' P (x - m))."""
        away = np.array([features[name] for name in self.names]) - self.mean
        return math.sqrt(max(0.0, float(away @ self.precision @ away)))


@dataclass(frozen=True, slots=True)
class ScopeGate:
    """Limits of single features first, then the likeness of all together."""

    limits: tuple[FeatureLimit, ...]
    likeness: Likeness | None = None

    def check(self, features: Mapping[str, float]) -> Scope:
        """Yes, doubtful or no with reasons; `UsageError` for a feature that is missing.

        A feature that is NaN could not be computed: such an image is refused, since nothing is known about it. Where a
        single limit is broken the likeness is not asked: its distance would only repeat it.
        """
        names = {limit.name for limit in self.limits} | set(self.likeness.names if self.likeness else ())
        missing = sorted(names - set(features))
        if missing:
            raise UsageError(f"the gate needs the features {missing}", way_out=f"It got: {sorted(features)}.")
        unknown = sorted(name for name in names if not math.isfinite(features[name]))
        if unknown:
            text = f"{', '.join(unknown)} cannot be computed for this image"
            return Scope(ScopeAnswer.NO, (Reason("feature_not_computable", text),))
        broken = [self._broken(limit, features[limit.name]) for limit in self.limits]
        reasons = tuple(reason for reason in broken if reason is not None)
        if reasons:
            return Scope(ScopeAnswer.NO, reasons)
        return self._alike(features)

    @staticmethod
    def _broken(limit: FeatureLimit, value: float) -> Reason | None:
        if value < limit.low:
            return Reason(limit.below.code, f"{limit.below.text} ({limit.name} {value:.3g}, at least {limit.low:.3g})")
        if value > limit.high:
            return Reason(limit.above.code, f"{limit.above.text} ({limit.name} {value:.3g}, at most {limit.high:.3g})")
        return None

    def _alike(self, features: Mapping[str, float]) -> Scope:
        likeness = self.likeness
        if likeness is None:
            return Scope(ScopeAnswer.YES)
        distance = likeness.distance(features)
        if distance <= likeness.doubtful_beyond:
            return Scope(ScopeAnswer.YES)
        away = np.array([features[name] for name in likeness.names]) - likeness.mean
        share = away * (likeness.precision @ away)
        text = (
            f"{likeness.reason.text} (distance {distance:.2g}, at most {likeness.refused_beyond:.2g}; "
            f"mostly {likeness.names[int(np.argmax(share))]})"
        )
        refused = distance > likeness.refused_beyond
        return Scope(ScopeAnswer.NO if refused else ScopeAnswer.DOUBTFUL, (Reason(likeness.reason.code, text),))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON or TOML holds them."""
        found: dict[str, Any] = {
            "limits": [
                {
                    "name": limit.name,
                    "low": limit.low,
                    "high": limit.high,
                    "below": [limit.below.code, limit.below.text],
                    "above": [limit.above.code, limit.above.text],
                }
                for limit in self.limits
            ]
        }
        if self.likeness is not None:
            found["likeness"] = {
                "names": list(self.likeness.names),
                "mean": self.likeness.mean.tolist(),
                "precision": self.likeness.precision.tolist(),
                "doubtful_beyond": self.likeness.doubtful_beyond,
                "refused_beyond": self.likeness.refused_beyond,
                "reason": [self.likeness.reason.code, self.likeness.reason.text],
            }
        return found

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> ScopeGate:
        """Back from plain values; `IntegrityError` where they are not those of a gate."""
        try:
            limits = tuple(
                FeatureLimit(row["name"], row["low"], row["high"], Reason(*row["below"]), Reason(*row["above"]))
                for row in table["limits"]
            )
            plain = table.get("likeness")
            likeness = None
            if plain is not None:
                likeness = Likeness(
                    tuple(plain["names"]),
                    finite(plain["mean"], "mean"),
                    finite(plain["precision"], "precision"),
                    plain["doubtful_beyond"],
                    plain["refused_beyond"],
                    Reason(*plain["reason"]),
                )
        except (KeyError, TypeError, ValueError) as error:
            raise IntegrityError(f"these are not the values of a scope gate: {error}") from error
        return cls(limits, likeness)


def fit_likeness(
    features: ArrayLike,
    names: Sequence[str],
    reason: Reason,
    *,
    refuse_rate: float = 0.01,
    doubt_rate: float = 0.05,
    shrink: float = 0.05,
) -> Likeness:
    """From (n, f) features of images in scope: mean and covariance of every other one, limits from the rest.

    The limits are conformal quantiles: no more than `refuse_rate` of further images of this kind are refused, and no
    more than `doubt_rate` called doubtful or refused. Too few images for that make a limit infinite, which is raised.
    The covariance is drawn towards its diagonal by `shrink`.
    """
    table = finite(features, "features")
    if table.ndim != 2 or table.shape[1] != len(names):
        raise UsageError(f"features have shape {table.shape}, expected (images, {len(names)})")
    fitted, held = table[::2], table[1::2]
    mean: NDArray[np.float64] = np.asarray(fitted.mean(axis=0), dtype=np.float64)
    covariance = np.atleast_2d(np.cov(fitted, rowvar=False)) if len(fitted) > 1 else np.zeros((len(names),) * 2)
    flat = [name for name, variance in zip(names, np.diag(covariance), strict=True) if not variance > 0]
    if flat:
        raise UsageError(f"the features {flat} do not vary", way_out="Leave them out of the likeness.")
    drawn = (1 - shrink) * covariance + shrink * np.diag(np.diag(covariance))
    precision = np.asarray(np.linalg.inv(drawn), dtype=np.float64)
    away = held - mean
    distance = np.sqrt(np.maximum(0, np.einsum("ni,ij,nj->n", away, precision, away)))
    doubt, refuse = (conformal_quantile(distance, miss_rate=rate) for rate in (doubt_rate, refuse_rate))
    if math.isinf(refuse) or math.isinf(doubt):
        raise UsageError(
            f"{len(table)} images are too few to refuse no more than {refuse_rate:g} of this kind",
            way_out=f"Give {2 * math.ceil(1 / min(refuse_rate, doubt_rate))} or more, or a higher rate.",
        )
    return Likeness(tuple(names), mean, precision, doubt, refuse, reason)
