"""Whatever way an image is stored, sections are axial and labels come back where they belong."""

import numpy as np
import pytest

from overread.geometry import ORIENTATIONS, axial_grid, orient, orientation_of
from overread.image import Intensity, LabelMap, Volume
from overread.tasks._shared.axial import axial, turned_back


@pytest.mark.parametrize("letters", ORIENTATIONS)
def test_turned_to_axial_and_labels_turned_back(letters):
    grid = axial_grid((5, 7, 9), spacing_mm=(2.5, 0.8, 0.7))
    values = np.arange(5 * 7 * 9, dtype=np.int16).reshape(grid.shape)
    array, stored = orient(values, grid, letters)
    image = Volume(np.ascontiguousarray(array), stored, Intensity.HU)
    turned = axial(image)
    assert orientation_of(turned.grid) == "SPL"
    labels = LabelMap((turned.array == 123).astype(np.uint8), turned.grid)
    back = turned_back(labels, image.grid)
    assert back.grid.same_place(image.grid)
    np.testing.assert_array_equal(back.array == 1, image.array == 123)
    np.testing.assert_allclose(back.centroid_lps(1), labels.centroid_lps(1))
