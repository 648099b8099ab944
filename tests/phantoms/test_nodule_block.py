"""Blocks: the image holds what the truth says, attached nodules touch, and the same seed gives the same bytes."""

from __future__ import annotations

import numpy as np
import pytest

from overread.errors import UsageError
from overread.phantoms.nodule import KINDS, sphere
from overread.phantoms.nodule_block import ATTACHMENTS, Nodule, draw_nodule, draw_wall, nodule_block

SPACING_MM = (1.25, 0.65, 0.75)


def block(seed: int = 1, **changed):  # type: ignore[no-untyped-def]
    settings = {
        "diameter_mm": 10.0,
        "kind": "solid",
        "attachment": "isolated",
        "spacing_mm": SPACING_MM,
        "noise_hu": 10.0,
    }
    return nodule_block(np.random.default_rng(seed), **(settings | changed))


def at_nodule(phantom):  # type: ignore[no-untyped-def]
    return tuple(np.rint(phantom.volume.grid.to_index(phantom.planted[0].centre_lps)).astype(int))


def test_the_excess_density_of_an_isolated_nodule_is_its_truth() -> None:
    phantom = block(side_mm=40.0)
    image, grid, truth = phantom.volume.array.astype(float), phantom.volume.grid, phantom.planted[0]
    points = grid.to_lps(np.stack(np.indices(grid.shape), axis=-1))
    away = np.linalg.norm(points - truth.centre_lps, axis=-1)
    near, ring = away < 8.5, (away > 8.5) & (away < 9.5)
    lung = np.median(image[ring])
    excess = (image[near] - lung).sum() * grid.voxel_volume_mm3 / (truth.truths["mean_hu"] - lung)
    assert excess == pytest.approx(truth.truths["volume_mm3"], rel=0.03)  # lung texture is left in


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_density_at_the_centre(kind: str) -> None:
    phantom = block(kind=kind, diameter_mm=16.0, shape="lobulated", noise_hu=5.0)
    k, j, i = at_nodule(phantom)
    centre = phantom.volume.array[k - 1 : k + 2, j - 1 : j + 2, i - 1 : i + 2].mean()
    low, high = {"solid": (5, 75), "part_solid": (-300, 75), "ground_glass": (-730, -470), "calcified": (190, 610)}[
        kind
    ]
    assert low < centre < high
    assert ("solid_volume_mm3" in phantom.planted[0].truths) == (kind == "part_solid")


def test_part_solid_mean_and_core_follow_from_each_other() -> None:
    nodule = Nodule("part_solid", sphere(10.0), -600.0, sphere(5.0), (1.0, 0.0, 0.0), 40.0)
    truths = nodule.truths()
    assert truths["solid_diameter_mm"] == pytest.approx(5.0, rel=1e-6)
    assert truths["mean_hu"] == pytest.approx(-600 + 640 / 8, rel=1e-6)
    assert truths["mass_mg"] == pytest.approx(truths["volume_mm3"] * 0.48, rel=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_a_pleural_nodule_is_cut_by_the_wall_it_sits_on(seed: int) -> None:
    rng = np.random.default_rng(seed)
    nodule, wall = draw_nodule(rng, diameter_mm=12.0, kind="solid"), draw_wall(rng, 12.0)
    whole, part = nodule.truths(), nodule.truths(wall.depth_of_lung)
    assert 0.5 < part["volume_mm3"] / whole["volume_mm3"] < 0.999
    assert wall.depth_of_lung(np.zeros(3)) > 0  # the centre is on the lung's side


def test_attached_nodules_have_soft_tissue_beside_them_and_isolated_ones_do_not() -> None:
    def neighbours(attachment: str) -> int:
        phantom = block(seed=3, attachment=attachment, noise_hu=5.0)
        dense = phantom.volume.array > -400
        grid, truth = phantom.volume.grid, phantom.planted[0]
        away = np.linalg.norm(grid.to_lps(np.stack(np.indices(grid.shape), axis=-1)) - truth.centre_lps, axis=-1)
        return int((dense & (away > 7.0) & (away < 8.0)).sum())

    assert neighbours("isolated") == 0
    assert neighbours("juxtavascular") > 3
    assert neighbours("juxtapleural") > 100


@pytest.mark.parametrize("attachment", ATTACHMENTS)
def test_the_same_seed_gives_the_same_block(attachment: str) -> None:
    one, two, other = (block(seed, attachment=attachment) for seed in (5, 5, 6))
    assert one.volume.array.tobytes() == two.volume.array.tobytes() != other.volume.array.tobytes()
    assert one.planted == two.planted


def test_unknown_words_are_refused() -> None:
    for wrong in ({"kind": "cyst"}, {"attachment": "floating"}, {"shape": "fluffy"}, {"diameter_mm": -1.0}):
        with pytest.raises(UsageError):
            block(**wrong)
