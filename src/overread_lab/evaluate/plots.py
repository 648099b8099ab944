"""Plots as plain numbers in pixels, for an SVG that a template writes. No drawing library."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 420, 340, 54, 14, 12, 46
LEGEND_ROW = 16

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through points; `kind` names its look: "main", "other" (dashed) or "guide" (thin)."""

    points: tuple[tuple[float, float], ...]
    label: str = ""
    kind: str = "main"


@dataclass(frozen=True, slots=True)
class Dot:
    """A point with an optional upright whisker from `low` to `high`."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot in its own units; points of curves and dots outside the ranges are left out, whiskers cut off."""

    title: str
    caption: str
    x_label: str
    y_label: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    curves: tuple[Curve, ...] = ()
    dots: tuple[Dot, ...] = ()


@dataclass(frozen=True, slots=True)
class Tick:
    """A grid line and its number."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A plot in pixels."""

    title: str
    caption: str
    x_label: str
    y_label: str
    alt: str
    paths: tuple[tuple[str, str], ...]
    legend: tuple[tuple[str, str], ...]
    dots: tuple[tuple[float, float], ...]
    whiskers: tuple[str, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def round_steps(low: float, high: float, *, about: int = 5) -> list[float]:
    """Round numbers from `low` to `high`, about so many."""
    span = high - low
    if not span > 0 or not math.isfinite(span):
        return [low]
    power = 10 ** math.floor(math.log10(span / about))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if span / (m * power) <= about)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def padded_range(values: Iterable[float], *, share: float = 0.06) -> tuple[float, float]:
    """From the least to the largest finite value with a margin; (0, 1) where there is none."""
    known = [v for v in values if math.isfinite(v)]
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    margin = share * (high - low) or max(abs(low), 1.0) * share
    return low - margin, high + margin


def draw(plot: Plot) -> Drawn:
    """Place everything in pixels; the legend stands above the frame, so that it covers nothing."""
    (x0, x1), (y0, y1) = plot.x_range, plot.y_range
    legend = tuple((curve.kind, curve.label) for curve in plot.curves if curve.label and curve.points)
    top = TOP + LEGEND_ROW * len(legend)

    def px(x: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (min(max(x, x0), x1) - x0) / (x1 - x0)

    def py(y: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - top - BOTTOM) * (min(max(y, y0), y1) - y0) / (y1 - y0)

    def shown(x: float, y: float) -> bool:
        return x0 <= x <= x1 and y0 <= y <= y1

    paths = tuple(
        (curve.kind, "M" + "L".join(f"{px(x):.1f} {py(y):.1f}" for x, y in curve.points if shown(x, y)))
        for curve in plot.curves
        if any(shown(x, y) for x, y in curve.points)
    )
    whiskers = tuple(
        f"M{px(dot.x):.1f} {py(dot.low):.1f}V{py(dot.high):.1f}"
        for dot in plot.dots
        if dot.low is not None and dot.high is not None
    )
    return Drawn(
        title=plot.title,
        caption=plot.caption,
        x_label=plot.x_label,
        y_label=plot.y_label,
        alt=f"{plot.title}. {plot.caption}",
        paths=paths,
        legend=legend,
        dots=tuple((px(dot.x), py(dot.y)) for dot in plot.dots if shown(dot.x, dot.y)),
        whiskers=whiskers,
        x_ticks=tuple(Tick(px(v), f"{v:g}") for v in round_steps(x0, x1)),
        y_ticks=tuple(Tick(py(v), f"{v:g}") for v in round_steps(y0, y1)),
        top=top,
    )
