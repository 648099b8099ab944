"""Lengths of pictures: where they come from decides how far, and to which side, they may be off."""

import math

import pytest

from overread.errors import GeometryError
from overread.image import NO_SCALE, Calibration, PixelScale


@pytest.mark.parametrize("magnification", [1.0, 1.1, 1.25, 1.4])
def test_detector_plane_errs_to_one_side(magnification):
    """The shadow of a 100 mm bar is never shorter than the bar."""
    scale = PixelScale.of(Calibration.DETECTOR, (0.1, 0.1), "")
    low, high = scale.length_bounds_mm(100 * magnification)
    assert low <= 100 <= high
    assert high == 100 * magnification


@pytest.mark.parametrize("calibration", [one for one in Calibration if one is not Calibration.NONE])
def test_bounds_hold_the_length(calibration):
    low, high = PixelScale.of(calibration, (1, 1), "").length_bounds_mm(50)
    assert 35 <= low <= 50 <= high <= 65


def test_without_a_scale_any_length_may_be_true():
    assert NO_SCALE.length_bounds_mm(10) == (0, math.inf)
    with pytest.raises(GeometryError, match="no calibration"):
        NO_SCALE.require_mm()
