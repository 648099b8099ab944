"""Written series: read back equal by another program, found sound by a validator, the same bytes every time."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK

from overread.errors import GeometryError, ResourceError, UsageError
from overread.geometry import Grid, axial_grid
from overread.image import Intensity, Volume
from overread.phantoms import Phantom, Planted
from overread.phantoms.dicom_series import (
    SeriesLabels,
    SliceLayout,
    Transfer,
    phantom_uid,
    write_series,
)
from overread.phantoms.nodule import random_rotation
from overread.phantoms.truth_file import write_truth


def noisy_volume(*, oblique: bool = False) -> Volume:
    rng = np.random.default_rng(7)
    shape = (5, 40, 51)
    affine = np.eye(4)
    affine[:3, :3] = (np.array(random_rotation(rng)) if oblique else np.eye(3)[:, ::-1]) * (1.25, 0.6, 0.7)
    affine[:3, 3] = (10.123456789, -20.5, 33.0)
    return Volume(rng.integers(-1024, 3000, shape).astype(np.int16), Grid(shape, affine), Intensity.HU)


@pytest.mark.parametrize("oblique", [False, True])
@pytest.mark.parametrize("syntax", list(Transfer))
def test_simpleitk_reads_the_same_voxels_at_the_same_places(tmp_path: Path, syntax: Transfer, oblique: bool) -> None:
    volume = noisy_volume(oblique=oblique)
    paths = write_series(volume, tmp_path / "series", seed=1, transfer_syntax=syntax)
    assert [p.name for p in paths] == [f"CT{n:04d}.dcm" for n in range(1, 6)]
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames([str(p) for p in paths])
    image = reader.Execute()
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image), volume.array)
    for k, j, i in ((0, 0, 0), (4, 3, 50), (2, 39, 1)):
        np.testing.assert_allclose(
            image.TransformIndexToPhysicalPoint((i, j, k)), volume.grid.to_lps((k, j, i)), atol=1e-6
        )


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is not installed")
@pytest.mark.parametrize("syntax", list(Transfer))
def test_dciodvfy_finds_no_error(tmp_path: Path, syntax: Transfer) -> None:
    for path in write_series(noisy_volume(oblique=True), tmp_path / "s", seed=1, transfer_syntax=syntax)[:2]:
        ran = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
        lines = (ran.stdout + ran.stderr).splitlines()
        assert ran.returncode == 0
        assert not [line for line in lines if line.startswith(("Error", "Warning"))]


@pytest.mark.parametrize("syntax", list(Transfer))
def test_the_same_volume_and_seed_give_the_same_bytes(tmp_path: Path, syntax: Transfer) -> None:
    one, two = (
        [p.read_bytes() for p in write_series(noisy_volume(), tmp_path / name, seed=4, transfer_syntax=syntax)]
        for name in "ab"
    )
    assert one == two
    other = write_series(noisy_volume(), tmp_path / "c", seed=5, transfer_syntax=syntax)
    assert [p.read_bytes() for p in other] != one


def test_uids_are_valid_and_depend_on_every_part() -> None:
    uids = {phantom_uid("series", 1), phantom_uid("series", 2), phantom_uid("study", 1)}
    assert len(uids) == 3
    assert all(u.startswith("2.25.") and len(u) <= 64 for u in uids)


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    volume = noisy_volume()
    with pytest.raises(UsageError, match="HU"):
        write_series(Volume(volume.array, volume.grid, Intensity.ARBITRARY), tmp_path / "a", seed=1)
    sheared = volume.grid.affine_lps.copy()
    sheared[:3, 0] += (0.0, 0.3, 0.0)
    with pytest.raises(GeometryError, match="sheared"):
        write_series(Volume(volume.array, Grid(volume.grid.shape, sheared), Intensity.HU), tmp_path / "b", seed=1)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    with pytest.raises(UsageError, match="not empty"):
        write_series(volume, tmp_path / "full", seed=1)
    with pytest.raises(UsageError, match="fit"):
        write_series(Volume(volume.array.astype(np.int32) * 100, volume.grid, Intensity.HU), tmp_path / "d", seed=1)
    with pytest.raises(ResourceError, match="cannot be written"):
        write_series(volume, tmp_path / "full" / "x" / "inside_a_file", seed=1)


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ResourceError, match="the disk is full") as caught:
        write_series(noisy_volume(), tmp_path / "s", seed=1)
    assert "CT0001.dcm" in str(caught.value)
    assert "Free some space" in str(caught.value)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_real_full_device_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("overread.phantoms.dicom_series._require_writable", lambda volume, folder, *, sheared: stored)
    volume = noisy_volume()
    stored = (volume.array + 1024).astype(np.int16)
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "CT0001.dcm").symlink_to("/dev/full")
    with pytest.raises(ResourceError, match="the disk is full"):
        write_series(volume, tmp_path / "s", seed=1)


def test_labels_reach_the_header(tmp_path: Path) -> None:
    labels = SeriesLabels(description="A phantom", thickness_mm=2.0, kernel="SHARP")
    ds = pydicom.dcmread(write_series(noisy_volume(), tmp_path / "s", seed=1, labels=labels)[0])
    assert (ds.SeriesDescription, float(ds.SliceThickness), ds.ConvolutionKernel) == ("A phantom", 2.0, "SHARP")
    assert str(ds.PatientName) == "SIMULATED^NOBODY"


def test_truth_is_plain_json(tmp_path: Path) -> None:
    volume = Volume(np.zeros((1, 2, 2), dtype=np.int16), axial_grid((1, 2, 2), spacing_mm=(1, 1, 1)), Intensity.HU)
    planted = Planted(1, "solid", "isolated", (1.0, 2.0, 3.0), {"volume_mm3": 113.1})
    write_truth(Phantom("toy", 3, volume, (planted,), {"noise_hu": 20.0}), tmp_path / "truth.json")
    read = json.loads((tmp_path / "truth.json").read_text())
    assert read["planted"][0]["truths"]["volume_mm3"] == 113.1
    assert read["planted"][0]["centre_lps"] == [1.0, 2.0, 3.0]
    assert (read["seed"], read["settings"]["noise_hu"]) == (3, 20.0)


def tilted_volume(tilt_deg: float) -> Volume:
    """Slices turned about x by `tilt_deg` while the table runs along z: the slices of a tilted gantry."""
    volume, t = noisy_volume(), np.radians(tilt_deg)
    affine = volume.grid.affine_lps.copy()
    affine[:3, :3] = np.stack([(0, 0, 1.25), (0, 0.6 * np.cos(t), 0.6 * np.sin(t)), (0.7, 0, 0)], axis=1)
    return Volume(volume.array, Grid(volume.grid.shape, affine), Intensity.HU)


@pytest.mark.parametrize("tilt_deg", [18.0, -7.5])
def test_a_tilted_gantry_is_written_slice_by_slice_with_its_tag(tmp_path: Path, tilt_deg: float) -> None:
    volume = tilted_volume(tilt_deg)
    paths = write_series(volume, tmp_path / "s", seed=1, layout=SliceLayout(sheared=True))
    for k, path in enumerate(paths):
        ds = pydicom.dcmread(path)
        np.testing.assert_allclose(np.array(ds.ImagePositionPatient, float), volume.grid.to_lps((k, 0, 0)), atol=1e-9)
        row, column = np.array(ds.ImageOrientationPatient, float).reshape(2, 3)
        np.testing.assert_allclose(np.degrees(np.arctan2(column[2], column[1])), tilt_deg)
        np.testing.assert_array_equal(row, (1, 0, 0))
        np.testing.assert_array_equal(ds.pixel_array - 1024, volume.array[k])
        assert float(ds.GantryDetectorTilt) == pytest.approx(tilt_deg)
        assert float(ds.SliceThickness) == pytest.approx(1.25 * np.cos(np.radians(tilt_deg)))


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is not installed")
def test_dciodvfy_finds_no_error_in_a_tilted_slice(tmp_path: Path) -> None:
    path = write_series(tilted_volume(18.0), tmp_path / "s", seed=1, layout=SliceLayout(sheared=True))[2]
    ran = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0
    assert not [line for line in (ran.stdout + ran.stderr).splitlines() if line.startswith(("Error", "Warning"))]


def test_slices_are_written_in_the_order_of_the_layout(tmp_path: Path) -> None:
    volume = noisy_volume()
    paths = write_series(volume, tmp_path / "s", seed=1, layout=SliceLayout(slices=(4, 0, 3)))
    assert [path.name for path in paths] == ["CT0001.dcm", "CT0002.dcm", "CT0003.dcm"]
    for number, (k, path) in enumerate(zip((4, 0, 3), paths, strict=True), start=1):
        ds = pydicom.dcmread(path)
        assert ds.InstanceNumber == number
        np.testing.assert_array_equal(ds.pixel_array - 1024, volume.array[k])
        np.testing.assert_allclose(np.array(ds.ImagePositionPatient, float), volume.grid.to_lps((k, 0, 0)), atol=1e-9)


@pytest.mark.parametrize("slices", [(), (0, 0), (5,), (-1,)])
def test_a_layout_that_cannot_be_is_refused(tmp_path: Path, slices: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="expected some of 0 to 4, each once"):
        write_series(noisy_volume(), tmp_path / "s", seed=1, layout=SliceLayout(slices=slices))
