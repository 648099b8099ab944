"""One nodule in a small block of lung with known truth: alone, on a vessel, or on the chest wall. Not a whole chest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from overread.errors import UsageError
from overread.geometry import axial_grid
from overread.image import Intensity, Volume
from overread.phantoms.nodule import KINDS, Kind, NoduleShape, Surface, draw_shape, occupancy
from overread.phantoms.nodule_truth import Level, core_truths, shape_truths
from overread.phantoms.phantom import Phantom, Planted
from overread.phantoms.scanner import Oversampling, Scanner, noise, see, to_stored
from overread.phantoms.scene import Point, Scene, fractal, soft, tube_share

Attachment = Literal["isolated", "juxtavascular", "juxtapleural"]
ATTACHMENTS: tuple[Attachment, ...] = ("isolated", "juxtavascular", "juxtapleural")
LUNG_HU, SOFT_HU, FAT_HU = -850.0, 40.0, -100.0
_KIND_HU = {
    "solid": (20.0, 60.0),
    "part_solid": (-700.0, -500.0),
    "ground_glass": (-700.0, -500.0),
    "calcified": (200.0, 600.0),
}


@dataclass(frozen=True, slots=True)
class Nodule:
    """A nodule ready to be placed: its body, its material, and a solid core where it has one.

    `core` is a smaller body, its origin at `core_offset_mm` (x, y, z) from the whole's, filled with `core_hu`.
    """

    kind: Kind
    shape: NoduleShape
    hu: float
    core: NoduleShape | None = None
    core_offset_mm: Point = (0.0, 0.0, 0.0)
    core_hu: float = SOFT_HU

    def truths(self, outside: Level | None = None) -> dict[str, float]:
        """True measurements of what lies where `outside` is above 0 (everywhere when it is not given); see
        `nodule_truth.shape_truths`. Adds mean_hu, mass_mg and, for a part-solid nodule, the solid core's own."""
        truths = shape_truths(self.shape, outside=outside)
        mean_hu = self.hu
        if self.core is not None:
            shift = np.array(self.core_offset_mm)
            moved = None if outside is None else (lambda points: outside(points + shift))
            truths |= core_truths(self.core, outside=moved)
            share = truths["solid_volume_mm3"] / max(truths["volume_mm3"], 1e-9)
            mean_hu = self.hu + share * (self.core_hu - self.hu)
        return truths | {"mean_hu": mean_hu, "mass_mg": truths["volume_mm3"] * (mean_hu + 1000) / 1000}


def draw_nodule(rng: np.random.Generator, *, diameter_mm: float, kind: Kind, surface: Surface = "smooth") -> Nodule:
    """A random nodule: solid 20-60 HU, ground glass -700..-500, part-solid with a core of .3-.7 of its diameter,
    calcified 200-600. Raises `UsageError` for an unknown kind."""
    if kind not in KINDS:
        raise UsageError(f"unknown nodule kind {kind!r}", way_out=f"Use one of {', '.join(KINDS)}.")
    shape = draw_shape(rng, diameter_mm=diameter_mm, surface=surface)
    hu = float(rng.uniform(*_KIND_HU[kind]))
    if kind != "part_solid":
        return Nodule(kind, shape, hu)
    factor = float(rng.uniform(0.3, 0.7))
    free_mm = (1 - factor) * 0.3 * diameter_mm / 2
    towards = rng.normal(size=3)
    offset = towards / np.linalg.norm(towards) * rng.uniform(0, free_mm)
    core = shape.scaled(factor)
    return Nodule(
        kind, shape, hu, core, (float(offset[0]), float(offset[1]), float(offset[2])), float(rng.uniform(20, 60))
    )


def paint_nodule(scene: Scene, nodule: Nodule, centre_lps: Point) -> None:
    """Paint a nodule (and its core) whose shape's origin is at `centre_lps` into a scene."""
    box, share = occupancy(nodule.shape, centre_lps, scene.grid)
    scene.paint(box, share, nodule.hu)
    if nodule.core is not None:
        x, y, z = (c + o for c, o in zip(centre_lps, nodule.core_offset_mm, strict=True))
        box, share = occupancy(nodule.core, (x, y, z), scene.grid)
        scene.paint(box, share, nodule.core_hu)


def nodule_block(
    rng: np.random.Generator,
    *,
    diameter_mm: float,
    kind: Kind = "solid",
    attachment: Attachment = "isolated",
    spacing_mm: tuple[float, float, float] = (1.25, 0.7, 0.7),
    thickness_mm: float | None = None,
    fwhm_mm: float = 1.1,
    noise_hu: float = 25.0,
    shape: Surface = "smooth",
    side_mm: float | None = None,
    seed: int = 0,
) -> Phantom:
    """A block of lung with one nodule near its centre.

    Parameters
    ----------
    diameter_mm : float
        Effective diameter of the whole body. On the pleura only the part on the lung's side is the nodule: that part
        is the truth.
    spacing_mm : (slice, row, column)
    thickness_mm : float, optional
        Slice thickness; the slice spacing when not given.
    side_mm : float, optional
        Smallest side of the block; by default diameter + 36 mm and at least 48 (64 on the pleura).
    seed : int
        Only recorded in the phantom; `rng` is what draws.

    Returns
    -------
    Phantom
        Axial int16 HU; one `Planted` whose `centre_lps` is the centroid of the part that counts.

    Raises
    ------
    UsageError
        Unknown kind, attachment or shape, or a length that is not positive.
    """
    if attachment not in ATTACHMENTS:
        raise UsageError(f"unknown attachment {attachment!r}", way_out=f"Use one of {', '.join(ATTACHMENTS)}.")
    scanner = Scanner(thickness_mm=thickness_mm or spacing_mm[0], fwhm_mm=fwhm_mm, noise_hu=noise_hu)
    nodule = draw_nodule(rng, diameter_mm=diameter_mm, kind=kind, surface=shape)
    side = side_mm or max(64.0 if attachment == "juxtapleural" else 48.0, diameter_mm + 36.0)
    scene, over = _empty_block(rng, side, spacing_mm)
    middle = scene.grid.to_lps((np.array(scene.hu.shape) - 1) / 2) + rng.uniform(-0.5, 0.5, 3) * np.array(
        spacing_mm[::-1]
    )
    centre = (float(middle[0]), float(middle[1]), float(middle[2]))
    vessels = _draw_vessels(rng, nodule.shape, middle, side, touching=attachment == "juxtavascular")
    solid = kind in ("solid", "calcified")
    if not solid:
        paint_nodule(scene, nodule, centre)  # vessels run through ground glass and stay visible
    for line, radii in vessels:
        for n in range(len(line) - 1):
            box, share = tube_share(scene, line[n], line[n + 1], (radii[n], radii[n + 1]))
            scene.raise_to(box, share, SOFT_HU, over_hu=LUNG_HU)
    if solid:
        paint_nodule(scene, nodule, centre)
    outside = None
    if attachment == "juxtapleural":
        wall = draw_wall(rng, diameter_mm)
        wall.paint(scene, middle, rng)
        outside = wall.depth_of_lung
    truths = nodule.truths(outside)
    image = see(scene.hu, spacing_mm=spacing_mm, oversampling=over, scanner=scanner)
    size = (image.shape[0], image.shape[1], image.shape[2])
    lungness = np.clip(image / np.float32(LUNG_HU), 0, 1)
    image += lungness * fractal(rng, size, spacing_mm=spacing_mm) * np.float32(rng.uniform(8, 18))
    image += noise(rng, size, spacing_mm=spacing_mm, scanner=scanner)
    shift = [truths.pop(f"centroid_{axis}_mm") for axis in "xyz"]
    at = (centre[0] + shift[0], centre[1] + shift[1], centre[2] + shift[2])
    x, y, z = (
        first + (n - 1) / 2 * step
        for first, n, step in zip(scene.first_lps, over.factors[::-1], scene.step_mm[::-1], strict=True)
    )
    grid = axial_grid(size, spacing_mm=spacing_mm, origin_lps=(x, y, z))
    return Phantom(
        name="nodule_block",
        seed=seed,
        volume=Volume(to_stored(image), grid, Intensity.HU),
        planted=(Planted(1, kind, attachment, at, truths),),
        settings={"diameter_mm": diameter_mm, "surface": shape, "thickness_mm": scanner.thickness_mm,
                  "fwhm_mm": fwhm_mm, "noise_hu": noise_hu},
    )  # fmt: skip


def _empty_block(
    rng: np.random.Generator, side_mm: float, spacing_mm: tuple[float, float, float]
) -> tuple[Scene, Oversampling]:
    """Plain lung, drawn at least every .5 mm along z and .45 mm in plane, at a random place in the patient."""
    over = Oversampling(
        *(max(1, int(np.ceil(s / limit))) for s, limit in zip(spacing_mm, (0.5, 0.45, 0.45), strict=True))
    )
    shape = [int(np.ceil(side_mm / s)) * n for s, n in zip(spacing_mm, over.factors, strict=True)]
    step = (spacing_mm[0] / over.slice, spacing_mm[1] / over.row, spacing_mm[2] / over.column)
    first = rng.uniform((-120, -80, -250), (60, 20, -50))
    corner = (round(float(first[0]), 1), round(float(first[1]), 1), round(float(first[2]), 1))
    return Scene(np.full(shape, LUNG_HU, dtype=np.float32), step, corner), over


Vessel = tuple[NDArray[np.float64], NDArray[np.float64]]


def _draw_vessels(
    rng: np.random.Generator, shape: NoduleShape, middle: NDArray[np.float64], side_mm: float, *, touching: bool
) -> list[Vessel]:
    """Bent tapering lines (n, 3) with radii (n,): one or two that touch the nodule when asked, others at least 3 mm
    from it."""
    vessels = []
    surface = shape.surface_points(1500)
    for number in range(int(rng.integers(2, 5))):
        touches = touching and (number == 0 or (number == 1 and rng.random() < 0.4))
        radius = float(rng.uniform(0.8, 1.9) if touches else rng.uniform(0.5, 1.8))
        direction = rng.normal(size=3)
        direction /= np.linalg.norm(direction)
        side = np.cross(direction, rng.normal(size=3))
        side /= np.linalg.norm(side)
        support = float((surface @ side).max())  # the body's extent towards the vessel
        if touches:
            away = support + radius - float(rng.uniform(0.5, 1.0)) * radius
            foot = surface[np.argmax(surface @ side)]
            through = side * away + (foot - side * support)
            bend = 0.0
        else:
            through = side * (shape.reach_mm() + radius + float(rng.uniform(3.0, 10.0)))
            bend = float(rng.uniform(0.0, 0.004))
        t = np.linspace(-0.9, 0.9, 7) * side_mm
        line = middle + through + t[:, None] * direction + (bend * t**2)[:, None] * side
        taper = float(rng.uniform(0.0, 0.4))
        vessels.append((line, radius * (1 - taper * np.linspace(-1, 1, 7))))
    return vessels


@dataclass(frozen=True, slots=True)
class Wall:
    """A chest wall near a nodule at the origin: outside a ball of `radius_mm` around `centre` (x, y, z) is not lung."""

    centre: tuple[float, float, float]
    radius_mm: float
    rib_axis: tuple[float, float, float]
    rib_phase_mm: float

    def depth_of_lung(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distance from the pleura, mm, above 0 on the lung's side; (...,) for (..., 3) points."""
        away = points - np.array(self.centre)
        return np.asarray(self.radius_mm - np.sqrt(np.einsum("...i,...i->...", away, away)))

    def paint(self, scene: Scene, middle: NDArray[np.float64], rng: np.random.Generator) -> None:
        """Muscle with ribs every 24 mm, then fat from 16 mm on."""
        axes = scene.axes()
        x, y, z = (a - np.float32(m + c) for a, m, c in zip((axes.x, axes.y, axes.z), middle, self.centre, strict=True))
        depth = np.sqrt(x * x + y * y + z * z) - np.float32(self.radius_mm)
        if not (depth > -1).any():
            return
        width = float(np.mean(scene.step_mm))
        wall = soft(-depth, width)
        material = np.full(depth.shape, SOFT_HU, dtype=np.float32)
        fat = soft(np.float32(float(rng.uniform(13, 18))) - depth, width)
        material += fat * np.float32(FAT_HU - SOFT_HU)
        a, b, c = (np.float32(v) for v in self.rib_axis)
        across = (x * a + y * b + z * c + np.float32(self.rib_phase_mm)) % np.float32(24) - np.float32(12)
        rib = np.hypot(across / np.float32(1.35), depth - np.float32(6.5)) - np.float32(4.0)  # an oval 11 x 8 mm
        material += soft(rib, width) * (np.float32(600) - material)
        material += soft(rib + np.float32(1.4), width) * (np.float32(180) - material)
        scene.hu[...] += wall * (material - scene.hu)


def draw_wall(rng: np.random.Generator, diameter_mm: float) -> Wall:
    """A wall that cuts the nodule .2-.85 of its radius beyond its centre, on any side, mostly in the axial plane."""
    direction = rng.normal(size=3) * np.array((1.0, 1.0, 0.5))
    direction /= np.linalg.norm(direction)
    radius = float(rng.uniform(60.0, 140.0))
    cut = float(rng.uniform(0.2, 0.85)) * diameter_mm / 2
    centre = direction * (cut - radius)
    along = np.cross(direction, np.array((0.0, 0.0, 1.0)) + rng.normal(0, 0.3, 3))
    ribs = np.cross(direction, along)
    ribs /= np.linalg.norm(ribs)
    return Wall(
        (float(centre[0]), float(centre[1]), float(centre[2])),
        radius,
        (float(ribs[0]), float(ribs[1]), float(ribs[2])),
        float(rng.uniform(0, 24)),
    )
