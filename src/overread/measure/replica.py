"""A shape whose simulated picture equals the scan: volume, density and blur by least squares, with their covariance.

The starting shape is the 50 % surface; it may swell by `grow_mm` everywhere and by `tall_mm` across the slices. Each
candidate is pictured by the scanner's point spread, density and surroundings follow linearly, and the scan decides.
Removes the level-set bias of any shape, slice width and spacing without a table. It does not choose the surface.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.measure.patch import Bool, Float, Patch, Scanner

STEPS = (0.04, 0.04, 0.06)
"""Finite differences of (grow_mm, tall_mm, ln sigma)."""
ROUNDS = 6


@dataclass(frozen=True, slots=True)
class Belief:
    """What is known before the fit: mean and sd of the blur (mm), the density (HU) and the surroundings (HU)."""

    sigma_mm: tuple[float, float]
    density_hu: tuple[float, float]
    background_hu: tuple[float, float]
    grow_sd_mm: float = 0.6
    tall_sd_mm: float = 0.35


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """The starting surface on the refined grid of a patch.

    Parameters
    ----------
    distance : (slice, row, column) float32
        Signed distance to everything dense, mm, below 0 inside.
    own : (slice, row, column) bool
        The space that belongs to the object; the rest is vessel, wall or neighbour.
    across : (slice, row, column) float32
        Square of the slice component of the surface normal.
    """

    distance: Float
    own: Bool
    across: Float

    def occupancy(self, grow_mm: float, tall_mm: float, step_mm: float) -> Float:
        """Share of each fine voxel inside the surface, moved outwards."""
        moved = self.distance - np.float32(grow_mm)
        if tall_mm:
            moved -= np.float32(tall_mm) * (self.across - np.float32(1 / 3))
        return np.asarray(np.clip(np.float32(0.5) - moved / np.float32(step_mm), 0, 1), dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Result of `fit_replica`.

    `noise_variance_mm6` leaves density and blur fixed; `density_...` and `blur_...` are what not knowing them adds,
    `background_...` what not knowing the surroundings adds. `residual` is scan minus replica on the coarse grid.
    """

    volume_mm3: float
    grow_mm: float
    tall_mm: float
    sigma_mm: float
    density_hu: float
    background_hu: float
    noise_variance_mm6: float
    density_variance_mm6: float
    blur_variance_mm6: float
    background_variance_mm6: float
    density_sd_hu: float
    residual: Float
    residual_sd_hu: float
    voxels: int

    @property
    def variance_mm6(self) -> float:
        """All parts."""
        return (
            self.noise_variance_mm6 + self.density_variance_mm6 + self.blur_variance_mm6 + self.background_variance_mm6
        )


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Everything that stays fixed during a fit. `weights` are 0..1 on the coarse grid, 0 where others disturb."""

    patch: Patch
    surface: Surface
    scanner: Scanner
    weights: Float
    belief: Belief
    noise_sd_hu: float
    noise_voxels: float

    def predict(self, grow: float, tall: float, log_sigma: float) -> tuple[float, Float]:
        """Volume (mm3) and picture (0..1, coarse) of a candidate."""
        step = float(np.mean(self.patch.fine_mm))
        occupancy = self.surface.occupancy(grow, tall, step)
        ratio = float(np.exp(log_sigma)) / self.scanner.sigma_mm
        scanner = Scanner(
            self.scanner.sigma_mm * ratio, self.scanner.slice_sigma_mm * ratio, self.scanner.slice_width_mm
        )
        volume = float(np.sum(occupancy[self.surface.own], dtype=np.float64)) * self.patch.fine_voxel_mm3
        return volume, scanner.picture(occupancy, self.patch)


def fit_replica(problem: Problem) -> Fit:
    """Maximum a posteriori shape offsets, blur, density and surroundings (Gauss-Newton, Laplace covariance)."""
    belief, used = problem.belief, problem.weights > 0
    seen = problem.patch.coarse[used].astype(np.float64)
    weight = problem.weights[used].astype(np.float64)
    sd = max(problem.noise_sd_hu, 3.0) * np.sqrt(problem.noise_voxels)
    sigma, sigma_sd = belief.sigma_mm
    lung, lung_sd = belief.background_hu
    prior_mean = np.array([0.0, 0.0, np.log(sigma), belief.density_hu[0] - lung])
    prior_sd = np.array([belief.grow_sd_mm, belief.tall_sd_mm, sigma_sd / sigma, belief.density_hu[1]])
    state: NDArray[np.float64] = prior_mean.copy()
    volume_slope, normal, by_lung = np.zeros(4), np.eye(4), np.zeros(4)
    for _ in range(ROUNDS):
        volume, picture = problem.predict(*state[:3])
        jacobian = np.empty((len(seen), 4))
        volume_slope = np.zeros(4)
        for n, step in enumerate(STEPS):
            probe = state[:3].copy()
            probe[n] += step
            other_volume, other = problem.predict(*probe)
            jacobian[:, n] = state[3] * (other[used] - picture[used]) / step
            volume_slope[n] = (other_volume - volume) / step
        jacobian[:, 3] = picture[used]
        left = seen - (lung + state[3] * picture[used])
        robust = weight * _huber(left, 3 * max(problem.noise_sd_hu, _spread(left)))
        normal = np.asarray((jacobian.T * robust) @ jacobian / sd**2 + np.diag(prior_sd**-2))
        slope = jacobian.T @ (robust * left) / sd**2 + (prior_mean - state) / prior_sd**2
        by_lung = jacobian.T @ robust / sd**2
        change = np.linalg.solve(normal, slope)
        change[:3] = np.clip(change[:3], (-0.4, -0.25, -0.25), (0.4, 0.25, 0.25))
        state = np.asarray(state + change)
        state[3] = max(state[3], 1.0)
        if abs(change[0]) < 2e-3 and abs(change[1]) < 4e-3 and abs(change[2]) < 5e-3:
            break
    volume, picture = problem.predict(*state[:3])
    residual = problem.patch.coarse - np.float32(lung) - np.float32(state[3]) * picture
    residual_sd = _spread(residual[used])
    scale = max(1.0, residual_sd / max(problem.noise_sd_hu, 3.0)) ** 2
    covariance = np.linalg.inv(normal)
    full = float(volume_slope @ covariance @ volume_slope)
    shape_only = _conditional(normal, (0, 1), volume_slope)
    with_density = _conditional(normal, (0, 1, 3), volume_slope)
    return Fit(
        volume_mm3=volume,
        grow_mm=float(state[0]),
        tall_mm=float(state[1]),
        sigma_mm=float(np.exp(state[2])),
        density_hu=float(lung + state[3]),
        background_hu=lung,
        noise_variance_mm6=shape_only * scale,
        density_variance_mm6=max(0.0, with_density - shape_only) * scale,
        blur_variance_mm6=max(0.0, full - with_density),
        background_variance_mm6=float(volume_slope @ covariance @ by_lung * lung_sd) ** 2,
        density_sd_hu=float(np.sqrt(covariance[3, 3] * scale)),
        residual=residual,
        residual_sd_hu=residual_sd,
        voxels=int(used.sum()),
    )


def _conditional(normal: NDArray[np.float64], free: tuple[int, ...], slope: NDArray[np.float64]) -> float:
    """Variance of the volume when only the parameters `free` are unknown."""
    part = normal[np.ix_(free, free)]
    picked = slope[list(free)]
    return float(picked @ np.linalg.solve(part, picked))


def _spread(values: NDArray[np.floating]) -> float:
    """Robust sd: 1.4826 x median absolute deviation."""
    return float(1.4826 * np.median(np.abs(values - np.median(values)))) if values.size else 0.0


def _huber(left: NDArray[np.float64], limit: float) -> NDArray[np.float64]:
    """Weights 1 up to `limit`, falling as 1 / |left| beyond."""
    return np.minimum(1.0, limit / np.maximum(np.abs(left), 1e-9))
