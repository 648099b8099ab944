"""Gain over other methods, PSNR, SSIM, edges, speckle."""

import math

import numpy as np
import pytest
from scipy.special import erf
from skimage.metrics import peak_signal_noise_ratio

from overread.errors import UsageError
from overread_lab.metrics.image_quality import edge_spread, gain_over_best, psnr_db, speckle_snr, ssim


def test_gain_over_the_best_alternative_by_hand():
    ours, bilateral, median = [1.96304] * 5, [1.53246] * 5, [1.50296] * 5
    groups = [str(i) for i in range(5)]
    assert gain_over_best(ours, [bilateral, median], groups).value == pytest.approx(0.281, abs=5e-4)
    with pytest.raises(UsageError, match="one each"):
        gain_over_best(ours, [bilateral[:4]], groups)


def test_psnr_agrees_with_scikit_image():
    rng = np.random.default_rng(0)
    a = rng.normal(0, 100, (30, 30))
    b = a + rng.normal(0, 20, (30, 30))
    assert psnr_db(b, a, value_range=2000) == pytest.approx(peak_signal_noise_ratio(a, b, data_range=2000))
    assert psnr_db(a, a, value_range=2000) == math.inf
    with pytest.raises(UsageError, match="value_range"):
        psnr_db(a, b, value_range=0)


def test_ssim_falls_with_noise_and_is_1_for_equal_images():
    rng = np.random.default_rng(1)
    rows, columns = np.indices((48, 48))
    image = 500 * np.sin(rows / 5) + 300 * np.cos(columns / 7)
    worn = [ssim(image + rng.normal(0, sd, image.shape), image, value_range=2000) for sd in (10, 60, 200)]
    assert ssim(image, image, value_range=2000) == pytest.approx(1)
    assert 1 > worn[0] > worn[1] > worn[2]
    with pytest.raises(UsageError, match="11 or more"):
        ssim(np.zeros((8, 30)), np.zeros((8, 30)), value_range=1)


@pytest.mark.parametrize("sigma", [0.4, 1.0, 2.5])
@pytest.mark.parametrize("step", [300.0, -120.0])
def test_edge_spread_of_a_blurred_edge(sigma, step):
    x = np.linspace(-10, 10, 81)
    y = 40 + step / 2 * (1 + erf((x - 0.3) / (math.sqrt(2) * sigma)))
    found = edge_spread(x, y + np.random.default_rng(0).normal(0, abs(step) / 200, 81))
    assert found.rise == pytest.approx(2.5631 * sigma, rel=0.05)  # 2 x 1.2816 sd of a normal law
    assert found.contrast == pytest.approx(step, rel=0.02)


def test_no_edge_is_undefined_with_a_reason():
    found = edge_spread(np.arange(10), np.ones(10))
    assert math.isnan(found.rise)
    assert "no edge" in found.note


def test_speckle_of_rayleigh_and_bad_input():
    rng = np.random.default_rng(2)
    assert speckle_snr(rng.rayleigh(3, 200_000)) == pytest.approx(1.913, abs=0.01)
    with pytest.raises(UsageError):
        speckle_snr(-np.ones(30))
    with pytest.raises(UsageError):
        psnr_db([math.nan], [1.0], value_range=1)
