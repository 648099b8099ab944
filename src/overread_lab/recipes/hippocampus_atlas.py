"""Makes the atlas of `brain_mr_hippocampus`: the mean image and shapes of outlined cases, aligned in rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.ops.register import AffineFit, AffineMap, DemonsFit, DemonsPlan, fit_demons
from overread.runtime import Runtime
from overread.tasks.brain_mr_hippocampus.atlas import Atlas, Map, align
from overread.tasks.brain_mr_hippocampus.outline import ANTERIOR
from overread.tasks.brain_mr_hippocampus.plan import HippocampusPlan

MARGIN_MM = 8
SMOOTH = DemonsPlan(strides=(2, 1), steps=(25, 20), window=7, update_sigma=1.0, field_sigma=1.0)
"""Means are made from stiffer displacements than those that a case is read with: a mean must not follow noise."""


@dataclass(frozen=True, slots=True, eq=False)
class Outlined:
    """A case on the grid of the task.

    Parameters
    ----------
    values : (slice, row, column) float32
        Scaled image, 1 mm.
    labels : (slice, row, column) uint8
        0, 1 anterior, 2 posterior.
    """

    name: str
    group: str
    values: Map
    labels: NDArray[np.uint8]

    @property
    def centre(self) -> NDArray[np.float64]:
        """(3,) mean index of the outline."""
        middle: NDArray[np.float64] = np.argwhere(self.labels > 0).mean(axis=0)
        return middle


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """What one case put into the means, on the grid of the atlas, and its affine map from case to atlas."""

    image: Map
    whole: Map
    anterior: Map
    place: AffineMap


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """The atlas and the share of each case in it."""

    atlas: Atlas
    shares: tuple[Share, ...]


def build_atlas(
    cases: Sequence[Outlined], plan: HippocampusPlan, *, rounds: int = 2, runtime: Runtime | None = None
) -> Built:
    """Mean of the cases: centres of the outlines together, then affine, then deformable, `rounds` of each."""
    runtime = runtime or Runtime(1)
    shape = _shape(cases)
    middle = (np.array(shape) - 1) / 2
    places = [AffineMap.shift(middle - case.centre) for case in cases]
    index = np.stack(np.meshgrid(*(np.arange(float(n)) for n in shape), indexing="ij"))
    shares = [_affine_share(case, place, index) for case, place in zip(cases, places, strict=True)]
    atlas = _mean(shares)
    for _ in range(rounds):
        fits = runtime.map(partial(_align, atlas=atlas, plan=plan), zip(cases, places, strict=True))
        places = _centred([fit.place for fit in fits], middle)
        shares = [_affine_share(case, place, index) for case, place in zip(cases, places, strict=True)]
        atlas = _mean(shares)
    for _ in range(rounds):
        found = runtime.map(partial(_bend, image=atlas.image), zip(cases, places, strict=True))
        seen = runtime.map(partial(_back, points=index), found)
        # what all cases are moved by is not shape: undone in the frame of the atlas
        drift = np.mean([_onto(at, place) for at, place in zip(seen, places, strict=True)], axis=0) - index
        back = runtime.map(partial(_back, points=index - drift), found)
        shares = [_share(case, at, fit.place) for case, at, fit in zip(cases, back, found, strict=True)]
        atlas = _mean(shares)
    return Built(atlas, tuple(shares))


def _align(placed: tuple[Outlined, AffineMap], *, atlas: Atlas, plan: HippocampusPlan) -> AffineFit:
    case, place = placed
    return align(case.values, atlas, place, plan)


def _back(fit: DemonsFit, *, points: NDArray[np.float64]) -> NDArray[np.float64]:
    return fit.back(points)


def _bend(placed: tuple[Outlined, AffineMap], *, image: Map) -> DemonsFit:
    case, place = placed
    return fit_demons(case.values, image, place, plan=SMOOTH)


def _shape(cases: Sequence[Outlined]) -> tuple[int, int, int]:
    extents = []
    for case in cases:
        where = np.argwhere(case.labels > 0)
        extents.append(where.max(axis=0) - where.min(axis=0) + 1)
    k, j, i = (int(n) + 2 * MARGIN_MM for n in np.max(extents, axis=0))
    return k, j, i


def _centred(places: list[AffineMap], middle: NDArray[np.float64]) -> list[AffineMap]:
    """The same maps onto an atlas of mean size and turn, whose middle stays where it was."""
    mean = np.mean([place.inverse().matrix for place in places], axis=0)
    undo = AffineMap(mean, middle - mean @ middle)
    return [AffineMap(undo.matrix @ place.matrix, undo(place.offset)) for place in places]


def _onto(at: NDArray[np.float64], place: AffineMap) -> NDArray[np.float64]:
    moved: NDArray[np.float64] = np.tensordot(place.matrix, at, axes=1) + place.offset[:, None, None, None]
    return moved


def _affine_share(case: Outlined, place: AffineMap, index: NDArray[np.float64]) -> Share:
    return _share(case, _onto(index, place.inverse()), place)


def _share(case: Outlined, at: NDArray[np.float64], place: AffineMap) -> Share:
    def bring(values: NDArray[np.float32], mode: str) -> Map:
        found: Map = ndi.map_coordinates(values, at, order=1, mode=mode, output=np.float32)
        return found

    whole, anterior = (part.astype(np.float32) for part in (case.labels > 0, case.labels == ANTERIOR))
    return Share(bring(case.values, "nearest"), bring(whole, "constant"), bring(anterior, "constant"), place)


def _mean(shares: Sequence[Share]) -> Atlas:
    image, whole, anterior = (
        np.asarray(np.mean([getattr(share, part) for share in shares], axis=0), np.float32)
        for part in ("image", "whole", "anterior")
    )
    away = ndi.distance_transform_edt(whole < 0.1)
    weight = np.exp(-0.5 * (np.maximum(away - 1, 0) / 2) ** 2).astype(np.float32)
    weight[weight < 0.02] = 0
    return Atlas(image, whole, anterior, weight)
