"""Level sets: distances of known shapes, objects found in noise, laws, scikit-image as the other program, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.segmentation import morphological_chan_vese

from overread.errors import UsageError
from overread.ops.level_set import Ending, LevelSetPlan, level_set
from overread.ops.level_set.kernels import redistance
from overread.ops.region import DIHEDRAL

FLAT = (1.0, 1.0)


def disc(shape, centre, radius, spacing=FLAT):
    away = sum(((a - c) * s) ** 2 for a, c, s in zip(np.indices(shape), centre, spacing, strict=True))
    return np.sqrt(away) <= radius


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def noisy(truth, noise=0.4, seed=0, offset=0.0, gain=1.0):
    return offset + gain * (truth + np.random.default_rng(seed).normal(0, noise, truth.shape))


def renewed(phi, h, band=6.0):
    phi = phi.copy()
    near = np.argwhere(np.ones(phi.shape, bool))
    found = redistance(phi, near, h, band, np.empty(phi.shape, np.int32), np.zeros(phi.shape, np.int8))
    return phi, found


@pytest.mark.parametrize("h", [(1.0, 1.0, 1.0), (2.5, 1.0, 1.0), (1.0, 1.7, 1.3)])
def test_distances_of_a_ball_are_exact_to_a_twentieth_on_average(h):
    """And the surface stays where it is between voxels, however steep phi has become."""
    h = np.array(h)
    k, j, i = (np.arange(n) * s for n, s in zip((24, 40, 40), h, strict=True))
    centre = (11.6 * h[0], 19.3 * h[1], 20.2 * h[2])
    away = np.sqrt((k[:, None, None] - centre[0]) ** 2 + (j[:, None] - centre[1]) ** 2 + (i - centre[2]) ** 2)
    exact = 9.37 - away
    phi, band = renewed(1.7 * exact, h)
    inside = np.abs(exact) < 5.5
    np.testing.assert_allclose(phi[inside], exact[inside], atol=0.06 if max(h) == 1 else 0.14 * max(h))
    assert np.abs(phi[inside] - exact[inside]).mean() < 0.05
    assert (np.abs(phi[np.abs(exact) > 6.5]) == 7).all()
    np.testing.assert_array_equal(phi > 0, exact > 0)
    assert len(band) == len({tuple(one) for one in band}) == np.count_nonzero(np.abs(phi) <= 6)


def test_a_plane_keeps_its_place_through_a_hundred_renewals():
    exact = np.broadcast_to(10.3 - np.arange(24.0), (1, 9, 24)).copy()
    phi = exact
    for _ in range(100):
        phi, _ = renewed(phi, np.ones(3))
    np.testing.assert_allclose(phi[np.abs(exact) < 5.5], exact[np.abs(exact) < 5.5], atol=1e-9)


@pytest.mark.parametrize("start_radius", [8, 60])
def test_disc_in_noise_is_found_from_inside_and_from_outside(start_radius):
    truth = disc((160, 180), (80, 95), 40)
    found = level_set(noisy(truth), disc(truth.shape, (74, 88), start_radius), FLAT)
    assert found.ending is Ending.SETTLED
    assert dice(found.inside, truth) > 0.985
    assert found.mean_inside == pytest.approx(1, abs=0.03)
    assert found.mean_outside == pytest.approx(0, abs=0.03)


def test_ball_is_found_on_an_anisotropic_grid_with_its_distance_in_mm():
    spacing = (3.0, 0.8, 1.0)
    truth = disc((26, 80, 70), (12, 41, 33), 20.0, spacing)
    found = level_set(noisy(truth, 0.3), disc(truth.shape, (12, 38, 30), 8.0, spacing), spacing)
    assert dice(found.inside, truth) > 0.97
    k, j, i = np.indices(truth.shape)
    away = np.sqrt(((k - 12) * 3.0) ** 2 + ((j - 41) * 0.8) ** 2 + (i - 33) ** 2)
    near = np.abs(20 - away) < 4
    assert np.abs(found.phi_mm - (20 - away))[near].mean() < 0.4
    assert np.abs(found.phi_mm).max() == pytest.approx(8 * 0.8)


def test_gain_and_offset_of_the_values_change_nothing():
    truth = disc((90, 90), (45, 45), 22)
    start = disc(truth.shape, (43, 47), 9)
    expected = level_set(noisy(truth), start, FLAT).inside
    np.testing.assert_array_equal(level_set(noisy(truth, gain=256, offset=-1024), start, FLAT).inside, expected)
    np.testing.assert_array_equal(level_set(-noisy(truth), start, FLAT).inside, expected)


def test_unit_of_the_spacing_scales_the_distance_only():
    truth = disc((90, 90), (45, 45), 22)
    start = disc(truth.shape, (43, 47), 9)
    one, ten = (level_set(noisy(truth), start, (s, s)) for s in (1.0, 10.0))
    np.testing.assert_allclose(10 * one.phi_mm, ten.phi_mm, atol=1e-9)


def test_turned_image_gives_the_turned_region():
    truth = disc((96, 128), (50, 60), 25) | disc((96, 128), (40, 90), 14)
    image, start = noisy(truth, 0.2), disc(truth.shape, (50, 60), 12)
    expected = level_set(image, start, FLAT).inside
    for turn in DIHEDRAL:
        assert dice(level_set(turn.array(image), turn.array(start), FLAT).inside, turn.array(expected)) > 0.995


def test_length_smooths_the_surface():
    truth = disc((120, 120), (60, 60), 30)
    image, start = noisy(truth, 0.8, seed=3), disc(truth.shape, (60, 60), 15)
    rough, smooth = (level_set(image, start, FLAT, LevelSetPlan(length=w, coarser=0)).inside for w in (0.02, 0.8))
    assert perimeter(smooth) < perimeter(rough)
    assert dice(smooth, truth) > dice(rough, truth)


def perimeter(inside):
    return sum(np.count_nonzero(np.diff(inside, axis=axis)) for axis in (0, 1))


def test_local_means_see_through_uneven_brightness():
    truth = disc((140, 140), (70, 70), 30)
    ramp = np.broadcast_to(np.linspace(-2, 2, 140), truth.shape)
    start = disc(truth.shape, (70, 70), 20)
    image = noisy(truth, 0.15) + ramp
    everywhere = level_set(image, start, FLAT)
    near = level_set(image, start, FLAT, LevelSetPlan(local_mm=15))
    assert dice(near.inside, truth) > 0.97
    assert dice(near.inside, truth) > dice(everywhere.inside, truth) + 0.2


def test_geodesic_length_spares_corners_on_edges():
    """Dear length rounds the corners of a square; where edges make it cheap, the corners stay."""
    truth = np.zeros((120, 120), bool)
    truth[35:85, 35:85] = True
    image, start = noisy(truth, 0.1), disc(truth.shape, (60, 60), 20)
    plain = level_set(image, start, FLAT, LevelSetPlan(length=2.0))
    spared = level_set(image, start, FLAT, LevelSetPlan(length=2.0, geodesic=0.1))
    assert dice(spared.inside, truth) > dice(plain.inside, truth) > 0.9


def test_agrees_with_scikit_image_on_what_it_finds():
    truth = disc((128, 128), (64, 70), 30)
    image, start = noisy(truth, 0.3), disc((128, 128), (60, 66), 12)
    other = morphological_chan_vese(image, 60, init_level_set=start, smoothing=2).astype(bool)
    assert dice(level_set(image, start, FLAT).inside, other) > 0.98


def test_object_on_the_edge_of_the_image():
    truth = disc((80, 80), (0, 40), 30)
    found = level_set(noisy(truth, 0.2), disc(truth.shape, (4, 40), 10), FLAT)
    assert dice(found.inside, truth) > 0.97


def test_endings_are_told_apart():
    truth = disc((60, 60), (30, 30), 15)
    image = noisy(truth)
    short = level_set(image, disc(truth.shape, (30, 30), 5), FLAT, LevelSetPlan(most_steps=2, coarser=0))
    assert (short.ending, short.steps) == (Ending.STEPS, 2)
    gone = level_set(image, disc(truth.shape, (30, 30), 4), FLAT, LevelSetPlan(balloon=1.0, length=2.0))
    assert gone.ending is Ending.VANISHED
    assert not gone.inside.any()
    assert np.isnan(gone.mean_inside)


def test_same_input_same_bits():
    truth = disc((90, 90), (45, 45), 22)
    one, other = (level_set(noisy(truth), disc(truth.shape, (43, 47), 9), FLAT) for _ in range(2))
    np.testing.assert_array_equal(one.phi_mm, other.phi_mm)


@pytest.mark.parametrize(
    ("image", "start", "spacing", "words"),
    [
        (np.zeros((9, 9)), disc((9, 9), (4, 4), 2), FLAT, "constant"),
        (np.eye(9), np.zeros((9, 9), bool), FLAT, "holds 0 of 81"),
        (np.eye(9), np.ones((9, 9), bool), FLAT, "not"),
        (np.eye(9), np.ones((9, 9)), FLAT, "as bool"),
        (np.eye(9), disc((9, 8), (4, 4), 2), FLAT, "one 2-D or 3-D shape"),
        (np.eye(9), disc((9, 9), (4, 4), 2), (1.0, 1.0, 1.0), "a spacing for each axis"),
        (np.eye(9), disc((9, 9), (4, 4), 2), (1.0, 0.0), "above 0"),
        (np.full((9, 9), np.nan), disc((9, 9), (4, 4), 2), FLAT, "not finite"),
    ],
)
def test_what_cannot_be_evolved_is_refused(image, start, spacing, words):
    with pytest.raises(UsageError, match=words):
        level_set(image, start, spacing)


@pytest.mark.parametrize(
    "options",
    [{"length": -1}, {"balloon": 2}, {"step": 0}, {"band": 2}, {"most_steps": 0}, {"settled": 1}, {"local_mm": 0},
     {"geodesic": 0}, {"reach": 0}, {"coarser": -1}, {"length": float("nan")}],
)  # fmt: skip
def test_plans_out_of_range_are_refused(options):
    with pytest.raises(UsageError, match=f"{next(iter(options))} is .*out of range"):
        LevelSetPlan(**options)
