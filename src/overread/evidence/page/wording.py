"""Numbers and caveats in plain words: as many digits as the interval supports, never a bare "0" for unknown."""

from __future__ import annotations

import math

from overread.findings import Measurement, Quality
from overread.units import require_unit

NARROW_SPACE = "\u202f"
_CAVEATS = {
    Quality.TOUCHES_BORDER: "meets the edge of the image: a lower bound",
    Quality.THICK_SLICES: "thick slices: the interval is optimistic",
    Quality.ATTACHED_TO_VESSEL: "touches a vessel: cut there by rule",
    Quality.ATTACHED_TO_PLEURA: "touches the pleura: boundary there set by rule",
    Quality.LOW_CONTRAST: "hardly differs from its surroundings",
    Quality.GEOMETRY_CAVEAT: "the geometry of the input is not sound",
    Quality.NOT_MEASURABLE: "could not be measured",
    Quality.TOO_SMALL: "near the resolution of the scan",
    Quality.EXTRAPOLATED: "outside the range in which the interval was checked",
}


def caveats_of(quality: Quality) -> list[str]:
    """Each flag as a short clause."""
    return [_CAVEATS.get(flag, str(flag.name).lower().replace("_", " ")) for flag in Quality if flag in quality]


_FINEST = {"mm": -1, "mm2": 0, "mm3": 0, "mg": 0, "[hnsf'U]": 0, "[hnsf'U]/mm": 0, "{nodules}": 0, "deg": -1}
"""Power of ten of the last digit that is ever printed in a unit: a tenth of a millimetre, a whole HU."""


def _place(m: Measurement) -> int:
    """Power of ten of the last digit worth printing: the interval to two digits, else the value to four."""
    return max(_digits(m), _FINEST.get(m.unit, -6))


def _digits(m: Measurement) -> int:
    interval = m.interval
    if interval is not None and math.isfinite(interval.high - interval.low) and interval.high > interval.low:
        return math.floor(math.log10(interval.high - interval.low)) - 1
    if m.unit == "1" and 0 < abs(m.value) <= 1:  # a probability or share
        return min(-3, math.floor(math.log10(abs(m.value))))
    return math.floor(math.log10(abs(m.value))) - 3 if m.value else 0


def number_text(value: float, place: int) -> str:
    """`value` rounded at 10**place, thousands set apart from 10 000 on."""
    if not math.isfinite(value):
        return "no limit"
    text = f"{round(value, -place) + 0.0:,.{max(0, -place)}f}"  # + 0.0 turns -0.0 into 0.0
    text = text.replace(",", NARROW_SPACE if abs(value) >= 9999.5 else "")
    return text.replace("-", "\u2212")


def value_text(m: Measurement) -> str:
    """Value with unit, such as "1230 mm³"; "not measured" where there is none."""
    if math.isnan(m.value):
        return "not measured"
    return f"{number_text(m.value, _place(m))} {require_unit(m.unit).display}".strip()


def interval_text(m: Measurement) -> str:
    """Limits such as "1100 to 1400"; empty where there is none."""
    if m.interval is None:
        return ""
    place = _place(m)
    return f"{number_text(m.interval.low, place)} to {number_text(m.interval.high, place)}"


def parts_text(m: Measurement) -> str:
    """What an interval is made of, as shares of its variance; parts below 2 % are left out."""
    spread = [(c.name, (c.sd * abs(m.value) if c.log_scale else c.sd) ** 2) for c in m.components]
    total = sum(variance for _, variance in spread)
    if not total > 0:
        return ""
    shares = sorted(((variance / total, name) for name, variance in spread), reverse=True)
    return ", ".join(f"{name} {100 * share:.0f} %" for share, name in shares if share >= 0.02)


def coverage_text(coverage: float) -> str:
    """A coverage such as "95 %"."""
    return f"{100 * coverage:.4g} %"
