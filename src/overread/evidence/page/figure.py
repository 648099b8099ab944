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
    """Where to put the number of each outline so that it covers nothing of it; `leader` is in pixels of the panel.

    Right of it, else left, above or below: the first place that is on the panel and not at another outline.
    """
    boxes = {}
    for number, lines in panel.contours:
        if lines:
            points = np.concatenate(lines)
            (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
            if x1 >= 0 and y1 >= 0 and x0 <= panel.size and y0 <= panel.size:
                boxes[number] = _Box(float(x0), float(y0), float(x1), float(y1))
    tags = []
    for number, box in boxes.items():
        others = [other for n, other in boxes.items() if n != number]
        places = _places(number, box, leader, panel.size)
        free = [tag for tag in places if not any(other.holds(tag, 1.5 * leader) for other in others)]
        tags.append((free or places)[0])
    return tags


@dataclass(frozen=True, slots=True)
class _Box:
    x0: float
    y0: float
    x1: float
    y1: float

    def holds(self, tag: Tag, margin: float) -> bool:
        return self.x0 - margin < tag.x2 < self.x1 + margin and self.y0 - margin < tag.y2 < self.y1 + margin


def _places(number: int, box: _Box, leader: float, size: int) -> list[Tag]:
    """Right, left, above and below, those first that lie on the panel."""
    x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    clear = min(max(y, 2 * leader), size - 2 * leader)
    near = leader / 6
    right = Tag(number, box.x1 + near, y, box.x1 + leader, clear, "start")
    left = Tag(number, box.x0 - near, y, box.x0 - leader, clear, "end")
    above = Tag(number, x, box.y0 - near, x, box.y0 - leader, "start")
    below = Tag(number, x, box.y1 + near, x, box.y1 + leader, "start")
    fits = {
        right: box.x1 < size - 3 * leader,
        left: box.x0 > 3 * leader,
        above: box.y0 > 3 * leader and leader < x < size - 3 * leader,
        below: box.y1 < size - 3 * leader and leader < x < size - 3 * leader,
    }
    return [tag for tag, good in fits.items() if good] or [right if fits[right] else left]


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
