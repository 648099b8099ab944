"""`overread enhance --compare`: the panel, its figures, its region, and that verify repeats it."""

from __future__ import annotations

import csv
import io
import json

import nibabel
import numpy as np
import pytest
from PIL import Image

import overread
from overread.cli.group import cli
from overread.cli.outcome import run
from overread.errors import ExitCode, UsageError
from overread.evidence.page.pen import OUTLINE
from overread.geometry import axial_grid
from overread.image import Frames, Intensity, Radiograph, Volume
from overread.ops.peers import PEERS
from overread.runtime import Runtime
from overread.workflow.compare import BEFORE, CompareRequest

NAMES = [BEFORE, "overread enhance", *(peer.name for peer in PEERS)]
SQUARE = "row,column\n20,20\n20,44\n44,44\n44,20\n"


def page():
    rng = np.random.default_rng(1)
    values = rng.normal(100, 8, (72, 80))
    values[20:44, 20:44] += 40
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared")
    Image.fromarray(page()).save(folder / "page.png")
    (folder / "drawn.csv").write_text(SQUARE)
    given = ["enhance", folder / "page.png", "-o", folder / "out", "--compare", "--region", folder / "drawn.csv", "-q"]
    assert run(cli, [*map(str, given)]) == ExitCode.DONE
    return folder


def test_figures_stand_in_csv_and_json(compared):
    facts = json.loads((compared / "out" / "enhanced.json").read_text())
    rows = list(csv.DictReader(io.StringIO((compared / "out" / "compare.csv").read_text())))
    versions = facts["comparison"]["versions"]
    assert [row["name"] for row in rows] == [one["name"] for one in versions] == NAMES
    assert set(facts["files"]) == {"enhanced.png", "compare.png", "compare.csv"}
    first = versions[0]
    assert first["difference"] == pytest.approx(40, abs=2)
    assert first["cnr_rms"] == pytest.approx(5, rel=0.1)
    assert first["cnr_sum"] == pytest.approx(first["cnr_rms"] / np.sqrt(2), rel=1e-9)
    assert first["cnr_union"] < first["cnr_background"]
    assert float(rows[1]["flat_noise_sd"]) > 1.3 * first["flat_noise_sd"]


def test_only_the_picture_as_it_was_bears_the_outline(compared):
    sheet = np.asarray(Image.open(compared / "out" / "compare.png")).astype(int)
    like = np.abs(sheet - np.array(OUTLINE)).sum(axis=2) < 40
    height = 50 + 400
    assert like[50:height, :414].sum() > 200
    assert like[50:height, 420:].sum() == 0


def test_verify_repeats_it_and_minds_another_region(compared):
    assert overread.verify(compared / "out").repeated
    assert overread.verify(compared / "out").sound
    before = (compared / "drawn.csv").read_text()
    (compared / "drawn.csv").write_text(before.replace("44,44", "43,43"))
    try:
        assert overread.verify(compared / "out").changed == ("input region drawn.csv: changed",)
    finally:
        (compared / "drawn.csv").write_text(before)


def test_threads_give_the_same_panel(tmp_path):
    for threads in (1, 2):
        done = overread.enhance(Radiograph(page()), compare=CompareRequest(), runtime=Runtime(threads))
        done.save(tmp_path / str(threads))
    assert (tmp_path / "1" / "compare.png").read_bytes() == (tmp_path / "2" / "compare.png").read_bytes()


def scan():
    grid = axial_grid((4, 60, 50), spacing_mm=(3.0, 1.0, 1.0))
    values = np.random.default_rng(3).normal(0, 30, grid.shape)
    values[2, 15:45, 10:40] += 200
    return Volume(np.rint(values).astype(np.int16), grid, Intensity.HU)


def test_a_mask_chooses_its_slice_and_must_lie_on_the_image(tmp_path):
    volume = scan()
    ras = np.diag([-1, -1, 1, 1]) @ volume.grid.affine_lps[:, [2, 1, 0, 3]]
    inside = np.zeros(volume.grid.shape[::-1], np.uint8)
    inside[10:40, 15:45, 2] = 1
    nibabel.Nifti1Image(inside, ras).to_filename(tmp_path / "mask.nii.gz")
    done = overread.enhance(volume, compare=CompareRequest(region=tmp_path / "mask.nii.gz"))
    assert done.comparison.slice_number == 3
    assert done.comparison.slices == 4
    moved = ras.copy()
    moved[0, 3] += 5
    nibabel.Nifti1Image(inside, moved).to_filename(tmp_path / "moved.nii.gz")
    with pytest.raises(overread.errors.GeometryError, match="lies elsewhere than the image"):
        overread.enhance(volume, compare=CompareRequest(region=tmp_path / "moved.nii.gz"))
    nibabel.Nifti1Image(inside[:-1], ras).to_filename(tmp_path / "small.nii.gz")
    with pytest.raises(UsageError, match="4 x 60 x 49 pixels, the image 4 x 60 x 50"):
        overread.enhance(volume, compare=CompareRequest(region=tmp_path / "small.nii.gz"))
    with pytest.raises(UsageError, match="the region is empty on slice 1"):
        overread.enhance(volume, compare=CompareRequest(slice_number=1, region=tmp_path / "mask.nii.gz"))


def test_large_pictures_are_compared_in_a_window_about_the_region(tmp_path):
    wide = np.random.default_rng(0).integers(0, 4096, (700, 900)).astype(np.uint16)
    (tmp_path / "drawn.csv").write_text("x,y\n850,20\n880,20\n880,60\n")
    found = overread.enhance(Radiograph(wide), compare=CompareRequest(region=tmp_path / "drawn.csv")).comparison
    assert found.window == (0, 640, 260, 900)
    assert found.versions[0].picture.shape == (640, 640)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("row,column\n20,20\n20,99\n44,44\n", "outside the image of 72 x 80"),
        ("row,column\n20,20\n44,44\n20,44\n44,20\n", "crosses itself"),
        ("row,column\n20,20\n20,22\n22,22\n", "region has"),
    ],
)
def test_bad_outlines_leave_nothing(tmp_path, text, said):
    (tmp_path / "drawn.csv").write_text(text)
    with pytest.raises(UsageError, match=said):
        overread.enhance(Radiograph(page()), compare=CompareRequest(region=tmp_path / "drawn.csv"))


def test_command_minds_its_options(tmp_path, capsys):
    Image.fromarray(page()).save(tmp_path / "page.png")
    base = ["enhance", str(tmp_path / "page.png"), "-o", str(tmp_path / "out"), "-q"]
    assert run(cli, [*base, "--slice", "1"]) == ExitCode.USAGE
    assert "Add --compare" in capsys.readouterr().err
    assert run(cli, [*base, "--compare", "--slice", "2"]) == ExitCode.USAGE
    assert "slice 2 of an image of 1" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    clip = overread.enhance(Frames(np.stack([page()] * 3)), compare=CompareRequest(slice_number=3)).comparison
    assert clip.slice_number == 3
