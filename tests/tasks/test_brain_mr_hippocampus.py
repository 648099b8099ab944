"""The hippocampus task on bent copies of its mean image: outline, parts, volumes, hands, refusals, files."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage as ndi

import overread
from overread.findings import Quality, ScopeAnswer
from overread.geometry import Grid, axial_grid, orient
from overread.image import Intensity, Radiograph, Source, Volume
from overread.runtime import Runtime, silent
from overread.tasks.brain_mr_hippocampus.example import example_region
from overread.tasks.brain_mr_hippocampus.model import read_model, write_model
from overread.tasks.brain_mr_hippocampus.outline import cut_row, largest, part
from overread.tasks.brain_mr_hippocampus.task import TASK, shipped_model
from overread_lab.datasets.manifest import read_manifest
from overread_lab.metrics import dice


@pytest.fixture(scope="module")
def example():
    return example_region(shipped_model().atlas, 3)


@pytest.fixture(scope="module")
def reading(example):
    return TASK.read(example[0].volume, Runtime(1), silent)


def whole_dice(reading, truth):
    return dice(reading.segments.array > 0, truth.array > 0).value


def test_both_parts_are_found_with_volumes_whose_intervals_hold_the_truth(example, reading):
    phantom, truth = example
    assert reading.assessable
    assert [f.label for f in reading.findings] == ["anterior hippocampus", "posterior hippocampus"]
    assert whole_dice(reading, truth) > 0.85
    for finding, planted in zip(reading.findings, phantom.planted, strict=True):
        volume = finding["volume"]
        assert volume.unit == "mL"
        assert volume.value == pytest.approx(reading.segments.volume_mm3(finding.number) / 1000)
        assert volume.interval.low <= planted.truths["volume_mm3"] / 1000 <= volume.interval.high
        assert np.linalg.norm(np.subtract(finding.point_lps, planted.centre_lps)) < 3
    total = reading.measurements[0]
    assert total.value == pytest.approx(sum(f["volume"].value for f in reading.findings))


def test_threads_change_nothing(example, reading):
    again = TASK.read(example[0].volume, Runtime(2), silent)
    np.testing.assert_array_equal(again.segments.array, reading.segments.array)
    assert again.measurements == reading.measurements


@pytest.mark.parametrize("letters", ["RAI", "SPR", "SAL", "SAR", "SLP", "SLA", "SRP", "SRA"])
def test_stored_any_way_round_it_is_the_same(example, reading, letters):
    """The seven other in-plane copies among them, with a geometry that says so."""
    volume = example[0].volume
    array, grid = orient(volume.array, volume.grid, letters)
    turned = TASK.read(replace(volume, array=np.ascontiguousarray(array), grid=grid), Runtime(1), silent)
    back, _ = orient(turned.segments.array, turned.segments.grid, "SPL")
    np.testing.assert_array_equal(back, reading.segments.array)


def test_a_mirrored_region_is_read_and_said_to_be_mirrored(example, reading):
    volume = example[0].volume
    mirrored = replace(volume, array=np.ascontiguousarray(volume.array[:, :, ::-1]))
    found = TASK.read(mirrored, Runtime(1), silent)
    assert reading.labels[0].value == "as_training"
    assert found.labels[0].value == "mirrored"
    np.testing.assert_array_equal(found.segments.array[:, :, ::-1], reading.segments.array)


def test_a_start_6_mm_off_changes_little(example, reading):
    volume = example[0].volume
    pad = 12
    array = np.pad(volume.array, ((pad, 0),) * 3, mode="edge")
    moved = Volume(array, volume.grid.crop((-pad,) * 3, array.shape), Intensity.ARBITRARY)
    found = TASK.read(moved, Runtime(1), silent)
    cut = found.segments.array[pad:, pad:, pad:]
    assert dice(cut > 0, reading.segments.array > 0).value > 0.95


def test_finer_voxels_give_the_same_volume(example, reading):
    volume = example[0].volume
    fine = ndi.zoom(volume.array.astype(np.float32), (1, 2, 2), order=1, mode="nearest", grid_mode=True)
    affine = volume.grid.affine_lps.copy()
    affine[:3, 1:3] /= 2
    affine[:3, 3] = volume.grid.to_lps((0, -0.25, -0.25))
    found = TASK.read(Volume(fine, Grid(fine.shape, affine), Intensity.ARBITRARY), Runtime(1), silent)
    assert found.segments.array.shape == fine.shape
    assert found.measurements[0].value == pytest.approx(reading.measurements[0].value, rel=0.06)


def test_noise_is_refused_or_doubted():
    array = np.random.default_rng(1).integers(0, 900, (36, 50, 36)).astype(np.int16)
    grid = axial_grid(array.shape, spacing_mm=(1, 1, 1))
    found = TASK.read(Volume(array, grid, Intensity.ARBITRARY), Runtime(1), silent)
    assert not found.assessable
    assert {reason.code for reason in found.reasons} & {"poor_match", "poor_local_match", "poor_agreement"}


def test_upside_down_is_refused_and_a_cut_at_the_edge_is_said(example):
    volume = example[0].volume
    turned = TASK.read(replace(volume, array=np.ascontiguousarray(volume.array[::-1])), Runtime(1), silent)
    assert not turned.assessable
    assert turned.segments is None
    array = np.ascontiguousarray(volume.array[:, 9:])
    cut = TASK.read(Volume(array, volume.grid.crop((0, 9, 0), array.shape), Intensity.ARBITRARY), Runtime(1), silent)
    assert cut.assessable
    assert Quality.TOUCHES_BORDER in cut.measurements[0].quality
    assert any("lower bounds" in text for text in cut.caveats)


def region(array=None, spacing=(1.0, 1.0, 1.0), intensity=Intensity.ARBITRARY, source=None):
    array = np.random.default_rng(0).random((36, 50, 36)).astype(np.float32) if array is None else array
    return Volume(array, axial_grid(array.shape, spacing_mm=spacing), intensity, source or Source(kind="array"))


@pytest.mark.parametrize(
    ("image", "code"),
    [
        (Radiograph(np.zeros((50, 50), np.uint8)), "not_a_volume"),
        (region(intensity=Intensity.HU), "not_mr"),
        (region(source=Source(kind="dicom", modality="CT")), "not_mr"),
        (region(spacing=(5.0, 1.0, 1.0)), "spacing"),
        (region(np.zeros((10, 50, 36), np.float32)), "too_small"),
        (region(np.zeros((160, 200, 160), np.uint8)), "not_a_region"),
        (region(np.full((36, 50, 36), 7.0, np.float32)), "flat"),
        (region(np.full((36, 50, 36), np.nan, np.float32)), "not_finite"),
    ],
)
def test_what_is_no_such_region_is_refused_with_its_reason(image, code):
    found = TASK.read(image, Runtime(1), silent)
    assert TASK.accepts(image).answer is ScopeAnswer.NO
    assert not found.assessable
    assert code in {reason.code for reason in found.reasons}


def test_the_plane_and_the_parts():
    inside = np.zeros((8, 20, 8), bool)
    inside[2:6, 3:17, 2:6] = True
    labels = part(inside, 8.4)
    assert np.unique(np.argwhere(labels == 1)[:, 1]).tolist() == list(range(3, 8))
    assert cut_row(labels == 1, inside) == pytest.approx(8.0)
    soft = np.where(inside, 0.25, 0.0)
    assert cut_row(soft, inside) == pytest.approx(3 + 14 * 0.25)
    assert np.isnan(cut_row(np.zeros((4, 4, 4), bool), np.zeros((4, 4, 4), bool)))
    inside[0, 0, 0] = True
    assert largest(inside).sum() == 4 * 14 * 4


def test_a_model_comes_back_from_its_file_and_another_file_is_refused(tmp_path):
    model = shipped_model()
    digest = write_model(tmp_path / "m.npz", model)
    again = read_model(tmp_path / "m.npz", sha256=digest)
    np.testing.assert_array_equal(again.atlas.image, model.atlas.image)
    assert again.log_width == model.log_width
    assert digest == TASK.card().weights["model.npz"]
    with pytest.raises(overread.errors.IntegrityError, match="SHA-256"):
        read_model(tmp_path / "m.npz", sha256="0" * 64)


def test_simulated_files_are_read_written_and_proven(tmp_path):
    simulated = overread.simulate("brain_mr_hippocampus", tmp_path / "phantom", seed=2)
    analysis = overread.analyze(simulated.series, task="brain_mr_hippocampus")
    assert analysis.reading.provenance.task == "brain_mr_hippocampus"
    analysis.save(tmp_path / "out")
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"seg.dcm", "sr.dcm", "overlay.png", "report.html", "mask.nii.gz"} <= written
    assert overread.validate(tmp_path / "out", against=simulated.series).sound
    told = json.loads((tmp_path / "out" / "result.json").read_text())
    assert {m["unit"] for f in told["findings"] for m in f["measurements"]} == {"mL"}


def test_the_shipped_files_belong_together(shared_data):
    """Three regions of fold 1, learned from or not: the figures are those of the study."""
    folder = shared_data / "hippocampus_mr"
    cases = [case for case in read_manifest(folder).cases if case.fold == 1][::15]
    assert len(cases) == 3
    for case in cases:
        image, mask = (overread.open(path).series[0].load() for path in (case.image, case.mask))
        found = TASK.read(image, Runtime(1), silent)
        assert found.assessable
        assert dice(found.segments.array > 0, mask.array > 0).value > 0.8
        assert found.labels[0].value == "as_training"
