"""From a value and named standard deviations to a measurement with its 95 % interval. Reproducible from its parts."""

from __future__ import annotations

import math

from overread.findings import Component, Interval, Measurement, Quality

Z95 = 1.959964
LOG_ABOVE = 0.15
"""Relative sd above which the interval of a positive quantity is symmetric in its logarithm."""


def measured(
    name: str,
    value: float,
    unit: str,
    parts: dict[str, float],
    method: str,
    *,
    quality: Quality = Quality.NONE,
    low: float = -math.inf,
    high: float = math.inf,
    force_log: bool = False,
    above: dict[str, float] | None = None,
) -> Measurement:
    """A measurement whose interval is value +- 1.96 x root sum square of `parts`.

    Parameters
    ----------
    parts : dict
        Name to sd in the unit of the value; parts of 0 are left out.
    low, high : float
        What the quantity cannot leave; the interval is cut off there.
    force_log : bool
        Symmetric in the logarithm whatever the size.
    above : dict, optional
        Parts that only lift the upper end: the truth may be larger, not smaller.
    """
    total = math.sqrt(sum(sd**2 for sd in parts.values()))
    upper = math.sqrt(total**2 + sum(sd**2 for sd in (above or {}).values()))
    log_scale = value > 0 and (force_log or (total > LOG_ABOVE * value and low >= 0))
    scale = value if log_scale else 1.0
    named = parts | {f"{part} (upwards)": sd for part, sd in (above or {}).items()}
    components = tuple(Component(part, float(sd) / scale, log_scale) for part, sd in named.items() if sd > 0)
    if log_scale:
        ends = value * math.exp(-Z95 * total / value), value * math.exp(Z95 * upper / value)
    else:
        ends = value - Z95 * total, value + Z95 * upper
    interval = Interval(min(max(ends[0], low), value), max(min(ends[1], high), value))
    return Measurement(name, value, unit, interval, method, quality, components)
