"""Where the hippocampus usually lies: a mean image with mean shapes, and finding its place in a region."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.ops.register import AffineFit, AffineMap, fit_affine, fit_demons, look_around
from overread.tasks.brain_mr_hippocampus.plan import HippocampusPlan

Map = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Atlas:
    """Means of the training cases on one 1 mm grid (slices to the head, rows to the back, columns to the left).

    Parameters
    ----------
    image : (slice, row, column) float32
        Mean of the scaled images.
    whole, anterior : (slice, row, column) float32, 0 to 1
        Share of the cases that have hippocampus, and its anterior part, there.
    weight : (slice, row, column) float32, 0 to 1
        How much each voxel counts for the alignment.
    """

    image: Map
    whole: Map
    anterior: Map
    weight: Map

    def without(self, image: Map, whole: Map, anterior: Map, *, cases: int) -> Atlas:
        """The means of the other `cases` - 1, given what one of them put in."""
        others = cases - 1

        def rest(mean: Map, one: Map) -> Map:
            return np.asarray((cases * mean - one) / others, np.float32)

        return replace(
            self,
            image=rest(self.image, image),
            whole=np.clip(rest(self.whole, whole), 0, 1),
            anterior=np.clip(rest(self.anterior, anterior), 0, 1),
        )


class Prior(NamedTuple):
    """The atlas as it lies in the region; (slice, row, column) float32 on the grid of the region."""

    whole: Map
    anterior: Map
    image: Map


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """The region with the atlas laid over it.

    Parameters
    ----------
    values : (slice, row, column) float32
        Of the region, mirrored if `mirrored`.
    prior : Prior
    mirrored : bool
        Left and right were exchanged, because so the region matched better.
    match : float
        Weighted correlation of the mean image after the affine alignment, -1 to 1.
    other_hand : float
        The same for the hand that was not taken.
    local_match : float
        Mean local correlation near the prior after the deformable alignment.
    growth : float
        Volume of the affine map, atlas to region.
    stretch_mm : float
        95th percentile of the displacement near the prior.
    """

    values: Map
    prior: Prior
    mirrored: bool
    match: float
    other_hand: float
    local_match: float
    growth: float
    stretch_mm: float


def find_place(values: Map, atlas: Atlas, plan: HippocampusPlan, *, start: AffineMap | None = None) -> Placed:
    """Lay the atlas over a region, from several starts and for both hands.

    Parameters
    ----------
    values : (slice, row, column) float32
        Scaled region, 1 mm.
    start : AffineMap, optional
        Region index to atlas index: only from there, and not mirrored (training).
    """
    if start is not None:
        return _laid(values, atlas, align(values, atlas, start, plan), plan, mirrored=False, other=-1.0)
    plain, turned = (_best_affine(one, atlas, plan) for one in (values, values[:, :, ::-1]))
    if turned.correlation > plain.correlation:
        flipped = np.ascontiguousarray(values[:, :, ::-1])
        return _laid(flipped, atlas, turned, plan, mirrored=True, other=plain.correlation)
    return _laid(values, atlas, plain, plan, mirrored=False, other=turned.correlation)


def align(values: Map, atlas: Atlas, start: AffineMap, plan: HippocampusPlan) -> AffineFit:
    """The affine map from region to atlas.

    The region is the fixed image: the other way round, a map that magnifies the region makes it as smooth as a mean
    and is rewarded for that. What counts of it follows the atlas, so the weight is laid anew once.
    """
    fit = AffineFit(start, -1.0)
    for _ in range(2):
        weight = brought(atlas.weight, fit.place, values.shape)
        if not weight.any():
            return AffineFit(fit.place, -1.0)
        fit = fit_affine(values, atlas.image, weight=weight, start=fit.place, plan=plan.affine)
    return fit


def brought(values: Map, place: AffineMap, shape: tuple[int, ...]) -> Map:
    """Something on the atlas seen on a region of `shape`; 0 beyond the atlas."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"))
    at = np.tensordot(place.matrix, index, axes=1) + place.offset[:, None, None, None]
    found: Map = ndi.map_coordinates(values, at, order=1, mode="constant", output=np.float32)
    return found


def _best_affine(values: Map, atlas: Atlas, plan: HippocampusPlan) -> AffineFit:
    around = look_around(
        atlas.image, values, weight=atlas.weight, reach=plan.reach_mm, pitch=plan.pitch_mm, keep=plan.starts
    )
    tried = [align(values, atlas, one.place.inverse(), plan) for one in around]
    return max(tried, key=lambda fit: fit.correlation, default=AffineFit(AffineMap.shift((0, 0, 0)), -1.0))


def _laid(
    values: Map, atlas: Atlas, affine: AffineFit, plan: HippocampusPlan, *, mirrored: bool, other: float
) -> Placed:
    found = fit_demons(values, atlas.image, affine.place, plan=plan.demons)
    prior = Prior(found.bring(atlas.whole), found.bring(atlas.anterior), found.bring(atlas.image))
    near = prior.whole > 0.05
    some = bool(near.any())
    length = np.linalg.norm(found.displacement, axis=0)
    return Placed(
        values=values,
        prior=prior,
        mirrored=mirrored,
        match=affine.correlation,
        other_hand=other,
        local_match=float(found.correlation[near].mean()) if some else 0.0,
        growth=1 / affine.place.growth,
        stretch_mm=float(np.percentile(length[near], 95)) if some else 0.0,
    )
