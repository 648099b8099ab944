"""The phantom of this task: the mean image of the model, bent at random and made noisy, with the volume it then has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.geometry import axial_grid
from overread.image import Intensity, LabelMap, Volume
from overread.phantoms import Phantom, Planted
from overread.tasks.brain_mr_hippocampus.atlas import Atlas, Map, Prior
from overread.tasks.brain_mr_hippocampus.outline import part, prior_cut

_BEND_MM, _SMOOTH_MM = 1.5, 7.0
_MARGIN_MM = 5


def bent(atlas: Atlas, seed: int, *, noise: float = 0.04) -> tuple[Map, NDArray[np.uint8]]:
    """Values (0 to about 1) and labels (1 anterior, 2 posterior) of a bent copy of the atlas, on its grid.

    Growth of -10 to +10 % and a smooth displacement of 1.5 mm (rms), white noise, a bias field of 10 %.
    """
    rng = np.random.default_rng(seed)
    shape = atlas.image.shape
    index = np.stack(np.meshgrid(*(np.arange(float(n)) for n in shape), indexing="ij"))
    middle = ((np.array(shape) - 1) / 2)[:, None, None, None]
    at = middle + (index - middle) * rng.uniform(0.97, 1.03, 3)[:, None, None, None]
    for axis in range(3):
        wave = ndi.gaussian_filter(rng.normal(size=shape), _SMOOTH_MM, mode="nearest")
        at[axis] += _BEND_MM * wave / wave.std()

    def bring(values: Map) -> Map:
        found: Map = ndi.map_coordinates(values, at, order=1, mode="nearest", output=np.float32)
        return found

    field = ndi.gaussian_filter(rng.normal(size=shape), 20, mode="nearest")
    image = bring(atlas.image) * (1 + 0.1 * field / max(float(np.abs(field).max()), 1e-9))
    image += rng.normal(0, noise, shape).astype(np.float32)
    prior = Prior(bring(atlas.whole), bring(atlas.anterior), image)
    return image.astype(np.float32), part(prior.whole > 0.5, prior_cut(prior))


def example_region(atlas: Atlas, seed: int) -> tuple[Phantom, LabelMap]:
    """A region of 1 mm as MR values, its planted parts, and their labels; the same seed gives the same bytes."""
    values, labels = bent(atlas, seed)
    where = np.argwhere(labels > 0)
    low = np.maximum(where.min(axis=0) - _MARGIN_MM, 0)
    high = np.minimum(where.max(axis=0) + 1 + _MARGIN_MM, labels.shape)
    cut = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    values, labels = values[cut], np.ascontiguousarray(labels[cut])
    k, j, i = values.shape
    grid = axial_grid((k, j, i), spacing_mm=(1.0, 1.0, 1.0), origin_lps=(10.0, -20.0, -15.0))
    array = np.rint(np.clip(values, -0.2, 1.4) * 800 + 200).astype(np.int16)
    truth = LabelMap(labels, grid, {1: "anterior", 2: "posterior"})
    planted = tuple(_planted(number, name, truth) for number, name in truth.names.items())
    return Phantom("hippocampus", seed, Volume(array, grid, Intensity.ARBITRARY), planted), truth


def _planted(number: int, name: str, truth: LabelMap) -> Planted:
    volume = truth.volume_mm3(number)
    x, y, z = (float(c) for c in truth.centroid_lps(number))
    truths = {"volume_mm3": volume, "effective_diameter_mm": float((6 * volume / np.pi) ** (1 / 3))}
    return Planted(number, f"{name} hippocampus", "in the brain", (x, y, z), truths)
