"""Contrast to noise of enhancement on real images: bleedings on head CT, told against the brain about them.

    python -m overread_lab.studies.enhance_cnr --data DIR    # the set head_ct: slices with masks of blood

Strengths are set on folds 0 and 1 and figures told on the others, groups being CT volumes. Values are held to 0 to 100
HU. A region is one connected area of blood; its edge is the strongest within 4 pixels of its border, and the width of
that edge is matched, since nobody knows the true border to a pixel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.cards import Figure
from overread.errors import UsageError
from overread.ops.contrast import FEWEST, contrast_to_noise
from overread.ops.picture_figures import Places, picture_figures
from overread_lab.datasets.fit import load, require_labels
from overread_lab.datasets.manifest import Case, read_manifest
from overread_lab.metrics import bootstrap
from overread_lab.recipes.evidence import measured
from overread_lab.studies.enhance_cnr import (
    ALTERNATIVES,
    OURS,
    Method,
    null_contrast,
    strongest,
)

SOURCES, TUNING = ("bhsd", "mbh25"), (0, 1)
MOST_HU, SIDE = 100, 128
LEAST_PX, INSET_PX, EDGE_PX = 80, 2, 4
RING_PX, BRAIN_HU = (3, 12), (10, 60)
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Lesion:
    """A window of a slice about one bleeding.

    Parameters
    ----------
    picture : (row, column) float32
        HU, held to 0 to 100.
    inside, ring : (row, column) bool
        The area less two pixels, and brain 3 to 12 pixels outside it.
    places : Places
        Of its edge.
    """

    picture: NDArray[np.float32]
    inside: Mask
    ring: Mask
    places: Places
    group: str


def lesions_of(case: Case) -> Iterator[Lesion]:
    """Each area of blood that is large enough, with enough brain about it and an edge.

    Raises
    ------
    UsageError
        The case lacks a mask.
    """
    if case.image is None or case.mask is None:
        raise UsageError("has no mask", where=case.case)
    image = load(case.image)
    blood = require_labels(load(case.mask)) > 0
    values = np.clip(np.asarray(image.array, np.float32), 0, MOST_HU)
    brain = ndi.gaussian_filter(values, 2)
    brain = (brain > BRAIN_HU[0]) & (brain < BRAIN_HU[1]) & ~blood
    areas, count = ndi.label(blood)
    for number in range(1, count + 1):
        if np.count_nonzero(areas == number) < LEAST_PX:
            continue
        cut = _around(areas == number)
        area = (areas == number)[cut]
        depth, away = ndi.distance_transform_edt(area), ndi.distance_transform_edt(~area)
        inside = depth > INSET_PX
        ring = (away > RING_PX[0]) & (away <= RING_PX[1]) & brain[cut]
        if min(np.count_nonzero(inside), np.count_nonzero(ring)) < FEWEST:
            continue
        border = (depth <= EDGE_PX) & (away <= EDGE_PX) & (brain[cut] | area)
        one = Lesion(values[cut], inside, ring, Places.of(values[cut], edges=border), case.group)
        if math.isfinite(_edge(one.picture, one)) and abs(_difference(one.picture, one)) > 0:
            yield one


def read_lesions(folder: str | Path) -> tuple[list[Lesion], list[Lesion]]:
    """Those to set strengths on, and those to tell figures of.

    Raises
    ------
    UsageError
        Fewer than ten of either.
    """
    cases = [one for one in read_manifest(folder).cases if one.source in SOURCES and one.mask is not None]
    tuning = [lesion for one in cases if one.fold in TUNING for lesion in lesions_of(one)]
    tested = [lesion for one in cases if one.fold not in TUNING for lesion in lesions_of(one)]
    if min(len(tuning), len(tested)) < 10:
        raise UsageError(
            f"{len(tuning)} regions to set strengths on and {len(tested)} to tell, expected 10 or more of each",
            where=str(folder),
            way_out="Give the set head_ct, with masks of the sources bhsd and mbh25.",
        )
    return tuning, tested


def effect_on(lesions: Sequence[Lesion], call: Method, strength: float) -> tuple[list[float], float]:
    """Widths of the edges, and the median share of contrast, against before."""
    wider, contrast = [], []
    for one in lesions:
        out = call(one.picture, strength)
        wider.append(_edge(out, one) / _edge(one.picture, one))
        contrast.append(_difference(out, one) / _difference(one.picture, one))
    return wider, float(np.median(contrast))


def figures(folder: str | Path) -> Iterator[Figure]:
    """All methods, and the gain of ours over the best alternative and over the image as it is, groups drawn."""
    tuning, tested = read_lesions(folder)
    groups = sorted({one.group for one in tested})
    members = [np.flatnonzero([one.group == group for one in tested]) for group in groups]
    name = f"head CT, {len(tested)} bleedings"
    scores: dict[str, NDArray[np.float64]] = {}
    for label, method in {**ALTERNATIVES, **OURS}.items():
        strength = strongest(method, partial(effect_on, tuning))
        if strength is None:
            yield measured(f"{label}: edge or contrast not kept at any strength", name, math.nan, len(tested))
            continue
        out = [method[0](one.picture, strength) for one in tested]
        cnr = [contrast_to_noise(p, one.inside, one.ring) for p, one in zip(out, tested, strict=True)]
        scores[label] = np.array([c.rms for c in cnr])
        wider = np.nanmedian([_edge(p, one) / _edge(one.picture, one) for p, one in zip(out, tested, strict=True)])
        note = (
            f"sum {np.mean([c.sum for c in cnr]):.2f}, background {np.mean([c.background for c in cnr]):.2f}, "
            f"union {np.mean([c.union for c in cnr]):.2f}; strength {strength:g}, edge x {wider:.2f}, "
            f"null {null_contrast(method[0], strength, range(3)):.2f}"
        )

        def mean(i: NDArray[np.intp], a: NDArray[np.float64] = scores[label]) -> float:
            return float(a[np.concatenate([members[n] for n in i])].mean())

        found = bootstrap(mean, len(groups), seed=0)
        yield measured(f"contrast to noise (rms): {label}", name, found, len(tested), note)
    yield from _gains(name, scores, members)


def _gains(
    name: str, scores: Mapping[str, NDArray[np.float64]], members: Sequence[NDArray[np.intp]]
) -> Iterator[Figure]:
    others = [label for label in ALTERNATIVES if label in scores]
    best = max(others, key=lambda label: float(scores[label].mean()))
    for label in OURS:
        if label not in scores:
            continue
        for against in (others, ["as it is"]):

            def gain(i: NDArray[np.intp], ours: str = label, against: Sequence[str] = against) -> float:
                drawn = np.concatenate([members[n] for n in i])
                return float(scores[ours][drawn].mean() / max(scores[one][drawn].mean() for one in against)) - 1

            words = f"the best alternative: {label}" if against is others else f"the image as it is: {label}"
            found = bootstrap(gain, len(members), seed=0)
            note = f"best is {best}; aim .28" if against is others else ""
            yield measured(f"gain over {words}", name, found, len(scores[label]), note)


def _edge(picture: NDArray[np.generic], one: Lesion) -> float:
    """10 to 90 % rise at the edge of the bleeding, pixels."""
    return picture_figures(picture, one.places).edge_width


def _difference(picture: NDArray[np.generic], one: Lesion) -> float:
    return float(picture[one.inside].mean() - picture[one.ring].mean())


def _around(area: Mask) -> tuple[slice, slice]:
    """A window of `SIDE` pixels or less about the middle of an area, and all of a larger one with its ring."""
    cut = []
    for axis, size in enumerate(area.shape):
        hit = np.flatnonzero(area.any(axis=1 - axis))
        side = min(size, max(SIDE, int(hit[-1] - hit[0]) + 2 * RING_PX[1]))
        start = min(max(0, int(hit[0] + hit[-1] - side) // 2), size - side)
        cut.append(slice(start, start + side))
    return cut[0], cut[1]
