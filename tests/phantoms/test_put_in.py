"""Nodules blended into an image that exists: added density, noise inside, what stays untouched."""

from __future__ import annotations

import numpy as np
import pytest

from overread.errors import UsageError
from overread.geometry import Grid
from overread.image import Intensity, Volume
from overread.phantoms.nodule import random_rotation
from overread.phantoms.put_in import noise_sd, put_in
from overread.phantoms.scanner import Scanner, noise

SCANNER = Scanner(thickness_mm=2.0, noise_hu=30.0)


def lung_like(seed: int = 0, *, oblique: bool = False) -> Volume:
    rng = np.random.default_rng(seed)
    shape, spacing = (30, 70, 76), (2.0, 0.7, 0.65)
    turn = np.array(random_rotation(rng)) if oblique else np.eye(3)[:, ::-1]
    affine = np.eye(4)
    affine[:3, :3] = turn * spacing
    affine[:3, 3] = (-20.0, 30.0, -100.0)
    array = np.rint(-850 + noise(rng, shape, spacing_mm=spacing, scanner=SCANNER)).astype(np.int16)
    return Volume(array, Grid(shape, affine), Intensity.HU)


@pytest.mark.parametrize("oblique", [False, True])
@pytest.mark.parametrize("kind", ["solid", "part_solid", "ground_glass", "calcified"])
def test_the_added_density_is_the_truth(kind: str, oblique: bool) -> None:
    before = lung_like(1, oblique=oblique)
    at = tuple(float(c) for c in before.grid.to_lps((14.3, 35.2, 37.8)))
    after, planted = put_in(before, np.random.default_rng(2), at_lps=at, diameter_mm=12.0, kind=kind)  # type: ignore[arg-type]
    added = (after.array.astype(float) - before.array).sum() * before.grid.voxel_volume_mm3
    truth = planted.truths["volume_mm3"] * (planted.truths["mean_hu"] + 850)
    assert added == pytest.approx(truth, rel=0.02)
    assert np.linalg.norm(np.array(planted.centre_lps) - at) < 0.5
    assert (after.array != before.array).mean() < 0.3


def test_noise_inside_the_nodule_is_that_of_the_scan() -> None:
    before = lung_like(3)
    at = tuple(float(c) for c in before.grid.to_lps((15, 35, 38)))
    after, _ = put_in(before, np.random.default_rng(4), at_lps=at, diameter_mm=24.0, kind="solid")  # type: ignore[arg-type]
    inside = after.array[12:19, 27:44, 30:47].astype(float)
    assert inside.std() == pytest.approx(30.0, rel=0.25)
    assert noise_sd(before.array.astype(np.float32), before.grid, SCANNER) == pytest.approx(30.0, rel=0.1)


def test_soft_tissue_is_left_alone_and_only_the_lung_side_counts() -> None:
    before = lung_like(5)
    array = before.array.copy()
    array[:, 35:] = 40
    before = Volume(array, before.grid, Intensity.HU)
    at = tuple(float(c) for c in before.grid.to_lps((15, 34.5, 38)))
    lung = array < -400
    after, planted = put_in(before, np.random.default_rng(6), at_lps=at, diameter_mm=12.0, lung=lung,
                            attachment="juxtapleural")  # type: ignore[arg-type]  # fmt: skip
    assert (after.array[:, 36:] == 40).all()
    assert planted.truths["lung_share"] == pytest.approx(0.5, abs=0.08)
    assert planted.truths["volume_mm3"] == pytest.approx(np.pi * 12**3 / 6 * planted.truths["lung_share"], rel=1e-6)


def test_a_point_outside_and_a_foreign_unit_are_refused() -> None:
    volume = lung_like()
    with pytest.raises(UsageError, match="outside"):
        put_in(volume, np.random.default_rng(0), at_lps=(500, 0, 0), diameter_mm=8)
    with pytest.raises(UsageError, match="HU"):
        put_in(
            Volume(volume.array, volume.grid, Intensity.ARBITRARY),
            np.random.default_rng(0),
            at_lps=(0, 40, -90),
            diameter_mm=8,
        )
