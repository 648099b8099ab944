"""Lengths on pictures: hand-computed values, one-sided calibration, and how often the truth is held."""

import math

import numpy as np
import pytest

from overread.errors import GeometryError, UsageError
from overread.image import NO_SCALE, Calibration, PixelScale
from overread.measure.picture import length_ratio, picture_length

SURE = PixelScale(Calibration.FIDUCIAL, (0.2, 0.5), (0.0, 0.0), "a ball")
DETECTOR = PixelScale.of(Calibration.DETECTOR, (0.2, 0.2), "detector")


def test_a_length_by_hand():
    m = picture_length("width", ((10.0, 0.0), (10.0, 40.0)), SURE, sd_px=1.0)
    assert m.value == pytest.approx(20.0)
    assert m.interval.high == pytest.approx(20 + 1.959964 * math.sqrt(2) * 0.5)
    diagonal = picture_length("width", ((0.0, 0.0), (30.0, 16.0)), SURE, sd_px=0.0)
    assert diagonal.value == pytest.approx(10.0)
    assert (diagonal.interval.low, diagonal.interval.high) == pytest.approx((10.0, 10.0))


def test_on_the_detector_it_may_be_shorter_but_not_longer():
    m = picture_length("width", ((0.0, 0.0), (0.0, 500.0)), DETECTOR, sd_px=0.0)
    assert m.value == pytest.approx(100.0)
    assert (m.interval.low, m.interval.high) == pytest.approx((70.0, 100.0))
    assert "detector plane" in m.method


def test_without_calibration_it_is_refused():
    with pytest.raises(GeometryError):
        picture_length("width", ((0.0, 0.0), (0.0, 5.0)), NO_SCALE, sd_px=0.0)
    with pytest.raises(UsageError):
        picture_length("width", ((0.0, 0.0), (0.0, 5.0)), SURE, sd_px=-1.0)
    with pytest.raises(UsageError):
        length_ratio("ratio", ((0.0, 0.0), (0.0, 0.0)), ((0.0, 0.0), (0.0, 5.0)), sd_px=1.0)


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(4)
    held = {"length": 0, "ratio": 0}
    count = 2000
    for _ in range(count):
        a, b, c, d = (rng.normal(place, 2.0) for place in (0.0, 120.0, -30.0, 230.0))
        m = picture_length("width", ((5.0, a), (5.0, b)), SURE, sd_px=2.0)
        held["length"] += m.interval.low <= 60 <= m.interval.high
        r = length_ratio("ratio", ((5.0, a), (5.0, b)), ((5.0, c), (5.0, d)), sd_px=2.0)
        held["ratio"] += r.interval.low <= 120 / 260 <= r.interval.high
    assert 0.935 <= held["length"] / count <= 0.965
    assert 0.935 <= held["ratio"] / count <= 0.965
