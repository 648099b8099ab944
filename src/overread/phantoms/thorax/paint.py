"""Painting a chest into a scene, organ by organ. It decides materials; shapes and places come from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.phantoms.nodule import occupancy
from overread.phantoms.scene import Scene, soft, tube_share
from overread.phantoms.thorax.levels import Field, ellipsoid_level
from overread.phantoms.thorax.place import Placed
from overread.phantoms.thorax.shape import Thorax, cage_semi_axes, spine_y
from overread.phantoms.thorax.trees import LungTrees, Tubes, path_tubes

BLOOD_HU, FAT_HU, MUSCLE_HU = 42.0, -100.0, 55.0
_GRAVITY_HU_PER_MM = 0.35
_FISSURE_MM, _FISSURE_HU = 0.85, -420.0


def lung_base_hu(thorax: Thorax, y: NDArray[np.float32] | float) -> NDArray[np.float32]:
    """Density of lung between vessels: denser towards the back (supine), HU."""
    return np.asarray(thorax.build.lung_hu + _GRAVITY_HU_PER_MM * np.asarray(y), dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Slice:
    """One fine slice while it is painted: its HU, coordinates and the width of a soft edge, mm."""

    hu: NDArray[np.float32]
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    z: float
    number: int
    width: float
    thorax: Thorax

    def level(self, field: Field) -> NDArray[np.float32]:
        """A level of the thorax on this slice."""
        return self.thorax.grid.plane(field, self.number)

    def mix(self, share: NDArray[np.float32], hu: float) -> None:
        """Replace `share` of each pixel by material of `hu`."""
        view = self.hu
        view += share * (np.float32(hu) - view)

    def fill(self, level: NDArray[np.float32], hu: float) -> None:
        """Material of `hu` wherever `level` is below 0."""
        self.mix(soft(level, self.width), hu)


def paint_organs(scene: Scene, thorax: Thorax, first_slice: int) -> None:
    """Body, fat, muscle, mediastinum, heart, abdomen, spine, lungs and fissures, slice by slice.

    `first_slice` is the slice of the thorax's grid at which the scene begins.
    """
    axes = scene.axes()
    y, x = axes.y[0], axes.x[0]
    abdomen = _abdomen(thorax)
    table = _table_share(thorax, x, y)
    base = lung_base_hu(thorax, y)
    for n in range(scene.hu.shape[0]):
        one = _Slice(scene.hu[n], x, y, float(axes.z[n, 0, 0]), n + first_slice, float(scene.step_mm[1]) * 1.2, thorax)
        one.hu[...] = -1000
        one.mix(table, -350)
        cage, diaphragm = one.level(thorax.cage), one.level(thorax.diaphragm)
        _paint_wall(one, cage)
        one.fill(np.maximum(cage + np.float32(2.5), -diaphragm), FAT_HU)
        one.fill(one.level(thorax.heart), BLOOD_HU)
        if (diaphragm < 3).any():
            for organ, organ_hu in abdomen:
                one.fill(one.level(organ), organ_hu)
        _paint_spine(one)
        lung = one.level(thorax.lung)
        if (lung < 1).any():
            inside = soft(lung, one.width)
            one.hu[...] += inside * (base - one.hu)
            _paint_fissures(one, inside)


def _paint_wall(one: _Slice, cage: Field) -> None:
    """Skin, fat, muscle with a seam of fat between its layers."""
    wobble = one.thorax.build.wobble
    body = one.level(one.thorax.body)
    one.fill(body, 20)
    one.fill(body + np.float32(1.8), FAT_HU)
    fat = (one.thorax.build.fat_mm + 2.5 * np.sin(one.x / 31 + one.z / 40 + 3 * wobble[6])).astype(np.float32)
    one.fill(body + fat, MUSCLE_HU)
    seam = np.abs(cage - (13 + 1.5 * np.sin(one.x / 12 + one.z / 22 + 3 * wobble[7])).astype(np.float32))
    one.fill(np.maximum(seam - np.float32(1.1), body + fat + np.float32(2)), -70)


def _abdomen(thorax: Thorax) -> list[tuple[Field, float]]:
    """Levels and HU of what lies under the diaphragm: muscle, liver, spleen, stomach with its bubble."""
    axes, b = thorax.grid.axes(), thorax.build
    under = np.maximum(thorax.diaphragm, thorax.cage + 3)
    liver = np.maximum(under + 2.5, (axes.x - 38 - 0.35 * (axes.z - b.dome_right_mm)) * np.float32(0.8))
    top = b.dome_left_mm

    def ball(centre: tuple[float, float, float], semi_mm: tuple[float, float, float]) -> Field:
        return np.asarray(np.maximum(ellipsoid_level(axes, centre, semi_mm), under + 3), dtype=np.float32)

    return [
        (np.asarray(np.maximum(under, -(under + 2.5)), dtype=np.float32), 45.0),
        (ball((88, 28, top - 42), (34, 46, 48)), 50.0),
        (np.asarray(liver, dtype=np.float32), 58.0),
        (ball((56, -18, top - 44), (38, 44, 42)), 35.0),
        (ball((58, -34, top - 40), (30, 22, 34)), -985.0),
    ]


def _paint_spine(one: _Slice) -> None:
    """Cortex over spongy bone, soft discs, and the canal."""
    spine = one.level(one.thorax.spine)
    if not (spine < 1).any():
        return
    phase = abs(((one.z / 24 + 0.37) % 1) - 0.5) * 2
    front = float(spine_y(one.z, one.thorax.build))
    in_disc = float(np.clip((phase - 0.82) * 20, 0, 1))
    one.fill(spine, 420)
    one.fill(spine + np.float32(1.5), 170)
    if in_disc > 0:
        body = soft(np.hypot(one.x, one.y - np.float32(front)) - np.float32(19), 2.0)
        one.mix(soft(spine, one.width) * body * np.float32(in_disc), 85)
    one.fill(np.hypot(one.x, one.y - np.float32(front + 22)) - np.float32(8), 25)


def _paint_fissures(one: _Slice, inside: NDArray[np.float32]) -> None:
    """Both oblique fissures and, in front of the right one, the horizontal: thin sheets of denser lung."""
    oblique = one.level(one.thorax.oblique)
    half, rise = np.float32(_FISSURE_MM / 2), np.float32(_FISSURE_HU - one.thorax.build.lung_hu)
    one.hu[...] += soft(np.abs(oblique) - half, one.width) * inside * rise
    on_right = (one.x < 0) & (oblique > 0)
    if on_right.any():
        horizontal = one.level(one.thorax.horizontal)
        one.hu[...] += soft(np.abs(horizontal) - half, one.width) * inside * on_right * rise


def _table_share(thorax: Thorax, x: Field, y: Field) -> NDArray[np.float32]:
    """A thin curved shell under the back."""
    back = (101 * thorax.build.depth + thorax.build.fat_mm) * 1.02 + 5
    return soft(np.abs(y - (back - x * x / 1500)) - np.float32(1.3), 1.2)


def paint_bones(scene: Scene, thorax: Thorax) -> None:
    """Ribs with cartilage, sternum, clavicles, shoulder blades."""
    for tubes, shell_hu, core_hu, wall_mm in _bones(thorax):
        _paint_tubes(scene, tubes, shell_hu, over_hu=MUSCLE_HU)
        if core_hu is not None:
            inner = Tubes(tubes.start, tubes.end, np.maximum(tubes.radius - wall_mm, 0.3), tubes.branch)
            _hollow_tubes(scene, inner, core_hu, under_hu=shell_hu)


def _line_tubes(points: NDArray[np.float64], radius: float) -> Tubes:
    n = len(points) - 1
    return Tubes(points[:-1], points[1:], np.full((n, 2), radius), np.zeros(n, dtype=np.int64))


def _bones(thorax: Thorax) -> list[tuple[Tubes, float, float | None, float]]:
    """(tubes, cortex HU, marrow HU, cortex mm) of all bones but the spine."""
    bones: list[tuple[Tubes, float, float | None, float]] = []
    for side in (-1, 1):
        for number in range(12):
            ends = 150 if number < 7 else (140 if number < 10 else 85)
            rib = _on_cage(
                thorax,
                side,
                np.linspace(14, ends, 30),
                80 - 22.5 * number,
                offset_mm=6.5,
                fall_mm=18 + 5 * min(number, 7),
            )
            bones.append((_line_tubes(rib, 4.3), 520.0, 240.0, 1.2))
            if number < 7:
                gristle = _on_cage(
                    thorax, side, np.linspace(150, 174, 6), 80 - 22.5 * number, offset_mm=6.5, fall_mm=18 + 5 * number
                )
                bones.append((_line_tubes(gristle, 4.5), 110.0, None, 0.0))
        clavicle = np.array([(20, -58, 58), (60, -62, 70), (100, -44, 82), (140, -26, 90)]) * (
            side * thorax.build.width,
            thorax.build.depth,
            1,
        )
        bones.append((_line_tubes(clavicle, 6.0), 560.0, 220.0, 1.6))
        for z in np.arange(-48, 72, 4.0):
            blade = _on_cage(thorax, side, np.linspace(38 - z / 12, 64, 5), float(z), offset_mm=17.0, fall_mm=0.0)
            bones.append((_line_tubes(blade, 2.6), 420.0, None, 0.0))
    for x in (-10.0, 0.0, 10.0):
        front = _on_cage(thorax, 1, np.array([180.0]), 0.0, offset_mm=8.0, fall_mm=0.0)
        levels = np.arange(44, -96, -6.0)
        line = np.concatenate(
            [_on_cage(thorax, 1, np.array([180.0]), float(z), offset_mm=8.0, fall_mm=0.0) for z in levels]
        )
        line[:, 0] = x
        line[:, 1] = np.maximum(line[:, 1], front[0, 1] - 4)
        bones.append((_line_tubes(line, 5.4), 330.0, 130.0, 1.1))
    return bones


def _on_cage(
    thorax: Thorax, side: int, angle_deg: NDArray[np.float64], z: float, *, offset_mm: float, fall_mm: float
) -> NDArray[np.float64]:
    """(n, 3) points around the pleural cage at these angles from the back, `offset_mm` outside it, falling forwards."""
    share = np.clip(angle_deg / 160, 0, 1.1)
    heights = z - fall_mm * share**1.3
    wide, deep, middle = cage_semi_axes(heights.astype(np.float32), thorax.build)
    u, v = np.sin(np.radians(angle_deg)), np.cos(np.radians(angle_deg))
    rim = 1 / (np.abs(u) ** 2.3 + np.abs(v) ** 2.3) ** (1 / 2.3)
    out = np.hypot(u * rim * wide, v * rim * deep)
    grow = (out + offset_mm) / out
    return np.stack([side * u * rim * wide * grow, middle + v * rim * deep * grow, heights], axis=1).astype(np.float64)


def paint_tubes(scene: Scene, thorax: Thorax, trees: LungTrees) -> None:
    """Great vessels, airways with their lumen, then the vessels of the hila and lungs: those stay whole where an airway
    crosses them, for a vessel cut by air would end like a nodule."""
    lung_hu = thorax.build.lung_hu
    great = {name: path for name, path in thorax.paths.items() if not name.startswith(("trachea", "bronchus"))}
    hilar = {name for name in great if name.endswith(("_upper", "_lower"))}
    for name in sorted(great.keys() - hilar):
        _paint_tubes(scene, path_tubes(*great[name]), 35.0 if name == "esophagus" else BLOOD_HU, over_hu=lung_hu)
    _paint_tubes(scene, trees.airway, 30.0, over_hu=lung_hu)
    _hollow_tubes(scene, trees.lumen, -1000.0, under_hu=30.0)
    for name in sorted(hilar):
        _paint_tubes(scene, path_tubes(*great[name]), BLOOD_HU, over_hu=lung_hu)
    _paint_tubes(scene, trees.vessels, BLOOD_HU, over_hu=lung_hu)


def paint_placed(scene: Scene, thorax: Thorax, one: Placed) -> None:
    """The nodule takes the place of the air in its body: wall and vessels stay. Paint it last."""
    x, y, z = (float(c) for c in one.centre)
    base = float(lung_base_hu(thorax, y))
    box, share = occupancy(one.nodule.shape, (x, y, z), scene.grid)
    before = scene.hu[box].copy()
    scene.fill_air(box, share, one.nodule.hu, lung_hu=base)
    if one.nodule.core is not None:
        a, b, c = (float(v + o) for v, o in zip(one.centre, one.nodule.core_offset_mm, strict=True))
        inner, share = occupancy(one.nodule.core, (a, b, c), scene.grid)
        air = np.clip((40 - before[_within(inner, box)]) / (40 - base), 0, 1.2)
        scene.hu[inner] += share * air * np.float32(one.nodule.core_hu - one.nodule.hu)


def _within(inner: tuple[slice, slice, slice], box: tuple[slice, slice, slice]) -> tuple[slice, slice, slice]:
    k, j, i = (slice(a.start - b.start, a.stop - b.start) for a, b in zip(inner, box, strict=True))
    return k, j, i


def _paint_tubes(scene: Scene, tubes: Tubes, hu: float, *, over_hu: float) -> None:
    for n in _in_reach(scene, tubes):
        box, share = tube_share(
            scene, tubes.start[n], tubes.end[n], (float(tubes.radius[n, 0]), float(tubes.radius[n, 1]))
        )
        scene.raise_to(box, share, hu, over_hu=over_hu)


def _hollow_tubes(scene: Scene, tubes: Tubes, hu: float, *, under_hu: float) -> None:
    for n in _in_reach(scene, tubes):
        box, share = tube_share(
            scene, tubes.start[n], tubes.end[n], (float(tubes.radius[n, 0]), float(tubes.radius[n, 1]))
        )
        scene.lower_to(box, share, hu, under_hu=under_hu)


def _in_reach(scene: Scene, tubes: Tubes) -> NDArray[np.intp]:
    """Indices of the pieces that can touch the scene's slices."""
    low, high = scene.first_lps[2], scene.first_lps[2] + scene.step_mm[0] * scene.hu.shape[0]
    z = np.stack([tubes.start[:, 2], tubes.end[:, 2]])
    reach = tubes.radius.max(axis=1) + 2 * scene.step_mm[0]
    return np.flatnonzero((z.max(axis=0) + reach > low) & (z.min(axis=0) - reach < high))
