"""Figures of a picture: closed forms of entropy, gradient, noise and edge width; and the peers they are told for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage as ndi
from scipy.special import erf

from overread.errors import UsageError
from overread.ops.fractional import noise_sd
from overread.ops.peers import PEERS
from overread.ops.picture_figures import Places, picture_figures

COLUMNS = np.indices((96, 96), dtype=np.float64)[1]


def edge(sigma):
    return 100 + 25 * erf((COLUMNS - 47.5) / (sigma * math.sqrt(2)))


@pytest.mark.parametrize("sigma", [0.8, 1.2, 1.8])
def test_edge_width_is_that_of_the_error_function(sigma):
    """10-90 % of an error function is 2.563 sigma; the pixel itself adds nothing to a sampled function."""
    picture = edge(sigma) + np.random.default_rng(1).normal(0, 1, COLUMNS.shape)
    found = picture_figures(picture, Places.of(picture)).edge_width
    assert found == pytest.approx(2.563 * sigma, rel=0.08)


def test_a_blurred_version_is_measured_at_the_same_edges():
    picture = edge(1.0)
    places = Places.of(picture)
    wider = picture_figures(ndi.gaussian_filter(picture, 1.5), places)
    assert wider.edge_width / picture_figures(picture, places).edge_width == pytest.approx(math.hypot(1, 1.5), rel=0.05)
    assert wider.gradient < picture_figures(picture, places).gradient * 1.001


def test_noise_of_flat_parts_is_not_chosen_by_itself():
    """The flat places are found by structure, so pure noise reads as its own deviation, not less."""
    picture = edge(1.0) + np.random.default_rng(3).normal(0, 4, COLUMNS.shape)
    assert picture_figures(picture, Places.of(picture)).flat_noise == pytest.approx(4, rel=0.06)


def test_background_that_was_cut_away_counts_for_nothing():
    picture = edge(1.0) + np.random.default_rng(3).normal(0, 4, COLUMNS.shape)
    wide = np.zeros((192, 192))
    wide[48:144, 48:144] = picture
    assert picture_figures(wide, Places.of(wide)).flat_noise == pytest.approx(4, rel=0.15)
    assert noise_sd(wide) == pytest.approx(4, rel=0.1)
    assert noise_sd(np.zeros((9, 9))) == 0


def test_entropy_and_gradient_of_a_ramp():
    ramp = np.broadcast_to(np.arange(64.0), (64, 64))
    found = picture_figures(ramp, Places.of(ramp))
    assert found.entropy == pytest.approx(6)
    assert found.gradient == pytest.approx(1)
    assert picture_figures(ramp + 0.2, Places.of(ramp)).entropy == pytest.approx(6)
    flat = np.full((64, 64), 7.0)
    constant = picture_figures(flat, Places.of(flat))
    assert (constant.entropy, constant.gradient, constant.flat_noise) == (0, 0, 0)
    assert math.isnan(constant.edge_width)
    assert constant.to_dict()["edge_width_px"] is None


def test_region_is_told_against_the_ring_about_it():
    rows = np.indices((96, 96))[0]
    disc = np.hypot(rows - 40, COLUMNS - 50) < 12
    picture = np.where(disc, 30.0, 10.0) + np.random.default_rng(2).normal(0, 5, disc.shape)
    found = picture_figures(picture, Places.of(picture, disc)).contrast
    assert found is not None
    assert found.difference == pytest.approx(20, abs=1)
    assert found.rms == pytest.approx(4, rel=0.1)
    assert Places.of(picture, disc).inside.sum() < disc.sum()


@pytest.mark.parametrize(
    ("region", "said"),
    [
        (np.zeros((96, 96), bool), "holds no pixel"),
        (np.ones((96, 96), bool), "ring about it has 0 pixels"),
        (np.zeros((90, 96), bool), "expected bool of its shape"),
        (np.pad(np.ones((3, 3), bool), ((0, 93), (0, 93))), "region has 9 pixels"),
    ],
)
def test_region_that_cannot_be_told_is_refused(region, said):
    with pytest.raises(UsageError, match=said):
        Places.of(edge(1.0), region)


def test_values_that_are_no_numbers_are_refused():
    broken = edge(1.0)
    broken[3, 3] = np.nan
    with pytest.raises(UsageError, match="finite"):
        Places.of(broken)
    for peer in PEERS:
        with pytest.raises(UsageError, match="finite"):
            peer(broken)


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_peers_keep_unit_place_and_what_is_constant(peer):
    picture = (1000 * (edge(1.5) + np.random.default_rng(5).normal(0, 2, COLUMNS.shape)) - 99_000).astype(np.float32)
    found = peer(picture)
    assert found.shape == picture.shape
    sides = float(picture[:, 5:30].mean()), float(picture[:, -30:-5].mean())
    if peer.name != "CLAHE":  # which moves grey values by design
        assert found[:, 5:30].mean() == pytest.approx(sides[0], abs=0.03 * (sides[1] - sides[0]))
        assert found[:, -30:-5].mean() == pytest.approx(sides[1], abs=0.03 * (sides[1] - sides[0]))
    noise = (
        picture_figures(found, Places.of(picture)).flat_noise / picture_figures(picture, Places.of(picture)).flat_noise
    )
    assert noise < 0.7 if peer.name in ("bilateral", "total variation", "non-local means") else noise > 1.2
    np.testing.assert_array_equal(peer(np.full((40, 40), 3.0)), 3)
