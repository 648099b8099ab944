"""The page of `inspect --html`: every series with its own middle picture, the side of the patient, and its faults."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from overread.errors import UsageError
from overread.geometry import axial_grid
from overread.image import Intensity, Volume
from overread.io import middle_picture, open_study
from overread.phantoms.dicom_series import write_series
from overread.workflow.inspect import inspect_page


@pytest.fixture
def folder(tmp_path):
    """Five slices with row and column spacing that differ; slice k is bright in its k-th fifth of the columns."""
    array = np.full((5, 40, 60), -1000, np.int16)
    for k in range(5):
        array[k, :, 12 * k : 12 * k + 12] = 400
    write_series(
        Volume(array, axial_grid((5, 40, 60), spacing_mm=(3.0, 2.0, 1.0)), Intensity.HU), tmp_path / "ct", seed=1
    )
    return tmp_path / "ct"


def pictures_of(page):
    return [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
        for data in re.findall(rb'src="data:image/png;base64,([^"]+)"', page)
    ]


def test_middle_slice_is_shown_in_square_millimetres(folder, tmp_path):
    page = inspect_page(folder, tmp_path / "page.html").read_bytes()
    (picture,) = pictures_of(page)
    assert picture.shape == (320, 240)  # 80 x 60 mm
    assert (picture[:, 110:130] == 255).all()
    assert (picture[:, :90] == 60).all()  # -1000 HU in the lung window of the files
    assert (picture[:, 150:] == 60).all()
    assert re.findall(rb"<text [^>]*>(\w+)</text>", page) == [b"R", b"L", b"A", b"P"]


def test_same_page_twice(folder, tmp_path):
    first, second = (inspect_page(folder, tmp_path / name).read_bytes() for name in ("a.html", "b.html"))
    assert first == second


def test_stack_that_does_not_load_is_still_shown_with_its_fault(folder, tmp_path):
    sorted(folder.glob("*"))[3].unlink()
    page = inspect_page(folder, tmp_path / "page.html").read_text()
    assert "unsound" in page
    assert len(pictures_of(page.encode())) == 1


def test_broken_pixels_are_said_and_the_page_is_written(folder, tmp_path):
    for file in folder.glob("*"):
        file.write_bytes(file.read_bytes()[:-2000])
    page = inspect_page(folder, tmp_path / "page.html").read_text()
    assert "No picture: the pixels are cut short" in page


def test_page_is_not_overwritten_unasked(folder, tmp_path):
    out = tmp_path / "page.html"
    out.write_text("mine")
    with pytest.raises(UsageError, match="the page exists"):
        inspect_page(folder, out)
    assert out.read_text() == "mine"
    inspect_page(folder, out, overwrite=True)
    assert "Series in ct" in out.read_text()


def test_middle_picture_of_a_single_png_needs_no_millimetres(tmp_path):
    Image.fromarray(np.arange(120, dtype=np.uint8).reshape(10, 12)).save(tmp_path / "one.png")
    picture = middle_picture(open_study(tmp_path).series[0])
    assert np.array_equal(picture.array, np.arange(120).reshape(10, 12))
    assert picture.scale.spacing_mm is None
