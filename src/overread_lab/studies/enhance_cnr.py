"""Contrast to noise of enhancement and its alternatives at one edge width: the question of HX tables 1 to 3.

    python -m overread_lab.studies.enhance_cnr [--images 40]
    python -m overread_lab.studies.enhance_cnr --data DIR    # bleedings of the set head_ct: `enhance_cnr_images`

Simulated lesions on uneven tissue, additive noise and speckle at three levels. Each method has one strength; on images
that are not reported it is set to the strongest at which the 10-90 % rise of a known edge, averaged along it, is at
most 1.1 times that of the noisy image, and the contrast of the lesion at least .9 of the true one. Methods that never
reach this are left out and said. The null test counts the contrast that a method makes between two regions of one mean,
one smooth and one rough.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.cards import Figure
from overread.ops.contrast import contrast_to_noise
from overread.ops.despeckle import lee, srad
from overread.ops.fractional import Domain, EnhancePlan, Mode, enhance
from overread_lab.metrics import bootstrap, edge_spread
from overread_lab.recipes.evidence import measured, say

SIDE, RADIUS = 128, 20
BASE, CONTRAST = 100.0, 30.0
NOISES = {
    "additive, sd 5": ("additive", 5.0),
    "additive, sd 15": ("additive", 15.0),
    "additive, sd 30": ("additive", 30.0),
    "speckle, 32 looks": ("speckle", 32.0),
    "speckle, 8 looks": ("speckle", 8.0),
    "speckle, 4 looks": ("speckle", 4.0),
}
WIDEST_EDGE, LEAST_CONTRAST = 1.1, 0.9
Picture = NDArray[np.float32]
Method = Callable[[Picture, float], Picture]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A noisy picture with a round lesion and a straight edge.

    Parameters
    ----------
    noisy, clean : (row, column) float32
    inside, background : (row, column) bool
        Well within the lesion; a ring well outside.
    edge : (row, column) bool
        A band across the straight edge, whose position is `edge_column`.
    """

    noisy: Picture
    clean: Picture
    inside: NDArray[np.bool_]
    background: NDArray[np.bool_]
    edge_column: float


def scene(seed: int, noise: tuple[str, float]) -> Scene:
    """One picture: uneven tissue, a lesion somewhere in the left half, an edge in the right."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices((SIDE, SIDE), dtype=np.float64)
    tissue = ndi.gaussian_filter(rng.standard_normal((SIDE, SIDE)), 16)
    clean = BASE + 5 * tissue / tissue.std()
    at = np.array([rng.uniform(40, SIDE - 40), rng.uniform(34, 46)])
    away = np.hypot(rows - at[0], columns - at[1])
    edge_column = float(rng.uniform(98, 104))
    clean = clean + CONTRAST / (1 + np.exp((away - RADIUS) / 0.7)) + CONTRAST / (1 + np.exp(edge_column - columns))
    kind, level = noise
    noisy = (
        clean + rng.normal(0, level, clean.shape)
        if kind == "additive"
        else clean * rng.gamma(level, 1 / level, clean.shape)
    )
    noisy = np.maximum(noisy, 0)
    ring = (away > RADIUS + 5) & (away < RADIUS + 12) & (columns < 84)
    return Scene(noisy.astype(np.float32), clean.astype(np.float32), away < RADIUS - 5, ring, edge_column)


def rise_of(picture: NDArray[np.generic], one: Scene) -> float:
    """10-90 % rise of the straight edge in pixels, of the profile averaged along it; NaN where none can be fitted."""
    first, last = int(one.edge_column) - 12, int(one.edge_column) + 13
    profile = np.asarray(picture, np.float64)[8:-8, first:last].mean(axis=0)
    return edge_spread(np.arange(first, last, dtype=np.float64), profile).rise


def _signed(picture: Picture, order: float | None, *, log: bool = False) -> Picture:
    domain = Domain.LOG if log else Domain.LINEAR
    return np.asarray(enhance(picture, EnhancePlan(mode=Mode.SIGNED, order=order, domain=domain)), np.float32)


def _skimage(name: str) -> Callable[..., Picture]:
    def call(picture: Picture, **how: float) -> Picture:
        from skimage import exposure, filters, restoration  # noqa: PLC0415  (slow to load)

        owner = {"equalize_adapthist": exposure, "unsharp_mask": filters}.get(name, restoration)
        scaled = picture / np.float32(255)
        return np.asarray(getattr(owner, name)(np.clip(scaled, 0, 1), **how), np.float32) * np.float32(255)

    return call


def _non_local(picture: Picture, strength: float) -> Picture:
    return _skimage("denoise_nl_means")(picture, h=strength / 255, patch_size=5, patch_distance=6, fast_mode=True)


def _total_variation(picture: Picture, strength: float) -> Picture:
    return _skimage("denoise_tv_chambolle")(picture, weight=strength)


OURS: dict[str, tuple[Method, Sequence[float]]] = {
    "enhance, order by dimension": (lambda p, s: _signed(p, None), (1.0,)),
    "Lee, then enhance": (lambda p, s: _signed(lee(p, window=int(s)), None), (3, 5, 7, 9, 11, 13, 15)),
    "SRAD, then enhance": (lambda p, s: _signed(srad(p, iterations=int(s)), None), (5, 10, 20, 40, 80, 160, 320)),
    "non-local means, then enhance": (lambda p, s: _signed(_non_local(p, s), None), (2, 4, 8, 12, 16, 24, 32)),
    "total variation, then enhance": (
        lambda p, s: _signed(_total_variation(p, s), None),
        (0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.4, 0.8),
    ),
    "Gaussian, then enhance": (lambda p, s: _signed(ndi.gaussian_filter(p, s), None), (0.5, 0.75, 1, 1.25, 1.5, 2)),
}
ALTERNATIVES: dict[str, tuple[Method, Sequence[float]]] = {
    "as it is": (lambda p, s: p, (1.0,)),
    "fixed order .65": (lambda p, s: _signed(p, 0.65), (1.0,)),
    "Gaussian": (ndi.gaussian_filter, (0.3, 0.5, 0.75, 1, 1.25, 1.5, 2)),
    "median": (lambda p, s: ndi.median_filter(p, int(s)), (3, 5, 7, 9, 11)),
    "bilateral": (
        lambda p, s: _skimage("denoise_bilateral")(p, sigma_color=s / 255, sigma_spatial=3),
        (2.5, 5, 10, 20, 40, 80, 160),
    ),
    "non-local means": (_non_local, (2, 4, 8, 12, 16, 24, 32)),
    "total variation": (_total_variation, (0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.4, 0.8)),
    "CLAHE": (lambda p, s: _skimage("equalize_adapthist")(p, clip_limit=s), (0.005, 0.01, 0.02)),
    "unsharp mask": (lambda p, s: _skimage("unsharp_mask")(p, radius=2, amount=s), (0.25, 0.5, 1.0)),
    "Lee": (lambda p, s: lee(p, window=int(s)), (3, 5, 7, 9, 11, 13, 15)),
    "SRAD": (lambda p, s: srad(p, iterations=int(s)), (5, 10, 20, 40, 80, 160, 320)),
}


def strongest(
    method: tuple[Method, Sequence[float]], effect: Callable[[Method, float], tuple[list[float], float]]
) -> float | None:
    """The strongest at which edge and contrast are kept on average; None where none does.

    Parameters
    ----------
    effect : callable
        From a method and its strength to the widths of edges, in multiples of before, and the share of contrast kept.
    """
    call, strengths = method
    kept = None
    for strength in strengths:
        wider, contrast = effect(call, strength)
        if np.isfinite(wider).any() and np.nanmedian(wider) <= WIDEST_EDGE and contrast >= LEAST_CONTRAST:
            kept = strength
    return kept


def effect_on(scenes: Sequence[Scene], call: Method, strength: float) -> tuple[list[float], float]:
    """Widths of the edges against before, and the mean share of the true contrast."""
    wider, contrast = [], []
    for one in scenes:
        out = call(one.noisy, strength)
        wider.append(rise_of(out, one) / rise_of(one.noisy, one))
        contrast.append(_difference(out, one) / _difference(one.clean, one))
    return wider, float(np.mean(contrast))


def _difference(picture: NDArray[np.generic], one: Scene) -> float:
    return float(picture[one.inside].mean() - picture[one.background].mean())


def null_contrast(method: Method, strength: float, seeds: Sequence[int]) -> float:
    """Mean contrast to noise between a smooth and a rough half of one mean."""
    found = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        rough = ndi.gaussian_filter(rng.standard_normal((SIDE, SIDE)), 0.7)
        picture = np.full((SIDE, SIDE), BASE)
        picture[:, SIDE // 2 :] += 15 * (rough / rough.std())[:, SIDE // 2 :]
        picture[:, SIDE // 2 :] += BASE - picture[:, SIDE // 2 :].mean()
        picture += rng.normal(0, 2, picture.shape)
        left, right = np.zeros((2, SIDE, SIDE), bool)
        left[10:-10, 10 : SIDE // 2 - 10] = right[10:-10, SIDE // 2 + 10 : -10] = True
        found.append(contrast_to_noise(method(picture.astype(np.float32), strength), left, right).rms)
    return float(np.mean(found))


def figures(name: str, images: int) -> Iterator[Figure]:
    """All methods on one noise: contrast to noise (rms), and the gain of ours over the best alternative."""
    tuning = [scene(10_000 + n, NOISES[name]) for n in range(10)]
    tested = [scene(n, NOISES[name]) for n in range(images)]
    scores: dict[str, NDArray[np.float64]] = {}
    for label, method in {**ALTERNATIVES, **OURS}.items():
        strength = strongest(method, partial(effect_on, tuning))
        if strength is None:
            yield measured(f"{label}: edge or contrast not kept at any strength", name, math.nan, images)
            continue
        out = [method[0](one.noisy, strength) for one in tested]
        cnr = [contrast_to_noise(p, one.inside, one.background) for p, one in zip(out, tested, strict=True)]
        scores[label] = np.array([c.rms for c in cnr])
        wider = np.nanmedian([rise_of(p, one) / rise_of(one.noisy, one) for p, one in zip(out, tested, strict=True)])
        others = f"sum {np.mean([c.sum for c in cnr]):.2f}, background {np.mean([c.background for c in cnr]):.2f}, "
        note = (
            f"{others}union {np.mean([c.union for c in cnr]):.2f}; strength {strength:g}, edge x {wider:.2f}, "
            f"null {null_contrast(method[0], strength, range(3)):.2f}"
        )
        found = bootstrap(partial(_mean, scores[label]), images, seed=0)
        yield measured(f"contrast to noise (rms): {label}", name, found, images, note)
    yield from gains(name, scores)


def _mean(table: NDArray[np.float64], i: NDArray[np.intp]) -> float:
    return float(table[i].mean())


def gains(name: str, scores: Mapping[str, NDArray[np.float64]]) -> Iterator[Figure]:
    """Of ours over the best alternative, the same images in each draw."""
    others = [scores[label] for label in ALTERNATIVES if label in scores]
    best = max((label for label in ALTERNATIVES if label in scores), key=lambda label: scores[label].mean())
    for label in OURS:
        if label not in scores:
            continue
        ours = scores[label]

        def gain(i: NDArray[np.intp], a: NDArray[np.float64] = ours) -> float:
            return float(a[i].mean() / max(other[i].mean() for other in others)) - 1

        found = bootstrap(gain, len(ours), seed=0)
        yield measured(
            f"gain over the best alternative: {label}",
            name,
            found,
            len(ours),
            f"best is {best}; aim .28; each image counts as a patient",
        )


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m overread_lab.studies.enhance_cnr", description=__doc__)
    parser.add_argument("--images", type=int, default=40, help="pictures of each noise")
    parser.add_argument("--data", type=Path, help="the set head_ct: real images instead of simulated ones")
    given = parser.parse_args(arguments)
    if given.data is not None:
        from overread_lab.studies.enhance_cnr_images import figures as of_images  # noqa: PLC0415  (it builds on this)

        for one in of_images(given.data):
            sys.stdout.write(say(one) + "\n")
            sys.stdout.flush()
        return 0
    for name in NOISES:
        for one in figures(name, given.images):
            sys.stdout.write(say(one) + "\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
