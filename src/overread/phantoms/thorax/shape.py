"""Shapes of a chest: body, cage, lungs, mediastinum, diaphragm, spine. No branching, no nodules, no scanner.

Axes are LPS mm with x = 0 on the midline, y = 0 in the middle of the body (front is negative), z = 0 at the carina.
Sizes follow an adult in deep inspiration; each seed varies them by several per cent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.phantoms.scene import Axes
from overread.phantoms.thorax.levels import CoarseGrid, Field, add_path, ellipsoid_level, smooth_union, superellipse

Paths = dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]
"""Name to centre line (n, 3) and radii (n,), mm."""
HEART_FAT_MM = 3.5
"""Fat around the heart, which is part of its shadow."""
APEX_MM, BASE_MM = 78.0, -172.0
"""z of the top of the lungs and of the lowest recess, before scaling."""


@dataclass(frozen=True, slots=True)
class Build:
    """What differs from patient to patient; lengths in mm, factors around 1, lung density between vessels in HU.

    `hilum_seed` moves the vessels and bronchi of the hila by a few mm.
    """

    width: float
    depth: float
    fat_mm: float
    heart: float
    heart_lean_rad: float
    dome_right_mm: float
    dome_left_mm: float
    aorta_mm: float
    lung_hu: float
    hilum_seed: int
    wobble: tuple[float, ...]


def draw_build(rng: np.random.Generator) -> Build:
    """A random adult."""
    return Build(
        width=float(rng.uniform(0.92, 1.04)),
        depth=float(rng.uniform(0.92, 1.08)),
        fat_mm=float(rng.uniform(8, 20)),
        heart=float(rng.uniform(0.9, 1.1)),
        heart_lean_rad=float(rng.uniform(0.5, 0.9)),
        dome_right_mm=float(rng.uniform(-100, -84)),
        dome_left_mm=float(rng.uniform(-114, -98)),
        aorta_mm=float(rng.uniform(11.5, 14.5)),
        lung_hu=float(rng.uniform(-895, -850)),
        hilum_seed=int(rng.integers(2**31)),
        wobble=tuple(float(v) for v in rng.uniform(-1, 1, 12)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Thorax:
    """Levels of the parts on one coarse grid (below 0 inside, mm nearby) and the paths of the great vessels."""

    grid: CoarseGrid
    build: Build
    body: Field
    cage: Field
    lung: Field
    mediastinum: Field
    heart: Field
    diaphragm: Field
    oblique: Field
    horizontal: Field
    spine: Field
    paths: Paths


def cage_semi_axes(z: NDArray[np.float32], build: Build) -> tuple[Field, Field, Field]:
    """Half width, half depth and y of the centre of the pleural cage at height z, mm."""
    rise = np.clip((z + 70) / 150, 0, 1)
    dome = np.sqrt(np.maximum(1 - rise**2.2, 1e-4))
    width = 124 * build.width * dome * (1 - 0.06 * np.clip((-60 - z) / 110, 0, 1))
    depth = 88 * build.depth * dome**0.85
    return width.astype(np.float32), depth.astype(np.float32), (-4 + 14 * rise**2).astype(np.float32)


def great_paths(build: Build) -> Paths:
    """Centre lines (n, 3) and radii (n,) of trachea, bronchi and great vessels, mm."""
    r = build.aorta_mm
    table: dict[str, list[tuple[float, float, float, float]]] = {
        "trachea": [(0, -8, 110, 8.6), (0, -2, 60, 8.6), (1, 8, 8, 8.4), (0, 10, 0, 8.8)],
        "bronchus_right": [(0, 10, 0, 7.2), (-14, 12, -11, 6.6), (-26, 13, -18, 6.0)],
        "bronchus_right_upper": [(-26, 13, -18, 4.6), (-36, 11, -14, 4.0), (-45, 8, -8, 3.0)],
        "bronchus_right_lower": [(-26, 13, -18, 5.4), (-34, 14, -31, 4.6), (-40, 18, -46, 3.4)],
        "bronchus_left": [(0, 10, 0, 6.6), (20, 14, -15, 5.8), (36, 17, -25, 5.0)],
        "bronchus_left_upper": [(36, 17, -25, 4.2), (43, 10, -22, 3.8), (49, 4, -17, 3.0)],
        "bronchus_left_lower": [(36, 17, -25, 4.6), (41, 21, -36, 3.9), (45, 25, -48, 3.2)],
        "aorta": [(6, -22, -62, r + 3), (-14, -30, -34, r + 3), (-18, -30, -6, r + 2), (-12, -24, 14, r + 1),
                  (2, -8, 24, r), (14, 12, 22, r), (22, 30, 8, r - 0.5), (22, 38, -20, r - 1), (20, 40, -80, r - 1.5),
                  (12, 38, -140, r - 2), (6, 34, -230, r - 2.5)],
        "brachiocephalic": [(-10, -24, 20, 7), (-16, -20, 45, 6.5), (-30, -14, 75, 6), (-40, -10, 110, 5)],
        "carotid_left": [(0, -10, 30, 4.5), (8, -10, 60, 4.2), (14, -8, 110, 4)],
        "subclavian_left": [(12, 8, 28, 5), (20, 6, 60, 5), (34, 0, 85, 4.8), (60, -6, 110, 4.5)],
        "cava": [(-40, -18, 110, 6), (-28, -20, 60, 8), (-28, -16, 20, 9.5), (-27, -12, -40, 10)],
        "innominate_vein": [(-27, -20, 42, 8), (-6, -30, 37, 7), (10, -30, 46, 6.5), (17, -24, 70, 6),
                           (26, -18, 99, 5)],
        "trunk": [(16, -44, -48, 14), (20, -34, -22, 14), (20, -18, -10, 13)],
        "artery_right": [(20, -18, -12, 11), (0, -8, -18, 10), (-22, 1, -18, 8.5), (-34, 4, -19, 7.5)],
        "artery_right_upper": [(-22, 0, -16, 5), (-34, -2, -8, 3.5), (-43, -4, 0, 2.8)],
        "artery_right_lower": [(-34, 4, -19, 7), (-42, 7, -29, 5.2), (-47, 11, -42, 4.2), (-50, 16, -56, 3.2)],
        "artery_left": [(20, -18, -10, 11), (29, -2, -4, 9.5), (38, 12, -5, 7.5)],
        "artery_left_upper": [(34, 4, -2, 3.6), (41, 0, 2, 3.1), (48, -5, 9, 2.7)],
        "artery_left_lower": [(38, 12, -5, 7.5), (43, 20, -15, 5.6), (47, 25, -29, 4.3), (50, 28, -44, 3.2)],
        "vein_right_upper": [(-10, 8, -44, 6), (-22, -2, -41, 4.0), (-35, -9, -34, 3.2), (-46, -13, -24, 2.8)],
        "vein_right_lower": [(-10, 14, -50, 6), (-22, 18, -54, 4.0), (-34, 22, -60, 3.3), (-44, 26, -68, 2.9)],
        "vein_left_upper": [(20, 10, -44, 6), (31, 2, -39, 4.0), (41, -5, -32, 3.2), (50, -11, -22, 2.8)],
        "vein_left_lower": [(20, 16, -50, 6), (30, 20, -54, 4.0), (40, 25, -60, 3.3), (49, 30, -68, 2.9)],
        "esophagus": [(2, 12, 110, 6), (4, 24, 20, 6.5), (8, 27, -60, 7), (16, 18, -150, 8)],
        "azygos": [(-8, 44, -200, 3.5), (-9, 42, 0, 4.5), (-14, 30, 14, 4.5), (-25, 6, 13, 4.5), (-27, -8, 8, 5)],
        "cava_inferior": [(-22, 8, -84, 12), (-24, 16, -120, 12), (-16, 22, -230, 11)],
    }  # fmt: skip
    paths = {}
    rng = np.random.default_rng(build.hilum_seed)
    for name, rows in table.items():
        rows_array = np.array(rows, dtype=np.float64)
        points = rows_array[:, :3] * np.array((build.width, build.depth, 1.0))
        if name.endswith(("_upper", "_lower")):
            points[1:] += rng.normal(0, 2.0, points[1:].shape)
            rows_array[1:, 3] *= rng.uniform(0.9, 1.1)
        paths[name] = _smooth_path(points, rows_array[:, 3])
    return paths


def _smooth_path(
    points: NDArray[np.float64], radii: NDArray[np.float64], pieces: int = 4
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A Catmull-Rom curve through the points, `pieces` steps between two."""
    padded = np.concatenate([[2 * points[0] - points[1]], points, [2 * points[-1] - points[-2]]])
    t = (np.arange(pieces) / pieces)[:, None]
    curve = []
    for n in range(len(points) - 1):
        a, b, c, d = padded[n : n + 4]
        curve.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    line = np.concatenate([*curve, points[-1:]])
    return line, np.interp(np.linspace(0, len(points) - 1, len(line)), np.arange(len(points)), radii)


def shape_thorax(grid: CoarseGrid, build: Build) -> Thorax:
    """All levels of one patient on the nodes of `grid`."""
    axes = grid.axes()
    paths = great_paths(build)
    wide, deep, middle = cage_semi_axes(axes.z, build)
    cage = grid.distance_like((superellipse(axes.x / wide, (axes.y - middle) / deep, 2.3) - 1) * np.float32(80))
    body = _body(axes, build)
    spine = _spine(axes, build)
    heart = _heart(axes, build)
    mediastinum = _mediastinum(axes, build, heart, paths)
    diaphragm = _diaphragm(axes, build)
    lung = np.maximum(np.maximum(cage, -diaphragm), -mediastinum)
    lung = grid.distance_like(np.maximum(lung, axes.z - np.float32(APEX_MM)))
    oblique, horizontal = _fissures(axes, build)
    return Thorax(grid, build, grid.distance_like(body), cage, lung, mediastinum, heart, diaphragm,
                  grid.distance_like(oblique), grid.distance_like(horizontal), spine, paths)  # fmt: skip


def _body(axes: Axes, build: Build) -> Field:
    """Skin: a superellipse, a little wider at the shoulders and narrower at the waist, flatter behind."""
    broad = 1 + 0.05 * np.tanh((axes.z - 40) / 40) - 0.04 * np.tanh((-120 - axes.z) / 40)
    semi_x = (138 * build.width + build.fat_mm) * broad
    semi_y = (101 * build.depth + build.fat_mm) * np.where(axes.y > 0, np.float32(1.02), np.float32(1.0))
    return np.asarray((superellipse(axes.x / semi_x, axes.y / semi_y, 2.35) - 1) * np.float32(100), dtype=np.float32)


def _spine(axes: Axes, build: Build) -> Field:
    """Vertebral bodies as one waisted column, with arch, spinous and transverse processes."""
    y_front = spine_y(axes.z, build)
    phase = np.abs(((axes.z / 24 + 0.37) % 1) - 0.5) * 2  # 0 at mid height of a vertebra, 1 in a disc
    waist = 1 - 0.06 * (1 - phase)
    body = (superellipse(axes.x / (17 * waist), (axes.y - y_front) / (14 * waist), 2.2) - 1) * np.float32(14)
    arch = np.abs(np.hypot(axes.x, axes.y - (y_front + 23)) - 11) - np.float32(2.5)
    low = np.clip((phase - 0.75) * 40, 0, 8).astype(np.float32)  # arches and processes have gaps between vertebrae
    spinous = np.hypot(axes.x / 3.2, np.maximum(np.abs(axes.y - (y_front + 43)) - 10, 0) / 3.2) * 3.2 - np.float32(3.2)
    transverse = np.hypot(
        np.maximum(np.abs(axes.x) - 24, 0), axes.y - (y_front + 27) - 0.12 * np.abs(axes.x)
    ) - np.float32(4)
    return np.asarray(np.minimum(body, np.minimum(np.minimum(arch, spinous), transverse) + low), dtype=np.float32)


def spine_y(z: NDArray[Any] | float, build: Build) -> NDArray[np.float32]:
    """y of the middle of the vertebral bodies: the thoracic kyphosis."""
    return np.asarray((53 - ((np.asarray(z) + 30) / 150) ** 2 * 10) * build.depth, dtype=np.float32)


def _heart(axes: Axes, build: Build) -> Field:
    """Ventricles along an axis that points left, forwards and down; right and left atrium."""
    lean, s = build.heart_lean_rad, build.heart
    long_axis = np.array((np.cos(lean), -np.sin(lean) * 0.62, -0.45))
    long_axis /= np.linalg.norm(long_axis)
    across = np.cross((0.2, 0.3, -1.0), long_axis)
    across /= np.linalg.norm(across)
    turn = np.stack([long_axis, across, np.cross(long_axis, across)], axis=1)
    w = build.width
    ventricles = ellipsoid_level(axes, (26 * w, -32, -82), (58 * s, 43 * s, 40 * s), turn)
    right_atrium = ellipsoid_level(axes, (-22 * w, -16, -70), (24 * s, 30 * s, 34 * s))
    left_atrium = ellipsoid_level(axes, (6, 8, -50), (30 * s, 18 * s, 20 * s))
    return smooth_union(smooth_union(ventricles, right_atrium, 10), left_atrium, 8)


def _mediastinum(axes: Axes, build: Build, heart: Field, paths: Paths) -> Field:
    """Everything between the lungs: a central sheet that widens around the great vessels, heart, spine."""
    upper = np.clip((axes.z + 30) / 60, 0, 1)
    centre = np.float32(4) * (1 - upper)
    bulge = 23 * build.width * np.exp(-(((axes.y + 2) / 34) ** 2))
    half = 4 + bulge * (0.55 + 0.45 * np.clip((95 - axes.z) / 60, 0, 1)) + 10 * np.clip((axes.y - 30) / 20, 0, 1)
    total: Field = np.asarray(np.abs(axes.x - centre) - half, dtype=np.float32)
    total = smooth_union(total, heart - np.float32(HEART_FAT_MM), 9)
    vertebrae = (superellipse(axes.x / 21, (axes.y - spine_y(axes.z, build)) / 18, 2.4) - 1) * np.float32(18)
    back = axes.y - spine_y(axes.z, build)
    behind = np.maximum((np.abs(axes.x) - (14 + 0.75 * back)) * 0.72, -back)  # widens towards the heads of the ribs
    total = smooth_union(total, smooth_union(np.broadcast_to(vertebrae, total.shape), behind.astype(np.float32), 8), 6)
    fat_mm = {"aorta": 2.0, "cava": 2.0, "trunk": 2.5, "artery_right": 2.5, "artery_left": 3.0, "bronchus_right": 2.0,
              "bronchus_left": 2.0, "subclavian_left": 2.0, "brachiocephalic": 2.0, "cava_inferior": 1.0,
              "innominate_vein": 3.0, "carotid_left": 2.0, "azygos": 1.5}  # fmt: skip
    fat_mm |= {name: 1.2 if "artery" in name else 0.6 for name in paths if name.endswith(("_upper", "_lower"))}
    for name, around in fat_mm.items():
        line, radii = paths[name]
        add_path(total, axes, line[::2], radii[::2], around_mm=around, fillet_mm=5)
    return total


def _diaphragm(axes: Axes, build: Build) -> Field:
    """Below the two domes (and below 0 there), with recesses that reach down along the wall."""
    heights = []
    for side, top in ((-1, build.dome_right_mm), (1, build.dome_left_mm)):
        u = (axes.x - side * 60 * build.width) / (72 * build.width)
        v = (axes.y + 8) / (80 * build.depth)
        fall = np.where(v > 0, np.float32(1.15), np.float32(0.8))
        bowl = (u * u * np.where(u * side > 0, np.float32(1.0), np.float32(0.35)) + v * v * fall) ** 1.35
        heights.append(top - 62 * bowl)
    ripple = 1.5 * np.sin(axes.x / 13 + 3 * build.wobble[0]) * np.cos(axes.y / 17 + 3 * build.wobble[1])
    surface = np.where(axes.x < 0, heights[0], heights[1]) + ripple
    return np.asarray((axes.z - np.maximum(surface, np.float32(BASE_MM))) * np.float32(0.72), dtype=np.float32)


def _fissures(axes: Axes, build: Build) -> tuple[Field, Field]:
    """Levels of the oblique fissure (below 0: lower lobe) and of the right horizontal one (below 0: middle lobe)."""
    a, b, c, d = build.wobble[2:6]
    right = (
        axes.z - (-46 + 8 * a + (1.0 + 0.1 * b) * axes.y) - ((axes.x + 70) / 22) ** 2 + 3 * np.sin(axes.y / 23 + 3 * c)
    )
    left = (
        axes.z - (-38 + 8 * d + (1.12 + 0.1 * c) * axes.y) - ((axes.x - 70) / 22) ** 2 + 3 * np.sin(axes.y / 26 + 3 * a)
    )
    oblique = np.where(axes.x < 0, right, left)
    horizontal = (
        axes.z + 34 + 6 * b - 0.12 * (axes.y + 30) + ((axes.x + 70) / 25) ** 2 + 2 * np.sin(axes.x / 17 + 3 * d)
    )
    shape = np.broadcast_shapes(axes.x.shape, axes.y.shape, axes.z.shape)
    return np.asarray(oblique, dtype=np.float32), np.broadcast_to(horizontal, shape).astype(np.float32)
