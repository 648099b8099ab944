"""A number that may leave the package: value, unit, interval with its named components, method and caveats."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Flag, auto

from overread.errors import UsageError
from overread.units import require_unit


class Quality(Flag):
    """Caveats of a measurement."""

    NONE = 0
    TOUCHES_BORDER = auto()
    """The segment meets the edge of the image: the value is a lower bound."""
    THICK_SLICES = auto()
    """The slice spacing is large against the object: the interval is optimistic."""
    ATTACHED_TO_VESSEL = auto()
    """The boundary towards a vessel was cut by rule."""
    ATTACHED_TO_PLEURA = auto()
    """The boundary towards the pleura was set by rule."""
    LOW_CONTRAST = auto()
    """The object hardly differs from its surroundings."""
    GEOMETRY_CAVEAT = auto()
    """The geometry verdict of the input is not "sound"."""
    NOT_MEASURABLE = auto()
    """No value; `method` says why."""
    TOO_SMALL = auto()
    """The object is near the resolution of the scan."""
    EXTRAPOLATED = auto()
    """Outside the range in which the interval was checked."""

    def words(self) -> tuple[str, ...]:
        """The flags in lower-case words, for JSON and reports."""
        return tuple(str(flag.name).lower() for flag in type(self) if flag in self and flag is not Quality.NONE)


@dataclass(frozen=True, slots=True)
class Interval:
    """Limits between which the truth lies with the stated coverage (0..1). May be asymmetric about the value."""

    low: float
    high: float
    coverage: float = 0.95

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise UsageError(f"interval runs from {self.low} to {self.high}")
        if not 0 < self.coverage < 1:
            raise UsageError(f"coverage is {self.coverage}, expected between 0 and 1")


@dataclass(frozen=True, slots=True)
class Component:
    """One named part of an interval: a standard deviation in the unit of the value, or of its logarithm."""

    name: str
    sd: float
    log_scale: bool = False


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured number.

    Parameters
    ----------
    name : str
        Stable identifier such as "volume" or "long_axis".
    value : float
        NaN when it could not be measured; `quality` then has NOT_MEASURABLE and `method` says why.
    unit : str
        UCUM code.
    interval : Interval or None
        None only where the value is NaN, or is a count or label without error.
    components : tuple of Component
        What the interval is made of.
    """

    name: str
    value: float
    unit: str
    interval: Interval | None
    method: str
    quality: Quality = Quality.NONE
    components: tuple[Component, ...] = ()

    def __post_init__(self) -> None:
        require_unit(self.unit)
        if math.isnan(self.value):
            if Quality.NOT_MEASURABLE not in self.quality or self.interval is not None:
                raise UsageError(f"{self.name} has no value: it needs NOT_MEASURABLE, a reason in method, no interval")
        elif self.interval is not None and not self.interval.low <= self.value <= self.interval.high:
            raise UsageError(f"{self.name} = {self.value} lies outside its interval {self.interval}")

    @classmethod
    def not_measurable(cls, name: str, unit: str, reason: str, quality: Quality = Quality.NONE) -> Measurement:
        """A measurement that was refused, with its reason."""
        return cls(name, math.nan, unit, None, reason, quality | Quality.NOT_MEASURABLE)
