"""A network over a picture or volume of any size: overlapping tiles, blended by Gaussian weights, band by band."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.errors import ResourceError, UsageError
from overread.runtime import Progress, Runtime, silent

Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""(1, channel, *tile) float32 to (1, channel out, *tile) float32: an open `Network`, or an ensemble's mean."""

LARGEST_WEIGHT = 4096
STEP = 2.0**-26
"""Values are blended as whole multiples of this: 1.5e-8."""
LARGEST_VALUE = 2.0**17


@dataclass(frozen=True, slots=True)
class TilePlan:
    """How a picture or volume is cut.

    Parameters
    ----------
    tile : tuple of 2 or 3 int
        (row, column) or (slice, row, column) of a tile.
    overlap : float
        Share of a tile's length that the next one covers again, at least.
    sigma : float
        Standard deviation of the weights as a share of the tile's length; nnU-Net's is 1/8 (Isensee et al. 2021).
    """

    tile: tuple[int, ...]
    overlap: float = 0.5
    sigma: float = 0.125

    def __post_init__(self) -> None:
        if len(self.tile) not in (2, 3) or min(self.tile) < 1:
            raise UsageError(f"a tile is (row, column) or (slice, row, column), got {self.tile}")
        if not 0 <= self.overlap < 1:
            raise UsageError(f"overlap is {self.overlap}, expected 0 or more and less than 1")
        if not self.sigma > 0:
            raise UsageError(f"sigma is {self.sigma}, expected more than 0")

    def starts(self, axis: int, length: int) -> list[int]:
        """First indices of the tiles along an axis, evenly apart, the last tile flush with the end."""
        tile = self.tile[axis]
        room = max(0, length - tile)
        step = max(1, round(tile * (1 - self.overlap)))
        count = math.ceil(room / step) + 1
        return [round(i * room / max(1, count - 1)) for i in range(count)]

    def weights(self) -> NDArray[np.int64]:
        """(*tile) whole numbers from 1 at the corners to `LARGEST_WEIGHT` in the middle."""
        product = np.ones(self.tile)
        for axis, length in enumerate(self.tile):
            away = (np.arange(length) - (length - 1) / 2) / (self.sigma * length)
            shape = [1] * len(self.tile)
            shape[axis] = length
            product = product * np.exp(-0.5 * away**2).reshape(shape)
        whole: NDArray[np.int64] = np.maximum(1, np.rint(LARGEST_WEIGHT * product)).astype(np.int64)
        return whole


class Blend:
    """Weighted mean of overlapping tiles.

    Sums are of whole numbers, so the order of the tiles does not change a bit of the result.
    """

    def __init__(self, channels: int, shape: tuple[int, ...], plan: TilePlan) -> None:
        self._weights = plan.weights()
        self._sum = np.zeros((channels, *shape), np.int64)
        self._weight = np.zeros(shape, np.int64)

    def add(self, corner: tuple[int, ...], values: NDArray[np.float32]) -> None:
        """Add (channel, *tile) values whose first pixel lies at `corner`.

        Raises
        ------
        UsageError
            A value is not finite or too large to be blended.
        """
        if not (np.abs(values) <= LARGEST_VALUE).all():
            raise UsageError(f"the network gave a value that is no number, or beyond +-{LARGEST_VALUE:.0f}")
        at = tuple(slice(first, first + n) for first, n in zip(corner, self._weights.shape, strict=True))
        whole = np.rint(values.astype(np.float64) / STEP).astype(np.int64)
        self._sum[(slice(None), *at)] += whole * self._weights
        self._weight[at] += self._weights

    def take(self, count: int) -> NDArray[np.float32]:
        """(channel, count, ...) means of the first `count` planes of the first axis, which then leave the blend.

        Raises
        ------
        UsageError
            No tile covers a pixel of these planes.
        """
        if not self._weight[:count].all():
            raise UsageError("tiles leave a part of the image uncovered")
        mean = self._sum[:, :count] / self._weight[:count] * STEP
        for sums in (np.moveaxis(self._sum, 1, 0), self._weight):
            sums[:-count] = sums[count:].copy()
            sums[-count:] = 0
        return mean.astype(np.float32)


def tiled(
    run: Run, image: NDArray[np.float32], plan: TilePlan, *, runtime: Runtime, progress: Progress = silent
) -> NDArray[np.float32]:
    """The network's answer for the whole image.

    Parameters
    ----------
    image : (row, column) or (slice, row, column), with a leading channel if the network takes several; float32
        Of any size; what is smaller than a tile is continued by its edge.

    Returns
    -------
    (channel, row, column) or (channel, slice, row, column) float32

    Raises
    ------
    ResourceError
        The answer needs more than `runtime.max_memory_bytes`; use `tiled_bands`.
    """
    dimensions = len(plan.tile)
    whole: NDArray[np.float32] | None = None
    for first, band in tiled_bands(run, image, plan, runtime=runtime, progress=progress):
        if whole is None:
            shape = (band.shape[0], *image.shape[-dimensions:])
            _require_memory(4 * math.prod(shape), "the whole answer", runtime)
            whole = np.empty(shape, np.float32)
        whole[:, first : first + band.shape[1]] = band
    assert whole is not None  # noqa: S101  (an image has a band, or was refused)
    return whole


def tiled_bands(
    run: Run, image: NDArray[np.float32], plan: TilePlan, *, runtime: Runtime, progress: Progress = silent
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """The same in bands, as (first index, (channel, planes, ...) float32), from first to last along the first axis.

    Memory beside the image: the sums of one layer of tiles, whatever the length of the first axis.
    """
    dimensions = len(plan.tile)
    if image.ndim not in (dimensions, dimensions + 1) or image.dtype != np.float32 or image.size == 0:
        raise UsageError(
            f"tiles of {plan.tile} need a float32 image of {dimensions} axes, or one more for channels; "
            f"got {image.shape} {image.dtype}"
        )
    channels = image if image.ndim > dimensions else image[None]
    shape = channels.shape[1:]
    starts = [plan.starts(axis, length) for axis, length in enumerate(shape)]
    layer = (plan.tile[0], *(max(a, b) for a, b in zip(shape[1:], plan.tile[1:], strict=True)))
    blend: Blend | None = None
    for number, first in enumerate(starts[0]):
        for corner in itertools.product(*starts[1:]):
            answer = run(_cut(channels, (first, *corner), plan.tile)[None])
            if answer.shape[:1] + answer.shape[2:] != (1, *plan.tile):
                raise UsageError(f"the network answers {answer.shape} to a tile of {plan.tile}")
            if blend is None:
                _require_memory(8 * (answer.shape[1] + 1) * math.prod(layer), "a layer of tiles", runtime)
                blend = Blend(answer.shape[1], layer, plan)
            blend.add((0, *corner), answer[0])
        assert blend is not None  # noqa: S101  (every axis has a tile)
        last = number + 1 == len(starts[0])
        count = (shape[0] if last else starts[0][number + 1]) - first
        if count:
            inside = tuple(slice(0, length) for length in shape[1:])
            yield first, blend.take(count)[(slice(None), slice(None), *inside)]
        progress("network", (number + 1) / len(starts[0]))


def _cut(channels: NDArray[np.float32], corner: tuple[int, ...], tile: tuple[int, ...]) -> NDArray[np.float32]:
    at = tuple(slice(first, first + n) for first, n in zip(corner, tile, strict=True))
    part = channels[(slice(None), *at)]
    missing = [(0, want - got) for want, got in zip(tile, part.shape[1:], strict=True)]
    padded: NDArray[np.float32] = np.pad(part, [(0, 0), *missing], mode="edge")
    return padded


def _require_memory(size: int, what: str, runtime: Runtime) -> None:
    limit = runtime.max_memory_bytes
    if limit is not None and size > limit:
        raise ResourceError(
            f"{what} needs {size / 2**20:.0f} MiB, more than the {limit / 2**20:.0f} MiB allowed",
            way_out="Allow more with --max-memory, or read a smaller image.",
        )
