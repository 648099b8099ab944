"""`overread enhance`: files in, the enhanced image out in the form of its source, proven and repeatable."""

from __future__ import annotations

import json
import shutil

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK
from PIL import Image

import overread
from overread.cli.group import cli
from overread.cli.outcome import run
from overread.errors import ExitCode, GeometryError, UsageError
from overread.geometry import axial_grid
from overread.image import Frames, Intensity, Radiograph, Volume
from overread.ops.fractional import EnhancePlan, Mode
from overread.ops.fractional import enhance as enhance_array
from overread.phantoms.dicom_series import write_series
from overread.runtime import Runtime


def noisy_volume():
    rng = np.random.default_rng(4)
    grid = axial_grid((3, 48, 40), spacing_mm=(2.5, 0.8, 0.7), origin_lps=(-10.0, 5.0, -30.0))
    return Volume(np.rint(rng.normal(40, 60, grid.shape)).astype(np.int16), grid, Intensity.HU)


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scan")
    write_series(noisy_volume(), folder / "series", seed=1)
    return folder / "series"


def command(*arguments):
    return run(cli, ["enhance", *map(str, arguments), "--quiet"])


def test_scan_becomes_a_derived_series_in_its_place(scan, tmp_path):
    out = tmp_path / "out"
    assert command(scan, "-o", out) == ExitCode.DONE
    source = overread.open(scan).only("CT").load_volume()
    facts = json.loads((out / "enhanced.json").read_text())
    again = overread.open(out).only("CT").load_volume()
    expected = enhance_array(source.array)
    assert again.intensity is Intensity.HU
    assert again.grid.same_place(source.grid)
    assert 0 < facts["stored"]["rounding"] <= 0.05
    np.testing.assert_allclose(again.array, expected, atol=facts["stored"]["rounding"] + 1e-4)
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(out)))
    read = SimpleITK.GetArrayFromImage(reader.Execute())
    np.testing.assert_allclose(read, expected, atol=facts["stored"]["rounding"] + 1e-3)
    before, after = (pydicom.dcmread(sorted(place.glob("*.dcm"))[0]) for place in (scan, out))
    assert after.StudyInstanceUID == before.StudyInstanceUID
    assert after.SeriesInstanceUID != before.SeriesInstanceUID
    assert after.ImageType[0] == "DERIVED"
    assert "order 0.45 to 0.85" in after.DerivationDescription


def test_same_input_gives_the_same_bytes_and_verify_says_so(scan, tmp_path):
    for name, threads in (("one", 1), ("two", 2)):
        overread.enhance(scan, runtime=Runtime(threads)).save(tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name
    assert overread.verify(tmp_path / "one").sound
    assert overread.verify(tmp_path / "one").repeated
    moved = tmp_path / "moved"
    shutil.copytree(scan, moved)
    changed = sorted(moved.glob("*.dcm"))[0]
    ds = pydicom.dcmread(changed)
    ds.PatientComments = "later"
    ds.save_as(changed)
    assert overread.verify(tmp_path / "one", source=moved).changed == (f"input {changed.name}: changed",)
    (tmp_path / "two" / "slice-0001.dcm").unlink()
    assert not overread.verify(tmp_path / "two").sound


def test_values_that_are_no_longer_hu_do_not_claim_it(scan, tmp_path):
    done = overread.enhance(scan, EnhancePlan(mode=Mode.PAPER, order=0.6))
    assert done.image.intensity is Intensity.ARBITRARY
    done.save(tmp_path / "out")
    assert pydicom.dcmread(tmp_path / "out" / "slice-0001.dcm").RescaleType == "US"
    assert overread.open(tmp_path / "out").only("CT").load_volume().intensity is not Intensity.HU


def test_volume_of_no_dicom_becomes_nifti_in_its_place(tmp_path):
    volume = noisy_volume()
    done = overread.enhance(volume)
    done.save(tmp_path / "out")
    image = nibabel.load(tmp_path / "out" / "enhanced.nii.gz")
    np.testing.assert_array_equal(image.get_fdata(dtype=np.float32).transpose(2, 1, 0), done.image.array)
    ras = np.diag([-1, -1, 1, 1]) @ volume.grid.affine_lps
    np.testing.assert_allclose(image.affine, ras[:, [2, 1, 0, 3]], atol=1e-5)


def test_dicom_may_be_written_as_nifti_on_request(scan, tmp_path):
    assert command(scan, "-o", tmp_path / "out", "--form", "nifti", "--order", "0.5") == ExitCode.DONE
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"enhanced.nii.gz", "enhanced.json", "manifest.json"}
    assert overread.verify(tmp_path / "out").sound


def test_picture_stays_eight_bit_and_says_what_was_clipped(tmp_path):
    page = np.random.default_rng(2).integers(0, 256, (50, 60)).astype(np.uint8)
    Image.fromarray(page).save(tmp_path / "page.png")
    assert command(tmp_path / "page.png", "-o", tmp_path / "out", "--order", "0.6") == ExitCode.DONE
    values = enhance_array(page, EnhancePlan(order=0.6))
    read = np.asarray(Image.open(tmp_path / "out" / "enhanced.png"))
    np.testing.assert_array_equal(read, np.clip(np.rint(values), 0, 255))
    stored = json.loads((tmp_path / "out" / "enhanced.json").read_text())["stored"]
    assert stored["clipped_share"] == pytest.approx(np.mean((values < -0.5) | (values > 255.5)))
    assert stored["clipped_share"] > 0.1


def test_deeper_picture_and_clip_keep_their_values(tmp_path):
    rng = np.random.default_rng(3)
    picture = overread.enhance(Radiograph(rng.integers(0, 4096, (40, 50)).astype(np.uint16)))
    picture.save(tmp_path / "picture")
    stored = json.loads((tmp_path / "picture" / "enhanced.json").read_text())["stored"]
    read = np.asarray(Image.open(tmp_path / "picture" / "enhanced.png")) * stored["step"] + stored["offset"]
    np.testing.assert_allclose(read, picture.image.array, atol=stored["rounding"] * 1.01)
    clip = overread.enhance(Frames(rng.integers(0, 256, (3, 40, 50, 3)).astype(np.uint8)))
    clip.save(tmp_path / "clip")
    assert clip.to_dict()["was_colour"]
    with Image.open(tmp_path / "clip" / "enhanced.tif") as opened:
        for n in range(3):
            opened.seek(n)
            np.testing.assert_array_equal(np.asarray(opened), clip.image.array[n])


def test_form_that_does_not_suit_is_refused_and_nothing_is_left(scan, tmp_path):
    done = overread.enhance(noisy_volume())
    with pytest.raises(UsageError, match=r"a volume cannot be written as picture.*nifti"):
        done.save(tmp_path / "out", form="picture")
    with pytest.raises(UsageError, match="unknown form 'gif'"):
        done.save(tmp_path / "out", form="gif")
    assert not (tmp_path / "out").exists()


def test_repaired_volume_is_written_as_nifti_only(tmp_path):
    rng = np.random.default_rng(4)
    grid = axial_grid((8, 40, 40), spacing_mm=(2.5, 0.8, 0.7))
    write_series(Volume(rng.integers(0, 99, grid.shape).astype(np.int16), grid, Intensity.HU), tmp_path / "s", seed=1)
    sorted((tmp_path / "s").glob("*.dcm"))[3].unlink()
    done = overread.enhance(tmp_path / "s", policy="repair")
    with pytest.raises(GeometryError, match="as NIfTI"):
        done.save(tmp_path / "out")
    assert not (tmp_path / "out").exists()
    done.save(tmp_path / "out", form="nifti")


def test_command_speaks_json_and_refuses_what_it_must(scan, tmp_path, capsys):
    assert run(cli, ["enhance", str(scan), "-o", str(tmp_path / "out"), "--json"]) == ExitCode.DONE
    said = json.loads(capsys.readouterr().out)
    assert said["plan"]["mode"] == "signed"
    assert said["values"]["after"]["sd"] > 1.5 * said["values"]["before"]["sd"]
    assert said["values"]["after"]["mean"] == pytest.approx(said["values"]["before"]["mean"], abs=1)
    assert command(scan, "-o", tmp_path / "out") == ExitCode.USAGE
    assert command(scan, "-o", tmp_path / "new", "--order", "2") == ExitCode.USAGE
    assert command(scan, "-o", tmp_path / "new", "--series", "nowhere") == ExitCode.USAGE
    assert command(tmp_path / "nothing", "-o", tmp_path / "new") == ExitCode.INPUT
    assert not (tmp_path / "new").exists()


def test_three_dimensions_and_speckle_are_said_in_the_derived_series(scan, tmp_path):
    assert command(scan, "-o", tmp_path / "out", "--dimensions", "3", "--order", "0.6") == ExitCode.DONE
    source, again = (overread.open(place).only("CT").load_volume() for place in (scan, tmp_path / "out"))
    plan = EnhancePlan(dimensions=3, order=0.6)
    expected = enhance_array(source.array, plan, spacing_mm=source.grid.spacing_mm)
    np.testing.assert_allclose(again.array, expected, atol=0.06)
    words = pydicom.dcmread(tmp_path / "out" / "slice-0001.dcm").DerivationDescription
    assert "in 3-D along 26 rays weighed by their length in mm" in words
    assert overread.verify(tmp_path / "out").repeated
    assert overread.verify(tmp_path / "out").sound
    assert command(scan, "-o", tmp_path / "new", "--despeckle", "lee") == ExitCode.USAGE  # HU are below 0
    rng = np.random.default_rng(1)
    grid = axial_grid((3, 40, 40), spacing_mm=(1.0, 1.0, 1.0))
    bright = Volume(rng.gamma(4, 25, grid.shape).astype(np.float32), grid, Intensity.ARBITRARY)
    done = overread.enhance(bright, EnhancePlan(despeckle="srad", domain="log"))
    assert "on logarithms, after speckle reducing anisotropic diffusion" in done.description
    with pytest.raises(UsageError, match="no third dimension"):
        overread.enhance(Radiograph(np.zeros((40, 40), np.uint8)), EnhancePlan(dimensions=3))
