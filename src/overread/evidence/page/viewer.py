"""What the slice viewer of the report needs: small 8-bit slices within a budget, full-resolution details, outlines."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.evidence.page.display import Frame, Stack, around, make_panel, slice_outlines, whole
from overread.evidence.page.figure import png_uri
from overread.findings import Finding, Reading
from overread.image import Window

BUDGET_CHARACTERS = 5_200_000
"""Of all pictures of the viewer together, as text in the page."""
SIDE = (160, 320)
"""Least and most pixels along a side of a slice."""
PICTURE_SIDE = 1200
"""Most pixels along a side of a single picture."""
DETAIL_SLICES, DETAIL_FINDINGS, DETAIL_SIDE = 15, 8, 132


def _grey_range(windows: tuple[Window, ...], array: NDArray[np.generic]) -> tuple[float, float]:
    """Values that become 0 and 255: all that any window shows, within what the image holds."""
    low = min(window.center - window.width / 2 for window in windows)
    high = max(window.center + window.width / 2 for window in windows)
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    if finite.size:
        low, high = max(low, float(finite.min())), min(high, float(finite.max()))
    return (low, high) if high > low else (low, low + 1.0)


def _encode(values: NDArray[np.float32], span: tuple[float, float]) -> NDArray[np.uint8]:
    scaled = (values - span[0]) * (255 / (span[1] - span[0]))
    grey: NDArray[np.uint8] = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return grey


def _chosen_slices(stack: Stack, reading: Reading, size_of_one: int, budget: int) -> list[int]:
    """Every slice if they fit; else those of findings first and every n-th of the others, ends included."""
    affordable = max(8, budget // max(1, size_of_one))
    if stack.slices <= affordable:
        return list(range(stack.slices))
    best = {stack.slice_of(finding) for finding in reading.findings}
    marked = sorted({int(k) for voxels in stack.where.values() for k in np.unique(voxels[:, 0])})
    step = max(1, math.ceil(len(marked) / (0.7 * affordable)))
    must = set(list(best)[:affordable]) | set(marked[::step])
    rest = max(4, affordable - len(must))
    return sorted(must | set(np.rint(np.linspace(0, stack.slices - 1, rest)).astype(int).tolist()))


def _contours(stack: Stack, k: int, frame: Frame, size: int) -> list[list[Any]]:
    """[number, [x, y, x, y ...] ...] for each outline on a slice, in tenths of a pixel of the panel."""
    start = np.array([frame.centre[n] + 0.5 - frame.extent[n] / 2 for n in (0, 1)])
    scale = 10 * size / np.array(frame.extent)
    found = []
    for number, lines in slice_outlines(stack, k):
        flat = [np.rint((line + 0.5 - start) * scale).astype(int)[:, ::-1].reshape(-1).tolist() for line in lines]
        found.append([number, *flat])
    return found


def _detail(stack: Stack, finding: Finding, span: tuple[float, float]) -> dict[str, Any]:
    """Crops of one finding at the resolution of the scan, for the slices it lies on and one more at either end."""
    frame = around(stack, finding)
    size = min(DETAIL_SIDE, math.ceil(max(frame.extent)))
    middle = stack.slice_of(finding)
    voxels = stack.where.get(finding.number)
    low, high = (middle, middle) if voxels is None else (int(voxels[:, 0].min()), int(voxels[:, 0].max()))
    low, high = (
        max(low - 1, middle - DETAIL_SLICES // 2, 0),
        min(high + 1, middle + DETAIL_SLICES // 2, stack.slices - 1),
    )
    pictures, contours = {}, {}
    for k in range(low, high + 1):
        pictures[str(k)] = png_uri(_encode(make_panel(stack, k, frame, size).values, span))
        contours[str(k)] = _contours(stack, k, frame, size)
    mm_per_px = frame.extent[0] * stack.grid.spacing_mm[1] / size
    return {"number": finding.number, "size": size, "mm": mm_per_px, "png": pictures, "contours": contours}


def _words(stack: Stack, k: int) -> str:
    """A slice in words, with its coordinate along the patient axis that it crosses (LPS) if it has one."""
    words = stack.words(k)
    if stack.is_volume:
        _, rows, columns = stack.grid.shape
        axis = int(np.abs(stack.grid.slice_normal).argmax())
        words += f", {float(stack.grid.to_lps((k, (rows - 1) / 2, (columns - 1) / 2))[axis]):.1f} mm"
    return words[0].upper() + words[1:]


def viewer_data(stack: Stack, reading: Reading, windows: tuple[Window, ...]) -> dict[str, Any]:
    """Plain values for `viewer.js`; slices run from head to feet, front to back or right to left."""
    span = _grey_range(windows, stack.array)
    frame = whole(stack)
    size = min(max(SIDE[0], *stack.grid.shape[1:]), SIDE[1] if stack.is_volume or stack.slices > 1 else PICTURE_SIDE)
    details = [_detail(stack, finding, span) for finding in reading.findings[:DETAIL_FINDINGS]]
    used = sum(len(uri) for detail in details for uri in detail["png"].values())

    def picture(k: int) -> str:
        return png_uri(_encode(make_panel(stack, k, frame, size).values, span))

    pictures = {k: picture(k) for k in (stack.slices // 2, stack.slices // 3)}
    chosen = _chosen_slices(stack, reading, max(map(len, pictures.values())), BUDGET_CHARACTERS - used)
    order = chosen[::-1] if stack.plane.endswith("axial") else chosen
    slices = [
        {
            "k": k,
            "words": _words(stack, k),
            "png": pictures.get(k) or picture(k),
            "contours": _contours(stack, k, frame, size),
        }
        for k in order
    ]
    return {
        "size": size,
        "mm": frame.extent[0] * stack.grid.spacing_mm[1] / size,
        "edges": stack.edges,
        "unit": stack.unit,
        "span": span,
        "windows": [
            {"name": w.name or f"width {w.width:g}", "low": w.center - w.width / 2, "high": w.center + w.width / 2}
            for w in windows
        ],
        "findings": [{"number": f.number, "k": stack.slice_of(f), "label": f.label} for f in reading.findings],
        "slices": slices,
        "details": details,
    }
