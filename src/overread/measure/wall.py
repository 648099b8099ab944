"""The pleural wall beneath a nodule: a smooth surface fitted around it and carried on below. Not the nodule itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.measure.patch import Bool, Float

STEP_MM = 0.6
FEWEST_POINTS = 60
RIM_MM = 8.0
"""How far around the nodule the wall is looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class Wall:
    """A quadratic surface w = q(u, v) in a frame whose third axis points into the wall.

    Parameters
    ----------
    frame : (3, 3)
        Rows u, v, w in mm along (slice, row, column).
    origin_mm : (3,)
    coefficients : (6,)
        Of 1, u, v, u u, u v, v v.
    covariance : (6, 6)
    residual_mm : float
        Robust sd of the wall points about the surface.
    """

    frame: NDArray[np.float64]
    origin_mm: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    covariance: NDArray[np.float64]
    residual_mm: float

    def depth_mm(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far points (..., 3), mm along (slice, row, column), lie inside the wall (negative: on the lung side)."""
        u, v, w = np.moveaxis((points_mm - self.origin_mm) @ self.frame.T, -1, 0)
        return np.asarray(w - _terms(u, v) @ self.coefficients)

    def behind(self, shape: tuple[int, ...], spacing_mm: tuple[float, float, float]) -> Bool:
        """(slice, row, column) bool: voxels of a grid that lie in the wall."""
        k, j, i = (np.arange(n) * s - o for n, s, o in zip(shape, spacing_mm, self.origin_mm, strict=True))
        u, v, w = (
            (row[0] * k)[:, None, None] + (row[1] * j)[None, :, None] + (row[2] * i)[None, None, :]
            for row in self.frame
        )
        a, b, c, d, e, f = self.coefficients
        return np.asarray(w >= a + u * (b + d * u + e * v) + v * (c + f * v))

    def height_sd_mm(self, points_mm: NDArray[np.float64]) -> float:
        """Sd of the mean height of the surface over points (n, 3): what the volume beneath shares."""
        u, v, _ = np.moveaxis((points_mm - self.origin_mm) @ self.frame.T, -1, 0)
        mean = _terms(u, v).mean(axis=0)
        return float(np.sqrt(mean @ self.covariance @ mean))


def find_wall(
    dense: Bool,
    lung: Bool,
    spacing_mm: tuple[float, float, float],
    seed_mm: NDArray[np.float64],
    radius_mm: float,
) -> Wall | None:
    """Fit the wall around a nodule.

    Parameters
    ----------
    dense : (slice, row, column) bool
        Denser than the 50 % level: nodule, wall and vessels.
    lung : (slice, row, column) bool
        The closed lung field; gives the side and the rough place of the wall, not its exact surface.
    seed_mm : (3,)
        Centre of the nodule, mm along (slice, row, column).

    Returns
    -------
    Wall or None
        None where no wall is near, or it cannot be seen on enough sides (60 points in 3 of 4 quadrants).
    """
    frame = _frame_towards(dense & ~lung, spacing_mm, seed_mm, radius_mm)
    if frame is None:
        return None
    reach = 1.3 * radius_mm + RIM_MM
    sides = np.arange(-reach, reach + STEP_MM / 2, STEP_MM)
    depths = np.arange(-reach, reach + STEP_MM / 4, STEP_MM / 2)
    u, v, w = np.meshgrid(sides, sides, depths, indexing="ij")
    places = np.stack([u, v, w], axis=-1) @ frame + seed_mm
    index = np.moveaxis(places / np.array(spacing_mm), -1, 0)
    full = ndi.map_coordinates(dense.astype(np.float32), index, order=1, mode="constant", cval=np.nan)
    field = ndi.map_coordinates(lung.astype(np.float32), index, order=0, mode="constant", cval=np.nan)
    heights = _wall_heights(full, field, depths, reach)
    u, v = u[..., 0], v[..., 0]
    seen = np.isfinite(heights) & (np.hypot(u, v) <= reach)
    return _fit_surface(frame, seed_mm, u=u[seen], v=v[seen], height=heights[seen], radius_mm=radius_mm)


def _frame_towards(
    body: Bool, spacing_mm: tuple[float, float, float], seed_mm: NDArray[np.float64], radius_mm: float
) -> NDArray[np.float64] | None:
    """(3, 3) rows u, v, w with w from the seed into the body nearby; None when there is no body nearby."""
    where = np.argwhere(body) * np.array(spacing_mm) - seed_mm
    away = np.linalg.norm(where, axis=1)
    near = away < radius_mm + 6.0
    if near.sum() < 30:
        return None
    weights = np.exp(-((away[near] / (radius_mm + 2.0)) ** 2)) / np.maximum(away[near], 0.5)
    w = (where[near] * weights[:, None]).sum(axis=0)
    length = np.linalg.norm(w)
    if length < 1e-6:
        return None
    w /= length
    helper = np.eye(3)[int(np.argmin(np.abs(w)))]
    u = np.cross(helper, w)
    u /= np.linalg.norm(u)
    return np.stack([u, np.cross(w, u), w])


def _wall_heights(full: Float, field: Float, depths: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
    """(u, v) height of the air-to-dense step nearest to where the closed lung field ends; NaN where there is none."""
    outside = field < 0.5
    ends = np.where(outside.any(axis=-1), depths[np.argmax(outside, axis=-1)], np.nan)
    low, high = full[..., :-1], full[..., 1:]
    step = (low < 0.5) & (high >= 0.5)
    exact = depths[:-1] + (0.5 - low) / np.maximum(high - low, 1e-6) * (depths[1] - depths[0])
    miss = np.where(step, np.abs(exact - ends[..., None]), np.inf)
    best = np.argmin(np.where(np.isnan(miss), np.inf, miss), axis=-1)
    chosen = np.take_along_axis(exact, best[..., None], axis=-1)[..., 0]
    far = np.take_along_axis(miss, best[..., None], axis=-1)[..., 0]
    return np.where(np.isfinite(far) & (far < reach), chosen, np.nan)


def _terms(u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 6): 1, u, v, u u, u v, v v."""
    return np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], axis=-1)


def _fit_surface(
    frame: NDArray[np.float64],
    origin: NDArray[np.float64],
    *,
    u: NDArray[np.float64],
    v: NDArray[np.float64],
    height: NDArray[np.float64],
    radius_mm: float,
) -> Wall | None:
    """Reweighted quadratic; what bulges into the lung (nodule, vessels) is trimmed with a margin, one-sided."""
    apart = np.hypot(u, v)
    if len(u) < FEWEST_POINTS:
        return None
    gentle = np.diag([0.0, 0.0, 0.0, 1.0, 1.0, 1.0]) * 100.0  # curvature sd .1 / mm: a wall of 5 mm radius is 1 sd
    terms = _terms(u, v)
    coefficients = _first_guess(terms, height, apart, radius_mm)
    normal: NDArray[np.float64] = np.eye(6)
    near = np.exp(-((apart / (radius_mm + 8.0)) ** 2))
    spread = 0.5
    for _ in range(10):
        left = height - terms @ coefficients
        bulge = left < -max(2.5 * spread, 0.4)
        weights = near * np.clip(1 - (left / max(4 * spread, 0.6)) ** 2, 0, 1) ** 2 * ~_grown(u, v, bulge, 1.2)
        keep = weights > 0.02
        if keep.sum() < FEWEST_POINTS or _quadrants(u[keep], v[keep]) < 3:
            return None
        normal = np.asarray((terms.T * weights) @ terms + gentle * spread**2)
        coefficients = np.asarray(np.linalg.solve(normal, terms.T @ (weights * height)))
        spread = float(np.clip(1.4826 * np.median(np.abs((height - terms @ coefficients)[keep])), 0.08, 1.5))
    independent = (STEP_MM / 2.0) ** 2  # wall points closer than 2 mm say the same
    covariance = np.asarray(np.linalg.inv(normal * independent / spread**2), dtype=np.float64)
    return Wall(frame, origin, coefficients, covariance, spread)


def _first_guess(
    terms: NDArray[np.float64], height: NDArray[np.float64], apart: NDArray[np.float64], radius_mm: float
) -> NDArray[np.float64]:
    """(6,) of the quadratic that most wall points away from the middle agree with within .6 mm, of 80 drawn ones."""
    rng = np.random.default_rng(5)
    say = np.where(apart > radius_mm, 1.0, 0.4) / np.maximum(apart, 0.5 * radius_mm)
    chance = say / say.sum()
    gentle = np.diag([1e-6, 1e-6, 1e-6, 1.0, 1.0, 1.0]) * 20.0
    best: NDArray[np.float64] = np.zeros(6)
    votes = -1.0
    for _ in range(80):
        drawn = rng.choice(len(height), 9, replace=False, p=chance)
        part = terms[drawn]
        guess = np.asarray(np.linalg.solve(part.T @ part + gentle, part.T @ height[drawn]))
        left = height - terms @ guess
        # a wall has nothing of it deeper inside the body: points beyond the guess count against it
        score = float(say[np.abs(left) < 0.6].sum() - 0.7 * say[left > 1.0].sum())
        if score > votes:
            best, votes = guess, score
    return best


def _grown(u: NDArray[np.float64], v: NDArray[np.float64], marked: Bool, by_mm: float) -> Bool:
    """Marked (u, v) points and those within `by_mm` of them."""
    if not marked.any():
        return marked
    columns = np.round((u - u.min()) / STEP_MM).astype(int)
    rows = np.round((v - v.min()) / STEP_MM).astype(int)
    plane = np.zeros((columns.max() + 1, rows.max() + 1), dtype=bool)
    plane[columns[marked], rows[marked]] = True
    near = ndi.distance_transform_edt(~plane, sampling=STEP_MM) <= by_mm
    return np.asarray(near[columns, rows])


def _quadrants(u: NDArray[np.float64], v: NDArray[np.float64]) -> int:
    """In how many quadrants there are at least 12 points."""
    return sum(int(np.sum((np.sign(u) == a) & (np.sign(v) == b)) >= 12) for a in (-1, 1) for b in (-1, 1))
