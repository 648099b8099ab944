"""Edges: how blurred and noisy a scan is, and how sharp, lobed or spiky the surface of a nodule is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi
from scipy.spatial import ConvexHull, QhullError

from overread.image import Volume
from overread.measure.patch import Bool
from overread.measure.plan import EdgeModel, MeasurePlan
from overread.measure.volume import Shape, assumed_edge

SLICES_LOOKED_AT = 10
POINTS_A_SLICE = 120
REACH_MM = 4.0
STEP_MM = 0.2
FEWEST_EDGES = 60
QUARTILES_PER_SD = 1.3489795  # distance from 25 % to 75 % of an error function, in sd


def estimate_edge(image: Volume, lung: Bool, plan: MeasurePlan | None = None) -> EdgeModel:
    """Blur, slice width and noise of a CT scan from its own lung.

    Blur: width from 25 to 75 % of profiles across the lung border in plane, where the border runs along z and both
    sides are flat; the pixel box and the interpolation (h^2 / 12 + h^2 / 6) are taken out. Noise: the quietest fifth
    of 5 x 5 windows in the lung. Slice width: the header's thickness, else the spacing.

    Parameters
    ----------
    lung : (slice, row, column) bool

    Returns
    -------
    EdgeModel
        `edges` is 0 and the plan's blur assumed where fewer than 60 edges can be fitted.
    """
    plan = plan or MeasurePlan()
    assumed = assumed_edge(image, plan)
    filled = np.flatnonzero(lung.any(axis=(1, 2)))
    if len(filled) == 0:
        return assumed
    chosen = filled[np.unique(np.linspace(0, len(filled) - 1, min(SLICES_LOOKED_AT, len(filled))).round().astype(int))]
    spacing = (image.grid.slice_gap_mm, *image.grid.spacing_mm[1:])
    widths: list[NDArray[np.float64]] = []
    quiet: list[tuple[float, float]] = []
    for k in chosen:
        plane, mask = image.array[k].astype(np.float32), lung[k]
        noise = _noise(plane, mask)
        if noise is not None:
            quiet.append(noise)
        below, above = max(k - 1, 0), min(k + 1, image.grid.shape[0] - 1)
        tilt = (image.array[above].astype(np.float32) - image.array[below]) / np.float32(
            max(above - below, 1) * spacing[0]
        )
        widths.append(_edge_widths(plane, mask, tilt, spacing[1:]))
    noise_sd, rho = (float(np.median([q[n] for q in quiet])) for n in (0, 1)) if quiet else (0.0, 0.3)
    length = spacing[1] / (2 * math.sqrt(-math.log(float(np.clip(rho, 0.05, 0.95)))))
    sds = np.concatenate(widths) / QUARTILES_PER_SD
    if len(sds) < FEWEST_EDGES:
        sigma, sigma_sd, count = assumed.sigma_mm, assumed.sigma_sd_mm, 0
    else:
        squared = float(np.percentile(sds, 40)) ** 2 - spacing[1] * spacing[2] * (1 / 12 + 1 / 6)
        sigma, count = float(np.clip(math.sqrt(max(squared, 0.04)), 0.25, 0.9)), len(sds)
        sigma_sd = 0.12 * sigma
    return EdgeModel(sigma, sigma_sd, assumed.slice_width_mm, noise_sd, length, count)


def _noise(plane: NDArray[np.float32], mask: Bool) -> tuple[float, float] | None:
    """Noise sd and correlation of column neighbours in the quietest fifth of 5 x 5 windows inside the mask."""
    rows, columns = (np.flatnonzero(mask.any(axis=a)) for a in (1, 0))
    if len(rows) < 12 or len(columns) < 12:
        return None
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    part, inside = plane[box], mask[box]
    deep = ndi.uniform_filter(inside.astype(np.float32), 7, mode="constant") > 0.999
    mean = ndi.uniform_filter(part, 5)
    variance = np.maximum(ndi.uniform_filter(part**2, 5) - mean**2, 0)
    if np.count_nonzero(deep) < 200:
        return None
    limit = np.percentile(variance[deep], 20)
    calm = deep & (variance <= limit)
    shifted = part - mean
    product = shifted[:, :-1] * shifted[:, 1:]
    rho = float(product[calm[:, :-1]].mean() / max(float((shifted[calm] ** 2).mean()), 1e-6))
    return float(np.sqrt(limit * 25 / 24)) * 1.1, rho  # the lower fifth of sample sds lies about 10 % below the sd


def _edge_widths(
    plane: NDArray[np.float32], mask: Bool, tilt: NDArray[np.float32], spacing_mm: tuple[float, ...]
) -> NDArray[np.float64]:
    """Distances, mm, between 25 and 75 % of the steps across the border of `mask`."""
    border = np.argwhere(mask & ~ndi.binary_erosion(mask, iterations=1))
    if len(border) == 0:
        return np.empty(0)
    border = border[np.linspace(0, len(border) - 1, min(POINTS_A_SLICE, len(border))).round().astype(int)]
    step = np.array(spacing_mm)
    inner = np.clip(border, 2, np.array(plane.shape) - 3)
    slope = np.stack(
        [
            (plane[inner[:, 0] + 2, inner[:, 1]] - plane[inner[:, 0] - 2, inner[:, 1]]) / (4 * step[0]),
            (plane[inner[:, 0], inner[:, 1] + 2] - plane[inner[:, 0], inner[:, 1] - 2]) / (4 * step[1]),
        ],
        axis=1,
    )
    steep = np.linalg.norm(slope, axis=1)
    upright = (steep > 50.0) & (np.abs(tilt[inner[:, 0], inner[:, 1]]) < 0.25 * steep)
    if not upright.any():
        return np.empty(0)
    unit = slope[upright] / steep[upright, None]
    along = np.arange(-2 * REACH_MM, 2 * REACH_MM + STEP_MM / 2, STEP_MM)
    places = inner[upright][:, None, :] + unit[:, None, :] * along[None, :, None] / step
    profiles = ndi.map_coordinates(plane, np.moveaxis(places, -1, 0), order=1, mode="nearest")
    widths = [width for profile in profiles if (width := _step_width(profile)) is not None]
    return np.array(widths)


def _step_width(profile: NDArray[np.float32]) -> float | None:
    """Width of a clean dark-to-bright step near the middle of a profile; None where it is not one."""
    half = len(profile) // 2
    jump = np.abs(np.diff(ndi.uniform_filter1d(profile, 5)))
    middle = int(np.argmax(jump[half - 12 : half + 13])) + half - 12
    reach = round(REACH_MM / STEP_MM)
    if middle - reach < 0 or middle + reach >= len(profile):
        return None
    part = profile[middle - reach : middle + reach + 1]
    flat = round(1.6 / STEP_MM)
    low, high = part[:flat], part[-flat:]
    dark, bright = float(low.mean()), float(high.mean())
    if bright - dark < 500 or low.std() > 0.08 * (bright - dark) or high.std() > 0.08 * (bright - dark):
        return None
    share = (part - dark) / (bright - dark)
    first = int(np.argmax(share > 0.25))
    last = len(share) - 1 - int(np.argmax(share[::-1] < 0.75))
    if first == 0 or last == len(share) - 1 or last < first - 1:
        return None
    a = first - (share[first] - 0.25) / max(float(share[first] - share[first - 1]), 1e-6)
    b = last + (0.75 - share[last]) / max(float(share[last + 1] - share[last]), 1e-6)
    return float(b - a) * STEP_MM if b > a else None


@dataclass(frozen=True, slots=True)
class EdgeForm:
    """Descriptors of a nodule's surface.

    Parameters
    ----------
    gradient_hu_mm : float
        Median slope across the free surface, HU per mm.
    acutance : float
        Root mean square slope over the free surface, over the slope that a perfectly sharp edge of the same contrast
        has in this scan, C / (sqrt(2 pi) sigma): 1 is as sharp as the scan can show. After Rangayyan et al., IEEE
        Trans Med Imaging 16:799, 1997, who take the root mean square slope along the normals.
    lobulation : float
        1 - V / V_hull of the body without its thin parts: 0 for a convex body.
    spiculation : float
        Share of the volume in thin parts: removed by opening with a ball of half the largest inner radius.
    """

    gradient_hu_mm: float
    acutance: float
    gradient_sd_hu_mm: float
    lobulation: float
    spiculation: float


def edge_form(shape: Shape) -> EdgeForm:
    """Gradient, acutance, lobulation and spiculation of a fitted nodule."""
    patch = shape.patch
    distance = shape.distance_mm
    step = float(np.mean(patch.fine_mm))
    free = shape.segment.own & (np.abs(distance) <= 0.5 * step)
    slopes = _slopes(shape, free)
    if slopes.size == 0:
        slopes = np.zeros(1)
    in_plane = math.sqrt(shape.fit.sigma_mm**2 + patch.spacing_mm[1] * patch.spacing_mm[2] / 12)
    sharp = (shape.fit.density_hu - shape.fit.background_hu) / (math.sqrt(2 * math.pi) * in_plane)
    independent = max(1.0, slopes.size * step**2 / 1.5)
    lobulation, spiculation = roughness(distance, shape.segment.own, patch.fine_mm)
    return EdgeForm(
        gradient_hu_mm=float(np.median(slopes)),
        acutance=float(np.sqrt(np.mean(slopes**2)) / max(sharp, 1.0)),
        gradient_sd_hu_mm=float(1.25 * np.std(slopes) / math.sqrt(independent)),
        lobulation=lobulation,
        spiculation=spiculation,
    )


def _slopes(shape: Shape, free: Bool) -> NDArray[np.float64]:
    """Slope along the gradient, HU / mm, at the fine voxels `free`."""
    where = np.argwhere(free)
    total = np.zeros(len(where))
    for axis, step in enumerate(shape.patch.fine_mm):
        reach = max(1, round(0.4 / step))
        low, high = where.copy(), where.copy()
        low[:, axis] = np.maximum(low[:, axis] - reach, 0)
        high[:, axis] = np.minimum(high[:, axis] + reach, shape.patch.fine.shape[axis] - 1)
        width = np.maximum(high[:, axis] - low[:, axis], 1) * step
        total += ((shape.patch.fine[tuple(high.T)] - shape.patch.fine[tuple(low.T)]) / width) ** 2
    return np.sqrt(total)


def roughness(
    distance_mm: NDArray[np.float32], own: Bool, spacing_mm: tuple[float, float, float]
) -> tuple[float, float]:
    """(lobulation, spiculation) of the body `own & distance_mm < 0`; see `EdgeForm`."""
    inside = own & (distance_mm < 0)
    seen = [np.flatnonzero(inside.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3)]
    if any(len(s) == 0 for s in seen):
        return 0.0, 0.0
    body = np.pad(inside[tuple(slice(s[0], s[-1] + 1) for s in seen)], 2)
    depth = ndi.distance_transform_edt(body, sampling=spacing_mm)
    ball = 0.5 * float(depth.max())
    opened = body & (ndi.distance_transform_edt(depth <= ball, sampling=spacing_mm) <= ball)
    count = int(np.count_nonzero(opened))
    spiculation = 1 - count / int(np.count_nonzero(body))
    rim = np.argwhere(opened & ~ndi.binary_erosion(opened)) * np.array(spacing_mm)
    try:
        hull = ConvexHull(rim).volume
    except (QhullError, ValueError):
        return 0.0, float(spiculation)
    # voxel centres of the rim lie half a voxel inside the body
    surface = len(rim) * float(np.prod(spacing_mm)) ** (2 / 3)
    body_mm3 = count * float(np.prod(spacing_mm)) - 0.5 * surface * float(np.mean(spacing_mm))
    return float(np.clip(1 - body_mm3 / hull, 0, 1)), float(np.clip(spiculation, 0, 1))
