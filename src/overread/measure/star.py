"""The nodule's own smooth surface where a vessel hides it: radii along rays, spherical harmonics through the free ones.

What continues far beyond that surface is vessel and is cut off at it; what ends soon (spicules, lobes) stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi
from scipy.spatial import cKDTree
from scipy.special import sph_harm_y

from overread.measure.patch import Bool, Float

RAYS = 642
DEGREE = 4
SMOOTHING = 2e-4
ROUNDS = 8
Vectors = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Star:
    """Radius of a body in every direction from a centre.

    Parameters
    ----------
    centre_mm : (3,)
        mm along (slice, row, column).
    coefficients : (25,)
        Of the real spherical harmonics up to degree 4, mm.
    blocked : (rays,) bool
        Directions in which something else hides the surface.
    residual_mm : float
        Robust sd of the free radii about the smooth surface: how rough the body is.
    exits_mm : (rays,)
        Where each ray leaves the body and what hangs on it.
    radius_mm : float
        Mean radius.
    """

    centre_mm: Vectors
    coefficients: Vectors
    blocked: Bool
    residual_mm: float
    exits_mm: Vectors
    radius_mm: float

    def radii_mm(self) -> Vectors:
        """(RAYS,) radii of the smooth surface along `even_directions`."""
        return np.asarray(_ray_harmonics() @ self.coefficients)


@lru_cache(maxsize=1)
def even_directions() -> Vectors:
    """(RAYS, 3) unit vectors on a Fibonacci spiral."""
    n = np.arange(RAYS) + 0.5
    height, turn = 1 - 2 * n / RAYS, n * np.pi * (3 - np.sqrt(5))
    flat = np.sqrt(1 - height**2)
    return np.stack([height, flat * np.sin(turn), flat * np.cos(turn)], axis=1)


def harmonics(directions: Vectors) -> Vectors:
    """(n, 25) real orthonormal spherical harmonics up to degree 4 of (n, 3) unit vectors (slice, row, column)."""
    theta = np.arccos(np.clip(directions[:, 0], -1, 1))
    phi = np.arctan2(directions[:, 1], directions[:, 2])
    columns = []
    for degree in range(DEGREE + 1):
        for order in range(-degree, degree + 1):
            value = sph_harm_y(degree, abs(order), theta, phi)
            columns.append(value.real if order >= 0 else value.imag)
            if order != 0:
                columns[-1] = columns[-1] * np.sqrt(2)
    return np.stack(columns, axis=1)


@lru_cache(maxsize=1)
def _ray_harmonics() -> Vectors:
    return harmonics(even_directions())


@lru_cache(maxsize=1)
def _neighbours() -> NDArray[np.intp]:
    """(RAYS, 7) each ray and its six nearest."""
    return np.argsort(-(even_directions() @ even_directions().T), axis=1)[:, :7]


def exit_radii(inside: Bool, centre_mm: Vectors, spacing_mm: tuple[float, float, float], reach_mm: float) -> Vectors:
    """(RAYS,) distance at which each ray from the centre first leaves `inside`, mm; `reach_mm` where it does not."""
    step = 0.5 * float(np.mean(spacing_mm))
    along = np.arange(step, reach_mm + step, step)
    places = (centre_mm + even_directions()[:, None, :] * along[None, :, None]) / np.array(spacing_mm)
    values = ndi.map_coordinates(inside.astype(np.float32), np.moveaxis(places, -1, 0), order=1, mode="nearest")
    out = values < 0.5
    first = np.argmax(out, axis=1)
    previous = np.where(first > 0, np.take_along_axis(values, np.maximum(first - 1, 0)[:, None], axis=1)[:, 0], 1.0)
    here = np.take_along_axis(values, first[:, None], axis=1)[:, 0]
    exact = along[first] - step * (0.5 - here) / np.maximum(previous - here, 1e-6)
    return np.where(out.any(axis=1), np.clip(exact, step / 2, reach_mm), reach_mm)


def fit_star(
    inside: Bool,
    centre_mm: Vectors,
    spacing_mm: tuple[float, float, float],
    radius_mm: float,
    hidden: Bool | None = None,
) -> Star:
    """Smooth surface through the free radii of a body.

    Parameters
    ----------
    inside : (slice, row, column) bool
        Body and whatever hangs on it.
    radius_mm : float
        Rough radius; radii beyond twice as much are never the body's own.
    hidden : (slice, row, column) bool, optional
        Wall: rays that end at it are no evidence.
    """
    centre = centre_mm
    star = _star_at(inside, centre, spacing_mm, radius_mm, hidden)
    for _ in range(2):
        radii = star.radii_mm()
        shift = (even_directions() * (radii**4)[:, None]).sum(axis=0) / (radii**3).sum() * 0.75
        if np.linalg.norm(shift) < 0.05 * star.radius_mm:
            break
        centre = centre + shift
        star = _star_at(inside, centre, spacing_mm, star.radius_mm, hidden)
    return star


def _star_at(
    inside: Bool, centre: Vectors, spacing_mm: tuple[float, float, float], radius_mm: float, hidden: Bool | None
) -> Star:
    """Smooth surface about one centre."""
    exits = exit_radii(inside, centre, spacing_mm, 3.0 * radius_mm + 2.0)
    free = exits < 2.2 * radius_mm + 0.5
    if hidden is not None:
        ends = np.round((centre + even_directions() * (exits + 0.8)[:, None]) / np.array(spacing_mm)).astype(int)
        ends = np.clip(ends, 0, np.array(inside.shape) - 1)
        free &= ~hidden[tuple(ends.T)]
    return _smooth(exits, free, centre, radius_mm)


def _smooth(exits: Vectors, free: Bool, centre: Vectors, radius_mm: float) -> Star:
    """Reweighted harmonics; long radii and their neighbours lose their say."""
    design = _ray_harmonics()
    degrees = np.repeat(np.arange(DEGREE + 1), 2 * np.arange(DEGREE + 1) + 1)
    stiff = SMOOTHING * (degrees * (degrees + 1.0)) ** 2 * RAYS / (4 * np.pi)
    typical = float(np.median(exits[free])) if free.any() else radius_mm
    typical = min(typical, 1.6 * radius_mm)
    coefficients: Vectors = np.zeros(design.shape[1])
    coefficients[0] = typical * np.sqrt(4 * np.pi)
    spread, blocked = 0.2 * typical, ~free
    for _ in range(ROUNDS):
        left = exits - design @ coefficients
        limit = max(2.5 * spread, 0.08 * typical)
        blocked = ~free | (left > limit)
        blocked |= (blocked[_neighbours()].sum(axis=1) >= 2) & (left > 0.4 * limit)
        weight = np.clip(1 - (left / (2 * limit)) ** 2, 0, 1) ** 2 * ~blocked
        if weight.sum() < 40:
            break
        normal = (design.T * weight) @ design + np.diag(stiff)
        coefficients = np.asarray(np.linalg.solve(normal, design.T @ (weight * exits)))
        used = ~blocked
        spread = float(np.clip(1.4826 * np.median(np.abs(left[used])), 0.02 * typical, 0.3 * typical))
    radii = design @ coefficients
    coefficients = (
        coefficients if radii.min() > 0.2 * typical else np.eye(design.shape[1])[0] * typical * np.sqrt(4 * np.pi)
    )
    return Star(centre, coefficients, np.asarray(blocked), spread, exits, float(np.mean(design @ coefficients)))


def outside_star(where: NDArray[np.int64], star: Star, spacing_mm: tuple[float, float, float]) -> Float:
    """(n,) mm by which voxels (n, 3) lie outside the smooth surface; negative inside."""
    length, cell = _cells(where, star, spacing_mm)
    return np.asarray(length - (_cell_harmonics() @ star.coefficients)[cell], dtype=np.float32)


def hidden_from(where: NDArray[np.int64], star: Star, spacing_mm: tuple[float, float, float]) -> Bool:
    """(n,) whether voxels (n, 3) cannot be the body's own: in a blocked direction, or behind the end of their ray."""
    length, cell = _cells(where, star, spacing_mm)
    ray = _cell_rays()[cell]
    return np.asarray(star.blocked[ray] | (length > star.exits_mm[ray] + 0.6) | (length > 1.6 * star.radius_mm))


CELLS = (90, 180)
"""Cells of 2 degrees in theta and phi, in which a surface of degree 4 hardly changes."""


def _cells(
    where: NDArray[np.int64], star: Star, spacing_mm: tuple[float, float, float]
) -> tuple[Vectors, NDArray[np.intp]]:
    """Distance from the centre and number of the direction's cell, for voxels (n, 3)."""
    away = where * np.array(spacing_mm) - star.centre_mm
    length = np.sqrt(np.einsum("ni,ni->n", away, away))
    theta = np.arccos(np.clip(away[:, 0] / np.maximum(length, 1e-9), -1, 1))
    phi = np.arctan2(away[:, 1], away[:, 2]) + np.pi
    row = np.minimum((theta * (CELLS[0] / np.pi)).astype(np.intp), CELLS[0] - 1)
    column = np.minimum((phi * (CELLS[1] / (2 * np.pi))).astype(np.intp), CELLS[1] - 1)
    return length, row * CELLS[1] + column


@lru_cache(maxsize=1)
def _cell_directions() -> Vectors:
    """(cells, 3) unit vector of each cell's middle."""
    theta = (np.arange(CELLS[0]) + 0.5) * np.pi / CELLS[0]
    phi = (np.arange(CELLS[1]) + 0.5) * 2 * np.pi / CELLS[1] - np.pi
    t, p = np.meshgrid(theta, phi, indexing="ij")
    return np.stack([np.cos(t), np.sin(t) * np.sin(p), np.sin(t) * np.cos(p)], axis=-1).reshape(-1, 3)


@lru_cache(maxsize=1)
def _cell_harmonics() -> Vectors:
    """(cells, 25)."""
    return harmonics(_cell_directions())


@lru_cache(maxsize=1)
def _cell_rays() -> NDArray[np.intp]:
    """(cells,) the ray nearest to each cell."""
    return np.asarray(cKDTree(even_directions()).query(_cell_directions())[1])
