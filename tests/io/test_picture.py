"""Picture files have no millimetres: one is a radiograph without them, numbered ones a stack on the user's word."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from overread.errors import DamagedFileError, GeometryError, UsageError
from overread.geometry import Policy
from overread.image import NO_SCALE, Calibration, Intensity, Radiograph
from overread.io import middle_picture, open_study

SPACING = (2.5, 0.7, 0.9)


def codes(thing):
    return {fault.code for fault in thing.verdict.faults}


@pytest.fixture
def grey():
    """(slice, row, column) uint8."""
    return np.random.default_rng(3).integers(0, 256, (12, 9, 11)).astype(np.uint8)


def save_all(folder, planes, pattern="slice_{}.png"):
    for n, plane in enumerate(planes):
        Image.fromarray(plane).save(folder / pattern.format(n + 1))


def test_one_picture_is_a_radiograph_without_millimetres(tmp_path, grey):
    save_all(tmp_path, grey[:1])
    series = open_study(tmp_path).only()
    assert (series.kind, series.shape, series.spacing_mm) == ("picture", (1, 9, 11), None)
    image = series.load()
    assert isinstance(image, Radiograph)
    np.testing.assert_array_equal(image.array, grey[0])
    assert (image.array.dtype, image.intensity, image.scale) == (np.uint8, Intensity.ARBITRARY, NO_SCALE)
    assert codes(image) == codes(series) == {"orientation_unknown", "calibration"}
    assert image.verdict.status == "caution"
    with pytest.raises(GeometryError, match="no calibration"):
        image.scale.require_mm()


def test_two_lengths_give_one_picture_its_scale(tmp_path, grey):
    save_all(tmp_path, grey[:1])
    image = open_study(tmp_path).only().load(spacing_mm=(0.2, 0.1), intensity=Intensity.HU)
    assert (image.scale.calibration, image.scale.require_mm()) == (Calibration.CALLER, (0.2, 0.1))
    assert codes(image) >= {"spacing_on_word", "intensity_on_word"}
    assert image.intensity is Intensity.HU


def test_several_pictures_need_the_distance_between_them(tmp_path, grey):
    save_all(tmp_path, grey[:2])
    series = open_study(tmp_path).only()
    with pytest.raises(GeometryError, match="2 pictures") as caught:
        series.load()
    assert "open a file alone" in caught.value.way_out
    assert np.array_equal(middle_picture(series).array, grey[1])


@pytest.mark.parametrize("pattern", ["slice_{}.png", "slice_{}.tif", "slice_{:03d}.bmp.png"])
def test_numbered_pictures_are_one_series_in_order_of_number(tmp_path, grey, pattern):
    save_all(tmp_path, grey, pattern)
    series = open_study(tmp_path).only()
    assert series.n_files == 12
    volume = series.load(spacing_mm=SPACING, intensity=Intensity.HU)
    np.testing.assert_array_equal(volume.array, grey)
    assert volume.array.dtype == np.int16
    assert volume.grid.spacing_mm == pytest.approx(SPACING)
    assert codes(volume) >= {"spacing_on_word", "orientation_unknown", "intensity_on_word"}
    assert volume.intensity is Intensity.HU


def test_sixteen_bits_and_pages_of_a_tiff(tmp_path):
    planes = np.random.default_rng(3).integers(0, 65535, (5, 9, 11)).astype(np.uint16)
    first, *rest = [Image.fromarray(plane) for plane in planes]
    first.save(tmp_path / "stack.tif", save_all=True, append_images=rest, compression="tiff_lzw")
    volume = open_study(tmp_path).only().load(spacing_mm=SPACING)
    assert volume.array.dtype == np.float32
    np.testing.assert_array_equal(volume.array, planes)


def test_sixteen_bit_png(tmp_path):
    plane = np.random.default_rng(3).integers(0, 4096, (9, 11)).astype(np.uint16)
    Image.fromarray(plane).save(tmp_path / "one.png")
    volume = open_study(tmp_path / "one.png").only().load(spacing_mm=SPACING)
    np.testing.assert_array_equal(volume.array[0], plane)
    assert volume.array.dtype == np.int16


def test_jpeg_and_colour(tmp_path, grey):
    plane = np.repeat(np.arange(0, 110, 10, np.uint8)[None], 9, axis=0)
    Image.fromarray(plane).save(tmp_path / "x.jpg", quality=100)
    volume = open_study(tmp_path / "x.jpg").only().load(spacing_mm=SPACING)
    assert np.abs(volume.array[0] - plane).max() <= 3
    Image.merge("RGB", [Image.fromarray(grey[0])] * 3).save(tmp_path / "same.png")
    Image.merge("RGB", [Image.fromarray(grey[n]) for n in range(3)]).save(tmp_path / "red.png")
    same = open_study(tmp_path / "same.png").only().load(spacing_mm=SPACING)
    red = open_study(tmp_path / "red.png").only().load(spacing_mm=SPACING)
    np.testing.assert_array_equal(same.array[0], grey[0])
    assert "colour_to_grey" not in codes(same)
    assert "colour_to_grey" in codes(red)
    lightness = grey[0] * 0.299 + grey[1] * 0.587 + grey[2] * 0.114
    assert np.abs(red.array[0] - lightness).max() <= 1


def test_a_number_left_out_is_refused(tmp_path, grey):
    save_all(tmp_path, grey)
    (tmp_path / "slice_5.png").unlink()
    series = open_study(tmp_path).only()
    with pytest.raises(GeometryError, match=r"slice_4\.png and slice_6\.png"):
        series.load(spacing_mm=SPACING)
    assert series.load(spacing_mm=SPACING, policy=Policy.AS_IS).grid.shape[0] == 11


@pytest.mark.parametrize("spacing", [(0, 1, 1), (1, 1), (1, float("nan"), 1), (1, 1, 1, 1)])
def test_spacing_must_be_three_lengths(tmp_path, grey, spacing):
    save_all(tmp_path, grey[:2])
    with pytest.raises(UsageError):
        open_study(tmp_path).only().load(spacing_mm=spacing)


@pytest.mark.parametrize("name", ["slice_{}.png", "slice_{}.tif", "slice_{}.jpg"])
def test_cut_short(tmp_path, name):
    plane = np.random.default_rng(3).integers(0, 256, (64, 64)).astype(np.uint8)
    Image.fromarray(plane).save(tmp_path / name.format(1))
    path = tmp_path / name.format(1)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DamagedFileError):
        open_study(tmp_path).only().load(spacing_mm=SPACING)


def test_pictures_of_other_sizes_are_other_series(tmp_path, grey):
    save_all(tmp_path, grey[:3], "a{}.png")
    save_all(tmp_path, grey[:2, :5], "b{}.png")
    assert sorted(one.n_files for one in open_study(tmp_path).series) == [2, 3]
    with pytest.raises(UsageError):
        open_study(tmp_path).only()


def test_numbers_that_do_not_follow_each_other_are_no_stack(tmp_path, grey):
    for number, plane in zip((1864924217, 2204125903, 2475302882), grey, strict=False):
        Image.fromarray(plane).save(tmp_path / f"x_{number}.png")
    study = open_study(tmp_path)
    assert [one.shape for one in study.series] == [(1, 9, 11)] * 3
    assert np.array_equal(study.series[2].load().array, grey[2])
