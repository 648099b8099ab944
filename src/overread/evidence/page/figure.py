"""A panel as parts for HTML: an 8-bit grey PNG, and marks as vector paths that stay sharp on paper and screen."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from overread.evidence.page.display import Panel, scale_bar_mm
from overread.evidence.page.outline import Polyline
from overread.image import Window


def png_uri(grey: NDArray[np.uint8], *, level: int = 3) -> str:
    """An 8-bit grey picture as a PNG data URI."""
    stream = io.BytesIO()
    Image.fromarray(grey).save(stream, "PNG", compress_level=level)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def path_of(line: Polyline) -> str:
    """An SVG path through (x, y) points, closed if the last is the first."""
    closed = len(line) > 2 and bool(np.array_equal(line[0], line[-1]))
    points = line[:-1] if closed else line
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + ("Z" if closed else "")


@dataclass(frozen=True, slots=True)
class Tag:
    """The number of a finding beside its outline: a leader from (x1, y1) to (x2, y2), text at the latter."""

    number: int
    x1: float
    y1: float
    x2: float
    y2: float
    anchor: str


def tags_of(panel: Panel, *, leader: float) -> list[Tag]:
    """Where to put the number of each outline so that it covers nothing of it; `leader` is in pixels of the panel."""
    tags = []
    for number, lines in panel.contours:
        if not lines:
            continue
        points = np.concatenate(lines)
        (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
        if x1 < 0 or y1 < 0 or x0 > panel.size or y0 > panel.size:
            continue
        side = 1 if x1 < panel.size - 3 * leader else -1
        x, y = float(x1 if side > 0 else x0), float((y0 + y1) / 2)
        clear = min(max(y, 2 * leader), panel.size - 2 * leader)
        tags.append(Tag(number, x + side * leader / 6, y, x + side * leader, clear, "start" if side > 0 else "end"))
    return tags


@dataclass(frozen=True, slots=True)
class Figure:
    """Everything the template needs to draw a panel."""

    uri: str
    size: int
    outlines: list[str]
    axes: list[str]
    tags: list[Tag]
    edges: tuple[str, str, str, str]
    bar_px: float
    bar_text: str
    caption: str
    alt: str


def figure_of(panel: Panel, window: Window, *, marks: bool, tags: bool, caption: str, alt: str) -> Figure:
    """Turn a panel into parts for the page."""
    length = scale_bar_mm(panel.mm_per_px, panel.size)
    return Figure(
        uri=png_uri(window.apply(panel.values)),
        size=panel.size,
        outlines=[path_of(line) for _, lines in panel.contours for line in lines] if marks else [],
        axes=[path_of(line) for line in panel.lines] if marks else [],
        tags=tags_of(panel, leader=panel.size / 22) if tags else [],
        edges=panel.edges,
        bar_px=length / panel.mm_per_px,
        bar_text=f"{length:g} {panel.unit}",
        caption=caption,
        alt=alt,
    )
