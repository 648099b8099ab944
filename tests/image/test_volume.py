"""Volumes, label maps and windows: shapes must agree, sizes and centroids are in mm, windows follow the standard."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.errors import GeometryError, UsageError
from overread.geometry import ORIENTATIONS, axial_grid, orient
from overread.image import Intensity, LabelMap, Volume, Window

SHAPE, SPACING = (5, 7, 9), (2.5, 0.7, 0.9)
GRID = axial_grid(SHAPE, spacing_mm=SPACING, origin_lps=(-31.0, 12.5, 7.25))


def test_pixels_and_grid_must_have_one_shape():
    with pytest.raises(GeometryError, match=r"\(9, 7, 5\)"):
        Volume(np.zeros(SHAPE[::-1], np.int16), GRID, Intensity.HU)
    with pytest.raises(GeometryError, match="label map"):
        LabelMap(np.zeros((1, 1, 1), np.uint8), GRID)


@pytest.mark.parametrize("letters", ORIENTATIONS)
def test_volume_and_centroid_of_a_label_do_not_depend_on_orientation(letters):
    labels = np.zeros(SHAPE, np.uint8)
    labels[1:3, 2:5, 4:8] = 2
    turned, grid = orient(labels, GRID, letters)
    found = LabelMap(np.ascontiguousarray(turned), grid)
    assert found.volume_mm3(2) == pytest.approx(2 * 3 * 4 * np.prod(SPACING))
    np.testing.assert_allclose(found.centroid_lps(2), (-31 + 5.5 * 0.9, 12.5 + 3 * 0.7, 7.25 + 1.5 * 2.5))
    assert found.volume_mm3(1) == 0
    assert np.isnan(found.centroid_lps(1)).all()


@pytest.mark.parametrize(
    ("value", "grey"), [(-1000, 0), (-160, 0), (39, 127), (40, 128), (239, 255), (240, 255), (np.nan, 0)]
)
def test_window_follows_the_linear_function_of_the_standard(value, grey):
    """Center 40, width 400: black up to 40 - 0.5 - 399 / 2 = -160, white from 239; PS3.3 C.11.2.1.2.1."""
    assert Window(40, 400).apply(np.array([value]))[0] == pytest.approx(grey, abs=0.51)


@given(st.floats(-2000, 2000), st.floats(1.5, 4000), st.lists(st.floats(-4000, 4000), min_size=2, max_size=20))
def test_window_keeps_order(center, width, values):
    ordered = np.sort(np.array(values))
    assert (np.diff(Window(center, width).apply(ordered).astype(int)) >= 0).all()


def test_window_of_no_width_is_refused():
    with pytest.raises(UsageError):
        Window(40, 1)
