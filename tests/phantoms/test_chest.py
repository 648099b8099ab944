"""Whole chests: nodules lie in the lung, apart from each other, with the density of their truth; bytes repeat."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage as ndi

from overread.errors import UsageError
from overread.phantoms.chest import Wanted, chest, draw_wanted
from overread.phantoms.nodule import sphere
from overread.phantoms.phantom import Phantom
from overread.phantoms.scene import Scene, tube_share
from overread.phantoms.studies import study_cases
from overread.phantoms.thorax.levels import CoarseGrid
from overread.phantoms.thorax.paint import lung_base_hu, paint_organs, paint_placed
from overread.phantoms.thorax.place import place_nodules
from overread.phantoms.thorax.shape import draw_build, shape_thorax
from overread.phantoms.thorax.trees import Tubes, draw_trees, path_tubes, push_out

WANTED = (
    Wanted(14.0, "solid", "isolated", "lobulated"),
    Wanted(8.0, "ground_glass", "isolated", "smooth"),
    Wanted(10.0, "solid", "juxtapleural", "smooth"),
    Wanted(12.0, "part_solid", "juxtavascular", "smooth"),
    Wanted(9.0, "solid", "juxtavascular", "spiculated"),
)


def small_chest(seed: int = 11, **changed) -> Phantom:  # type: ignore[no-untyped-def]
    settings = {"nodules": WANTED, "spacing_mm": (1.25, 0.9, 0.95), "matrix": 352, "noise_hu": 8.0, "length_mm": 90.0}
    return chest(seed, **(settings | changed))


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return small_chest()


def test_everything_asked_for_is_planted(phantom: Phantom) -> None:
    assert sorted((p.kind, p.attachment) for p in phantom.planted) == sorted((w.kind, w.attachment) for w in WANTED)
    assert [p.number for p in phantom.planted] == [1, 2, 3, 4, 5]
    for one in phantom.planted:
        index = phantom.volume.grid.to_index(one.centre_lps)
        assert (index > 2).all()
        assert (index < np.array(phantom.volume.grid.shape) - 3).all()


def test_nodules_lie_in_the_lungs_and_apart(phantom: Phantom) -> None:
    air = phantom.volume.array < -500
    labels, count = ndi.label(air)
    sizes = ndi.sum_labels(air, labels, np.arange(1, count + 1))
    middle = phantom.volume.grid.to_index((0.0, 0.0, -38.0))
    inner = np.zeros_like(air)
    for n in np.argsort(sizes)[::-1][:5] + 1:  # the lungs: big, and not touching the rim of the picture
        part = labels == n
        if not (part[:, 0].any() or part[:, -1].any()):
            inner |= part
    assert inner[:, : int(middle[1])].sum() > 1e5
    closed = ndi.binary_closing(inner, iterations=9)
    for one in phantom.planted:
        assert closed[tuple(np.rint(phantom.volume.grid.to_index(one.centre_lps)).astype(int))], one
    for a, b in itertools.combinations(phantom.planted, 2):
        apart = np.linalg.norm(np.array(a.centre_lps) - b.centre_lps)
        assert apart > (a.truths["long_axis_3d_mm"] + b.truths["long_axis_3d_mm"]) / 2


def test_isolated_nodules_hold_the_density_of_their_truth(phantom: Phantom) -> None:
    grid, image = phantom.volume.grid, phantom.volume.array.astype(float)
    points = grid.to_lps(np.stack(np.indices(grid.shape), axis=-1))
    for one in phantom.planted:
        if one.attachment != "isolated":
            continue
        away = np.linalg.norm(points - one.centre_lps, axis=-1)
        radius = one.truths["long_axis_3d_mm"] / 2
        near, ring = away < radius + 1.3, (away > radius + 1.3) & (away < radius + 5)
        lung = np.median(image[ring])
        added = (image[near] - lung).sum() * grid.voxel_volume_mm3
        contrast = one.truths["mean_hu"] - lung
        # the unevenness of the lung around it, about 20 HU, is not known to the truth
        assert added == pytest.approx(one.truths["volume_mm3"] * contrast, rel=0.04 + 25 / contrast), one


def test_the_parts_of_a_chest_have_their_densities(phantom: Phantom) -> None:
    def at(x: float, y: float, z: float) -> float:
        k, j, i = np.rint(phantom.volume.grid.to_index((x, y, z))).astype(int)
        return float(np.median(phantom.volume.array[k - 1 : k + 2, j - 2 : j + 3, i - 2 : i + 3]))

    assert at(24, -30, -78) == pytest.approx(42, abs=15)  # heart
    assert at(20, 38, -60) == pytest.approx(42, abs=25)  # descending aorta
    assert at(0, -9.5, 4) < -800 or at(0, 8, 4) < -900  # trachea
    assert at(0, 0, 5) != at(0, 53, -30)
    lungs = phantom.volume.array[(phantom.volume.array < -600) & (phantom.volume.array > -960)]
    assert np.median(lungs) == pytest.approx(-860, abs=30)


def test_the_same_seed_gives_the_same_bytes(phantom: Phantom) -> None:
    again = small_chest()
    assert again.volume.array.tobytes() == phantom.volume.array.tobytes()
    assert again.planted == phantom.planted


def test_no_room_and_bad_lengths_are_said(phantom: Phantom) -> None:
    with pytest.raises(UsageError, match="no room"):
        small_chest(nodules=(Wanted(80.0),), length_mm=60.0, spacing_mm=(5.0, 1.4, 1.4), matrix=240)
    with pytest.raises(UsageError, match="length"):
        small_chest(length_mm=-1.0)


def test_a_pleural_nodule_adds_just_the_part_of_it_that_its_truth_counts() -> None:
    step = (1.25, 0.9, 0.95)
    scene = Scene(np.empty((80, 360, 352), dtype=np.float32), step, (-166.7, -161.5, -88.0))
    rng = np.random.default_rng(5)
    thorax = shape_thorax(CoarseGrid.over(scene), draw_build(rng))
    far = np.full_like(thorax.oblique, 100.0)  # no fissures: what they hold is not added by the nodule
    thorax = replace(thorax, oblique=far, horizontal=far)
    wanted = [Wanted(d, "solid", "juxtapleural", "lobulated") for d in (7.0, 11.0, 16.0)]
    placed = place_nodules(rng, thorax, draw_trees(rng, thorax, leaves=40), wanted, z_range_mm=(-85.0, 8.0))
    paint_organs(scene, thorax, 0)
    for one in placed:
        before = scene.hu.copy()
        paint_placed(scene, thorax, one)
        truth = one.nodule.truths(one.outside)
        assert 0.5 < truth["volume_mm3"] / one.nodule.shape.volume_mm3() < 0.99
        base = float(lung_base_hu(thorax, float(one.centre[1])))
        added = float((scene.hu - before).sum(dtype=np.float64)) * scene.grid.voxel_volume_mm3
        assert added == pytest.approx(truth["volume_mm3"] * (one.nodule.hu - base), rel=0.02), one.wanted


def test_a_tube_keeps_its_cross_section() -> None:
    scene = Scene(np.zeros((40, 50, 60), dtype=np.float32), (1.25, 0.7, 0.75), (-22.0, -17.0, -24.0))
    for radius in (0.6, 1.0, 3.0):
        start, end = np.array((-9.0, -2.1, -11.0)), np.array((9.0, 3.2, 12.0))
        _, share = tube_share(scene, start, end, (radius, radius))
        volume = float(share.sum()) * scene.grid.voxel_volume_mm3
        length = float(np.linalg.norm(end - start))
        assert volume == pytest.approx(np.pi * radius**2 * (length + 4 / 3 * radius), rel=0.06), radius


def test_vessels_are_pushed_off_a_nodule() -> None:
    line = np.array([(-30.0, 0.5, 0.0), (30.0, 0.5, 0.0)])
    tubes = path_tubes(line, np.array((1.0, 1.0)))
    bent = push_out(tubes, np.zeros(3), 6.0)
    assert bent.distance_from(np.zeros(3)).min() > 6.5
    kept = push_out(tubes, np.zeros(3), 6.0, kept=np.ones(1, dtype=bool))
    assert isinstance(kept, Tubes)
    assert kept.distance_from(np.zeros(3)).min() == pytest.approx(0.5)


def test_sizes_are_drawn_from_the_asked_range() -> None:
    drawn = draw_wanted(np.random.default_rng(1), 200, diameters_mm=(5.0, 9.0), kinds=("solid",))
    sizes = np.array([w.diameter_mm for w in drawn])
    assert 5.0 <= sizes.min() < 5.3
    assert 8.6 < sizes.max() <= 9.0
    assert {w.kind for w in drawn} == {"solid"}
    assert sphere(4.0).volume_mm3() > 0


def test_study_splits_share_no_seed_and_cases_do_not_depend_on_the_count() -> None:
    train, test = study_cases("train", 60), study_cases("test", 60)
    assert not {c.seed for c in train} & {c.seed for c in test}
    assert study_cases("test", 5) == test[:5]
    assert {c.spacing_mm[0] for c in test} == {0.75, 1.0, 1.25, 1.5, 2.0, 2.5}
    wanted = [w for c in test for w in c.wanted]
    assert {w.kind for w in wanted} == {"solid", "part_solid", "ground_glass", "calcified"}
    assert min(c.noise_hu for c in test) < 20
    assert max(c.noise_hu for c in test) > 55
    with pytest.raises(UsageError, match="split"):
        study_cases("validation")  # type: ignore[arg-type]
