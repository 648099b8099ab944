"""From a reader's outline to the region that is analysed (HX 2.1): threshold near it, clean up, choose by rule."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.errors import UsageError

Mask = NDArray[np.bool_]
RADIUS = 5
MARGIN_PX = 20
BINS = 256
_EIGHT = np.ones((3, 3), bool)


class Polarity(StrEnum):
    """Which side of the threshold the region is on; `AUTO` takes the side whose mean is nearer to the outline's."""

    BRIGHT = "bright"
    DARK = "dark"
    AUTO = "auto"


class Rule(StrEnum):
    """How outline M and found component C become one region.

    `GUARDED` never drops what the reader outlined and never lets C leak into the background. `AREA` is the literal text
    of HX: the larger one.
    """

    GUARDED = "guarded"
    AREA = "area"


class Reason(StrEnum):
    """Why the region is what it is. The first seven come from the rule `GUARDED` and what precedes it."""

    SUBSET = "subset"
    SUPERSET = "superset"
    UNION = "union"
    READER = "reader"
    LEAKED = "leaked"
    FLAT = "flat"
    OPENED_AWAY = "opened_away"
    LARGER = "larger"
    NOT_LARGER = "not_larger"


@dataclass(frozen=True, slots=True, eq=False)
class PreparedRegion:
    """A region and how it came about.

    Parameters
    ----------
    inside : (row, column) bool
        The region, on the whole image.
    reason : Reason
        `subset`, `reader`, `leaked`, `flat`, `opened_away`: the outline was kept. `superset`: the component. `union`:
        both together. `larger`, `not_larger`: component or outline under `Rule.AREA`.
    rectangle : (first row, end row, first column, end column)
        Where the threshold was sought; ends are exclusive.
    component : (row, column) bool
        What the threshold found, cleaned; empty for `flat` and `opened_away`.
    threshold : float
        NaN for `flat`.
    polarity : Polarity
        The side that was taken.
    """

    inside: Mask
    reason: Reason
    rectangle: tuple[int, int, int, int]
    component: Mask
    threshold: float
    polarity: Polarity


def disk(radius: int = RADIUS) -> Mask:
    """Pixels at most `radius` from the centre: 81 for 5. Toolboxes that build it from lines have fewer."""
    i, j = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    inside: Mask = i * i + j * j <= radius * radius
    return inside


def prepare_region(
    image: NDArray[Any],
    outline: Mask,
    *,
    polarity: Polarity | str = Polarity.BRIGHT,
    rule: Rule | str = Rule.GUARDED,
    margin_px: int = MARGIN_PX,
) -> PreparedRegion:
    """Rectangle around the outline, Otsu, largest component, opening, closing, filling, and the rule.

    Parameters
    ----------
    image : (row, column) real
    outline : (row, column) bool
        What the reader drew (`mask_of_polygon`, `mask_of_circle`, or any mask).
    margin_px : int
        By how much the rectangle of the outline, along the axes of the image, is grown on each side.

    Raises
    ------
    UsageError
        Shapes differ, the outline is empty, or a value in the rectangle is not finite.
    """
    wanted, by = Polarity(polarity), Rule(rule)
    rectangle = _rectangle(image, outline, margin_px)
    window = np.s_[rectangle[0] : rectangle[1], rectangle[2] : rectangle[3]]
    values, drawn = np.asarray(image[window], dtype=np.float64), outline[window]
    if not np.isfinite(values).all():
        raise UsageError("the image holds values that are not finite near the outline", way_out="Replace them first.")
    threshold = otsu(values)
    if np.isnan(threshold):
        return _whole(outline, rectangle, (drawn, np.zeros_like(drawn), Reason.FLAT), threshold, Polarity.BRIGHT)
    above = values > threshold
    if wanted is Polarity.AUTO:
        mean = values[drawn].mean()
        nearer = abs(values[above].mean() - mean) <= abs(values[~above].mean() - mean)
        wanted = Polarity.BRIGHT if nearer else Polarity.DARK
    component = clean(above if wanted is Polarity.BRIGHT else ~above, drawn)
    inside, reason = _choose(component, drawn, by)
    return _whole(outline, rectangle, (inside, component, reason), threshold, wanted)


def otsu(values: NDArray[Any]) -> float:
    """The threshold that best parts values in two, by 256 bins between the ends; NaN where all are equal.

    Largest w0 w1 (m0 - m1)^2, the mean of all borders between bins that reach it. Source: Otsu 1979, IEEE Trans SMC
    9(1): 62-66.
    """
    low, high = float(values.min()), float(values.max())
    if low == high:
        return float("nan")
    count, edges = np.histogram(values, BINS, (low, high))
    centre = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(count)[:-1]
    above = values.size - below
    sum_below = np.cumsum(count * centre)[:-1]
    sum_above = (count * centre).sum() - sum_below
    between = below * above * (sum_below / below - sum_above / above) ** 2
    best = between >= between.max() * (1 - 1e-12)
    return float(edges[1:-1][best].mean())


def clean(found: Mask, drawn: Mask) -> Mask:
    """Largest component, opened and closed with the disk of 81 pixels, holes filled; may be empty.

    Parameters
    ----------
    found : (row, column) bool
        What lies on the wanted side of the threshold.
    drawn : (row, column) bool
        Of components of one size, the one that overlaps this more is taken, then the first.
    """
    kernel = disk()
    largest = _largest(found, drawn)
    opened = ndi.binary_opening(np.pad(largest, RADIUS), kernel)[RADIUS:-RADIUS, RADIUS:-RADIUS]
    opened = _largest(opened, drawn)
    if not opened.any():
        return opened
    closed = ndi.binary_closing(np.pad(opened, 2 * RADIUS, mode="symmetric"), kernel)
    inner = slice(2 * RADIUS, -2 * RADIUS)
    filled: Mask = ndi.binary_fill_holes(closed[inner, inner])
    return filled


def _rectangle(image: NDArray[Any], outline: Mask, margin_px: int) -> tuple[int, int, int, int]:
    if image.ndim != 2 or outline.shape != image.shape or outline.dtype != np.bool_:
        raise UsageError(
            f"an image of {image.shape} and an outline of {outline.shape} {outline.dtype}, expected (row, column)"
            " arrays of one shape, the outline bool"
        )
    if margin_px < 0:
        raise UsageError(f"margin_px is {margin_px}, expected 0 or more")
    if not outline.any():
        raise UsageError("the outline holds no pixel", way_out="Draw it again, or check its scale.")
    rows, columns = (np.flatnonzero(outline.any(axis=axis)) for axis in (1, 0))
    return (
        max(0, int(rows[0]) - margin_px),
        min(image.shape[0], int(rows[-1]) + 1 + margin_px),
        max(0, int(columns[0]) - margin_px),
        min(image.shape[1], int(columns[-1]) + 1 + margin_px),
    )


def _largest(found: Mask, drawn: Mask) -> Mask:
    labels, count = ndi.label(found, _EIGHT)
    if count == 0:
        return np.zeros_like(found)
    size = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    overlap = np.bincount(labels[drawn], minlength=count + 1)[1:]
    best = np.lexsort((np.arange(count), -overlap, -size))[0]
    largest: Mask = labels == best + 1
    return largest


def _choose(component: Mask, drawn: Mask, rule: Rule) -> tuple[Mask, Reason]:
    """The region in the rectangle, and why; the order of the questions is part of the rule."""
    area, outlined = np.count_nonzero(component), np.count_nonzero(drawn)
    common = np.count_nonzero(component & drawn)
    if area == 0:
        return drawn, Reason.OPENED_AWAY
    if rule is Rule.AREA:
        return (component, Reason.LARGER) if area > outlined else (drawn, Reason.NOT_LARGER)
    sides = (component[0], component[-1], component[:, 0], component[:, -1])
    answers = (
        (sum(bool(side.any()) for side in sides) >= 3, drawn, Reason.LEAKED),
        (common == area, drawn, Reason.SUBSET),
        (common == outlined, component, Reason.SUPERSET),
        (area > outlined and common >= outlined / 2, component | drawn, Reason.UNION),
    )
    for holds, inside, reason in answers:
        if holds:
            return inside, reason
    return drawn, Reason.READER


def _whole(
    outline: Mask,
    rectangle: tuple[int, int, int, int],
    found: tuple[Mask, Mask, Reason],
    threshold: float,
    polarity: Polarity,
) -> PreparedRegion:
    inside, component = np.zeros_like(outline), np.zeros_like(outline)
    window = np.s_[rectangle[0] : rectangle[1], rectangle[2] : rectangle[3]]
    inside[window], component[window] = found[0], found[1]
    return PreparedRegion(inside, found[2], rectangle, component, threshold, polarity)
