"""A small chart of sizes with their intervals, on a logarithmic axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

from overread.evidence.page import wording
from overread.evidence.vocabulary import measurement_term
from overread.findings import Measurement, Reading
from overread.units import require_unit

WIDTH, LEFT, RIGHT, ROW, MOST = 420, 28, 24, 22, 15
_PREFERRED = ("mean_diameter", "effective_diameter", "long_axis")


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across the chart with its number."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One finding: value and interval in pixels of the chart."""

    number: int
    y: int
    low: float
    value: float
    high: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything the template needs."""

    width: int
    height: int
    rows: list[Row]
    ticks: list[Tick]
    caption: str
    alt: str


def _drawable(m: Measurement) -> bool:
    return m.interval is not None and math.isfinite(m.interval.high) and m.interval.low > 0 and not math.isnan(m.value)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers within the limits: the fewest of 1, 2, 5 times a power of ten or finer that give three."""
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    found: list[float] = []
    for steps in ((1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.2, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9)):
        found = [step * 10.0**p for p in powers for step in steps if low <= step * 10.0**p <= high]
        if len(found) >= 3:
            break
    return found


def size_chart(reading: Reading) -> Chart | None:
    """The chart of the first length that at least two findings have; None where there is none."""
    names = [*_PREFERRED, *(m.name for f in reading.findings for m in f.measurements if m.unit == "mm")]
    for name in dict.fromkeys(names):
        pairs = [(f.number, m) for f in reading.findings for m in f.measurements if m.name == name and _drawable(m)]
        if len(pairs) >= 2:
            return _chart(name, pairs[:MOST])
    return None


def _chart(name: str, pairs: list[tuple[int, Measurement]]) -> Chart:
    intervals = [m.interval for _, m in pairs if m.interval is not None]
    low, high = 0.9 * min(i.low for i in intervals), 1.1 * max(i.high for i in intervals)

    def x(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(value / low) / math.log(high / low)

    rows = [
        Row(number, 14 + n * ROW, x(i.low), x(m.value), x(i.high))
        for n, ((number, m), i) in enumerate(zip(pairs, intervals, strict=True))
    ]
    term, unit = measurement_term(name), require_unit(pairs[0][1].unit).display
    coverage = sorted({i.coverage for i in intervals})
    level = f"{wording.coverage_text(coverage[0])} " if len(coverage) == 1 else ""
    words = "; ".join(f"{number}: {wording.value_text(m)}, {wording.interval_text(m)}" for number, m in pairs)
    return Chart(
        width=WIDTH,
        height=14 + len(rows) * ROW + 22,
        rows=rows,
        ticks=[Tick(x(v), f"{v:g} {unit}") for v in _ticks(low, high)],
        caption=f"{term.title} of each finding with its {level}interval, logarithmic axis.",
        alt=f"{term.title} with {level}interval of each finding. {words}",
    )
