"""Boundary model against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest

from overread.errors import UsageError
from overread.measure import boundary


def test_a_sphere_loses_three_percent_at_half_level_and_gets_it_back():
    volume = 4 / 3 * math.pi * 5**3
    level_set = volume - boundary.level_set_loss_mm3(volume, 0.51)
    assert level_set == pytest.approx(507.3, abs=0.1)  # -0.51^2 x 4 pi x 5 = -16.3 mm3
    assert boundary.corrected_volume_mm3(level_set, 0.51) == pytest.approx(523.6, abs=0.05)


def test_digitisation_of_a_five_millimetre_sphere():
    surface = 4 * math.pi * 25
    # 314.16 x (0.057 x 0.343 x 1 + 0.0175) = 11.64; its root is 3.41 mm3
    assert math.sqrt(boundary.digitisation_variance_mm6(surface, 0.7, 1.0)) == pytest.approx(3.41, abs=0.01)


def test_noise_level_and_blur_by_hand():
    edge = boundary.Edge(sigma_mm=0.5, contrast_hu=1000, noise_sd_hu=40, noise_length_mm=0.0, level_sd_hu=20)
    assert edge.jitter_mm == pytest.approx(0.050133, abs=1e-5)  # 2.50663 x 0.5 x 40 / 1000
    assert edge.shift_mm == pytest.approx(0.025066, abs=1e-5)
    assert boundary.noise_variance_mm6(100.0, edge, 1.0) == pytest.approx(100 * 0.050133**2, rel=1e-4)
    assert boundary.level_variance_mm6(100.0, edge) == pytest.approx(2.5066**2, rel=1e-4)
    ball = 4 / 3 * math.pi * 27
    # 2 x .5 x .05 x 4 pi x 3 = 1.885
    assert math.sqrt(boundary.blur_variance_mm6(ball, 0.5, 0.05)) == pytest.approx(1.885, abs=1e-3)


def test_width_between_two_edges_by_hand():
    edge = boundary.Edge(sigma_mm=0.5, contrast_hu=1000, noise_sd_hu=40, level_sd_hu=20)
    expected = 2 * 0.050133**2 + (2 * 0.025066) ** 2 + (4 * 0.5 * 0.05 / 4) ** 2
    assert boundary.width_variance_mm2(4.0, edge, 0.05) == pytest.approx(expected, rel=1e-3)
    assert boundary.width_variance_mm2(4.0, edge, 0.05, points=2) < boundary.width_variance_mm2(4.0, edge, 0.05)


def test_effective_blur_adds_pixel_and_slice_boxes():
    # (2 x (.25 + .49 / 12) + 1 / 12) / 3 = .22167
    assert boundary.effective_sigma_mm(0.5, (1.0, 0.7, 0.7), 1.0) == pytest.approx(math.sqrt(0.221667), abs=1e-5)


def test_doubling_time_of_500_to_650_in_90_days():
    assert boundary.doubling_time_days(500, 650, 90) == pytest.approx(237.8, abs=0.05)
    assert boundary.doubling_time_days(650, 500, 90) < 0
    assert boundary.doubling_time_days(500, 500, 90) == math.inf
    with pytest.raises(UsageError, match="positive"):
        boundary.doubling_time_days(0, 500, 90)


def test_an_edge_needs_a_contrast():
    with pytest.raises(UsageError):
        boundary.Edge(sigma_mm=0.5, contrast_hu=0.0, noise_sd_hu=20)
