"""What a blob looks like along rays from its centre: size, shape, attachments, edge. Numbers only, no verdict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.runtime import Runtime

RAYS = 128
SCOUT_RAYS = 64
CHUNK = 24
UNITS = np.linspace(0.0, 3.6, 37)
"""Sample positions along a ray in units of the blob's radius."""
PROFILE_AT = (0.3, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 2.5, 3.0)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RayField:
    """What the rays run through.

    Parameters
    ----------
    image_hu : (slice, row, column) float32
        HU with everything outside the lung set to the level of lung.
    inside : (slice, row, column) float32
        Share of lung in each voxel, 0..1.
    spacing_mm : (slice, row, column)
    """

    image_hu: NDArray[np.float32]
    inside: NDArray[np.float32]
    spacing_mm: tuple[float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class RayFeatures:
    """`table` is (n, features) float32 in the order of `FEATURES`; `index_kji` (n, 3) the recentred positions;
    `radius_mm` (n,) the median distance at which rays leave the blob."""

    table: NDArray[np.float32]
    index_kji: Floats
    radius_mm: Floats


def sphere_directions(count: int) -> Floats:
    """(count, 3) unit vectors spread evenly (Fibonacci spiral); every second half is the negative of the first."""
    half = count // 2
    n = np.arange(half) + 0.5
    polar = 1 - n / half  # the upper half sphere only; its mirror image completes the set
    turn = np.pi * (1 + 5**0.5) * n
    ring = np.sqrt(1 - polar**2)
    upper = np.stack([polar, ring * np.sin(turn), ring * np.cos(turn)], axis=1)
    return np.concatenate([upper, -upper])


def ray_features(field: RayField, index_kji: Floats, radius_mm: Floats, runtime: Runtime) -> RayFeatures:
    """Features of blobs at `index_kji` (n, 3) with first guesses `radius_mm` (n,) of their radii.

    Each blob is recentred and its radius re-estimated once from scout rays; then 128 rays are sampled out to 3.6
    radii. All lengths are in mm or in radii, all values in HU or in units of the blob's contrast.
    """
    pieces = [slice(a, min(a + CHUNK, len(index_kji))) for a in range(0, len(index_kji), CHUNK)]

    def work(piece: slice) -> tuple[NDArray[np.float32], Floats, Floats]:
        return _chunk(field, index_kji[piece], radius_mm[piece])

    done = runtime.map(work, pieces)
    if not done:
        return RayFeatures(np.zeros((0, len(FEATURES)), np.float32), np.zeros((0, 3)), np.zeros(0))
    table, centres, radii = (np.concatenate(parts) for parts in zip(*done, strict=True))
    return RayFeatures(table, centres, radii)


def _sample(array: NDArray[np.float32], centre: Floats, steps: Floats) -> Floats:
    """Trilinear values at centre (n, 3) + steps (n, rays, samples, 3), index units: (n, rays, samples)."""
    where = (centre[:, None, None, :] + steps).reshape(-1, 3).T
    values = ndi.map_coordinates(array, where, order=1, mode="nearest", prefilter=False, output=np.float64)
    shaped: Floats = values.reshape(steps.shape[:3])
    return shaped


def _nearest(array: NDArray[np.float32], centre: Floats, steps: Floats) -> Floats:
    where = np.rint(centre[:, None, None, :] + steps).astype(np.intp)
    where = np.clip(where, 0, np.array(array.shape) - 1)
    values: Floats = array[where[..., 0], where[..., 1], where[..., 2]].astype(np.float64)
    return values


def _crossing(profile: Floats, at_mm: Floats, level: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Distance (n, rays) at which each ray first falls below `level` (n,), and whether it does at all.

    `at_mm` is (n, samples). A ray that never falls gets the largest distance.
    """
    below: NDArray[np.bool_] = profile < level[:, None, None]
    below[:, :, 0] = False
    crosses: NDArray[np.bool_] = np.asarray(below.any(axis=2))
    first = np.where(crosses, below.argmax(axis=2), 1)
    high = np.take_along_axis(profile, first[..., None] - 1, axis=2)[..., 0]
    low = np.take_along_axis(profile, first[..., None], axis=2)[..., 0]
    part = np.clip((high - level[:, None]) / np.maximum(high - low, 1e-6), 0, 1)
    rows = np.arange(len(at_mm))[:, None]
    distance = at_mm[rows, first - 1] + part * (at_mm[rows, first] - at_mm[rows, first - 1])
    return np.where(crosses, distance, at_mm[:, -1:]), crosses


def _levels(profile: Floats, units: Floats) -> tuple[Floats, Floats]:
    """Core (mean within .4 of the radius) and surroundings (lower quartile beyond 1.4 radii), HU, each (n,)."""
    core = profile[:, :, units <= 0.4].mean(axis=(1, 2))
    around = np.percentile(profile[:, :, units >= 1.4].reshape(len(profile), -1), 25, axis=1)
    return core, around


def _scout(field: RayField, index_kji: Floats, radius_mm: Floats) -> tuple[Floats, Floats]:
    """Better centre (n, 3) and radius (n,) from where scout rays leave the blob."""
    spacing = np.array(field.spacing_mm)
    directions = sphere_directions(SCOUT_RAYS)
    units = np.linspace(0, 2.6, 22)
    reach = np.maximum(radius_mm, 1.8)
    at_mm = reach[:, None] * units
    steps = directions[None, :, None, :] * at_mm[:, None, :, None] / spacing
    profile = _sample(field.image_hu, index_kji, steps)
    core, around = _levels(profile, units)
    distance, _ = _crossing(profile, at_mm, (core + around) / 2)
    median = np.median(distance, axis=1)
    capped = np.minimum(distance, 1.6 * median[:, None])
    # a ball of radius R whose centre is off by s is left at R + s.d in direction d, whose mean times d is s / 3
    shift = 3 * (capped[..., None] * directions).mean(axis=1)
    length = np.linalg.norm(shift, axis=1)
    shift *= np.minimum(1, 0.6 * reach / np.maximum(length, 1e-9))[:, None]
    centre = index_kji + shift / spacing
    return np.clip(centre, 0, np.array(field.image_hu.shape) - 1), np.clip(median, 1.2, 25.0)


def _chunk(field: RayField, index_kji: Floats, radius_mm: Floats) -> tuple[NDArray[np.float32], Floats, Floats]:
    spacing = np.array(field.spacing_mm)
    centre, radius = _scout(field, index_kji, radius_mm)
    directions = sphere_directions(RAYS)
    at_mm = radius[:, None] * UNITS
    steps = directions[None, :, None, :] * at_mm[:, None, :, None] / spacing
    profile = _sample(field.image_hu, centre, steps)
    share = _nearest(field.inside, centre, steps)
    core, around = _levels(profile, UNITS)
    contrast = np.maximum(core - around, 20.0)
    distance, crosses = _crossing(profile, at_mm, (core + around) / 2)
    relative = distance / radius[:, None]
    scaled = np.clip((profile - around[:, None, None]) / contrast[:, None, None], -0.5, 1.5)
    columns = {
        "radius_mm": radius,
        "core_hu": core,
        "around_hu": around,
        "contrast_hu": core - around,
        **_spread(relative, crosses),
        **_shape(relative, directions),
        **_attachments(scaled, directions),
        **_edge(profile, scaled, radius),
        **_wall(share, relative),
        **_profile(scaled),
        **_dark(profile),
    }
    table = np.stack([columns[name] for name in FEATURES], axis=1).astype(np.float32)
    return table, centre, np.median(distance, axis=1)


def _spread(relative: Floats, crosses: NDArray[np.bool_]) -> dict[str, Floats]:
    low, median, high = np.percentile(relative, (10, 50, 90), axis=1)
    median = np.maximum(median, 1e-3)
    return {
        "exit_p10": low / median,
        "exit_p90": high / median,
        "exit_log_sd": np.log(np.maximum(relative, 0.05)).std(axis=1),
        "exit_far": (relative > 1.8 * median[:, None]).mean(axis=1),
        "exit_never": 1 - crosses.mean(axis=1),
    }


def _shape(relative: Floats, directions: Floats) -> dict[str, Floats]:
    """Eigenvalue ratios of the cloud of exit points: line, disc or ball."""
    reach = np.minimum(relative, 2.5 * np.median(relative, axis=1, keepdims=True))
    cloud = reach[..., None] * directions
    second = np.einsum("nda,ndb->nab", cloud, cloud) / directions.shape[0]
    low, middle, high = np.moveaxis(np.sqrt(np.maximum(np.linalg.eigvalsh(second), 1e-9)), -1, 0)
    half = directions.shape[0] // 2
    chord = reach[:, :half] + reach[:, half:]
    return {
        "axis_middle": middle / high,
        "axis_low": low / high,
        "chord_ratio": chord.max(axis=1) / np.maximum(chord.min(axis=1), 1e-3),
        "chord_p75": np.percentile(chord, 75, axis=1) / np.maximum(np.percentile(chord, 25, axis=1), 1e-3),
    }


def _attachments(scaled: Floats, directions: Floats) -> dict[str, Floats]:
    """How bright rays stay outside: vessels passing through, ending, forking."""
    half = directions.shape[0] // 2
    out: dict[str, Floats] = {}
    for name, low, high in (("near", 1.3, 1.9), ("middle", 1.9, 2.7), ("far", 2.7, 3.6)):
        bright = scaled[:, :, (low <= UNITS) & (high >= UNITS)].mean(axis=2)
        pair = np.minimum(bright[:, :half], bright[:, half:])
        out[f"bright_{name}"] = (bright > 0.5).mean(axis=1)
        out[f"bright_{name}_best"] = np.sort(bright, axis=1)[:, -4:].mean(axis=1)
        out[f"bright_{name}_pair"] = np.sort(pair, axis=1)[:, -2:].mean(axis=1)
        weight = np.clip(bright, 0, 1)
        total = np.maximum(weight.sum(axis=1), 1e-3)
        pull = np.linalg.norm(weight @ directions, axis=1) / total
        out[f"bright_{name}_onesided"] = pull
    through = scaled[:, :, (UNITS >= 1.3) & (UNITS <= 3.0)].min(axis=2)
    out["run_best"] = np.sort(through, axis=1)[:, -3:].mean(axis=1)
    pair = np.minimum(through[:, :half], through[:, half:])
    out["run_pair"] = pair.max(axis=1)
    second = np.einsum(
        "nd,da,db->nab", np.clip(scaled[:, :, (UNITS >= 1.5)].mean(axis=2), 0, 1), directions, directions
    )
    low, middle, high = np.moveaxis(np.linalg.eigvalsh(second), -1, 0)
    out["bright_line"] = (high - middle) / np.maximum(low + middle + high, 1e-3)
    out["bright_plane"] = (middle - low) / np.maximum(low + middle + high, 1e-3)
    return out


def _edge(profile: Floats, scaled: Floats, radius: Floats) -> dict[str, Floats]:
    step = np.diff(scaled, axis=2) / np.diff(UNITS)
    rim = step[:, :, (UNITS[:-1] >= 0.5) & (UNITS[:-1] < 1.6)].min(axis=2)
    core = profile[:, :, UNITS <= 0.7]
    return {
        "edge_median": -np.median(rim, axis=1),
        "edge_p75": -np.percentile(rim, 75, axis=1),
        "edge_hu_mm": -np.median(rim, axis=1) / radius,
        "core_sd_hu": core.reshape(len(core), -1).std(axis=1),
        "core_p90_hu": np.percentile(core.reshape(len(core), -1), 90, axis=1),
    }


def _wall(share: Floats, relative: Floats) -> dict[str, Floats]:
    """How much of the rim lies against what is not lung."""
    out = share < 0.5
    shells = {}
    for name, low, high in (("1", 0.7, 1.2), ("2", 1.2, 2.0), ("3", 2.0, 3.6)):
        shells[f"wall_{name}"] = out[:, :, (low <= UNITS) & (high >= UNITS)].mean(axis=(1, 2))
    at = np.clip(np.searchsorted(UNITS, relative + 0.3), 0, len(UNITS) - 1)
    contact = np.take_along_axis(out, at[..., None], axis=2)[..., 0]
    shells["wall_contact"] = contact.mean(axis=1)
    return shells


def _profile(scaled: Floats) -> dict[str, Floats]:
    out = {}
    for at in PROFILE_AT:
        ring = scaled[:, :, int(np.argmin(np.abs(UNITS - at)))]
        out[f"ring_{at}_mean"] = ring.mean(axis=1)
        out[f"ring_{at}_sd"] = ring.std(axis=1)
    return out


def _dark(profile: Floats) -> dict[str, Floats]:
    """Air beside or inside the blob: the lumen of a bronchus, a bulla."""
    near = profile[:, :, UNITS <= 1.8]
    return {
        "dark_share": (near < -930).mean(axis=(1, 2)),
        "dark_core_hu": profile[:, :, UNITS <= 0.8].reshape(len(profile), -1).min(axis=1),
        "dark_near_hu": np.percentile(near.reshape(len(near), -1), 2, axis=1),
    }


FEATURES: tuple[str, ...] = (
    *("radius_mm", "core_hu", "around_hu", "contrast_hu"),
    *("exit_p10", "exit_p90", "exit_log_sd", "exit_far", "exit_never"),
    *("axis_middle", "axis_low", "chord_ratio", "chord_p75"),
    *(f"bright_{n}{s}" for n in ("near", "middle", "far") for s in ("", "_best", "_pair", "_onesided")),
    *("run_best", "run_pair", "bright_line", "bright_plane"),
    *("edge_median", "edge_p75", "edge_hu_mm", "core_sd_hu", "core_p90_hu"),
    *("wall_1", "wall_2", "wall_3", "wall_contact"),
    *(f"ring_{at}_{s}" for at in PROFILE_AT for s in ("mean", "sd")),
    *("dark_share", "dark_core_hu", "dark_near_hu"),
)
