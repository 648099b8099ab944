"""Planted nodules stand where their attachment says, and wear moves no truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage as ndi

from overread.phantoms.chest import chest
from overread_lab.recipes.nodule_planting import Ground, Marked, PlantedScan, Wear, plant, wear


@pytest.fixture(scope="module")
def bare():
    phantom = chest(5, nodules=[], spacing_mm=(2.0, 1.2, 1.2), matrix=272, noise_hu=15.0, length_mm=80.0)
    mark = Marked(phantom.volume.grid.to_lps([20, 130, 60]), 8.0)
    return PlantedScan("bare", "nobody", phantom.volume, (), (mark,))


@pytest.fixture(scope="module")
def planted_scan(bare):
    return plant(bare, Ground.of(bare.volume), np.random.default_rng(2), count=12, diameters_mm=(6.0, 14.0))


def test_nodules_keep_apart_and_off_marks(bare, planted_scan):
    assert len(planted_scan.planted) >= 8
    places = [(np.array(p.centre_lps), p.truths["effective_diameter_mm"] / 2) for p in planted_scan.planted]
    places += [(m.centre_lps, m.radius_mm) for m in bare.marked]
    for n, (a, ra) in enumerate(places):
        for b, rb in places[:n]:
            assert np.linalg.norm(a - b) > ra + rb


def test_attachments_are_what_they_say(bare, planted_scan):
    ground = Ground.of(bare.volume)
    for one in planted_scan.planted:
        index = ground.grid.to_index(np.array(one.centre_lps))
        depth = float(ndi.map_coordinates(ground.depth_mm, index[:, None], order=1)[0])
        radius = one.truths["effective_diameter_mm"] / 2
        if one.attachment == "juxtapleural":
            assert depth < 1.2 * radius
        else:
            assert depth > 0.9 * radius


def test_only_voxels_near_nodules_change(bare, planted_scan):
    changed = np.argwhere(planted_scan.volume.array != bare.volume.array)
    points = bare.volume.grid.to_lps(changed)
    away = np.min(
        [
            np.linalg.norm(points - np.array(p.centre_lps), axis=1) - p.truths["effective_diameter_mm"]
            for p in planted_scan.planted
        ],
        axis=0,
    )
    assert away.max() < 12


@pytest.mark.parametrize("kind", list(Wear))
def test_wear_keeps_places_in_mm(bare, kind):
    worn = wear(bare, kind, np.random.default_rng(0)).volume
    old = bare.volume
    middle = (np.array(old.grid.shape) - 1) / 2
    inside = np.linalg.norm(old.grid.to_lps(middle) - worn.grid.to_lps((np.array(worn.grid.shape) - 1) / 2))
    assert inside <= old.grid.spacing_mm[0]
    assert worn.array.mean() == pytest.approx(old.array.mean(), abs=8)
