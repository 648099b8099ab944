"""Solid, part-solid, ground-glass or calcified. The rule is science's; partial volume and noise are kept out of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage as ndi

from overread.errors import IntegrityError
from overread.measure.diameters import Axes, measure_axes
from overread.measure.patch import Float
from overread.measure.plan import MeasurePlan
from overread.measure.volume import Shape

EROSION_MM = 1.0
NOISE_BLUR_MM = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class NoduleType:
    """What a nodule is made of.

    Parameters
    ----------
    name : str
        "solid", "part_solid", "ground_glass" or "calcified".
    solid_share, calcified_share : float
        Shares of the volume at least 1 mm inside the surface that are denser than the plan's limits.
    solid_axes : Axes or None
        Of the solid component; None where there is none, or where it is the whole nodule.
    """

    name: str
    solid_share: float
    calcified_share: float
    solid_axes: Axes | None


def type_of(shape: Shape, plan: MeasurePlan) -> NoduleType:
    """Type of a fitted nodule.

    Where no voxel lies 1 mm and one blur inside the surface, the fitted density stands for the whole nodule: the
    voxels of a small nodule are darker than the nodule.
    """
    if shape.core is not None:
        return _part_solid(shape, plan)
    depth = -shape.distance_mm
    own = shape.segment.own
    margin = EROSION_MM + 0.5 * shape.scanner.slice_width_mm / 2
    core = own & (depth > margin)
    if float(np.count_nonzero(core)) * shape.patch.fine_voxel_mm3 < 5.0:
        dense = shape.fit.density_hu
        share, lime = float(dense > plan.solid_hu), float(dense > plan.calcified_hu)
        name = "calcified" if lime else "solid" if share else "ground_glass"
        return NoduleType(name, share, lime, None)
    calm = ndi.gaussian_filter(shape.patch.fine, [NOISE_BLUR_MM / s for s in shape.patch.fine_mm])
    values = calm[core]
    share, lime = float(np.mean(values > plan.solid_hu)), float(np.mean(values > plan.calcified_hu))
    if lime > plan.calcified_share:
        return NoduleType("calcified", share, lime, None)
    if share >= plan.solid_share:
        return NoduleType("solid", share, lime, None)
    axes = _solid_axes(calm, own & (depth > 0), shape, plan)
    if axes is None or axes.long_mm < plan.ground_glass_core_mm:
        return NoduleType("ground_glass", share, lime, axes)
    return NoduleType("part_solid", share, lime, axes)


def _part_solid(shape: Shape, plan: MeasurePlan) -> NoduleType:
    """Type of a nodule with a core: by the core's share of the volume and its long axis."""
    core = shape.core
    if core is None:
        raise IntegrityError("a part-solid nodule without a core")
    share = core.volume_mm3(shape.patch) / max(shape.volume_mm3, 1e-6)
    lime = share if core.density_hu > plan.calcified_hu else 0.0
    axes = measure_axes((core.share - np.float32(0.5)) * np.float32(np.mean(shape.patch.fine_mm)), shape.patch.fine_mm)
    if lime > plan.calcified_share:
        return NoduleType("calcified", share, lime, axes)
    if share >= plan.solid_share:
        return NoduleType("solid", share, lime, axes)
    small = axes is None or axes.long_mm < plan.ground_glass_core_mm
    return NoduleType("ground_glass" if small else "part_solid", share, lime, axes)


def _solid_axes(
    calm: Float, inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], shape: Shape, plan: MeasurePlan
) -> Axes | None:
    """Axes of the largest part of the nodule above the solid limit, at sub-voxel precision."""
    solid = inside & (calm > plan.solid_hu)
    labels, count = ndi.label(solid)
    if not count:
        return None
    sizes = np.bincount(labels.ravel())[1:]
    part = labels == int(np.argmax(sizes)) + 1
    near = ndi.binary_dilation(part, iterations=2) & inside
    steep = (shape.fit.density_hu - plan.solid_hu) if shape.fit.density_hu > plan.solid_hu else 300.0
    height = np.where(near, (calm - np.float32(plan.solid_hu)) / np.float32(max(steep, 100.0)), np.float32(-0.5))
    return measure_axes(height.astype(np.float32), shape.patch.fine_mm)
