"""Contrast to noise of two regions, in the four readings of HX equation 5; and the comparison of methods by it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import UsageError

FEWEST = 20
"""Pixels below which the standard deviation of a region says too little."""


@dataclass(frozen=True, slots=True)
class ContrastToNoise:
    """|a1 - a2| / m with population standard deviations s1, s2; never compare values of different m.

    Parameters
    ----------
    difference : float
        Mean inside less mean of the background, in the unit of the image.
    rms, sum, background, union : float
        m is sqrt((s1^2 + s2^2) / 2), sqrt(s1^2 + s2^2), s2, or the deviation of all pixels of both together. The last
        cannot exceed 2 for regions of one size. Infinite where m is 0 and the means differ, 0 where they do not.
    """

    difference: float
    rms: float
    sum: float
    background: float
    union: float


def contrast_to_noise(image: NDArray[Any], inside: NDArray[np.bool_], background: NDArray[np.bool_]) -> ContrastToNoise:
    """Contrast to noise of two regions of one image.

    Parameters
    ----------
    image : any shape, real
    inside, background : bool, the shape of `image`
        Without a common pixel, at least 20 pixels each.

    Raises
    ------
    UsageError
        Shapes differ, regions overlap or are too small, or a value in them is not finite.
    """
    if inside.shape != image.shape or background.shape != image.shape:
        raise UsageError(f"regions of {inside.shape} and {background.shape} do not fit an image of {image.shape}")
    if (inside & background).any():
        raise UsageError("the two regions overlap", way_out="Draw the background outside the other region.")
    one, other = image[inside].astype(np.float64), image[background].astype(np.float64)
    if min(one.size, other.size) < FEWEST:
        raise UsageError(f"regions of {one.size} and {other.size} pixels, expected at least {FEWEST} each")
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        raise UsageError("a region holds values that are not finite", way_out="Leave such pixels out of the regions.")
    difference = float(one.mean() - other.mean())
    s1, s2 = float(one.std()), float(other.std())
    together = float(np.concatenate([one, other]).std())

    def over(m: float) -> float:
        return abs(difference) / m if m > 0 else math.inf if difference else 0.0

    return ContrastToNoise(
        difference, over(math.hypot(s1, s2) / math.sqrt(2)), over(math.hypot(s1, s2)), over(s2), over(together)
    )


@dataclass(frozen=True, slots=True, eq=False)
class ContrastCase:
    """An image with a region and its background; arrays of one shape."""

    image: NDArray[Any]
    inside: NDArray[np.bool_]
    background: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class ContrastStudy:
    """What each method reached on each case.

    Parameters
    ----------
    values : dict
        Method to the contrast to noise of each case, in their order.
    """

    values: dict[str, tuple[ContrastToNoise, ...]]

    def of(self, method: str, reading: str = "rms") -> NDArray[np.float64]:
        """(cases,) values of a method in one reading of m.

        Raises
        ------
        UsageError
            No such method or reading.
        """
        if method not in self.values or reading not in ("rms", "sum", "background", "union"):
            raise UsageError(f"there is no {reading!r} of {method!r}", way_out=f"Methods: {', '.join(self.values)}.")
        return np.array([getattr(one, reading) for one in self.values[method]])

    def gain_over_best(self, method: str, reading: str = "rms") -> NDArray[np.float64]:
        """(cases,) value of `method` over the best of all others on the same case, less 1: HX's gain.

        Raises
        ------
        UsageError
            `method` is the only one.
        """
        others = [self.of(other, reading) for other in self.values if other != method]
        if not others:
            raise UsageError("a gain needs another method to compare with")
        gain: NDArray[np.float64] = self.of(method, reading) / np.max(others, axis=0) - 1
        return gain


def compare_contrast(
    cases: Sequence[ContrastCase], methods: Mapping[str, Callable[[NDArray[Any]], NDArray[Any]]]
) -> ContrastStudy:
    """Run every method on every case; regions stay where they are.

    A method that blurs gains contrast to noise by losing edges, and one that turns texture into brightness gains it out
    of nothing: print the edge width and the contrast of an equal-mean pair beside it.

    Raises
    ------
    UsageError
        No case, no method, or a method changes the shape.
    """
    if not cases or not methods:
        raise UsageError(f"a comparison of {len(methods)} methods on {len(cases)} cases", way_out="Give one of each.")
    found: dict[str, tuple[ContrastToNoise, ...]] = {}
    for name, method in methods.items():
        found[name] = tuple(contrast_to_noise(method(one.image), one.inside, one.background) for one in cases)
    return ContrastStudy(found)
