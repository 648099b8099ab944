"""Cutting vessels off a nodule: where they are hidden by nothing but the nodule's own smooth surface."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage as ndi

from overread.measure.patch import Bool, Float
from overread.measure.regions import ALL_NEIGHBOURS, component_of, contact_mm2, nearest_dense
from overread.measure.star import Star, fit_star, hidden_from, outside_star

BALL_SHARE = 0.45
"""Radius of the ball that fills the nodule up to a vessel, over the radius of the largest ball inside it."""
LARGEST_BALL_MM = 3.0
SLACK_MM = 0.7
"""What lies this far beyond the balls is looked at: it is vessel where it goes far."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How a vessel was cut off: area of the cuts, how rough the free surface is about the smooth one, its radius."""

    area_mm2: float
    rough_mm: float
    radius_mm: float


def cut_vessels(
    grown: Bool,
    start: tuple[int, ...],
    spacing: tuple[float, float, float],
    *,
    radius_mm: float,
    behind: Bool | None,
) -> tuple[Bool, Cut | None]:
    """Cut off what leaves the nodule's smooth surface and goes far; give back what ends soon."""
    star = fit_star(grown, np.array(start) * np.array(spacing), spacing, radius_mm, behind)
    reach = max(3.0, 0.9 * star.radius_mm)
    box = _box_about(star, 1.4 * star.radius_mm + reach + 1.0, grown.shape, spacing)
    corner = np.array([part.start for part in box])
    here = grown[box]
    near_star = replace(star, centre_mm=star.centre_mm - corner * np.array(spacing))
    where = np.argwhere(here)
    outside = np.full(here.shape, np.float32(99.0))
    outside[tuple(where.T)] = outside_star(where, near_star, spacing)
    if not bool((here & (outside >= reach)).any()):
        return grown, None
    away = _beyond_balls(here, outside, near_star, spacing)
    vessel = None if away is None else _going_far(here & (away > SLACK_MM), outside, reach)
    if away is None or vessel is None:
        return grown, None
    close = ndi.distance_transform_edt(~vessel, sampling=spacing) <= SLACK_MM + 0.3
    where = np.argwhere(vessel | (close & (away > 0) & here))
    taken = np.zeros_like(here)
    taken[tuple(where.T)] = hidden_from(where, near_star, spacing)
    left = here & ~taken
    centre = nearest_dense(left, near_star.centre_mm / np.array(spacing), spacing, 2 * star.radius_mm + 2.0)
    if centre is None:
        return grown, None
    left = component_of(left, centre)
    inside = np.zeros_like(grown)
    inside[box] = left
    return inside, Cut(contact_mm2(left, here & ~left, spacing), star.residual_mm, star.radius_mm)


def _box_about(
    star: Star, half_mm: float, shape: tuple[int, ...], spacing: tuple[float, float, float]
) -> tuple[slice, slice, slice]:
    """The cube of `half_mm` about the centre of a star, within an array."""
    parts = []
    for centre, step, size in zip(star.centre_mm, spacing, shape, strict=True):
        low, high = int((centre - half_mm) / step), int((centre + half_mm) / step) + 1
        parts.append(slice(min(max(low, 0), size - 1), max(min(high, size), 1)))
    return parts[0], parts[1], parts[2]


def _going_far(loose: Bool, outside: Float, reach: float) -> Bool | None:
    """The components of `loose` that come `reach` mm outside the star; None when there is none."""
    labels, count = ndi.label(loose, structure=ALL_NEIGHBOURS)
    distant = np.unique(labels[loose & (outside >= reach)])
    if not len(distant):
        return None
    far = np.zeros(count + 1, dtype=bool)
    far[distant] = True
    return np.asarray(far[labels])


def _beyond_balls(grown: Bool, outside: Float, star: Star, spacing: tuple[float, float, float]) -> Float | None:
    """Distance, mm, from the union of balls that fit into the grown part with their centres deep in the star."""
    depth = ndi.distance_transform_edt(np.pad(grown, 1, mode="edge"), sampling=spacing)[1:-1, 1:-1, 1:-1]
    core = float(depth[outside < -0.3 * star.radius_mm].max(initial=0.0))
    ball = min(BALL_SHARE * min(core, star.radius_mm), LARGEST_BALL_MM)
    seeds = (depth > ball) & (outside < -0.75 * ball)
    if not seeds.any():
        return None
    return np.asarray(ndi.distance_transform_edt(~seeds, sampling=spacing) - ball, dtype=np.float32)
