"""The boundary model: bias and variance of a volume or length taken at the 50 % level of a blurred, noisy edge.

Formulas only. What is inside, and how blurred the scan is, is decided elsewhere. Lengths mm, volumes mm3, HU.
Derivation: the level set of a blurred step moves by -sigma^2 x mean curvature; the digitisation term comes from the
0.0724 perimeter rule (Gundersen & Jensen, J Microsc 147:229, 1987) plus a Cavalieri end term.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from overread.errors import UsageError

FWHM_PER_SD = 2.354820045


@dataclass(frozen=True, slots=True)
class Edge:
    """What blurs and shakes one edge.

    Parameters
    ----------
    sigma_mm : float
        Standard deviation of the blur across the edge.
    contrast_hu : float
        Step height, > 0.
    noise_sd_hu : float
        Per voxel.
    noise_length_mm : float
        Correlation length (sd of a Gaussian) of the noise.
    level_sd_hu : float
        Standard deviation of the 50 % level itself.
    """

    sigma_mm: float
    contrast_hu: float
    noise_sd_hu: float
    noise_length_mm: float = 0.5
    level_sd_hu: float = 10.0

    def __post_init__(self) -> None:
        if not (self.contrast_hu > 0 and self.sigma_mm >= 0 and self.noise_sd_hu >= 0):
            raise UsageError(f"not an edge: {self}")

    @property
    def jitter_mm(self) -> float:
        """Displacement of the edge by one sd of noise: sqrt(2 pi) sigma s_n / C."""
        return math.sqrt(2 * math.pi) * self.sigma_mm * self.noise_sd_hu / self.contrast_hu

    @property
    def shift_mm(self) -> float:
        """Common displacement of the whole surface by one sd of the level."""
        return math.sqrt(2 * math.pi) * self.sigma_mm * self.level_sd_hu / self.contrast_hu


def effective_sigma_mm(sigma_mm: float, spacing_mm: tuple[float, float, float], slice_width_mm: float) -> float:
    """One blur for all directions: in-plane variance with the pixel box, and the slice box, averaged.

    `spacing_mm` is (slice, row, column). sqrt((2 (sigma^2 + h^2 / 12) + T^2 / 12) / 3).
    """
    pixel = spacing_mm[1] * spacing_mm[2] / 12
    return math.sqrt((2 * (sigma_mm**2 + pixel) + slice_width_mm**2 / 12) / 3)


def sphere_radius_mm(volume_mm3: float) -> float:
    """Radius of the ball of this volume."""
    return float((3 * volume_mm3 / (4 * math.pi)) ** (1 / 3))


def level_set_loss_mm3(volume_mm3: float, sigma_mm: float) -> float:
    """What the 50 % level loses of an object: sigma^2 x integral of mean curvature, taken as 4 pi R of the ball."""
    return sigma_mm**2 * 4 * math.pi * sphere_radius_mm(volume_mm3)


def corrected_volume_mm3(volume50_mm3: float, sigma_mm: float) -> float:
    """The volume whose 50 % level set encloses `volume50_mm3`: solves V - sigma^2 4 pi R(V) = V50 (R > 2 sigma)."""
    volume = volume50_mm3 + level_set_loss_mm3(volume50_mm3, sigma_mm)
    for _ in range(50):
        volume = volume50_mm3 + level_set_loss_mm3(volume, sigma_mm)
    return volume


def digitisation_variance_mm6(surface_mm2: float, in_plane_mm: float, slice_mm: float) -> float:
    """Variance of a voxel count: S (0.057 h^3 T + 0.0175 T^4)."""
    return surface_mm2 * (0.057 * in_plane_mm**3 * slice_mm + 0.0175 * slice_mm**4)


def noise_variance_mm6(surface_mm2: float, edge: Edge, voxel_mm3: float) -> float:
    """Variance by boundary jitter: S A_c (w s_n)^2 with A_c the area over which the noise is one draw."""
    patch = max(voxel_mm3 ** (2 / 3), 4 * math.pi * edge.noise_length_mm**2)
    return float(surface_mm2 * patch * edge.jitter_mm**2)


def level_variance_mm6(surface_mm2: float, edge: Edge) -> float:
    """Variance by the error of the 50 % level, common to the whole surface: (S w s_T)^2."""
    return (surface_mm2 * edge.shift_mm) ** 2


def blur_variance_mm6(volume_mm3: float, sigma_mm: float, sigma_sd_mm: float) -> float:
    """Variance by not knowing the blur: (2 sigma s_sigma M)^2 with M = 4 pi R."""
    return (2 * sigma_mm * sigma_sd_mm * 4 * math.pi * sphere_radius_mm(volume_mm3)) ** 2


def width_variance_mm2(radius_mm: float, edge: Edge, sigma_sd_mm: float, points: float = 1.0) -> float:
    """Variance of a width between two 50 % edges: 2 (w s_n)^2 / n + (2 w s_T)^2 + (4 sigma s_sigma / R)^2."""
    blur = 4 * edge.sigma_mm * sigma_sd_mm / radius_mm
    return 2 * edge.jitter_mm**2 / points + (2 * edge.shift_mm) ** 2 + blur**2


def doubling_time_days(first_mm3: float, second_mm3: float, days: float) -> float:
    """Volume doubling time, days: t ln 2 / ln(V2 / V1); negative when shrinking, infinite when equal."""
    if not (first_mm3 > 0 and second_mm3 > 0 and days > 0):
        raise UsageError(f"doubling time needs positive volumes and days, got {first_mm3}, {second_mm3}, {days}")
    ratio = math.log(second_mm3 / first_mm3)
    if ratio == 0:
        return math.inf
    return days * math.log(2) / ratio
