"""Outlines from tables: columns by name, those of BCDR, and what is no outline."""

from __future__ import annotations

import numpy as np
import pytest

from overread.errors import InputError, UsageError
from overread.io.files.outline import read_outlines

BCDR = (
    "patient_id, image_filename, lw_x_points, lw_y_points, classification\n"
    "3, a\\b/img_1.tif, 10 20 20 , 5 5 15, Benign\n"
    "3, img_2.tif, 1 2 3, 4 5 7, Malign\n"
)


def written(folder, text):
    path = folder / "points.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text", ["row,column\n1,2\n3,4.5\n9,0\n", "x,y\n2,1\n4.5,3\n0,9\n", "\ufeffrow, column\n1,2\n3,4.5\n9,0"]
)
def test_points_are_row_and_column_whatever_the_header(tmp_path, text):
    (one,) = read_outlines(written(tmp_path, text), picture="any.png")
    np.testing.assert_array_equal(one.points_rc, [[1, 2], [3, 4.5], [9, 0]])


def test_rows_of_bcdr_are_those_of_the_picture(tmp_path):
    path = written(tmp_path, BCDR.replace("a\\b/", "A/"))
    both = read_outlines(path)
    assert [one.picture for one in both] == ["img_1.tif", "img_2.tif"]
    (one,) = read_outlines(path, picture="img_1.tif")
    np.testing.assert_array_equal(one.points_rc, [[5, 10], [5, 20], [15, 20]])
    with pytest.raises(UsageError, match=r"no outline was drawn on img_3\.tif"):
        read_outlines(path, picture="img_3.tif")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("row,column\n1,two\n", "hold no numbers"),
        ("a,b\n1,2\n", "holds columns a, b, expected row and column"),
        ("", "holds columns none"),
        (BCDR.replace("10 20 20 ", "10 20"), "outline 1: it has 2 x and 3 y"),
        (BCDR.replace("10 20 20 ", "10 20 2.5"), "outline 1: its points are no whole numbers"),
    ],
)
def test_what_is_no_outline_is_said(tmp_path, text, said):
    with pytest.raises(InputError, match=said):
        read_outlines(written(tmp_path, text))


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read as a table"):
        read_outlines(tmp_path / "none.csv")
