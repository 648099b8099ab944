"""From a seed to a fitted shape: patch, levels, segment, replica. Not yet measurements."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.image import Volume
from overread.measure.boundary import effective_sigma_mm, sphere_radius_mm
from overread.measure.core import CALM_MM, Core, find_core
from overread.measure.patch import Bool, Float, Patch, Scanner, cut_patch
from overread.measure.plan import EdgeModel, MeasurePlan
from overread.measure.replica import Belief, Fit, Problem, Surface, fit_replica
from overread.measure.segment import Levels, Segment, segment_nodule

CORNER_SHARE = 1.1
LEAST_WHOLE_TO_CORE = 1.8
"""A thinner mantle is the soft margin of a solid nodule, not ground glass."""
SKIRT_BALL_MM = 1.0
SKIRT_REACH_MM = 2.5
MARGIN_MM = 7.0
"""Lung kept around a nodule: wall and vessels must be seen."""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A segmented and fitted nodule.

    `core` is the solid core of a part-solid one; its patch then shows ground glass in the core's place.
    """

    levels: Levels
    segment: Segment
    fit: Fit
    edge: EdgeModel
    scanner: Scanner
    cut_by_image: bool
    core: Core | None = None

    @property
    def patch(self) -> Patch:
        """The close patch of the segment."""
        return self.segment.patch

    @property
    def occupancy(self) -> Float:
        """(slice, row, column) 0..1 on the refined grid: the fitted nodule."""
        return self.own_occupancy(self.fit.grow_mm, self.fit.tall_mm)

    def own_occupancy(self, grow_mm: float, tall_mm: float) -> Float:
        """The nodule's share of each fine voxel for other offsets."""
        distance = self.segment.distance
        surface = Surface(distance.mm, self.segment.own, distance.across)
        return surface.occupancy(grow_mm, tall_mm, float(np.mean(self.patch.fine_mm))) * self.segment.own

    @property
    def corner_mm3(self) -> float:
        """What blur fills into the corner between nodule and wall: about 1.1 sigma^2 for each mm of the rim.

        Between two half-planes at a right angle the 50 % level encloses 0.87 sigma^2 of air; sharper corners more.
        """
        if self.segment.wall is None:
            return 0.0
        rim = 2 * math.sqrt(math.pi * self.segment.contact_mm2)
        blur = effective_sigma_mm(self.fit.sigma_mm, self.patch.spacing_mm, self.scanner.slice_width_mm)
        return min(CORNER_SHARE * blur**2 * rim, 0.3 * self.fit.volume_mm3)

    @property
    def volume_mm3(self) -> float:
        """Volume of the fitted shape, the filled corner at the wall taken off."""
        return self.fit.volume_mm3 - self.corner_mm3

    @property
    def depth_mm(self) -> Float:
        """Depth below the nodule's own surface, mm, negative outside; for lengths.

        Blur fills the corner between a nodule and what it touches with a thin skirt that lengthens every axis: beside
        vessel and wall what a ball of about a millimetre cannot reach is left out.
        """
        own = self.segment.own
        depth = np.where(own, -self.distance_mm, np.float32(-1.0))
        others = self.segment.dense & ~self.segment.inside
        if self.segment.attachment == "isolated" or not others.any():
            return depth
        step = self.patch.fine_mm
        ball = min(SKIRT_BALL_MM, 0.33 * sphere_radius_mm(max(self.volume_mm3, 1.0)))
        reach = ndi.distance_transform_edt(depth > 0, sampling=step)
        away = ndi.distance_transform_edt(reach <= ball, sampling=step)
        beside = ndi.distance_transform_edt(~others, sampling=step) < SKIRT_REACH_MM
        limit = (ball + 0.5 * float(np.mean(step)) - away).astype(np.float32)
        return np.where(beside, np.minimum(depth, limit), depth)

    @property
    def distance_mm(self) -> Float:
        """Signed distance to the fitted surface of everything dense."""
        distance = self.segment.distance
        return (
            distance.mm
            - np.float32(self.fit.grow_mm)
            - np.float32(self.fit.tall_mm) * (distance.across - np.float32(1 / 3))
        )


def shape_nodule(
    image: Volume,
    seed_kji: NDArray[np.float64],
    radius_mm: float,
    lung: Bool,
    *,
    edge: EdgeModel | None,
    plan: MeasurePlan,
    others: Bool | None = None,
) -> Shape | str:
    """Segment and fit one nodule; a sentence instead when there is nothing to measure."""
    half = 1.35 * radius_mm + MARGIN_MM
    shape: Shape | str = "not tried"
    for _ in range(3):
        shape = _shape_once(image, seed_kji, radius_mm, lung, edge=edge, plan=plan, half_mm=half, others=others)
        if isinstance(shape, str) or not shape.segment.leaks or half > 40.0:
            return shape
        half = min(1.5 * half, 45.0)
    return shape


def _shape_once(
    image: Volume,
    seed_kji: NDArray[np.float64],
    radius_mm: float,
    lung: Bool,
    *,
    edge: EdgeModel | None,
    plan: MeasurePlan,
    half_mm: float,
    others: Bool | None,
) -> Shape | str:
    patch = cut_patch(image.array, image.grid, seed_kji, half_mm)
    if not np.isfinite(patch.coarse).all():
        return "the image holds values that are not numbers here"
    lung_here = lung[patch.box]
    lung_fine = patch.spread(lung_here).astype(bool)
    known = None if others is None else patch.spread(others[patch.box]).astype(bool)
    seed = patch.index_to_fine(seed_kji)
    if edge is None:
        edge = assumed_edge(image, plan)
    levels = first_levels(patch, lung_here, seed, radius_mm, edge.noise_sd_hu)
    if isinstance(levels, str):
        return levels
    scanner = Scanner(edge.sigma_mm, 0.05, edge.slice_width_mm)
    scene = _Scene(image, lung, lung_fine, known, edge, scanner, plan)
    shape = _settle(scene, patch, seed, radius_mm, levels)
    if isinstance(shape, str) or shape.levels.contrast_hu < 60.0:
        return shape
    return _with_core(scene, patch, seed, radius_mm, shape=shape, first=levels)


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """What stays the same while levels and radius settle."""

    image: Volume
    lung: Bool
    lung_fine: Bool
    known: Bool | None
    edge: EdgeModel
    scanner: Scanner
    plan: MeasurePlan


def _with_core(
    scene: _Scene, patch: Patch, seed: NDArray[np.float64], radius_mm: float, *, shape: Shape, first: Levels
) -> Shape:
    """The same nodule measured around its solid core, where it has one in ground glass.

    `first` are the levels of the whole patch: 2-5 mm around the core of a large nodule there is only ground glass.
    """
    apart = first.background_hu < shape.levels.background_hu - 0.5 * first.background_sd_hu
    lung = first if apart else shape.levels
    levels = replace(shape.levels, background_hu=lung.background_hu, background_sd_hu=lung.background_sd_hu)
    blur = math.hypot(effective_sigma_mm(scene.edge.sigma_mm, patch.spacing_mm, scene.edge.slice_width_mm), CALM_MM)
    core = find_core(patch, shape.segment, levels, shape.fit.density_hu, solid_hu=scene.plan.solid_hu, blur_mm=blur)
    if core is None:
        return shape
    rim = replace(levels, plateau_hu=core.rim_hu)
    least_mm3 = LEAST_WHOLE_TO_CORE * max(core.volume_mm3(patch), 1e-6)
    without = core.taken_out(patch, scene.scanner)
    whole = _settle(scene, without, seed, 1.5 * radius_mm, rim, may_leak=False, hopeless_mm3=0.9 * least_mm3)
    if isinstance(whole, str) or whole.cut_by_image or whole.volume_mm3 < least_mm3:
        return shape
    return replace(whole, core=core.within(patch, whole.patch))


def _settle(
    scene: _Scene,
    patch: Patch,
    seed: NDArray[np.float64],
    radius_mm: float,
    levels: Levels,
    *,
    may_leak: bool = True,
    hopeless_mm3: float = 0.0,
) -> Shape | str:
    """Segment and fit until the 50 % level stands still, three times at most; give up on a volume that is hopeless."""
    shape: Shape | str = "not tried"
    for _ in range(3):
        segment = segment_nodule(
            patch, _quiet(patch, levels), scene.lung_fine, seed, radius_mm=radius_mm, levels=levels, others=scene.known
        )
        if segment is None:
            return "nothing near the seed is denser than half-way between lung and nodule"
        if segment.leaks and not may_leak:
            return "it cannot be told from its surroundings"
        lung_here = scene.lung[segment.patch.box]
        fit = fit_replica(
            _problem(lung_here, segment, levels=levels, edge=scene.edge, scanner=scene.scanner, plan=scene.plan)
        )
        cut = segment.patch.touches and _meets_image_edge(segment.patch, segment.inside, scene.image.grid.shape)
        shape = Shape(levels, segment, fit, scene.edge, scene.scanner, cut)
        if fit.volume_mm3 < hopeless_mm3:
            break
        radius_mm = float(np.clip(sphere_radius_mm(fit.volume_mm3), 0.5 * radius_mm, 2.0 * radius_mm))
        renewed = replace(_lung_around(lung_here, segment, levels), plateau_hu=fit.density_hu)
        moved = abs(renewed.level_hu - levels.level_hu)
        if moved < 0.03 * levels.contrast_hu or renewed.contrast_hu < 60.0:
            break
        levels = renewed
    return shape


def _lung_around(lung: Bool, segment: Segment, levels: Levels) -> Levels:
    """Level and spread of the lung 2-5 mm around the segment, clear of everything dense."""
    patch = segment.patch
    mm = patch.gather(segment.distance.mm)
    own = patch.gather(segment.own.astype(np.float32))
    around = patch.coarse[lung & (mm > 2.0) & (mm < 5.0) & (own > 0.5)]
    if around.size < 60:
        return levels
    middle, spread = _middle(around, levels.background_hu)
    return replace(levels, background_hu=middle, background_sd_hu=spread)


def _middle(values: Float, guess: float) -> tuple[float, float]:
    """Median and robust sd of values near a guess, clipped at 2.5 sd until they settle."""
    middle, spread = guess, 100.0
    for _ in range(4):
        kept = values[np.abs(values - middle) < 2.5 * spread]
        if kept.size < 20:
            break
        middle = float(np.median(kept))
        spread = max(8.0, 1.4826 * float(np.median(np.abs(kept - middle))))
    return middle, spread


def _meets_image_edge(patch: Patch, inside: Bool, shape: tuple[int, int, int]) -> bool:
    """Whether the nodule reaches a side of the patch that is also a side of the image."""
    for axis in range(3):
        if patch.box[axis].start == 0 and bool(np.take(inside, 0, axis=axis).any()):
            return True
        if patch.box[axis].stop == shape[axis] and bool(np.take(inside, -1, axis=axis).any()):
            return True
    return False


def assumed_edge(image: Volume, plan: MeasurePlan) -> EdgeModel:
    """The edge model of a scan about which nothing is known but its header."""
    thickness = image.source.facts.get("slice_thickness_mm")
    width = float(thickness) if isinstance(thickness, float | int) and thickness > 0 else image.grid.slice_gap_mm
    return EdgeModel(plan.assumed_sigma_mm, plan.assumed_sigma_sd_mm, width, 0.0, 0.5, 0)


def first_levels(
    patch: Patch, lung: Bool, seed: NDArray[np.float64], radius_mm: float, noise_sd_hu: float
) -> Levels | str:
    """Lung and nodule level before anything is segmented."""
    centre = (seed + 0.5) / np.array(patch.factor) - 0.5
    axes = [((np.arange(n) - c) * s) ** 2 for n, c, s in zip(patch.coarse.shape, centre, patch.spacing_mm, strict=True)]
    away = np.sqrt(axes[0][:, None, None] + axes[1][None, :, None] + axes[2][None, None, :])
    around = patch.coarse[lung & (away > radius_mm + 1.5)]
    around = around[around < -500.0]
    if around.size < 60:
        return "there is too little lung around the seed to compare with"
    middle, spread = _middle(around, float(np.median(around)))
    inner = patch.coarse[away <= max(0.7 * radius_mm, 1.01 * min(patch.spacing_mm[1:]), float(away.min()) + 0.01)]
    if inner.size == 0:
        return "the seed lies outside the image"
    top = float(np.percentile(inner, 80))
    upper = inner[inner > (top + middle) / 2]
    plateau = float(np.median(upper)) if upper.size else top
    if plateau - middle < 60.0:
        return "the seed is no denser than the lung around it"
    return Levels(middle, plateau, noise_sd_hu or min(spread, 80.0), spread)


def _quiet(patch: Patch, levels: Levels) -> Float:
    """The refined image, smoothed only where noise would tear the 50 % surface."""
    ratio = levels.contrast_hu / max(levels.noise_sd_hu, levels.background_sd_hu, 1.0)
    if ratio > 12.0:
        return patch.fine
    width = float(np.clip(0.45 * 12.0 / ratio, 0.3, 1.1))
    return np.asarray(ndi.gaussian_filter(patch.fine, [width / s for s in patch.fine_mm]), dtype=np.float32)


def _problem(
    lung: Bool, segment: Segment, *, levels: Levels, edge: EdgeModel, scanner: Scanner, plan: MeasurePlan
) -> Problem:
    """The fitted region: within 3 mm of the surface, on the nodule's side, clear of others."""
    patch = segment.patch
    surface = Surface(segment.distance.mm, segment.own, segment.distance.across)
    own = patch.gather(segment.own.astype(np.float32))
    mm = patch.gather(segment.distance.mm)
    others = ~segment.own & (segment.distance.mm < 0.5)
    clear = own > 0.99
    if others.any():
        away = ndi.distance_transform_edt(~(patch.gather(others.astype(np.float32)) > 0), sampling=patch.spacing_mm)
        clear &= away > 1.5
    weights = (clear & (np.abs(mm) <= 3.0) & ((mm < 0) | lung)).astype(np.float32)
    soft = plan.soft_tissue_hu
    depth = float(-segment.distance.mm[segment.inside].min())
    density_sd = soft[1] if abs(levels.plateau_hu - soft[0]) < 4 * soft[1] + 300.0 / max(depth, 0.5) ** 2 else 400.0
    density = soft[0] if density_sd == soft[1] else levels.plateau_hu
    belief = Belief(
        sigma_mm=(edge.sigma_mm, edge.sigma_sd_mm),
        density_hu=(density, density_sd),
        background_hu=(levels.background_hu, 4.0 + 0.1 * levels.background_sd_hu),
    )
    return Problem(patch, surface, scanner, weights, belief, levels.noise_sd_hu, 1.5)
