"""What enhancement did to a picture, in figures that need no truth: entropy, gradient, noise, edge width, contrast."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.errors import UsageError
from overread.ops.contrast import FEWEST, ContrastToNoise, contrast_to_noise

Mask = NDArray[np.bool_]
BINS = 256
SMOOTH_PX = 2.0
FLAT_SHARE, EDGE_SHARE = 0.2, 0.01
REACH_PX, STEPS_PER_PX = 6, 8
INSET_PX, GAP_PX, RING_PX = 2, 3, 9
_LOCAL_PX = 7


@dataclass(frozen=True, slots=True)
class PictureFigures:
    """Figures of one picture; the places they are taken at are those of the original.

    Parameters
    ----------
    entropy : float
        Bits a pixel, of 256 bins over the range of the original, or of its whole values where they are fewer.
    gradient : float
        Mean size of the gradient (central differences), in the unit of the image a pixel.
    flat_noise : float
        Median standard deviation in 7 x 7 pixels, in the unit of the image, in the fifth with the least structure that
        is not of one value.
    edge_width : float
        10 to 90 % rise of the mean profile across the strongest edges, pixels; NaN where there is none.
    contrast : ContrastToNoise or None
        Of the region against the ring about it; None without a region.
    """

    entropy: float
    gradient: float
    flat_noise: float
    edge_width: float
    contrast: ContrastToNoise | None

    def to_dict(self) -> dict[str, float | None]:
        """Plain values; what cannot be told is None."""
        c = self.contrast
        found = {
            "cnr_rms": c.rms if c else None,
            "cnr_sum": c.sum if c else None,
            "cnr_background": c.background if c else None,
            "cnr_union": c.union if c else None,
            "difference": c.difference if c else None,
            "entropy_bits": self.entropy,
            "mean_gradient_per_px": self.gradient,
            "flat_noise_sd": self.flat_noise,
            "edge_width_px": self.edge_width,
        }
        return {name: value if value is not None and math.isfinite(value) else None for name, value in found.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where the figures of all versions of one picture are taken.

    Parameters
    ----------
    flat : (row, column) bool
        The fifth of the pixels whose smoothed gradient is least, of those with anything but one value about them.
    profiles : (n, 2, samples) float
        (row, column) of the samples across each strong edge, from its dark to its bright side.
    inside, ring : (row, column) bool or None
        The region less `INSET_PX` pixels, and the ring from `GAP_PX` to `GAP_PX + RING_PX` pixels outside.
    low, high : float
        Range of the original.
    bins : int
        For the entropy.
    """

    flat: Mask
    profiles: NDArray[np.float64]
    inside: Mask | None
    ring: Mask | None
    low: float
    high: float
    bins: int

    @classmethod
    def of(cls, original: NDArray[Any], region: Mask | None = None, *, edges: Mask | None = None) -> Places:
        """The places of a (row, column) picture; with `edges`, a mask, the strongest edges within it.

        Raises
        ------
        UsageError
            The region does not fit, or region or ring are too small for a standard deviation.
        """
        values = np.asarray(original, np.float64)
        if values.ndim != 2 or min(values.shape) < 2 * REACH_PX or not np.isfinite(values).all():
            raise UsageError(f"a picture of {values.shape}, expected finite (row, column) values, 12 or more a side")
        low, high = float(values.min()), float(values.max())
        whole = bool((values == np.rint(values)).all())
        bins = min(BINS, int(high - low) + 1) if whole else BINS
        smooth = ndi.gaussian_filter(values, SMOOTH_PX)
        down, right = np.gradient(smooth)
        size = np.hypot(down, right)
        inside, ring = (None, None) if region is None else _region_and_ring(region, values.shape)
        return cls(
            _flat(values, size),
            _profiles(size, (down, right), np.ones(size.shape, bool) if edges is None else edges),
            inside,
            ring,
            low,
            high,
            bins,
        )


def picture_figures(picture: NDArray[Any], places: Places) -> PictureFigures:
    """Figures of a version of the picture that `places` is of.

    Raises
    ------
    UsageError
        Another size, or values that are not finite.
    """
    values = np.asarray(picture, np.float64)
    if values.shape != places.flat.shape or not np.isfinite(values).all():
        raise UsageError(f"a picture of {values.shape}, expected {places.flat.shape} finite values")
    down, right = np.gradient(values)
    centred = values - values.mean()
    mean = ndi.uniform_filter(centred, _LOCAL_PX)
    local = np.sqrt(np.maximum(ndi.uniform_filter(centred**2, _LOCAL_PX) - mean**2, 0))
    contrast = None
    if places.inside is not None and places.ring is not None:
        contrast = contrast_to_noise(values, places.inside, places.ring)
    return PictureFigures(
        _entropy(values, places),
        float(np.hypot(down, right).mean()),
        float(np.median(local[places.flat])),
        _rise(values, places.profiles),
        contrast,
    )


def _flat(values: NDArray[np.float64], gradient: NDArray[np.float64]) -> Mask:
    """A background of one value holds no noise, whatever the rest of the picture does."""
    alive = ndi.maximum_filter(values, _LOCAL_PX) > ndi.minimum_filter(values, _LOCAL_PX)
    if not alive.any():
        return np.ones_like(alive)
    flat: Mask = alive & (gradient <= np.quantile(gradient[alive], FLAT_SHARE))
    return flat


def _region_and_ring(region: Mask, shape: tuple[int, ...]) -> tuple[Mask, Mask]:
    if region.shape != shape or region.dtype != np.bool_:
        raise UsageError(
            f"a region of {region.shape} {region.dtype} on a picture of {shape}, expected bool of its shape"
        )
    if not region.any():
        raise UsageError("the region holds no pixel of the picture", way_out="Check its place and its slice.")
    depth = ndi.distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]
    away = ndi.distance_transform_edt(~region)
    inside = depth > INSET_PX
    if np.count_nonzero(inside) < FEWEST:  # a small region is taken whole
        inside = region
    ring = (away > GAP_PX) & (away <= GAP_PX + RING_PX)
    for name, mask in (("region", inside), ("ring about it", ring)):
        if np.count_nonzero(mask) < FEWEST:
            raise UsageError(
                f"the {name} has {np.count_nonzero(mask)} pixels, expected {FEWEST} or more",
                way_out="Give a larger region that leaves room about it.",
            )
    return inside, ring


def _profiles(
    size: NDArray[np.float64], gradient: tuple[NDArray[np.float64], NDArray[np.float64]], within: Mask
) -> NDArray[np.float64]:
    """Samples across the strongest edges that lie far enough from the border of the picture."""
    down, right = gradient
    peak = size == ndi.maximum_filter(size, 3)
    peak[:REACH_PX] = peak[-REACH_PX:] = False
    peak[:, :REACH_PX] = peak[:, -REACH_PX:] = False
    peak &= within
    strong = peak & (size > 0) & (size >= (np.quantile(size[within], 1 - 5 * EDGE_SHARE) if within.any() else 0))
    rows, columns = np.nonzero(strong)
    kept = np.argsort(-size[rows, columns], kind="stable")[: max(16, int(EDGE_SHARE * size.size / 8))]
    rows, columns = rows[kept], columns[kept]
    along = np.arange(-REACH_PX * STEPS_PER_PX, REACH_PX * STEPS_PER_PX + 1) / STEPS_PER_PX
    unit = np.stack([down[rows, columns], right[rows, columns]]) / size[rows, columns]
    centre = np.stack([rows, columns]).astype(np.float64)
    # the top of the gradient between pixels: a parabola through it and its neighbours across the edge
    before, middle, after = (ndi.map_coordinates(size, centre + n * unit, order=3) for n in (-1, 0, 1))
    bent = before - 2 * middle + after
    shift = np.divide(before - after, 2 * bent, out=np.zeros_like(bent), where=bent < 0)
    centre += np.clip(shift, -1, 1) * unit
    return np.moveaxis(centre[:, :, None] + unit[:, :, None] * along, 0, 1)


def _rise(values: NDArray[np.float64], profiles: NDArray[np.float64]) -> float:
    if not len(profiles):
        return math.nan
    at = np.moveaxis(profiles, 1, 0)
    profile = ndi.map_coordinates(values, at, order=3, mode="nearest").mean(axis=0)
    end = 2 * STEPS_PER_PX
    low, high = float(profile[:end].mean()), float(profile[-end:].mean())
    if not high > low:
        return math.nan
    part = (profile - low) / (high - low)
    middle = len(part) // 2
    below, above = np.flatnonzero(part[: middle + 1] <= 0.1), np.flatnonzero(part[middle:] >= 0.9)
    if not len(below) or not len(above):
        return math.nan
    first, last = int(below[-1]), middle + int(above[0])
    start = first + (0.1 - part[first]) / (part[first + 1] - part[first]) if first < middle else float(first)
    stop = last - (part[last] - 0.9) / (part[last] - part[last - 1]) if last > middle else float(last)
    return float(stop - start) / STEPS_PER_PX


def _entropy(values: NDArray[np.float64], places: Places) -> float:
    low, high = places.low, places.high
    if not high > low:
        return 0.0
    part = (np.clip(values, low, high) - low) / (high - low)
    count = np.bincount(np.rint(part * (places.bins - 1)).astype(np.intp).ravel())
    share = count[count > 0] / values.size
    return abs(float(-(share * np.log2(share)).sum()))
