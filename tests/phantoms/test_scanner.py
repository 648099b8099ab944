"""The scanner chain against what is known by hand: sd, spectrum, blur, mass, bytes."""

from __future__ import annotations

import numpy as np
import pytest

from overread.errors import UsageError
from overread.phantoms.scanner import FWHM_PER_SD, Oversampling, Scanner, acquire, noise, see

SPACING_MM = (1.25, 0.6, 0.7)


@pytest.mark.parametrize("noise_hu", [15.0, 60.0])
def test_noise_has_exactly_the_asked_sd_and_no_mean_in_a_slice(noise_hu: float) -> None:
    scanner = Scanner(thickness_mm=1.25, noise_hu=noise_hu)
    field = noise(np.random.default_rng(1), (6, 90, 100), spacing_mm=SPACING_MM, scanner=scanner)
    assert field.std() == pytest.approx(noise_hu, rel=1e-4)
    assert np.abs(field.mean(axis=(1, 2))).max() < 1e-3


def test_noise_spectrum_peaks_where_its_formula_does() -> None:
    scanner = Scanner(thickness_mm=1.0, noise_fc_per_mm=0.4)
    field = noise(np.random.default_rng(2), (60, 128, 128), spacing_mm=(1.0, 0.7, 0.7), scanner=scanner)
    power = (np.abs(np.fft.fft2(field)) ** 2).mean(axis=0)
    f = np.hypot(np.fft.fftfreq(128, 0.7)[:, None], np.fft.fftfreq(128, 0.7)[None])
    rings = np.digitize(f.ravel(), edges := np.arange(0.0, 0.7, 0.04))
    seen = np.array([power.ravel()[rings == n].mean() for n in range(2, len(edges))])
    centres = (edges[1:-1] + edges[2:]) / 2
    expected = centres * np.exp(-((centres / 0.4) ** 2))
    np.testing.assert_allclose(seen / seen.sum(), expected / expected.sum(), rtol=0.08, atol=0.002)


def test_noise_is_independent_between_slices_unless_asked() -> None:
    def neighbour_correlation(z_mm: float) -> float:
        scanner = Scanner(thickness_mm=1.25, noise_z_mm=z_mm)
        field = noise(np.random.default_rng(3), (40, 64, 64), spacing_mm=SPACING_MM, scanner=scanner)
        return float(np.corrcoef(field[:-1].ravel(), field[1:].ravel())[0, 1])

    assert abs(neighbour_correlation(0.0)) < 0.02
    assert 0.5 < neighbour_correlation(1.25) < 0.9  # exp(-1/4) for a Gaussian of one slice


def test_a_point_spreads_by_the_blur_the_profile_and_the_pixel() -> None:
    scanner = Scanner(thickness_mm=2.5, fwhm_mm=1.2, noise_hu=0)
    scene = np.zeros((60, 120, 120), dtype=np.float32)
    scene[30, 60, 60] = 1.0
    image = see(scene, spacing_mm=(1.0, 0.6, 0.6), oversampling=Oversampling(2, 2, 2), scanner=scanner)
    assert image.sum() * 8 == pytest.approx(1.0, rel=2e-3)
    for axis, expected in ((0, 2.5**2 / 12), (1, (1.2 / FWHM_PER_SD) ** 2 + 0.6**2 / 12)):
        profile = image.sum(axis=tuple(a for a in range(3) if a != axis)).astype(np.float64)
        position = np.arange(len(profile)) * (1.0, 0.6, 0.6)[axis]
        mean = np.average(position, weights=profile)
        # a fine voxel has its own width, and sampling at the image spacing allows some ripple
        assert np.average((position - mean) ** 2, weights=profile) == pytest.approx(expected, abs=0.12)


@pytest.mark.parametrize("profile", ["box", "gaussian"])
def test_a_constant_scene_stays_constant(profile: str) -> None:
    scanner = Scanner(thickness_mm=2.0, profile=profile, noise_hu=0)  # type: ignore[arg-type]
    scene = np.full((12, 40, 44), -850, dtype=np.float32)
    seen = see(scene, spacing_mm=(1.0, 0.7, 0.7), oversampling=Oversampling(2, 2, 2), scanner=scanner)
    np.testing.assert_allclose(seen, -850, atol=1e-2)


def test_the_same_seed_gives_the_same_bytes() -> None:
    scene = np.full((8, 40, 44), -850, dtype=np.float32)
    runs = [
        acquire(
            scene,
            np.random.default_rng(seed),
            spacing_mm=(1.0, 0.7, 0.7),
            oversampling=Oversampling(2, 2, 2),
            scanner=Scanner(thickness_mm=1.0),
        ).tobytes()
        for seed in (5, 5, 6)
    ]
    assert runs[0] == runs[1] != runs[2]


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(UsageError, match="profile"):
        Scanner(thickness_mm=1.0, profile="triangle")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="positive"):
        Scanner(thickness_mm=0.0)
    with pytest.raises(UsageError, match="averaged"):
        see(
            np.zeros((3, 4, 4), dtype=np.float32),
            spacing_mm=(1, 1, 1),
            oversampling=Oversampling(2, 2, 2),
            scanner=Scanner(thickness_mm=1),
        )
