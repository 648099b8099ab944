"""Measure one nodule: every size, density and edge figure with its interval. Not whether it is a nodule."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.errors import GeometryError, UsageError
from overread.findings import Line, Measurement, Quality
from overread.image import Volume
from overread.measure.boundary import Edge, effective_sigma_mm, sphere_radius_mm
from overread.measure.diameters import Axes, measure_axes
from overread.measure.edges import edge_form
from overread.measure.intervals import measured
from overread.measure.patch import Bool
from overread.measure.plan import EdgeModel, MeasurePlan
from overread.measure.types import NoduleType, type_of
from overread.measure.volume import Shape, shape_nodule

HU = "[hnsf'U]"
METHOD = "boundary-model: shape whose simulated picture fits the scan"


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
    depth = np.where(shape.segment.own, -shape.distance_mm, np.float32(-1.0))
    axes = measure_axes(depth, patch.fine_mm)
    if axes is None or fit.volume_mm3 <= 0:
        return NotMeasurable("no closed surface around the seed")
    quality = _quality(image, shape)
    occupancy = shape.occupancy
    coarse = patch.gather(occupancy)
    sizes = _sizes(shape, axes, kind, plan, quality)
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
    if image.verdict.status != "sound" or image.grid.shear_deg > 1.0:
        quality |= Quality.GEOMETRY_CAVEAT
    return quality


def _edge_of(shape: Shape) -> Edge:
    """The nodule's own edge for the boundary model."""
    return Edge(
        sigma_mm=effective_sigma_mm(shape.fit.sigma_mm, shape.patch.spacing_mm, shape.scanner.slice_width_mm),
        contrast_hu=max(shape.fit.density_hu - shape.fit.background_hu, 1.0),
        noise_sd_hu=max(shape.levels.noise_sd_hu, 3.0),
        noise_length_mm=shape.edge.noise_length_mm,
        level_sd_hu=max(5.0, 0.5 * shape.fit.density_sd_hu),
    )


def volume_parts(shape: Shape, plan: MeasurePlan) -> dict[str, float]:
    """Named sds (mm3) of the volume."""
    fit, segment = shape.fit, shape.segment
    volume = shape.volume_mm3
    parts = {
        "noise": math.sqrt(fit.noise_variance_mm6),
        "density": math.sqrt(fit.density_variance_mm6),
        "blur": math.sqrt(fit.blur_variance_mm6),
        "lung level": math.sqrt(fit.background_variance_mm6),
        "shape model": plan.model_share * volume,
    }
    if segment.vessel is not None:
        cut = segment.vessel
        share = cut.area_mm2 / (4 * math.pi * cut.radius_mm**2)
        parts["vessel cut"] = cut.area_mm2 * math.hypot(cut.rough_mm, plan.vessel_cut_mm)
        parts["vessel or nodule"] = plan.vessel_doubt * volume * share * (2.5 / cut.radius_mm) ** 2
    if segment.wall is not None:
        parts["pleura corner"] = plan.corner_doubt * shape.corner_mm3
        parts["pleura surface"] = segment.contact_mm2 * math.hypot(segment.wall_sd_mm, plan.wall_floor_mm)
    return parts


def _sizes(shape: Shape, axes: Axes, kind: NoduleType, plan: MeasurePlan, quality: Quality) -> tuple[Measurement, ...]:
    """Volumes, diameters, area. All not measurable where the image's edge cuts the nodule."""
    names = {"volume": "mm3", "reader_comparable_volume": "mm3", "effective_diameter": "mm", "long_axis": "mm",
             "short_axis": "mm", "mean_diameter": "mm", "long_axis_3d": "mm", "short_axis_3d": "mm",
             "solid_long_axis": "mm", "largest_section_area": "mm2"}  # fmt: skip
    volume = shape.volume_mm3
    if Quality.TOUCHES_BORDER in quality:
        reason = f"the edge of the image cuts the nodule; {volume:.0f} mm3 of it are inside"
        return tuple(Measurement.not_measurable(name, unit, reason, quality) for name, unit in names.items())
    parts = volume_parts(shape, plan)
    radius = sphere_radius_mm(volume)
    surface = 4 * math.pi * radius**2
    out = [measured("volume", volume, "mm3", parts, METHOD, quality=quality, low=0.0)]
    out.append(_reader_volume(volume, parts, radius, plan, quality))
    diameter = 2 * radius
    slope = 2 / surface  # d(diameter) / d(volume)
    as_length = {name: sd * slope for name, sd in parts.items()}
    out.append(measured("effective_diameter", diameter, "mm", as_length, "(6 V / pi)^(1/3)", quality=quality, low=0.0))
    edge = _edge_of(shape)
    jitter = math.sqrt(2) * edge.jitter_mm
    bias = plan.feret_excess * jitter
    model = plan.axis_model_mm + plan.axis_model_share * diameter
    planes = {"long_axis": axes.long_mm - bias, "short_axis": axes.short_mm - 0.5 * bias}
    planes["mean_diameter"] = sum(planes.values()) / 2
    planes |= {"long_axis_3d": axes.long_3d_mm - bias, "short_axis_3d": axes.short_3d_mm - 0.5 * bias}
    methods = {
        "long_axis": "largest Feret diameter over axial sections of the fitted surface",
        "short_axis": "widest extent perpendicular to the long axis in its section",
        "mean_diameter": "(long axis + short axis) / 2 (Fleischner 2017)",
        "long_axis_3d": "largest distance between two surface points",
        "short_axis_3d": "smallest extent along the principal axes",
    }
    for name, value in planes.items():
        share = 0.6 if name in ("mean_diameter", "short_axis_3d") else 1.0
        lengths = {**as_length, "edge jitter": jitter * share, "section and tips": model * share}
        out.append(measured(name, max(value, 0.1), "mm", lengths, methods[name], quality=quality, low=0.0))
    out.append(_solid_axis(kind, out[3], edge, model, quality))
    area = {name: sd * axes.area_mm2 * 2 / (3 * volume) for name, sd in parts.items()}
    area["section"] = plan.section_share * axes.area_mm2
    method = "largest axial section of the fitted surface"
    out.append(measured("largest_section_area", axes.area_mm2, "mm2", area, method, quality=quality, low=0.0))
    return tuple(out)


def _reader_volume(
    volume: float, parts: dict[str, float], radius: float, plan: MeasurePlan, quality: Quality
) -> Measurement:
    """What a reader who outlines the nodule would get: the boundary moved by habit, and readers' differences."""
    value = volume * ((radius + plan.reader_offset_mm) / radius) ** 3
    between = math.exp(3 * plan.reader_sd_mm / (radius + plan.reader_offset_mm)) - 1
    cut = plan.reader_cut_share * value
    boundary = math.sqrt(sum(sd**2 for sd in parts.values())) * value / volume
    named = {"boundary": boundary, "cut": cut, "between readers": between * value}
    method = (
        f"{METHOD}; readers draw {plan.reader_offset_mm:g} mm outside it, each with a radius of his own "
        f"(sd {plan.reader_sd_mm:g} mm)"
    )
    return measured("reader_comparable_volume", value, "mm3", named, method, quality=quality, low=0.0, force_log=True)


def _solid_axis(kind: NoduleType, long_axis: Measurement, edge: Edge, model: float, quality: Quality) -> Measurement:
    """Long axis of the solid component."""
    if kind.name in ("solid", "calcified"):
        parts = {c.name: c.sd * (long_axis.value if c.log_scale else 1.0) for c in long_axis.components}
        return measured(
            "solid_long_axis", long_axis.value, "mm", parts, "the whole nodule is solid", quality=quality, low=0.0
        )
    if kind.solid_axes is None:
        return Measurement.not_measurable("solid_long_axis", "mm", "no part is denser than the solid limit", quality)
    parts = {
        "edge jitter": math.sqrt(2) * edge.jitter_mm,
        "section and tips": 2 * model,
        "solid limit": 2 * edge.shift_mm,
    }
    method = "largest Feret diameter over axial sections of the part denser than -300 HU"
    return measured("solid_long_axis", kind.solid_axes.long_mm, "mm", parts, method, quality=quality, low=0.0)


def _densities(
    shape: Shape, coarse: NDArray[np.float32], volume: Measurement, quality: Quality
) -> tuple[Measurement, ...]:
    """Mean density of the nodule (partial volume taken out) and its mass."""
    fit = shape.fit
    pictured = coarse * (coarse > 0.02)
    weight = float((pictured**2).sum(dtype=np.float64))
    extra = float((fit.residual * pictured).sum(dtype=np.float64)) / max(weight, 1e-6)
    density = fit.density_hu + extra
    count = max(1.0, float(pictured.sum(dtype=np.float64)) / 1.5)
    parts = {"noise": max(fit.residual_sd_hu, 3.0) / math.sqrt(count), "density": fit.density_sd_hu, "scanner": 3.0}
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
    form, edge = edge_form(shape), _edge_of(shape)
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
