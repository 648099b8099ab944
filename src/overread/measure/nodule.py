"""Measure one nodule: every size, density and edge figure with its interval. Not whether it is a nodule."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.errors import GeometryError, UsageError
from overread.findings import Line, Measurement, Quality
from overread.image import Volume
from overread.measure.boundary import sphere_radius_mm
from overread.measure.diameters import measure_axes
from overread.measure.edges import edge_form
from overread.measure.intervals import measured
from overread.measure.patch import Bool
from overread.measure.plan import EdgeModel, MeasurePlan
from overread.measure.sizes import edge_of, sizes_of
from overread.measure.types import NoduleType, type_of
from overread.measure.volume import Shape, shape_nodule

HU = "[hnsf'U]"
CHECKED_RADII_MM = (2.0, 10.0)
"""Intervals were checked on nodules of 4-20 mm."""
TILT_DEG = 1.0
"""From this shear on, distances across slices of the rectangular working grid are wrong."""
ACROSS_SLICES = ("long_axis_3d", "short_axis_3d")
SPECK_SHARE = 0.35
"""The rough radius is right within a factor of two: much less is a scrap left by a cut, not the nodule."""
CORE_MM = 1.0
"""Beside vessels and wall only what lies this deep counts towards the mean density."""


@dataclass(frozen=True, slots=True, eq=False)
class NoduleMeasure:
    """Everything measured about one nodule.

    Parameters
    ----------
    box : three slices into the image
    inside : (slice, row, column) bool, the shape of `box`
        Voxels at least half filled by the nodule.
    centre_lps : (x, y, z)
        Centroid, mm.
    lines : tuple of Line
        "long_axis" and "short_axis", end points in mm, LPS.
    attachment : "isolated", "juxtavascular" or "juxtapleural"
    nodule_type : "solid", "part_solid", "ground_glass" or "calcified"
    facts : dict
        Plain numbers behind the result: solid_share, calcified_share, fitted blur, grown mm ...
    """

    box: tuple[slice, slice, slice]
    inside: Bool
    centre_lps: tuple[float, float, float]
    measurements: tuple[Measurement, ...]
    lines: tuple[Line, ...]
    attachment: str
    nodule_type: str
    quality: Quality
    contrast_hu: float
    lung_hu: float
    nodule_hu: float
    facts: dict[str, float] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Measurement:
        """The measurement with this name; `UsageError` names those that exist."""
        for measurement in self.measurements:
            if measurement.name == name:
                return measurement
        raise UsageError(
            f"no measurement {name!r}", way_out=f"There are: {', '.join(m.name for m in self.measurements)}."
        )


@dataclass(frozen=True, slots=True)
class NotMeasurable:
    """Why there is nothing to measure at a seed."""

    reason: str


def measure_nodule(
    image: Volume,
    seed_kji: ArrayLike,
    radius_mm: float,
    lung: Bool,
    *,
    plan: MeasurePlan | None = None,
    edge: EdgeModel | None = None,
    others: Bool | None = None,
) -> NoduleMeasure | NotMeasurable:
    """Measure the nodule at a seed.

    Parameters
    ----------
    image : Volume
        CT in HU.
    seed_kji : (slice, row, column)
        Index near the nodule's centre; may be between voxels.
    radius_mm : float
        Rough radius, right within a factor of two.
    lung : (slice, row, column) bool
        Closed lung field; nodules at the pleura should be inside.
    edge : EdgeModel, optional
        From `estimate_edge`, once a scan; the plan's assumption where it is left out.
    others : (slice, row, column) bool, optional
        Voxels known to be no part of any nodule.

    Returns
    -------
    NoduleMeasure or NotMeasurable
        The latter where no lung surrounds the seed, or nothing there is denser than it.

    Raises
    ------
    GeometryError
        `lung` or `others` are on another grid.
    UsageError
        The seed or radius is not a number, or the seed is outside the image.
    """
    plan = plan or MeasurePlan()
    seed = np.asarray(seed_kji, dtype=np.float64)
    _require_sane(image, seed, radius_mm, lung, others)
    shape = shape_nodule(
        image, seed, float(np.clip(radius_mm, 1.0, plan.largest_mm / 2)), lung, edge=edge, plan=plan, others=others
    )
    if isinstance(shape, str):
        return NotMeasurable(shape)
    found_mm = sphere_radius_mm(max(shape.volume_mm3, 0.0))
    if 2 * found_mm < plan.smallest_mm or found_mm < SPECK_SHARE * radius_mm:
        return NotMeasurable(f"what can be told from its surroundings is a speck of {2 * found_mm:.1f} mm")
    kind = type_of(shape, plan)
    return _assemble(image, shape, kind, plan)


def _require_sane(image: Volume, seed: NDArray[np.float64], radius_mm: float, lung: Bool, others: Bool | None) -> None:
    for mask, what in ((lung, "lung field"), (others, "mask of others")):
        if mask is not None and mask.shape != image.grid.shape:
            raise GeometryError(f"the {what} has shape {mask.shape} but the image {image.grid.shape}")
    if seed.shape != (3,) or not np.isfinite(seed).all() or not (math.isfinite(radius_mm) and radius_mm > 0):
        raise UsageError(f"a nodule needs a seed (slice, row, column) and a radius in mm, got {seed}, {radius_mm}")
    if (seed < -0.5).any() or (seed > np.array(image.grid.shape) - 0.5).any():
        raise UsageError(f"the seed {seed.tolist()} lies outside the image {image.grid.shape}")


def _assemble(image: Volume, shape: Shape, kind: NoduleType, plan: MeasurePlan) -> NoduleMeasure | NotMeasurable:
    patch, fit = shape.patch, shape.fit
    axes = measure_axes(shape.depth_mm, patch.fine_mm)
    if axes is None or fit.volume_mm3 <= 0:
        return NotMeasurable("no closed surface around the seed")
    quality = _quality(image, shape)
    occupancy = shape.occupancy
    coarse = patch.gather(occupancy)
    sizes = sizes_of(shape, axes, kind, plan, quality)
    if image.grid.shear_deg > TILT_DEG:
        sizes = tuple(_untold_by_tilt(one, quality) if one.name in ACROSS_SLICES else one for one in sizes)
    measurements = (*sizes, *_densities(shape, coarse, sizes[0], quality), *_edges(shape, quality))
    where = _centroid(occupancy)
    x, y, z = (float(c) for c in image.grid.to_lps(patch.fine_to_index(where)))
    lines = tuple(
        Line(name, tuple((float(p[0]), float(p[1]), float(p[2])) for p in image.grid.to_lps(patch.fine_to_index(ends))))
        for name, ends in (("long_axis", axes.long_ends), ("short_axis", axes.short_ends))
    )
    return NoduleMeasure(
        box=patch.box,
        inside=coarse >= 0.5,
        centre_lps=(x, y, z),
        measurements=measurements,
        lines=lines,
        attachment=shape.segment.attachment,
        nodule_type=kind.name,
        quality=quality,
        contrast_hu=fit.density_hu - fit.background_hu,
        lung_hu=fit.background_hu,
        nodule_hu=fit.density_hu,
        facts={
            "solid_share": kind.solid_share,
            "calcified_share": kind.calcified_share,
            "blur_sigma_mm": fit.sigma_mm,
            "grown_mm": fit.grow_mm,
            "residual_sd_hu": fit.residual_sd_hu,
            "noise_sd_hu": shape.levels.noise_sd_hu,
        },
    )


def _untold_by_tilt(one: Measurement, quality: Quality) -> Measurement:
    reason = "the gantry was tilted: lengths across slices are not measured on a sheared grid"
    return Measurement.not_measurable(one.name, one.unit, reason, quality)


def _centroid(share: NDArray[np.float32]) -> NDArray[np.float64]:
    """(3,) weighted mean index."""
    total = float(share.sum(dtype=np.float64))
    sums = [share.sum(axis=tuple(b for b in range(3) if b != axis), dtype=np.float64) for axis in range(3)]
    return np.array([float(line @ np.arange(len(line))) / total for line in sums])


def _quality(image: Volume, shape: Shape) -> Quality:
    """Caveats that all figures of a nodule share."""
    quality = Quality.NONE
    radius = sphere_radius_mm(shape.fit.volume_mm3)
    if shape.cut_by_image:
        quality |= Quality.TOUCHES_BORDER
    if shape.segment.wall is not None:
        quality |= Quality.ATTACHED_TO_PLEURA
    if shape.segment.vessel is not None:
        quality |= Quality.ATTACHED_TO_VESSEL
    if shape.scanner.slice_width_mm > radius or shape.patch.spacing_mm[0] > radius:
        quality |= Quality.THICK_SLICES
    if shape.fit.density_hu - shape.fit.background_hu < 5 * shape.levels.noise_sd_hu:
        quality |= Quality.LOW_CONTRAST
    if radius < 2.0:
        quality |= Quality.TOO_SMALL
    if image.verdict.status != "sound" or image.grid.shear_deg > TILT_DEG:
        quality |= Quality.GEOMETRY_CAVEAT
    if not CHECKED_RADII_MM[0] <= radius <= CHECKED_RADII_MM[1]:
        quality |= Quality.EXTRAPOLATED
    return quality


def _densities(
    shape: Shape, coarse: NDArray[np.float32], volume: Measurement, quality: Quality
) -> tuple[Measurement, ...]:
    """Mean density of the nodule (partial volume taken out) and its mass."""
    fit = shape.fit
    mm = shape.patch.gather(shape.distance_mm)
    deep = coarse * (mm < -CORE_MM) if shape.segment.attachment != "isolated" else coarse * (coarse > 0.02)
    weight = float((deep**2).sum(dtype=np.float64))
    extra = float((fit.residual * deep).sum(dtype=np.float64)) / weight if weight > 3.0 else 0.0
    density = fit.density_hu + extra
    if shape.core is not None:
        share = min(shape.core.volume_mm3(shape.patch) / max(shape.volume_mm3, 1e-6), 1.0)
        density += share * (shape.core.density_hu - shape.core.rim_hu)
    count = max(1.0, float(deep.sum(dtype=np.float64)) / 1.5)
    parts = {"noise": max(fit.residual_sd_hu, 3.0) / math.sqrt(count), "density": fit.density_sd_hu, "scanner": 3.0}
    if shape.core is not None:
        parts["core"] = 0.15 * (density - fit.density_hu) + 5.0
    parts["partial volume"] = 12.0 * shape.scanner.slice_width_mm / sphere_radius_mm(shape.volume_mm3)
    mean = measured(
        "mean_density", density, HU, parts, "mean over the fitted shape, partial volume taken out", quality=quality
    )
    if math.isnan(volume.value):
        return mean, Measurement.not_measurable("mass", "mg", volume.method, quality)
    per_mm3 = max(density + 1000, 0.0) / 1000
    mass_parts = {c.name: c.sd * (volume.value if c.log_scale else 1.0) * per_mm3 for c in volume.components}
    mass_parts["mean density"] = volume.value * math.sqrt(sum(sd**2 for sd in parts.values())) / 1000
    mass = measured("mass", volume.value * per_mm3, "mg", mass_parts, "volume x (mean density + 1000) / 1000",
                    quality=quality, low=0.0)  # fmt: skip
    return mean, mass


def _edges(shape: Shape, quality: Quality) -> tuple[Measurement, ...]:
    """Gradient, acutance, lobulation, spiculation."""
    form, edge = edge_form(shape), edge_of(shape)
    share = form.gradient_sd_hu_mm / max(form.gradient_hu_mm, 1e-6)
    blur = 0.5 * math.sqrt(shape.fit.blur_variance_mm6) / max(shape.fit.volume_mm3, 1e-6)
    margin = {"noise": form.acutance * share, "blur": form.acutance * (0.05 + blur)}
    rough = (edge.jitter_mm + 0.5 * float(np.mean(shape.patch.fine_mm))) / sphere_radius_mm(shape.fit.volume_mm3)
    return (
        measured("edge_gradient", form.gradient_hu_mm, f"{HU}/mm", {"noise": form.gradient_sd_hu_mm},
                 "median slope across the free surface", quality=quality, low=0.0),
        measured("edge_acutance", form.acutance, "1", margin,
                 "root mean square slope over that of a sharp edge in this scan (after Rangayyan 1997)",
                 quality=quality, low=0.0),
        measured("lobulation", form.lobulation, "1", {"surface": 0.02 + 0.2 * rough},
                 "1 - volume / convex hull, without thin parts", quality=quality, low=0.0, high=1.0),
        measured("spiculation", form.spiculation, "1", {"surface": 0.02 + 0.2 * rough},
                 "share of the volume in thin parts", quality=quality, low=0.0, high=1.0),
    )  # fmt: skip
