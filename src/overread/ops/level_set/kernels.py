"""Compiled parts of the level set: signed distances in a narrow band, and steps of the evolution inside it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.ops.compiled import compiled, inlined

Cells = NDArray[np.float64]
KNOWN, WAITING, FIXED = 1, 2, 4


@compiled
def redistance(
    phi: Cells, near: NDArray[np.intp], h: Cells, band: float, owner: NDArray[np.int32], mark: NDArray[np.int8]
) -> Any:
    """Make `phi` the signed distance to its zero set within `band`, +-(band + 1) beyond; return the band.

    Each voxel with a neighbour of the other sign owns a disc, a piece of plane as wide as a voxel through a zero on its
    axes. So the surface stays where it is, between voxels. From there each voxel hands the nearest disc that it
    knows to its neighbours, again wherever a nearer one is found.

    Parameters
    ----------
    phi : (slice, row, column) float64
        Positive inside; changed in place.
    near : (n, 3) int
        Voxels that may have changed; all others are at +-(band + 1).
    h : (3,) float
        Spacing in units of the distances.
    owner : (slice, row, column) int32, mark : (slice, row, column) int8
        Scratch; `mark` is 0 on entry and exit.

    Returns
    -------
    (m, 3) int
        Voxels within the band.
    """
    shape = phi.shape
    queue = np.empty((max(1024, 4 * near.shape[0]), 3), np.intp)
    discs = np.empty((near.shape[0], 6))
    count = 0
    for n in range(near.shape[0]):
        k, j, i = near[n, 0], near[n, 1], near[n, 2]
        if _disc(phi, k, j, i, h, discs[count]):
            mark[k, j, i] = FIXED | WAITING
            owner[k, j, i] = count
            queue[count] = near[n]
            count += 1
    for n in range(near.shape[0]):  # only now: the planes needed the old values
        k, j, i = near[n, 0], near[n, 1], near[n, 2]
        away = band + 1.0
        if mark[k, j, i] != 0:
            away = max(np.sqrt(_to_disc(discs[owner[k, j, i]], k, j, i, h)), 1e-9)
        phi[k, j, i] = away if phi[k, j, i] > 0 else -away
    done = 0
    while done < count:
        k, j, i = queue[done, 0], queue[done, 1], queue[done, 2]
        done += 1
        mark[k, j, i] = KNOWN | (mark[k, j, i] & FIXED)
        disc, here = discs[owner[k, j, i]], abs(phi[k, j, i])
        for a in range(max(k - 1, 0), min(k + 2, shape[0])):
            for b in range(max(j - 1, 0), min(j + 2, shape[1])):
                for c in range(max(i - 1, 0), min(i + 2, shape[2])):
                    known = abs(phi[a, b, c])
                    if known <= here or mark[a, b, c] & FIXED:  # outwards only: what is nearer has its own disc
                        continue
                    square = _to_disc(disc, a, b, c, h)
                    if square > band * band or square >= known * known - 1e-9:
                        continue
                    away = np.sqrt(square)
                    phi[a, b, c] = away if phi[a, b, c] > 0 else -away
                    owner[a, b, c] = owner[k, j, i]
                    if not mark[a, b, c] & WAITING:
                        mark[a, b, c] |= WAITING
                        if count == queue.shape[0]:
                            larger = np.empty((2 * count, 3), np.intp)
                            larger[:count] = queue
                            queue = larger
                        queue[count, 0], queue[count, 1], queue[count, 2] = a, b, c
                        count += 1
    found = np.empty((count, 3), np.intp)
    kept = 0
    for n in range(count):
        k, j, i = queue[n, 0], queue[n, 1], queue[n, 2]
        if mark[k, j, i] != 0:  # voxels that were handed a nearer disc stand in the queue more than once
            mark[k, j, i] = 0
            found[kept] = queue[n]
            kept += 1
    return found[:kept].copy()


@inlined
def _to_disc(disc: Cells, k: int, j: int, i: int, h: Cells) -> float:
    """Squared distance to a disc (centre, then unit normal) of radius 0.7."""
    x, y, z = k * h[0] - disc[0], j * h[1] - disc[1], i * h[2] - disc[2]
    along = x * disc[3] + y * disc[4] + z * disc[5]
    square, aside = along * along, x * x + y * y + z * z - along * along
    if aside > 0.49:
        square += (np.sqrt(aside) - 0.7) ** 2
    return float(square)


@inlined
def _disc(phi: Cells, k: int, j: int, i: int, h: Cells, disc: Cells) -> bool:
    """Set the disc of a voxel; False where all neighbours have the same sign.

    It faces along the gradient of `phi` by central differences and goes through the zero on the axis nearest to the
    gradient. Where there is no gradient (a sheet one voxel thin) it goes through the zeros of all axes.
    """
    here = phi[k, j, i]
    total, slopes, best, through, zero = 0.0, 0.0, 0.0, 0, 0.0
    for axis in range(3):
        nearest, toward = -1.0, 0.0
        below, above = here, here
        for step in (-1, 1):
            a, b, c = k, j, i
            if axis == 0:
                a = min(max(k + step, 0), phi.shape[0] - 1)
            elif axis == 1:
                b = min(max(j + step, 0), phi.shape[1] - 1)
            else:
                c = min(max(i + step, 0), phi.shape[2] - 1)
            other = phi[a, b, c]
            if step < 0:
                below = other
            else:
                above = other
            if (other > 0) != (here > 0):
                length = max(h[axis] * here / (here - other), 1e-6)
                if nearest < 0 or length < nearest:
                    nearest, toward = length, 1.0 * step
        disc[axis] = toward / nearest if nearest > 0 else 0.0
        disc[3 + axis] = (above - below) / (2.0 * h[axis])
        slopes += disc[axis] * disc[axis]
        total += disc[3 + axis] * disc[3 + axis]
        if nearest > 0 and abs(disc[3 + axis]) > best:
            best, through, zero = abs(disc[3 + axis]), axis, toward * nearest
    if slopes == 0.0:
        return False
    if best > 0.3 * np.sqrt(total):
        disc[3:] /= np.sqrt(total)
        along = zero * disc[3 + through]
        disc[0], disc[1], disc[2] = along * disc[3], along * disc[4], along * disc[5]
    else:
        disc[3:] = disc[:3] / np.sqrt(slopes)
        disc[:3] /= slopes
    disc[0] += k * h[0]
    disc[1] += j * h[1]
    disc[2] += i * h[2]
    return True


@compiled
def evolve(
    phi: Cells,
    image: NDArray[np.float32],
    band: NDArray[np.intp],
    h: Cells,
    edge: NDArray[np.float32],
    local: NDArray[np.float32],
    settings: Cells,
    sums: Cells,
) -> Any:
    """Steps of the evolution in a band, until the surface may have come near its rim.

    Parameters
    ----------
    phi : (slice, row, column) float64
        Signed distance in the band; changed in place.
    image : (slice, row, column) float32
    band : (n, 3) int
    edge : (slice, row, column) or (1, 1, 1) float32
        Weight of length at each voxel.
    local : (2, slice, row, column) or (2, 1, 1, 1) float32
        Local means inside and outside; of size 2 means that the means of all voxels are used.
    settings : (6,) float
        Weight of length, balloon, time step, width of the delta function, most steps, most movement.
    sums : (4,) float
        Sum and count of the values inside, and outside; kept up to date.

    Returns
    -------
    (steps, moved)
        How many steps were made, and how far the surface may have moved.
    """
    length, balloon, step, width = settings[0], settings[1], settings[2], settings[3]
    rate = np.empty(band.shape[0])
    moved = 0.0
    steps = 0
    one_edge, one_mean = edge.size == 1, local.size == 2
    while steps < settings[4] and moved < settings[5]:
        inner = sums[0] / max(sums[1], 1.0)
        outer = sums[2] / max(sums[3], 1.0)
        fastest = 0.0
        for n in range(band.shape[0]):
            k, j, i = band[n, 0], band[n, 1], band[n, 2]
            if not one_mean:
                inner, outer = local[0, k, j, i], local[1, k, j, i]
            # -(I - c1)^2 + (I - c2)^2 over (c1 - c2)^2: 1 where I = c1, -1 where I = c2
            contrast = inner - outer
            force = 0.0
            if abs(contrast) > 1e-9:
                force = (2.0 * image[k, j, i] - inner - outer) / contrast
            force = min(max(force, -1.0), 1.0)
            bend = _curvature(phi, k, j, i, h, edge, one_edge)
            delta = width / (np.pi * (width * width + phi[k, j, i] ** 2))
            rate[n] = delta * (length * bend - balloon + force)
            if abs(phi[k, j, i]) < 1.0:
                fastest = max(fastest, abs(rate[n]))
        for n in range(band.shape[0]):
            k, j, i = band[n, 0], band[n, 1], band[n, 2]
            before = phi[k, j, i]
            after = before + step * rate[n]
            phi[k, j, i] = after
            if (before > 0) != (after > 0):
                value = image[k, j, i]
                way = 1.0 if after > 0 else -1.0
                sums[0] += way * value
                sums[1] += way
                sums[2] -= way * value
                sums[3] -= way
        moved += step * fastest
        steps += 1
        if sums[1] < 0.5 or sums[3] < 0.5:
            break
    return steps, moved


@inlined
def _curvature(phi: Cells, k: int, j: int, i: int, h: Cells, edge: NDArray[np.float32], one_edge: bool) -> float:
    """div(g grad phi / |grad phi|), held to twice the inverse of the finest spacing; edges repeat their last voxel."""
    a, b = max(k - 1, 0), min(k + 1, phi.shape[0] - 1)
    c, d = max(j - 1, 0), min(j + 1, phi.shape[1] - 1)
    e, f = max(i - 1, 0), min(i + 1, phi.shape[2] - 1)
    here = phi[k, j, i]
    x, y, z = 1.0 / h[0], 1.0 / h[1], 1.0 / h[2]
    px, py, pz = (
        0.5 * x * (phi[b, j, i] - phi[a, j, i]),
        0.5 * y * (phi[k, d, i] - phi[k, c, i]),
        0.5 * z * (phi[k, j, f] - phi[k, j, e]),
    )
    pxx = x * x * (phi[b, j, i] + phi[a, j, i] - 2 * here)
    pyy = y * y * (phi[k, d, i] + phi[k, c, i] - 2 * here)
    pzz = z * z * (phi[k, j, f] + phi[k, j, e] - 2 * here)
    pxy = 0.25 * x * y * (phi[b, d, i] + phi[a, c, i] - phi[b, c, i] - phi[a, d, i])
    pxz = 0.25 * x * z * (phi[b, j, f] + phi[a, j, e] - phi[b, j, e] - phi[a, j, f])
    pyz = 0.25 * y * z * (phi[k, d, f] + phi[k, c, e] - phi[k, d, e] - phi[k, c, f])
    square = px * px + py * py + pz * pz + 1e-8
    bend = pxx * (py * py + pz * pz) + pyy * (px * px + pz * pz) + pzz * (px * px + py * py)
    bend -= 2.0 * (px * py * pxy + px * pz * pxz + py * pz * pyz)
    # on a ridge or a peak of the distance the gradient says nothing; a blob of one voxel must still feel its bend
    bend = bend / (square * np.sqrt(square)) if square > 0.1 else pxx + pyy + pzz
    bend = min(max(bend, -2.0), 2.0)
    if one_edge:
        return float(bend)
    slope = 0.5 * x * (edge[b, j, i] - edge[a, j, i]) * px + 0.5 * y * (edge[k, d, i] - edge[k, c, i]) * py
    slope += 0.5 * z * (edge[k, j, f] - edge[k, j, e]) * pz
    return float(edge[k, j, i] * bend + slope / np.sqrt(square))
