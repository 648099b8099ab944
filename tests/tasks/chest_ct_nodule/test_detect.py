"""Finding nodules from end to end on a simulated chest, with the shipped weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from overread.errors import IntegrityError, UsageError
from overread.geometry import orient
from overread.image import Intensity, Volume
from overread.ops.lung_field import lung_field
from overread.phantoms.chest import Wanted, chest
from overread.runtime import Runtime, silent
from overread.tasks.chest_ct_nodule import detect
from overread.tasks.chest_ct_nodule.detect import DetectPlan, common_score, find_nodules

WANTED = (
    Wanted(diameter_mm=9.0, kind="solid", attachment="isolated", surface="smooth"),
    Wanted(diameter_mm=14.0, kind="solid", attachment="juxtapleural", surface="lobulated"),
    Wanted(diameter_mm=12.0, kind="solid", attachment="isolated", surface="spiculated"),
)


@pytest.fixture(scope="module")
def planted_chest():
    return chest(77, nodules=WANTED, spacing_mm=(2.0, 0.9, 0.8), matrix=384, noise_hu=20.0, length_mm=90.0)


@pytest.fixture(scope="module")
def found(planted_chest):
    return find_nodules_in(planted_chest.volume)


def find_nodules_in(volume, threads=1, plan=None):
    runtime = Runtime(threads)
    return find_nodules(volume, lung_field(volume, runtime), plan or DetectPlan(), runtime, silent)


def test_planted_nodules_are_found_once_each(planted_chest, found):
    points = planted_chest.volume.grid.to_lps([one.index_kji for one in found])
    for planted in planted_chest.planted:
        radius = planted.truths["effective_diameter_mm"] / 2
        near = np.linalg.norm(points - np.array(planted.centre_lps), axis=1) < radius
        assert np.count_nonzero(near) == 1
        assert found[int(np.argmax(near))].radius_mm == pytest.approx(radius, rel=0.5)
    assert len(found) <= len(planted_chest.planted) + 2


def test_scores_fall_and_reach_the_operating_point(found):
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= DetectPlan().least_score
    assert max(scores) <= 1


@pytest.mark.parametrize("threads", [2, 4])
def test_threads_do_not_change_a_finding(planted_chest, found, threads):
    assert find_nodules_in(planted_chest.volume, threads) == found


@pytest.mark.parametrize("letters", ["IAR", "LSP"])
def test_orientation_does_not_change_a_finding(planted_chest, found, letters):
    volume = planted_chest.volume
    array, grid = orient(volume.array, volume.grid, letters)
    turned = find_nodules_in(Volume(np.ascontiguousarray(array), grid, Intensity.HU))
    assert [one.score for one in turned] == [one.score for one in found]
    np.testing.assert_allclose(
        grid.to_lps([one.index_kji for one in turned]), volume.grid.to_lps([one.index_kji for one in found]), atol=1e-6
    )


def test_another_images_lung_field_is_refused(planted_chest, simple_chest_volume):
    lung = lung_field(simple_chest_volume, Runtime(1))
    with pytest.raises(UsageError, match="lung field has shape"):
        find_nodules(planted_chest.volume, lung, DetectPlan(), Runtime(1), silent)


@pytest.fixture
def simple_chest_volume(planted_chest):
    volume = planted_chest.volume
    return replace(volume, array=volume.array[:-1], grid=volume.grid.crop((0, 0, 0), volume.array[:-1].shape))


def test_weights_that_are_not_the_cards_are_refused(tmp_path, monkeypatch):
    folder = tmp_path / "task"
    folder.mkdir()
    source = detect.task_folder()
    (folder / "card.toml").write_bytes((source / "card.toml").read_bytes())
    (folder / detect.WEIGHTS).write_bytes((source / detect.WEIGHTS).read_bytes() + b"0")
    monkeypatch.setattr(detect, "task_folder", lambda: folder)
    detect.shipped_forests.cache_clear()
    try:
        with pytest.raises(IntegrityError, match="SHA-256"):
            detect.shipped_forests()
    finally:
        detect.shipped_forests.cache_clear()


def test_the_operating_point_is_one_half():
    votes = np.array([0.0, 0.3, 0.6, 0.8, 1.0])
    np.testing.assert_allclose(common_score(votes, 0.6), [0, 0.25, 0.5, 0.75, 1.0])
