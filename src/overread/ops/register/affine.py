"""Affine alignment that raises the weighted correlation of two images. Not which structures should match."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage as ndi

from overread.errors import UsageError

Floats = NDArray[np.float64]
Image = NDArray[np.floating[Any]]
_LEAST_SHARE = 0.5
"""Of the weight that must fall inside the moving image; with less the correlation means little."""
MOST_STRETCH = 1.8
"""A map that stretches any direction by more, or shrinks it by more, is taken for a failure, not for anatomy."""


@dataclass(frozen=True, slots=True, eq=False)
class AffineMap:
    """y = matrix x + offset, from indices (k, j, i) of one image to those of another.

    Parameters
    ----------
    matrix : (3, 3) float64
    offset : (3,) float64
        In voxels.
    """

    matrix: Floats
    offset: Floats

    @classmethod
    def shift(cls, by: ArrayLike) -> AffineMap:
        """x + by."""
        return cls(np.eye(3), np.asarray(by, dtype=np.float64))

    @classmethod
    def centred(cls, fixed_shape: tuple[int, ...], moving_shape: tuple[int, ...]) -> AffineMap:
        """Middle to middle, nothing turned or stretched."""
        return cls.shift((np.array(moving_shape) - np.array(fixed_shape)) / 2)

    def __call__(self, points: ArrayLike) -> Floats:
        """(..., 3) points mapped."""
        moved: Floats = np.asarray(points, dtype=np.float64) @ self.matrix.T + self.offset
        return moved

    def inverse(self) -> AffineMap:
        """The way back."""
        back: Floats = np.linalg.inv(self.matrix).astype(np.float64)
        return AffineMap(back, -back @ self.offset)

    def shifted(self, by: ArrayLike) -> AffineMap:
        """This, then + by."""
        return AffineMap(self.matrix, self.offset + np.asarray(by, dtype=np.float64))

    @property
    def growth(self) -> float:
        """Volume of a mapped body to that of the body."""
        return float(np.linalg.det(self.matrix))


@dataclass(frozen=True, slots=True)
class AffinePlan:
    """Parameters of `fit_affine`.

    Parameters
    ----------
    sigmas : tuple of float
        Both images are smoothed by a Gaussian of each, in voxels, one after the other.
    strides : tuple of int
        Every so many voxels along each axis are compared.
    steps : tuple of int
        Most Gauss-Newton steps of each.
    enough : float
        A step that moves no corner of the fixed image by more voxels than this is the last.
    stiffness : float
        Price of the squared distance of the matrix from "nothing turned or stretched", in shares of the variance.
    """

    sigmas: tuple[float, ...] = (2.0, 1.0)
    strides: tuple[int, ...] = (3, 2)
    steps: tuple[int, ...] = (15, 15)
    enough: float = 0.01
    stiffness: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class AffineFit:
    """`place` maps indices of the fixed image to those of the moving one; `correlation` is what it reached."""

    place: AffineMap
    correlation: float


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    """Both images smoothed, and the points that are compared.

    `terms` are (n, 4): the point about the middle, and 1.
    """

    points: Floats
    terms: Floats
    value: Floats
    weight: Floats
    middle: Floats
    moving: NDArray[np.float32]
    slopes: tuple[NDArray[np.float32], ...]

    @classmethod
    def of(cls, fixed: Image, weight: Image, moving: Image, sigma: float, stride: int) -> _Level:
        every = tuple(slice((n - 1) % stride // 2, None, stride) for n in fixed.shape)
        grids = np.stack(np.meshgrid(*(np.arange(n)[one] for n, one in zip(fixed.shape, every, strict=True)),
                                     indexing="ij"), axis=-1)  # fmt: skip
        chosen = weight[every] > 0
        points = grids[chosen].astype(np.float64)
        middle = (np.array(fixed.shape) - 1) / 2
        smooth = ndi.gaussian_filter(moving.astype(np.float32), sigma, mode="nearest")
        slopes = tuple(np.gradient(smooth, axis=axis).astype(np.float32) for axis in range(3))
        return cls(
            points,
            np.concatenate([points - middle, np.ones((len(points), 1))], axis=1),
            ndi.gaussian_filter(fixed.astype(np.float32), sigma, mode="nearest")[every][chosen].astype(np.float64),
            weight[every][chosen].astype(np.float64),
            middle,
            smooth,
            slopes,
        )

    def seen(self, place: AffineMap) -> tuple[Floats, float]:
        """(n, 3) points in the moving image, and the total weight of those inside it."""
        at = place(self.points)
        inside = ((at >= 0) & (at <= np.array(self.moving.shape) - 1)).all(axis=1)
        # beyond the edge its values go on: points left out there would reward maps that push the hard ones out
        return at, float(self.weight @ inside)

    def correlation(self, place: AffineMap) -> float:
        at, inside = self.seen(place)
        if inside < _LEAST_SHARE * self.weight.sum() or not _is_plausible(place):
            return -1.0
        return _correlation(self.value, _sampled(self.moving, at), self.weight)

    def cost(self, place: AffineMap, stiffness: float) -> float:
        """Unexplained share of the variance, 1 / r^2 - 1, plus the stiffness; infinite where r is not above 0."""
        r = self.correlation(place)
        away = float(np.sum((place.matrix - np.eye(3)) ** 2))
        return 1 / r**2 - 1 + stiffness * away if r > 0 else np.inf

    def step(self, place: AffineMap, stiffness: float) -> AffineMap | None:
        """One Gauss-Newton step of `cost`; None where the images give no direction."""
        at, _ = self.seen(place)
        root = np.sqrt(self.weight)
        still = root * _centred(self.value, self.weight)
        warped = root * _centred(_sampled(self.moving, at), self.weight)
        gain = float(still @ warped) / max(float(still @ still), 1e-12)
        if gain <= 0:
            return None
        slopes = np.stack([_sampled(one, at) for one in self.slopes], axis=1)
        jacobian = (slopes[:, :, None] * self.terms[:, None, :]).reshape(len(at), 12)
        jacobian = root[:, None] * (jacobian - self.weight @ jacobian / self.weight.sum())
        scale = 1 / (gain**2 * float(still @ still))
        normal = scale * (jacobian.T @ jacobian)
        toward = scale * (jacobian.T @ (gain * still - warped))
        normal[np.diag_indices(12)] *= 1 + 1e-6
        linear = np.arange(12) % 4 < 3
        normal[linear, linear] += stiffness
        toward[linear] -= stiffness * (place.matrix - np.eye(3)).ravel()
        try:
            change = np.linalg.solve(normal, toward).reshape(3, 4)
        except np.linalg.LinAlgError:
            return None
        return AffineMap(place.matrix + change[:, :3], place.offset + change[:, 3] - change[:, :3] @ self.middle)


def fit_affine(
    fixed: Image,
    moving: Image,
    *,
    weight: Image | None = None,
    start: AffineMap | None = None,
    plan: AffinePlan | None = None,
) -> AffineFit:
    """The affine map under which `moving` correlates best with `fixed`.

    Parameters
    ----------
    fixed, moving : (slice, row, column) real
        Of one isotropic spacing; scale and offset of their values do not matter.
    weight : same shape as `fixed`, 0 or more
        How much each voxel counts; 1 by default.
    start : AffineMap, optional
        From indices of `fixed` to those of `moving`; middle to middle by default.

    Raises
    ------
    UsageError
        Not three axes, shapes of image and weight differ, or values are not finite.

    Notes
    -----
    Gauss-Newton on 1 / r^2 - 1, r the weighted correlation; a step that does not lower it is halved, at most three
    times.
    """
    plan = plan or AffinePlan()
    weight = np.ones(fixed.shape, np.float32) if weight is None else weight
    _require_alike(fixed, moving, weight)
    place = start or AffineMap.centred(fixed.shape, moving.shape)
    correlation = -1.0
    for sigma, stride, steps in zip(plan.sigmas, plan.strides, plan.steps, strict=True):
        level = _Level.of(fixed, weight, moving, sigma, stride)
        place = _climb(level, place, steps, plan)
        correlation = level.correlation(place)
    return AffineFit(place, correlation)


def look_around(
    fixed: Image,
    moving: Image,
    *,
    weight: Image,
    reach: float = 8.0,
    pitch: float = 4.0,
    keep: int = 3,
) -> tuple[AffineFit, ...]:
    """Shifts about "middle to middle" that correlate best, best first, `keep` of them, each `2 pitch` from the others.

    Parameters
    ----------
    reach, pitch : float
        How far and how densely, in voxels along each axis.
    """
    _require_alike(fixed, moving, weight)
    level = _Level.of(fixed, weight, moving, 2.0, 4)
    middle = AffineMap.centred(fixed.shape, moving.shape)
    offsets = np.arange(-reach, reach + pitch / 2, pitch)
    tried = [AffineFit(middle.shifted(by), 0.0) for by in product(offsets, repeat=3)]
    tried = [AffineFit(one.place, level.correlation(one.place)) for one in tried]
    kept: list[AffineFit] = []
    for one in sorted(tried, key=lambda fit: -fit.correlation):
        if all(np.abs(one.place.offset - other.place.offset).max() >= 2 * pitch for other in kept):
            kept.append(one)
        if len(kept) == keep:
            break
    return tuple(kept)


def correlation_at(fixed: Image, moving: Image, place: AffineMap, *, weight: Image, sigma: float = 1.0) -> float:
    """Weighted correlation under a map; -1 where less than half the weight falls inside the moving image."""
    return _Level.of(fixed, weight, moving, sigma, 2).correlation(place)


def _climb(level: _Level, place: AffineMap, steps: int, plan: AffinePlan) -> AffineMap:
    least = level.cost(place, plan.stiffness)
    corners = np.array(list(product(*((0.0, 2 * m) for m in level.middle))))
    for _ in range(steps):
        wanted = level.step(place, plan.stiffness)
        if wanted is None:
            break
        for share in (1.0, 0.5, 0.25, 0.125):
            tried = AffineMap(
                place.matrix + share * (wanted.matrix - place.matrix),
                place.offset + share * (wanted.offset - place.offset),
            )
            found = level.cost(tried, plan.stiffness)
            if found < least:
                break
        else:
            break
        moved = float(np.abs(tried(corners) - place(corners)).max())
        place, least = tried, found
        if moved < plan.enough:
            break
    return place


def _is_plausible(place: AffineMap) -> bool:
    """No reflection, and no axis shrunk or stretched beyond `MOST_STRETCH`."""
    stretches = np.linalg.svd(place.matrix, compute_uv=False)
    return place.growth > 0 and stretches[0] <= MOST_STRETCH and stretches[-1] >= 1 / MOST_STRETCH


def _require_alike(fixed: Image, moving: Image, weight: Image) -> None:
    if fixed.ndim != 3 or moving.ndim != 3 or weight.shape != fixed.shape:
        raise UsageError(
            f"a fixed image of {fixed.shape} with a weight of {weight.shape} and a moving image of {moving.shape},"
            " expected three axes and a weight of the fixed shape"
        )
    if not (np.isfinite(fixed).all() and np.isfinite(moving).all() and np.isfinite(weight).all()):
        raise UsageError("an image holds values that are not finite", way_out="Replace them first.")


def _sampled(image: NDArray[np.float32], at: Floats) -> Floats:
    found: Floats = ndi.map_coordinates(image, at.T, order=1, mode="nearest").astype(np.float64)
    return found


def _centred(values: Floats, weight: Floats) -> Floats:
    middle: Floats = values - weight @ values / weight.sum()
    return middle


def _correlation(a: Floats, b: Floats, weight: Floats) -> float:
    first, second = _centred(a, weight), _centred(b, weight)
    size = float((weight @ first**2) * (weight @ second**2))
    return float(weight @ (first * second)) / np.sqrt(size) if size > 0 else 0.0
