"""What the coding of a picture file does to its values: turned, transparent, coloured, deep; said, never silent."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image

from overread.errors import DamagedFileError, NothingReadableError, UnsupportedFormatError
from overread.geometry import Severity
from overread.image import Radiograph
from overread.io import open_study

GREY = np.array([[0, 10, 20, 30], [100, 150, 200, 255]], np.uint8)
RGB = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [10, 20, 30]], [[1, 2, 3], [4, 5, 6]]], np.uint8)
TURNED = {  # EXIF orientation: what must be shown, from what is stored (CIPA DC-008, 4.6.5.1.3)
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a.swapaxes(0, 1), 2),
    8: np.rot90,
}


def loaded(path):
    (series,) = open_study(path).series
    image = series.load()
    assert isinstance(image, Radiograph)
    assert series.shape == (1, *image.array.shape[:2])
    return image


def severity(image, code):
    return next((fault.severity for fault in image.verdict.faults if fault.code == code), None)


def oriented(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    return exif


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("name", ["x.png", "x.tif", "lzw.tif", "x.jpg"])
def test_orientation_is_applied_and_said(name, orientation, tmp_path):
    stored = np.kron(GREY, np.ones((8, 8), np.uint8))
    options = {"compression": "tiff_lzw"} if name.startswith("lzw") else {}
    options |= {"quality": 100} if name.endswith("jpg") else {}
    Image.fromarray(stored).save(tmp_path / name, exif=oriented(orientation), **options)
    image = loaded(tmp_path)
    shown = TURNED[orientation](stored)
    assert image.array.shape == shown.shape
    assert np.abs(image.array.astype(int) - shown).max() <= (4 if name.endswith("jpg") else 0)
    assert severity(image, "turned_as_asked") is (None if orientation == 1 else Severity.NOTE)


def test_orientation_that_cannot_be_read(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "x.jpg", quality=100, exif=oriented(6))
    raw = (tmp_path / "x.jpg").read_bytes()
    assert raw.count(b"Exif\0\0MM\0*") == 1
    (tmp_path / "x.jpg").write_bytes(raw.replace(b"Exif\0\0MM\0*", b"Exif\0\0XXXX"))
    image = loaded(tmp_path)
    assert np.abs(image.array.astype(int) - GREY).max() <= 4
    assert severity(image, "turn_unknown") is Severity.WARNING


def test_orientation_behind_the_pixels_of_a_png(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "x.png", exif=oriented(6))
    raw = (tmp_path / "x.png").read_bytes()
    at = raw.index(b"eXIf") - 4
    chunk = raw[at : at + 12 + int.from_bytes(raw[at : at + 4], "big")]
    (tmp_path / "x.png").write_bytes(raw.replace(chunk, b"")[:-12] + chunk + raw[-12:])
    image = loaded(tmp_path)
    assert np.array_equal(image.array, TURNED[6](GREY))
    assert severity(image, "turned_as_asked") is Severity.NOTE


def test_orientation_that_does_not_exist(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "x.png", exif=oriented(11))
    image = loaded(tmp_path)
    assert np.array_equal(image.array, GREY)
    assert severity(image, "turn_unknown") is Severity.WARNING


def test_loss_of_jpeg_is_said(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "x.jpg")
    assert severity(loaded(tmp_path), "lossy") is Severity.NOTE
    Image.fromarray(np.zeros((16, 16), np.uint8)).save(tmp_path / "x.tif", compression="jpeg")
    assert severity(loaded(tmp_path / "x.tif"), "lossy") is Severity.NOTE
    Image.fromarray(GREY).save(tmp_path / "x.png")
    assert severity(loaded(tmp_path / "x.png"), "lossy") is None


@pytest.mark.parametrize("name", ["x.png", "x.tif", "x.bmp", "x.ppm"])
def test_colour_stays_colour(name, tmp_path):
    Image.fromarray(RGB).save(tmp_path / name)
    image = loaded(tmp_path)
    assert image.is_colour
    assert image.array.dtype == np.uint8
    assert np.array_equal(image.array, RGB)


def test_palette_is_colour(tmp_path):
    picture = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8)).convert("P")
    picture.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90] + [0] * 759)
    picture.save(tmp_path / "x.png")
    assert loaded(tmp_path).array.tolist() == [[[10, 20, 30], [40, 50, 60]], [[70, 80, 90], [40, 50, 60]]]


def test_grey_coded_in_colour_is_grey_and_says_so(tmp_path):
    Image.fromarray(np.stack([GREY] * 3, axis=-1)).save(tmp_path / "x.png")
    image = loaded(tmp_path)
    assert np.array_equal(image.array, GREY)
    assert severity(image, "grey_in_colour") is Severity.NOTE


@pytest.mark.parametrize(("clear", "expected"), [(0, Severity.NOTE), (3, Severity.WARNING)])
@pytest.mark.parametrize("colour", [False, True])
def test_alpha_is_said_and_what_lies_beneath_is_read(colour, clear, expected, tmp_path):
    pixels = np.arange(8, dtype=np.uint8).reshape(2, 4) * 30
    alpha = np.full((2, 4), 255, np.uint8)
    alpha.flat[:clear] = 10
    beneath = np.stack([pixels, pixels + 1, pixels], axis=-1) if colour else pixels[..., None]
    Image.fromarray(np.concatenate([beneath, alpha[..., None]], axis=-1)).save(tmp_path / "x.png")
    image = loaded(tmp_path)
    assert np.array_equal(image.array, beneath if colour else pixels)
    assert severity(image, "alpha_dropped") is expected
    if clear:
        assert "3 pixels are transparent" in image.verdict.sentence()


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_one_transparent_value(kind, tmp_path):
    Image.fromarray(GREY.astype(kind)).save(tmp_path / "x.png", transparency=10)
    image = loaded(tmp_path)
    assert np.array_equal(image.array, GREY)
    assert "1 pixels are transparent" in image.verdict.sentence()


@pytest.mark.parametrize(("top", "kind"), [(32767, np.int16), (65535, np.uint16), (65536, np.float32)])
def test_wider_integers_become_the_smallest_type_that_holds_them(top, kind, tmp_path):
    Image.fromarray(np.array([[0, top]], np.int32)).save(tmp_path / "x.tif")
    image = loaded(tmp_path)
    assert image.array.dtype == kind
    assert image.array.tolist() == [[0, top]]


@pytest.mark.parametrize("name", ["x.png", "x.tif"])
def test_sixteen_bits_stay(name, tmp_path):
    deep = np.array([[0, 1, 4095], [40000, 65535, 7]], np.uint16)
    Image.fromarray(deep).save(tmp_path / name)
    image = loaded(tmp_path)
    assert image.array.dtype == np.uint16
    assert image.array.dtype.isnative
    assert np.array_equal(image.array, deep)


def test_real_numbers_and_those_that_are_none(tmp_path):
    real = np.array([[0.5, -2.0], [1e6, np.nan]], np.float32)
    Image.fromarray(real).save(tmp_path / "x.tif")
    image = loaded(tmp_path)
    assert np.array_equal(image.array, real, equal_nan=True)
    assert "1 values are not a number" in image.verdict.sentence()


def test_single_bits_are_black_and_white(tmp_path):
    Image.fromarray(GREY > 50).save(tmp_path / "x.png")
    assert loaded(tmp_path).array.tolist() == [[0, 0, 0, 0], [255] * 4]


def white_is_zero(path):
    """Change the photometric interpretation (tag 262) of a little-endian TIFF from 1 to 0."""
    raw = path.read_bytes()
    entry = struct.pack("<HHI", 262, 3, 1)
    at = raw.index(entry) + len(entry)
    path.write_bytes(raw[:at] + b"\0\0" + raw[at + 2 :])


@pytest.mark.parametrize(("kind", "top"), [(np.uint8, 255), (np.uint16, 65535)])
def test_tiff_whose_zero_is_white_is_turned_over(kind, top, tmp_path):
    Image.fromarray(GREY.astype(kind)).save(tmp_path / "x.tif")
    white_is_zero(tmp_path / "x.tif")
    assert np.array_equal(loaded(tmp_path).array, top - GREY.astype(int))


def test_real_tiff_whose_zero_is_white_is_refused(tmp_path):
    Image.fromarray(GREY.astype(np.float32)).save(tmp_path / "x.tif")
    white_is_zero(tmp_path / "x.tif")
    with pytest.raises(UnsupportedFormatError, match="larger where the picture is darker"):
        open_study(tmp_path)


@pytest.mark.parametrize("top", [15, 255, 1000, 4095, 65535])
@pytest.mark.parametrize("plain", [False, True])
def test_pgm_values_are_not_stretched(plain, top, tmp_path):
    values = np.array([[0, 1, 2, 3], [top // 2, top // 3, top - 1, top]], np.uint16)
    head = f"P{2 if plain else 5}\n4 2\n{top}\n".encode()
    body = " ".join(map(str, values.flat)).encode() if plain else values.astype(">u2" if top > 255 else "u1").tobytes()
    (tmp_path / "x.pgm").write_bytes(head + body)
    image = loaded(tmp_path)
    assert np.array_equal(image.array, values)
    assert image.array.dtype == (np.uint16 if top > 255 else np.uint8)


def deep_colour_png(path, values):
    """A PNG of 16 bits a channel, which pillow does not write."""
    import imagecodecs  # noqa: PLC0415

    path.write_bytes(imagecodecs.png_encode(values))


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_deep_colour_loses_bits_and_says_so(channels, tmp_path):
    deep = np.full((3, 4, channels), 0x1234, np.uint16)
    deep[..., -1] = 0xFFFF
    deep_colour_png(tmp_path / "x.png", deep)
    image = loaded(tmp_path)
    assert image.array.flat[0] == 0x12
    assert severity(image, "depth_reduced") is Severity.WARNING


def test_deep_ppm_loses_bits_and_says_so(tmp_path):
    (tmp_path / "x.ppm").write_bytes(b"P6\n1 1\n65535\n" + np.array([65535, 0, 257], ">u2").tobytes())
    image = loaded(tmp_path)
    assert image.array.tolist() == [[[255, 0, 1]]]
    assert severity(image, "depth_reduced") is Severity.WARNING


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_jpeg_cut_short_anywhere_is_never_filled_in_silence(options, tmp_path):
    noise = np.random.default_rng(1).integers(0, 256, (64, 80)).astype(np.uint8)
    path = tmp_path / "x.jpg"
    Image.fromarray(noise).save(path, **options)
    raw = path.read_bytes()
    for cut in (*range(1, 20), *range(20, len(raw), 97)):
        path.write_bytes(raw[:-cut])
        with pytest.raises((DamagedFileError, NothingReadableError)):
            open_study(path).only().load()


def test_of_a_cameras_pictures_the_first_is_read(tmp_path):
    pictures = [Image.fromarray(np.full((8, 8), value, np.uint8)) for value in (200, 100)]
    pictures[0].save(tmp_path / "x.jpg", format="MPO", save_all=True, append_images=pictures[1:])
    image = loaded(tmp_path)
    assert np.abs(image.array.astype(int) - 200).max() <= 2
    assert {"more_pictures", "lossy"} <= {fault.code for fault in image.verdict.faults}


def test_films_of_the_chest_as_pillow_reads_them(shared_data):
    """JPEG files of several publishers; each a radiograph without millimetres."""
    folder = shared_data / "chest_xray" / "images"
    if not folder.is_dir():
        pytest.skip("the films are not here")
    for path in sorted(folder.iterdir())[::40]:
        image = loaded(path)
        assert np.array_equal(image.array, np.asarray(Image.open(path)))
        assert image.scale.spacing_mm is None
        assert severity(image, "lossy") is Severity.NOTE
