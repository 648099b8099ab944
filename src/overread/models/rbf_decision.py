"""Decisions of a support vector machine with a Gaussian kernel, in blocks: single precision where it cannot matter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.errors import UsageError
from overread.runtime import Runtime

BLOCK = 64
"""Rows of a block in double precision."""
WIDE, PART = 512, 256
"""Rows and support vectors of a block in single precision: half a MiB, written over and over, stays in the cache."""
PER_TASK = 4096
"""Rows to a task of the pool."""
_ROUNDING = 2.0**-20
"""Relative error of a squared distance from float32 products, with room: 2^-24 for each of some hundred."""


@dataclass(frozen=True, slots=True, eq=False)
class RbfMachine:
    """f(x) = sum of coefficient_i exp(-gamma |x - support_i|^2) + intercept.

    Parameters
    ----------
    support : (s, features) float64
    coefficient : (s,) float64
        Of the dual, with the sign of the class.
    """

    support: NDArray[np.float64]
    coefficient: NDArray[np.float64]
    intercept: float
    gamma: float

    def __post_init__(self) -> None:
        if self.support.ndim != 2 or self.coefficient.shape != (len(self.support),) or not self.gamma > 0:
            raise UsageError(
                f"support vectors of {self.support.shape}, coefficients of {self.coefficient.shape} and gamma"
                f" {self.gamma}, expected (s, features), (s,) and above 0"
            )

    @property
    def norm_squared(self) -> float:
        """Squared length of the weight vector in the space of the kernel."""
        total = 0.0
        for start in range(0, len(self.support), BLOCK):
            part = self.support[start : start + BLOCK]
            kernel = np.exp(-self.gamma * _squared_distances(part, self.support))
            total += float(self.coefficient[start : start + BLOCK] @ kernel @ self.coefficient)
        return max(total, 0.0)

    def decide(
        self, rows: NDArray[np.floating], *, double: bool = False, runtime: Runtime | None = None
    ) -> NDArray[np.float64]:
        """(n,) decisions for (n, features) rows; the signs are those of double precision.

        Distances come from float32 products. Rows whose decision is nearer to 0 than the rounding of that
        product could carry are decided again in float64; with `double`, all are. The same bits for any number of
        threads.

        Raises
        ------
        UsageError
            Another number of features.
        """
        if rows.ndim != 2 or rows.shape[1] != self.support.shape[1]:
            raise UsageError(f"rows of shape {rows.shape}, expected (n, {self.support.shape[1]})")
        runtime = runtime or Runtime()
        out = np.empty(len(rows))
        ready = _Single.of(self)

        def run(start: int) -> None:
            work = np.empty(WIDE * PART, np.float32)
            step = BLOCK if double else WIDE
            for first in range(start, min(start + PER_TASK, len(rows)), step):
                block = rows[first : first + step]
                if double:
                    out[first : first + len(block)] = self._exactly(block.astype(np.float64))
                    continue
                decision, bound = ready.decide(block.astype(np.float32), work)
                close = np.abs(decision) <= bound
                if close.any():
                    decision[close] = self._exactly(block[close].astype(np.float64))
                out[first : first + len(block)] = decision

        with runtime.hold_library_threads():
            runtime.map(run, range(0, len(rows), PER_TASK))
        return out

    def _exactly(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        kernel = np.exp(-self.gamma * _squared_distances(rows, self.support))
        decision: NDArray[np.float64] = kernel @ self.coefficient + self.intercept
        return decision


@dataclass(frozen=True, slots=True, eq=False)
class _Single:
    """The machine in float32, about the mean of its support vectors, where products are smallest.

    `factors` holds 2 gamma s, -gamma |s|^2 and 1 for each support vector s, so that one product with (x, 1,
    -gamma |x|^2) gives the exponents; it and the coefficients are cut into parts of `PART` support vectors.
    """

    middle: NDArray[np.float32]
    factors: tuple[NDArray[np.float32], ...]
    coefficient: tuple[NDArray[np.float32], ...]
    intercept: float
    gamma: float
    largest: float
    weight: float

    @classmethod
    def of(cls, machine: RbfMachine) -> _Single:
        middle = machine.support.mean(axis=0).astype(np.float32)
        support = machine.support - middle
        squares = machine.gamma * np.einsum("ij,ij->i", support, support)
        factors = np.concatenate([2 * machine.gamma * support.T, -squares[None], np.ones((1, len(support)))])
        parts = [slice(n, n + PART) for n in range(0, len(support), PART)]
        return cls(
            middle,
            tuple(np.ascontiguousarray(factors[:, part], np.float32) for part in parts),
            tuple(machine.coefficient[part].astype(np.float32) for part in parts),
            machine.intercept,
            machine.gamma,
            float(squares.max(initial=0.0)),
            float(np.abs(machine.coefficient).sum()),
        )

    def decide(
        self, rows: NDArray[np.float32], work: NDArray[np.float32]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Decisions and how far each may be off; `work` is written over."""
        ready = np.empty((len(rows), rows.shape[1] + 2), np.float32)
        moved = np.subtract(rows, self.middle, out=ready[:, :-2])
        squares = np.float32(self.gamma) * np.einsum("ij,ij->i", moved, moved)
        ready[:, -2], ready[:, -1] = 1, -squares
        decision = np.full(len(rows), self.intercept)
        for factors, coefficient in zip(self.factors, self.coefficient, strict=True):
            kernel = work[: len(rows) * coefficient.size].reshape(len(rows), -1)
            np.matmul(ready, factors, out=kernel)
            np.exp(kernel, out=kernel)
            decision += kernel @ coefficient
        bound = self.weight * _ROUNDING * (1 + squares.astype(np.float64) + self.largest)
        return decision, bound


def _squared_distances(rows: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    distances = np.einsum("ij,ij->i", rows, rows)[:, None] + np.einsum("ij,ij->i", others, others) - 2 * rows @ others.T
    clipped: NDArray[np.float64] = np.maximum(distances, 0)
    return clipped
