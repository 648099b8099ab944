"""Branching tubes that fill the lungs: arteries with their bronchi, veins. No painting.

A tree grows by halving the points it must reach: from where it stands towards their centroid, then apart. Radii follow
Murray: r_parent^3 = sum r_child^3, so r = r_leaf n^(1/3) for n leaves downstream.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.phantoms.thorax.shape import Thorax

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Tubes:
    """Straight tapering pieces: `start`, `end` (n, 3) in mm LPS, `radius` (n, 2) at both ends, `branch` (n,) the number
    of the branch a piece belongs to."""

    start: Points
    end: Points
    radius: NDArray[np.float64]
    branch: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.start)

    def where(self, chosen: NDArray[np.bool_]) -> Tubes:
        """The chosen pieces."""
        return Tubes(self.start[chosen], self.end[chosen], self.radius[chosen], self.branch[chosen])

    def distance_from(self, point: Points) -> NDArray[np.float64]:
        """(n,) distance of a point (3,) from each piece's centre line, mm."""
        along = self.end - self.start
        t = np.einsum("ni,ni->n", point - self.start, along) / np.maximum(np.einsum("ni,ni->n", along, along), 1e-9)
        nearest = self.start + np.clip(t, 0, 1)[:, None] * along
        return np.asarray(np.linalg.norm(nearest - point, axis=1))


def join(parts: list[Tubes]) -> Tubes:
    """All pieces in one; branches keep their pieces together under new numbers."""
    offsets = np.cumsum([0] + [int(p.branch.max(initial=-1)) + 1 for p in parts])[:-1]
    return Tubes(
        np.concatenate([p.start for p in parts]),
        np.concatenate([p.end for p in parts]),
        np.concatenate([p.radius for p in parts]),
        np.concatenate([p.branch + n for p, n in zip(parts, offsets, strict=True)]),
    )


def path_tubes(line: Points, radii: NDArray[np.float64]) -> Tubes:
    """One unbranched tube through (n, 3) points with (n,) radii."""
    return Tubes(
        line[:-1], line[1:], np.stack([radii[:-1], radii[1:]], axis=1), np.zeros(len(line) - 1, dtype=np.int64)
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Branch:
    start: Points
    end: Points
    heading: Points
    leaves: int


def grow(rng: np.random.Generator, root: Points, heading: Points, points: Points) -> list[_Branch]:
    """Branches from `root`, which was heading along the unit vector `heading`, to each of the (n, 3) points."""
    branches: list[_Branch] = []
    todo = [(root, heading, points)]
    while todo:
        at, before, points = todo.pop()
        if len(points) == 1:
            branches.append(_Branch(at, points[0], before, 1))
            continue
        towards = points.mean(axis=0) - at
        reach = float(rng.uniform(0.38, 0.6)) if len(points) > 3 else float(rng.uniform(0.45, 0.65))
        fork = at + reach * towards + rng.normal(0, 0.035, 3) * np.linalg.norm(towards)
        branches.append(_Branch(at, fork, before, len(points)))
        own = (fork - at) / max(float(np.linalg.norm(fork - at)), 1e-9)
        spread = points - points.mean(axis=0)
        spread = spread - 0.6 * np.einsum("ni,i->n", spread, own)[:, None] * own
        axis = _longest_direction(spread)
        order = np.argsort(np.einsum("ni,i->n", spread, axis), kind="stable")
        cut = int(np.clip(round(len(points) * rng.uniform(0.3, 0.7)), 1, len(points) - 1))
        todo.append((fork, own, points[order[:cut]]))
        todo.append((fork, own, points[order[cut:]]))
    return branches


def _longest_direction(spread: Points) -> Points:
    """Unit vector along which the points spread most; found by a few power steps."""
    matrix = np.einsum("ni,nj->ij", spread, spread)
    axis = np.array((0.4, 0.5, 0.75))
    for _ in range(12):
        axis = np.einsum("ij,j->i", matrix, axis)
        axis /= max(float(np.sqrt(np.einsum("i,i->", axis, axis))), 1e-30)
    return axis


def to_tubes(branches: list[_Branch], *, leaf_mm: float, piece_mm: float = 7.0) -> Tubes:
    """Branches bent so that each leaves along its parent's heading, cut into straight pieces of about `piece_mm`."""
    none = np.zeros((0, 3))
    parts = [Tubes(none, none, np.zeros((0, 2)), np.zeros(0, dtype=np.int64))]
    for number, branch in enumerate(branches):
        length = float(np.linalg.norm(branch.end - branch.start))
        pieces = int(np.clip(round(length / piece_mm), 1, 6))
        t = np.linspace(0, 1, pieces + 1)[:, None]
        onward = branch.start + 0.4 * length * branch.heading
        pull = (onward + (branch.start + branch.end) / 2) / 2  # control point of a quadratic curve
        line = (1 - t) ** 2 * branch.start + 2 * t * (1 - t) * pull + t**2 * branch.end
        radius = leaf_mm * branch.leaves ** (1 / 3)
        parts.append(Tubes(line[:-1], line[1:], np.full((pieces, 2), radius), np.full(pieces, number)))
    return Tubes(
        np.concatenate([p.start for p in parts]),
        np.concatenate([p.end for p in parts]),
        np.concatenate([p.radius for p in parts]),
        np.concatenate([p.branch for p in parts]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class LungTrees:
    """Everything that branches: `vessels` (arteries and veins), `airway` outer tubes and `lumen` of the same pieces."""

    vessels: Tubes
    airway: Tubes
    lumen: Tubes


def draw_trees(rng: np.random.Generator, thorax: Thorax, *, leaves: int = 430) -> LungTrees:
    """Arteries, bronchi and veins of both lungs; `leaves` ends for each tree of each lung."""
    vessels, airways, lumens = [], [], []
    for side, name in ((-1, "right"), (1, "left")):
        for lobe, points in _targets(rng, thorax, side, leaves).items():
            feed = f"{name}_{'upper' if lobe == 'upper' else 'lower'}"
            for along, share in _shares(thorax, f"artery_{feed}", lobe, points):
                root = _root(thorax, f"artery_{feed}", along, len(share))
                arteries = grow(rng, root.at, root.heading, share)
                bronchus = _root(thorax, f"bronchus_{feed}", along, len(share)).at
                outer, inner = _bronchi(arteries, root.at, bronchus, leaf_mm=root.leaf_mm)
                vessels.append(to_tubes(arteries, leaf_mm=root.leaf_mm))
                airways.append(outer)
                lumens.append(inner)
        for lobe, points in _targets(rng, thorax, side, leaves).items():
            drain = f"vein_{name}_{'lower' if lobe == 'lower' else 'upper'}"
            for along, share in _shares(thorax, drain, lobe, points):
                root = _root(thorax, drain, along, len(share))
                vessels.append(to_tubes(grow(rng, root.at, root.heading, share), leaf_mm=root.leaf_mm))
    for name, (line, radii) in thorax.paths.items():
        if name.startswith(("trachea", "bronchus")):
            airways.append(path_tubes(line, radii + 1.4))
            lumens.append(path_tubes(line, radii))
    return LungTrees(join(vessels), join(airways), join(lumens))


@dataclass(frozen=True, slots=True, eq=False)
class _Root:
    """Where a lobe's tree leaves a great path, its heading there, and the radius of a leaf that lets Murray's law end
    at the radius of the path."""

    at: Points
    heading: Points
    leaf_mm: float


def _shares(thorax: Thorax, path: str, lobe: str, points: Points) -> list[tuple[float, Points]]:
    """Which points (n, 3) of a lobe leave the path at which part of its length: side branches first for those that lie
    back along it. The middle lobe has no path of its own and leaves half way down."""
    if lobe == "middle" or len(points) < 8:
        return [(0.5 if lobe == "middle" else 1.0, points)]
    line, _ = thorax.paths[path]
    ahead = np.einsum("ni,i->n", points - line[-1], line[-1] - line[len(line) // 2])
    order = np.argsort(ahead, kind="stable")
    first, second = len(points) // 4, len(points) * 11 // 20
    return [(0.5, points[order[:first]]), (0.75, points[order[first:second]]), (1.0, points[order[second:]])]


def _root(thorax: Thorax, path: str, along: float, leaves: int) -> _Root:
    """The place at a part (0..1) of the path's length; a side branch is at most .8 as wide as the path there."""
    line, radii = thorax.paths[path]
    n = round(along * (len(line) - 1))
    heading = line[n] - line[n - 1]
    radius = float(radii[n]) if n == len(line) - 1 else 0.8 * float(radii[n])
    leaf_mm = float(np.clip(radius / leaves ** (1 / 3), 0.4, 0.6))
    return _Root(line[n], heading / np.linalg.norm(heading), leaf_mm)


def _targets(rng: np.random.Generator, thorax: Thorax, side: int, count: int) -> dict[str, Points]:
    """Evenly random points (n, 3) of one lung at least 4 mm inside it, for each lobe that has any."""
    grid = thorax.grid
    axes = grid.axes()
    inside = (thorax.lung < -4) & (np.sign(axes.x) == side)
    nodes = np.argwhere(inside)
    if len(nodes) == 0:
        return {}
    chosen = nodes[rng.choice(len(nodes), size=min(count, len(nodes)), replace=False)]
    points = (chosen[:, ::-1] + rng.uniform(-0.5, 0.5, chosen.shape)) * np.array(grid.node_mm[::-1]) + np.array(
        grid.first_lps
    )
    k, j, i = chosen.T
    lower = thorax.oblique[k, j, i] < 0
    middle = ~lower & (thorax.horizontal[k, j, i] < 0) if side < 0 else np.zeros_like(lower)
    lobes = {"lower": points[lower], "middle": points[middle], "upper": points[~lower & ~middle]}
    return {name: inside for name, inside in lobes.items() if len(inside)}


def _bronchi(
    arteries: list[_Branch], artery_root: Points, bronchus_end: Points, *, leaf_mm: float
) -> tuple[Tubes, Tubes]:
    """Airways beside the arteries of more than 1.5 mm radius: wall of an eighth of the diameter, lumen as wide as the
    artery, shifted to the side of the main bronchus."""
    beside = bronchus_end - artery_root
    wide = [b for b in arteries if leaf_mm * b.leaves ** (1 / 3) > 1.5]
    moved = []
    for b in wide:
        own = (b.end - b.start) / max(float(np.linalg.norm(b.end - b.start)), 1e-9)
        gap = 2.3 * leaf_mm * b.leaves ** (1 / 3)
        end = b.end + _across(beside, own) * gap
        root = bool(np.allclose(b.start, artery_root))
        start = bronchus_end if root else b.start + _across(beside, b.heading) * gap
        moved.append(_Branch(start, end, b.heading, b.leaves))
    inner = to_tubes(moved, leaf_mm=leaf_mm * 0.95)
    return Tubes(inner.start, inner.end, np.maximum(inner.radius * 1.25, inner.radius + 0.5), inner.branch), inner


def _across(direction: Points, heading: Points) -> Points:
    """Unit vector across `heading`, as near to `direction` as it can be."""
    across = direction - float(direction @ heading) * heading
    return np.asarray(across / max(float(np.linalg.norm(across)), 1e-9))


def push_out(tubes: Tubes, centre: Points, clear_mm: float, *, kept: NDArray[np.bool_] | None = None) -> Tubes:
    """Tubes bent around a ball: no centre line comes nearer to `centre` than `clear_mm` plus its radius.

    The map |p| -> (|p|^3 + R^3)^(1/3) keeps volume and moves distant points hardly at all. Pieces near the ball are
    cut to 2 mm first, so that they can bend. `kept` pieces (the vessel that a nodule sits on) stay as they are.
    """
    still = np.zeros(len(tubes), dtype=bool) if kept is None else kept
    near = ~still & (tubes.distance_from(centre) < 2.5 * clear_mm + 4)
    pushed = _moved(_subdivide(tubes.where(near), piece_mm=2.0), centre, clear_mm, power=3)
    for _ in range(2):  # pieces that were stretched across the ball are cut again and laid onto it
        pushed = _moved(_subdivide(pushed, piece_mm=1.5), centre, clear_mm, power=0)
    rest = tubes.where(~near)
    return Tubes(
        np.concatenate([rest.start, pushed.start]),
        np.concatenate([rest.end, pushed.end]),
        np.concatenate([rest.radius, pushed.radius]),
        np.concatenate([rest.branch, pushed.branch]),
    )


def _moved(tubes: Tubes, centre: Points, clear_mm: float, *, power: int) -> Tubes:
    """Both ends of every piece moved outwards: |p| -> (|p|^power + R^power)^(1/power), or max(|p|, R) for power 0."""
    ends = []
    for points, radius in ((tubes.start, tubes.radius[:, 0]), (tubes.end, tubes.radius[:, 1])):
        away, clear = points - centre, clear_mm + radius
        length = np.maximum(np.linalg.norm(away, axis=1), 1e-3)
        longer = (length**power + clear**power) ** (1 / power) if power else np.maximum(length, clear)
        ends.append(centre + away * (longer / length)[:, None])
    return Tubes(ends[0], ends[1], tubes.radius, tubes.branch)


def _subdivide(tubes: Tubes, *, piece_mm: float) -> Tubes:
    """The same tubes in pieces no longer than `piece_mm`."""
    counts = np.maximum(1, np.ceil(np.linalg.norm(tubes.end - tubes.start, axis=1) / piece_mm)).astype(int)
    owner = np.repeat(np.arange(len(tubes)), counts)
    step = np.concatenate([np.arange(n) for n in counts]) if len(counts) else np.zeros(0)
    a, b = (step / counts[owner])[:, None], ((step + 1) / counts[owner])[:, None]
    along, taper = (tubes.end - tubes.start)[owner], (tubes.radius[:, 1] - tubes.radius[:, 0])[owner, None]
    radius = tubes.radius[owner, :1] + np.concatenate([a, b], axis=1) * taper
    start = tubes.start[owner]
    return Tubes(start + a * along, start + b * along, radius, tubes.branch[owner])
