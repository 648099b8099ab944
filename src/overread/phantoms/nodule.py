"""Analytic nodules: smooth, lobulated or spiculated bodies with a known surface. No image, no lung around them.

A body is every point p with |q| <= r(q / |q|), where q is p turned and squeezed into the nodule's own frame and
r = scale (1 + sum a_lm Y_lm), l = 2..6, raised by cones where there are spicules. It is star-shaped, so its volume is
a plain integral over directions and a point is inside or not without any search.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import sph_harm_y

from overread.errors import UsageError
from overread.geometry import Grid

Kind = Literal["solid", "part_solid", "ground_glass", "calcified"]
Surface = Literal["smooth", "lobulated", "spiculated"]
KINDS: tuple[Kind, ...] = ("solid", "part_solid", "ground_glass", "calcified")
SURFACES: tuple[Surface, ...] = ("smooth", "lobulated", "spiculated")
_DEGREE = 6
_ROUGHNESS = {"smooth": 0.03, "lobulated": 0.10, "spiculated": 0.06}
# (x, y, z) powers of the homogeneous polynomials of degree 6 (even l) and 5 (odd l): on the sphere they span l <= 6
_POWERS = tuple((a, b, n - a - b) for n in (6, 5) for a in range(n + 1) for b in range(n + 1 - a))


@dataclass(frozen=True, slots=True)
class Spicule:
    """A cone on the surface, in the nodule's own frame.

    `axis` is a unit vector, `tip` the distance of the apex from the centre and `half_angle_rad` the angle at the apex.
    """

    axis: tuple[float, float, float]
    tip: float
    half_angle_rad: float


@dataclass(frozen=True, slots=True)
class NoduleShape:
    """A star-shaped body around (0, 0, 0), mm, LPS axes.

    Parameters
    ----------
    scale_mm : float
        Mean radius of the body before spicules.
    monomials : 49 floats
        r / scale as polynomial in the direction; see `_POWERS`.
    axes : 3 floats
        Stretch along the nodule's own axes, product 1.
    rotation : 3 x 3 floats
        Columns are the nodule's own axes in LPS.
    spicules : tuple of Spicule
        Lengths in units of `scale_mm`.
    """

    scale_mm: float
    monomials: tuple[float, ...]
    axes: tuple[float, float, float] = (1.0, 1.0, 1.0)
    rotation: tuple[tuple[float, float, float], ...] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    spicules: tuple[Spicule, ...] = ()

    @property
    def to_own_frame(self) -> NDArray[np.float64]:
        """(3, 3): multiplies points (x, y, z) in mm, gives points in the own frame in units of `scale_mm`."""
        turned = np.array(self.rotation).T
        return np.asarray(turned / np.array(self.axes)[:, None] / self.scale_mm)

    def level(self, points_mm: NDArray[Any]) -> NDArray[Any]:
        """(...,) for (..., 3) points: 0 on the surface, below 0 inside, about the distance from it in mm nearby."""
        q = points_mm @ self.to_own_frame.T.astype(points_mm.dtype)
        length = np.sqrt(np.einsum("...i,...i->...", q, q))
        direction = q / np.maximum(length, 1e-12)[..., None]
        return np.asarray((length - _radius(direction, self)) * self.scale_mm)

    def surface_points(self, count: int = 6000) -> NDArray[np.float64]:
        """(count, 3) points on the surface, mm, evenly spread over directions, spicule tips included."""
        directions = even_directions(count)
        if self.spicules:
            directions = np.concatenate([directions, np.array([s.axis for s in self.spicules])])
        points = directions * _radius(directions, self)[:, None]
        return np.asarray(points @ np.linalg.inv(self.to_own_frame).T)

    def reach_mm(self) -> float:
        """No point of the body is farther from the centre than this, mm."""
        return float(np.linalg.norm(self.surface_points(), axis=1).max() * 1.01 + 1e-6)

    def volume_mm3(self) -> float:
        """Volume by integrating r^3 / 3 over directions: Gauss-Legendre in cos(theta), even steps in phi."""
        if self.spicules:
            directions, weights = _quadrature(240, 480)
        else:
            directions, weights = _quadrature(40, 80)
        solid_angle = float(np.sum(_radius(directions, self) ** 3 * weights))  # no BLAS: same bits at any thread count
        return solid_angle / 3 * self.scale_mm**3 * float(np.prod(self.axes))

    def scaled(self, factor: float) -> NoduleShape:
        """The same form, `factor` times as large."""
        return replace(self, scale_mm=self.scale_mm * factor)


def sphere(diameter_mm: float) -> NoduleShape:
    """A ball."""
    return NoduleShape(diameter_mm / 2, tuple(_monomials(np.zeros(_DEGREE**2 + 2 * _DEGREE + 1))))


def ellipsoid(
    diameters_mm: tuple[float, float, float],
    rotation: tuple[tuple[float, float, float], ...] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
) -> NoduleShape:
    """An ellipsoid with these whole axes along the columns of `rotation`."""
    mean = float(np.prod(diameters_mm)) ** (1 / 3)
    a, b, c = (d / mean for d in diameters_mm)
    return replace(sphere(mean), axes=(a, b, c), rotation=rotation)


def draw_shape(rng: np.random.Generator, *, diameter_mm: float, surface: Surface = "smooth") -> NoduleShape:
    """A random nodule whose volume is that of a ball of `diameter_mm` (spicules included).

    The radius varies by .03 (smooth), .1 (lobulated) or .06 (spiculated, with 4-12 cones) of itself, root mean square;
    axis ratios lie within 0.8-1.25; the rotation is uniform.
    """
    if surface not in SURFACES:
        raise UsageError(f"unknown nodule surface {surface!r}", way_out=f"Use one of {', '.join(SURFACES)}.")
    if not diameter_mm > 0:
        raise UsageError(f"the nodule's diameter is {diameter_mm} mm, expected more than 0")
    harmonics = np.zeros((_DEGREE + 1) ** 2)
    falloff = 1.0 if surface == "lobulated" else 2.0
    lowest = 3 if surface == "lobulated" else 2
    for degree in range(lowest, _DEGREE + 1):
        spread = (degree / lowest) ** -falloff
        harmonics[degree**2 : (degree + 1) ** 2] = rng.normal(0, spread, 2 * degree + 1)
    harmonics *= _ROUGHNESS[surface] * np.sqrt(4 * np.pi / np.sum(harmonics**2))
    stretch = np.exp(rng.uniform(np.log(0.8), np.log(1.25), 3))
    stretch /= np.prod(stretch) ** (1 / 3)
    spicules = _draw_spicules(rng, 0.5 * diameter_mm) if surface == "spiculated" else ()
    shape = NoduleShape(
        1.0,
        tuple(_monomials(harmonics)),
        (float(stretch[0]), float(stretch[1]), float(stretch[2])),
        random_rotation(rng),
        spicules,
    )
    return shape.scaled(float(np.cbrt(np.pi * diameter_mm**3 / 6 / shape.volume_mm3())))


def random_rotation(rng: np.random.Generator) -> tuple[tuple[float, float, float], ...]:
    """A uniformly random rotation matrix, as a tuple of rows."""
    w, x, y, z = (q := rng.normal(size=4)) / np.linalg.norm(q)
    return (
        (float(1 - 2 * (y * y + z * z)), float(2 * (x * y - z * w)), float(2 * (x * z + y * w))),
        (float(2 * (x * y + z * w)), float(1 - 2 * (x * x + z * z)), float(2 * (y * z - x * w))),
        (float(2 * (x * z - y * w)), float(2 * (y * z + x * w)), float(1 - 2 * (x * x + y * y))),
    )


def occupancy(
    shape: NoduleShape, centre_lps: tuple[float, float, float], grid: Grid, *, step_mm: float | None = None
) -> tuple[tuple[slice, slice, slice], NDArray[np.float32]]:
    """Share of each voxel that lies inside the nodule, in the smallest box of `grid` that holds it.

    Parameters
    ----------
    centre_lps : (x, y, z)
        Of the shape's own origin, mm.
    grid : Grid
        Any orientation, also sheared.
    step_mm : float, optional
        Largest distance between the sample points in a voxel that the surface may cross; by default a fortieth of
        the mean diameter, held in 0.1-0.25 mm.

    Returns
    -------
    box : three slices into the grid
        Empty when the nodule lies outside the grid.
    share : float32, the shape of `box`
        0..1. What lies outside the grid is lost.
    """
    affine = grid.affine_lps[:3, :3]
    centre = grid.to_index(centre_lps)
    half = np.linalg.norm(np.linalg.inv(affine), axis=1) * shape.reach_mm() + 1.0
    low = np.clip(np.floor(centre - half).astype(int), 0, grid.shape)
    high = np.clip(np.ceil(centre + half).astype(int) + 1, low, grid.shape)
    box = (slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1])), slice(int(low[2]), int(high[2])))
    share = np.zeros(tuple(int(n) for n in high - low), dtype=np.float32)
    if share.size == 0:
        return box, share
    index = [np.arange(a, b, dtype=np.float64) - c for a, b, c in zip(low, high, centre, strict=True)]
    points = _offsets(index, affine)
    level = shape.level(points)
    certain = _certain_distance(shape, points, affine)
    share[level < 0] = 1.0
    rim = np.argwhere(np.abs(level) <= certain)
    step = step_mm if step_mm is not None else float(np.clip(shape.scale_mm / 20, 0.1, 0.25))
    counts = np.maximum(1, np.ceil(np.array(grid.spacing_mm) / step)).astype(int)
    inner = _offsets([(np.arange(n) + 0.5) / n - 0.5 for n in counts], affine).reshape(-1, 3)
    for start in range(0, len(rim), block := max(1, 2_000_000 // len(inner))):
        chosen = rim[start : start + block]
        at = points[chosen[:, 0], chosen[:, 1], chosen[:, 2]]
        share[tuple(chosen.T)] = (shape.level(at[:, None, :] + inner[None]) < 0).mean(axis=1, dtype=np.float32)
    return box, share


def _certain_distance(
    shape: NoduleShape, points: NDArray[np.float64], affine: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How large |level| must be for a whole voxel to lie on one side: half its diagonal times the level's slope."""
    signs = np.array([(a, b, c) for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)]) / 2
    half_mm = float(np.linalg.norm(signs @ affine.T, axis=1).max())
    reach = half_mm * np.full(points.shape[:-1], 1.6 / min(shape.axes))
    for spicule in shape.spicules:  # near a spicule the level rises steeply: sample everything there
        axis = np.linalg.inv(shape.to_own_frame) @ np.array(spicule.axis)
        along = np.clip(points @ axis / (axis @ axis), 0.0, spicule.tip)
        beside = np.linalg.norm(points - along[..., None] * axis, axis=-1)
        wide = (spicule.tip - 0.5) * np.tan(spicule.half_angle_rad) * shape.scale_mm * max(shape.axes)
        reach[(beside < wide + 2 * half_mm) & (along > 0.5)] = np.inf
    return reach


def _offsets(index: list[NDArray[np.float64]], affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 3) mm for every combination of three lists of index offsets."""
    k, j, i = index
    return (
        k[:, None, None, None] * affine[:, 0]
        + j[None, :, None, None] * affine[:, 1]
        + i[None, None, :, None] * affine[:, 2]
    )


def _radius(direction: NDArray[Any], shape: NoduleShape) -> NDArray[Any]:
    """Radius / scale in each direction; (...,) for (..., 3) unit vectors of the nodule's own frame."""
    x, y, z = direction[..., 0], direction[..., 1], direction[..., 2]
    radius = np.zeros_like(x)
    coefficient = dict(zip(_POWERS, shape.monomials, strict=True))
    for degree in (6, 5):
        total = np.zeros_like(x)
        for a in range(degree, -1, -1):  # Horner in x, then in y, with powers of z
            inner = np.full_like(x, coefficient[a, degree - a, 0])
            z_power = np.ones_like(z)
            for b in range(degree - a - 1, -1, -1):
                z_power = z_power * z
                inner = inner * y + coefficient[a, b, degree - a - b] * z_power
            total = total * x + inner
        radius += total
    for spicule in shape.spicules:
        cosine = np.clip(direction @ np.array(spicule.axis, dtype=direction.dtype), -1, 1)
        near = cosine > 0.6
        angle = np.arccos(cosine[near]) + spicule.half_angle_rad
        radius[near] = np.maximum(radius[near], spicule.tip * np.sin(spicule.half_angle_rad) / np.sin(angle))
    return radius


def _draw_spicules(rng: np.random.Generator, radius_mm: float) -> tuple[Spicule, ...]:
    """4-12 cones, 2-6 mm long (at most .8 radius) and 1-2.4 mm wide at their base (at most .5 radius)."""
    spicules = []
    for _ in range(int(rng.integers(4, 13))):
        axis = rng.normal(size=3)
        axis /= np.linalg.norm(axis)
        length = min(rng.uniform(2.0, 6.0) / radius_mm, 0.8)
        base = min(rng.uniform(0.5, 1.2) / radius_mm, 0.25)
        direction = (float(axis[0]), float(axis[1]), float(axis[2]))
        spicules.append(Spicule(direction, 1.0 + length, float(np.arctan2(base, length))))
    return tuple(spicules)


def _harmonics(directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 49) real orthonormal spherical harmonics Y_lm, l <= 6, ordered by l and then m = -l..l."""
    theta = np.arccos(np.clip(directions[:, 2], -1, 1))
    phi = np.arctan2(directions[:, 1], directions[:, 0])
    columns = []
    for degree in range(_DEGREE + 1):
        for order in range(-degree, degree + 1):
            value = sph_harm_y(degree, abs(order), theta, phi)
            part = value.real if order >= 0 else value.imag
            columns.append(part if order == 0 else np.sqrt(2) * part)
    return np.stack(columns, axis=1)


@lru_cache(maxsize=1)
def _harmonics_to_monomials() -> NDArray[np.float64]:
    """(49, 49): coefficients of the harmonics to those of `_POWERS`; exact, found by solving on 400 directions."""
    directions = even_directions(400)
    monomials = np.stack([np.prod(directions ** np.array(power), axis=1) for power in _POWERS], axis=1)
    # rounded far below any effect, so that the bits do not depend on the linear-algebra library
    return np.asarray(np.round(np.linalg.lstsq(monomials, _harmonics(directions), rcond=None)[0], 11))


def _monomials(harmonics: NDArray[np.float64]) -> NDArray[np.float64]:
    """Polynomial coefficients of 1 + sum a_lm Y_lm for the 49 `harmonics` a_lm."""
    whole = harmonics.copy()
    whole[0] += np.sqrt(4 * np.pi)  # Y_00 = 1 / sqrt(4 pi)
    return np.asarray(np.einsum("ij,j->i", _harmonics_to_monomials(), whole))


def even_directions(count: int) -> NDArray[np.float64]:
    """(count, 3) unit vectors on a Fibonacci spiral."""
    n = np.arange(count) + 0.5
    z = 1 - 2 * n / count
    phi = n * np.pi * (3 - np.sqrt(5))
    flat = np.sqrt(1 - z * z)
    return np.stack([flat * np.cos(phi), flat * np.sin(phi), z], axis=1)


@lru_cache(maxsize=2)
def _quadrature(n_theta: int, n_phi: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n, 3) directions and (n,) weights that sum to 4 pi."""
    z, wz = np.polynomial.legendre.leggauss(n_theta)
    phi = (np.arange(n_phi) + 0.5) * 2 * np.pi / n_phi
    flat = np.sqrt(1 - z * z)
    x, y = flat[:, None] * np.cos(phi), flat[:, None] * np.sin(phi)
    directions = np.stack([x, y, np.broadcast_to(z[:, None], x.shape)], axis=-1).reshape(-1, 3)
    return directions, np.repeat(wz * 2 * np.pi / n_phi, n_phi)
