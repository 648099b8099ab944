"""What adaptive fractional enhancement does with its choices: HX 2.2, and what the paper leaves open."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from overread.errors import UsageError

LOWEST, HIGHEST = 0.45, 0.85
"""Orders of HX equation 1."""


class Mode(StrEnum):
    """What is made of the ring sums; v the order, g(v) the template's share of the mean.

    `SIGNED` adds the differences to the image: the mean is kept and the noise gain is bounded (1.6 to 1.9). `PAPER` is
    the template as printed over its centre weight: it multiplies the mean by g(v), so texture becomes brightness.
    `MEAN_PRESERVING` divides that by g(v): the mean is kept, noise grows up to 12 times. `RAW` is the template itself.
    """

    SIGNED = "signed"
    PAPER = "paper"
    MEAN_PRESERVING = "mean_preserving"
    RAW = "raw"


class Reading(StrEnum):
    """What w is in equation 1, D being the dimension of the grey surface, 2 to 3.

    `SURFACE` w = D - 0.5, the one under which 0.45 to 0.85 spans 2.0 to 2.8; `LITERAL` w = D; `PROFILE` w = D - 1;
    `QUANTILE` lays the 5th to 95th percentile of D over 1.5 to 2.3.
    """

    SURFACE = "surface"
    LITERAL = "literal"
    PROFILE = "profile"
    QUANTILE = "quantile"


class Diagonal(StrEnum):
    """Whether all rays count the same (HX), or by the length of their step: times (length / shortest step)^(-v).

    In a slice the length is 1 or sqrt(2) pixels, in three dimensions it is that in mm.
    """

    EQUAL = "equal"
    METRIC = "metric"


class Domain(StrEnum):
    """Where differences are taken: on the values, or on ln(1 + value) for multiplicative noise such as speckle."""

    LINEAR = "linear"
    LOG = "log"


class Despeckle(StrEnum):
    """A filter for multiplicative noise in front, slice by slice: `ops.despeckle` with its own defaults."""

    NONE = "none"
    LEE = "lee"
    SRAD = "srad"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnhancePlan:
    """Parameters of `enhance`.

    Parameters
    ----------
    rings : int
        Steps along each of the eight rays, 1 to 4; 2 is a template of 5 x 5.
    order : float or None
        One order for the whole image, 0 to 1 (0 changes nothing, 1 is the first difference); None for the order map.
    strength : float
        Factor of the differences in mode `SIGNED`.
    window : int
        Side in pixels of the square in which the dimension is measured; odd, 5 to 65.
    map_step : int
        The dimension is measured on every `map_step`-th pixel along each side and interpolated; 1 measures on all. At 4
        the orders are off by .008 on average and the result by 1 % of what was added to a fractal of dimension 2.2.
    noise_guard : bool
        Lowest order where the local standard deviation is below 1.5 times that of the noise.
    dimensions : int
        2: each slice on its own, eight rays. 3: 26 rays through a volume; the order of a voxel is still that of its
        slice, since slices mostly lie too far apart for a blanket across them.
    diagonal : Diagonal
        By default `EQUAL` in two and `METRIC` in three dimensions.
    despeckle : Despeckle
        Before anything else, on the values as they are (not their logarithms).
    """

    mode: Mode = Mode.SIGNED
    rings: int = 2
    order: float | None = None
    reading: Reading = Reading.SURFACE
    strength: float = 1.0
    window: int = 17
    map_step: int = 4
    diagonal: Diagonal | None = None
    domain: Domain = Domain.LINEAR
    noise_guard: bool = False
    dimensions: int = 2
    despeckle: Despeckle = Despeckle.NONE

    def __post_init__(self) -> None:
        _require(self.dimensions in (2, 3), "dimensions", self.dimensions, "2 or 3")
        if self.diagonal is None:
            object.__setattr__(self, "diagonal", Diagonal.EQUAL if self.dimensions == 2 else Diagonal.METRIC)
        for name, kind in (
            ("mode", Mode),
            ("reading", Reading),
            ("diagonal", Diagonal),
            ("domain", Domain),
            ("despeckle", Despeckle),
        ):
            object.__setattr__(self, name, _one_of(name, getattr(self, name), kind))
        _require(1 <= self.rings <= 4, "rings", self.rings, "1 to 4")
        _require(5 <= self.window <= 65 and self.window % 2 == 1, "window", self.window, "an odd number from 5 to 65")
        _require(1 <= self.map_step <= 8, "map_step", self.map_step, "1 to 8")
        _require(math.isfinite(self.strength) and self.strength >= 0, "strength", self.strength, "0 or more")
        if self.order is not None:
            below = 1.0 if self.mode is Mode.MEAN_PRESERVING else math.nextafter(1.0, 2.0)
            _require(0 <= self.order < below, "order", self.order, "0 to 1 (below 1 in mode mean_preserving)")

    def to_dict(self) -> dict[str, object]:
        """Plain values, in the order of the fields."""
        plain = (str, int, float, bool, type(None))
        return {
            name: value.value if isinstance(value, StrEnum) else value
            for name in self.__dataclass_fields__
            if isinstance(value := getattr(self, name), plain)
        }


def _one_of(name: str, value: str, kind: type[StrEnum]) -> StrEnum:
    try:
        return kind(value)
    except ValueError:
        raise UsageError(
            f"{name} is {value!r}, expected one of {', '.join(kind)}", way_out="Choose one of them."
        ) from None


def _require(holds: bool, name: str, value: object, expected: str) -> None:
    if not holds:
        raise UsageError(f"{name} is {value!r}, expected {expected}", way_out=f"Give {name}= within that range.")
