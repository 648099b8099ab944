"""Importance as bars with whiskers, in plain SVG: no drawing library is needed to print a study."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

ROW, LEFT, WIDE, TOP = 15, 190, 420, 44
FILL = {"family": "#1f5a7a", "feature": "#5f9ea0"}


def bars(title: str, axis: str, rows: Sequence[tuple[str, float, float, float, str]]) -> str:
    """An SVG of horizontal bars.

    Parameters
    ----------
    rows : sequence of (name, value, low, high, kind)
        From top to bottom; `kind` is a key of `FILL`.
    """
    least = min(0.0, *(row[2] for row in rows))
    most = max(row[3] for row in rows)
    per = WIDE / max(most - least, 1e-9)

    def at(value: float) -> float:
        return LEFT + (value - least) * per

    height = TOP + ROW * len(rows) + 10
    words = "font-family='sans-serif' font-size='11' fill='#222'"
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {LEFT + WIDE + 60} {height}' role='img'>",
        f"<title>{escape(title)}</title>",
        f"<rect width='100%' height='100%' fill='#fff'/><text x='8' y='16' {words}>{escape(title)}</text>",
        f"<text x='{LEFT}' y='34' {words}>{escape(axis)}</text>",
    ]
    for number, (name, value, low, high, kind) in enumerate(rows):
        y = TOP + ROW * number
        left, right = sorted((at(0.0), at(value)))
        parts += [
            f"<text x='{LEFT - 6}' y='{y + 10}' text-anchor='end' {words}>{escape(name)}</text>",
            f"<rect x='{left:.1f}' y='{y + 2}' width='{right - left:.1f}' height='{ROW - 5}' fill='{FILL[kind]}'/>",
            f"<path d='M{at(low):.1f} {y + 7}H{at(high):.1f}' stroke='#222'/>",
            f"<text x='{max(at(high), at(value)) + 5:.1f}' y='{y + 10}' {words}>{value:.2f}</text>",
        ]
    parts.append(f"<path d='M{at(0.0):.1f} {TOP - 2}V{height - 8}' stroke='#222'/></svg>")
    return "\n".join(parts) + "\n"
