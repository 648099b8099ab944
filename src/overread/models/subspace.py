"""How much of an image's features lies outside the few directions along which the images of one kind differ.

A likeness that needs no examples of anything else. What is not explained is a distance, not a probability.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.errors import IntegrityError, UsageError
from overread.models.weights import read_weights

FORMAT = "overread.subspace/1"


@dataclass(frozen=True, slots=True, eq=False)
class Subspace:
    """The mean of the features of a kind of image and the axes along which they differ most.

    Parameters
    ----------
    mean, scale : (f,) float64
        Features less the mean are divided by the scale.
    axes : (k, f) float64
        Orthonormal.
    usual : float
        Mean square of what is left over, of the images it was fitted to.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    axes: NDArray[np.float64]
    usual: float

    def __post_init__(self) -> None:
        f = self.mean.shape
        if len(f) != 1 or self.scale.shape != f or self.axes.ndim != 2 or self.axes.shape[1:] != f:
            raise UsageError(f"a mean of {f}, scales of {self.scale.shape} and axes of {self.axes.shape}")
        if not (self.usual > 0 and (self.scale > 0).all()):
            raise UsageError("scales and the usual rest are to be above 0")

    def distance(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """(n,) mean square of what the axes leave of (n, f) features, as a multiple of what is usual."""
        if features.ndim != 2 or features.shape[1] != len(self.mean):
            raise UsageError(f"features are {features.shape}, expected (n, {len(self.mean)})")
        away = (features.astype(np.float64) - self.mean) / self.scale
        rest = (away**2).sum(axis=1) - ((away @ self.axes.T) ** 2).sum(axis=1)
        distance: NDArray[np.float64] = np.maximum(rest, 0) / len(self.mean) / self.usual
        return distance


def fit_subspace(features: NDArray[np.floating], count: int, *, least_scale: float = 0.9) -> Subspace:
    """The subspace of (n, f) features with `count` axes.

    Parameters
    ----------
    least_scale : float
        Features that vary less than this quantile of all standard deviations are scaled as if they varied so much:
        one that hardly ever differs from 0 would count for everything otherwise.
    """
    table = np.asarray(features, dtype=np.float64)
    if table.ndim != 2 or not 0 < count < min(table.shape):
        raise UsageError(f"{count} axes of features of {table.shape}")
    mean, sd = table.mean(axis=0), table.std(axis=0)
    floor = float(np.quantile(sd, least_scale))
    if not floor > 0:
        raise UsageError("the features hardly vary", way_out="Fit to different images.")
    scale = np.maximum(sd, floor)
    away = (table - mean) / scale
    axes = np.linalg.svd(away, full_matrices=False)[2][:count]
    rest = (away**2).sum(axis=1) - ((away @ axes.T) ** 2).sum(axis=1)
    return Subspace(mean, scale, axes, float(rest.mean() / table.shape[1]))


def write_subspace(path: Path, subspace: Subspace) -> None:
    """Write it; the same subspace gives the same bytes."""
    stream = io.BytesIO()
    np.savez(
        stream,
        allow_pickle=False,
        format=np.frombuffer(FORMAT.encode(), np.uint8),
        mean=subspace.mean.astype(np.float32),
        scale=subspace.scale.astype(np.float32),
        axes=subspace.axes.astype(np.float16),
        usual=np.float64(subspace.usual),
    )
    path.write_bytes(stream.getvalue())


def read_subspace(path: Path, *, sha256: str | None) -> Subspace:
    """The subspace in a file; None as digest reads without that check (training, tests).

    Raises
    ------
    IntegrityError
        No such file, another digest, or not a file of a subspace.
    """
    data = read_weights(path, sha256=sha256)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            if stored["format"].tobytes().decode() != FORMAT:
                raise IntegrityError("unknown format", where=str(path))
            mean, scale, axes = (stored[name].astype(np.float64) for name in ("mean", "scale", "axes"))
            return Subspace(mean, scale, axes, float(stored["usual"]))
    except IntegrityError:
        raise
    except Exception as error:  # a damaged file can fail anywhere in the parser
        raise IntegrityError(f"not a file of a subspace ({type(error).__name__})", where=str(path)) from error
