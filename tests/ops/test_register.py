"""Alignment recovers what was done to a picture: nothing, a known affine map, a known bend, and the way back."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage as ndi

from overread.errors import UsageError
from overread.ops.register import (
    AffineMap,
    AffinePlan,
    correlation_at,
    fit_affine,
    fit_demons,
    jacobian_determinant,
    look_around,
)

SHAPE = (30, 36, 32)


@pytest.fixture(scope="module")
def picture():
    """Smooth noise from 0 to 1 with structure of about 5 voxels."""
    values = ndi.gaussian_filter(np.random.default_rng(3).normal(size=SHAPE), 2.5)
    return ((values - values.min()) / np.ptp(values)).astype(np.float32)


def index():
    return np.stack(np.meshgrid(*(np.arange(float(n)) for n in SHAPE), indexing="ij"))


def seen(picture, at):
    return ndi.map_coordinates(picture, at, order=1, mode="nearest").astype(np.float32)


def test_an_image_lies_on_itself(picture):
    fit = fit_affine(picture, picture)
    np.testing.assert_allclose(fit.place.matrix, np.eye(3), atol=1e-6)
    np.testing.assert_allclose(fit.place.offset, 0, atol=1e-6)
    assert fit.correlation == pytest.approx(1.0)
    bend = fit_demons(picture, picture, fit.place)
    assert np.abs(bend.displacement).max() < 1e-3


@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.0), (250.0, -40.0)])
def test_a_known_affine_map_is_found_whatever_the_scale_of_values(picture, gain, offset):
    middle = (np.array(SHAPE) - 1) / 2
    matrix = np.array([[1.06, 0.03, 0.0], [-0.04, 0.95, 0.02], [0.0, 0.03, 1.02]])
    true = AffineMap(matrix, middle - matrix @ middle + (1.5, -2.0, 1.0))
    fixed = seen(picture, np.moveaxis(true(np.moveaxis(index(), 0, -1)), -1, 0))
    weight = np.zeros(SHAPE, np.float32)
    weight[6:-6, 6:-6, 6:-6] = 1
    found = fit_affine(fixed, gain * picture + offset, weight=weight).place
    corners = np.array([(6, 6, 6), (23, 29, 25), (6, 29, 6)])
    assert np.abs(found(corners) - true(corners)).max() < 0.15
    np.testing.assert_allclose(found.inverse()(found(corners)), corners, atol=1e-9)


def test_a_far_start_is_found_by_looking_around(picture):
    shift = np.array([6.0, -6.0, 5.0])
    fixed = seen(picture, index() + shift[:, None, None, None])
    weight = np.zeros(SHAPE, np.float32)
    weight[9:-9, 9:-9, 9:-9] = 1
    starts = look_around(fixed, picture, weight=weight, reach=8, pitch=4)
    found = max((fit_affine(fixed, picture, weight=weight, start=s.place) for s in starts), key=lambda f: f.correlation)
    middle = (np.array(SHAPE) - 1) / 2
    assert np.abs(found.place(middle) - middle - shift).max() < 0.1
    assert correlation_at(fixed, picture, found.place, weight=weight) > 0.99


def test_a_mirror_image_is_not_reached_by_turning_inside_out(picture):
    fit = fit_affine(picture, picture[:, :, ::-1])
    assert fit.place.growth > 0
    assert fit.correlation < 0.8


def test_stiffness_keeps_the_matrix_near_one(picture):
    fixed = seen(picture, index() * 1.1)
    free, held = (fit_affine(fixed, picture, plan=AffinePlan(stiffness=s)).place.matrix for s in (0.0, 100.0))
    assert np.abs(held - np.eye(3)).max() < 0.25 * np.abs(free - np.eye(3)).max()


def bend(size):
    """A smooth displacement of `size` voxels at most, 0 at the edges."""
    at = [np.pi * np.arange(n) / (n - 1) for n in SHAPE]
    dome = np.sin(at[0])[:, None, None] * np.sin(at[1])[None, :, None] * np.sin(at[2])[None, None, :]
    return size * np.stack([dome, -dome, 0.5 * dome])


def test_a_known_bend_is_found_and_does_not_fold(picture):
    true = bend(2.0)
    fixed = seen(picture, index() + true)
    found = fit_demons(fixed, picture, AffineMap.shift((0, 0, 0)))
    inner = (slice(None), *(slice(5, -5),) * 3)
    before = np.linalg.norm(true[inner], axis=0).mean()
    error = np.linalg.norm((found.displacement - true)[inner], axis=0).mean()
    assert error < 0.2 * before
    assert jacobian_determinant(found.displacement).min() > 0.3
    assert np.abs(found.bring(picture) - fixed)[inner[1:]].mean() < 0.25 * np.abs(picture - fixed)[inner[1:]].mean()


def test_the_way_back_undoes_the_way(picture):
    place = AffineMap(np.diag([1.02, 0.98, 1.01]), np.array([0.4, -0.3, 0.2]))
    found = fit_demons(seen(picture, index() + bend(1.5)), picture, place)
    there = found.displacement + index()
    onto = np.tensordot(place.matrix, there, axes=1) + place.offset[:, None, None, None]
    back = found.back(onto)
    assert np.abs(back - index())[:, 3:-3, 3:-3, 3:-3].max() < 0.1


def test_contrast_that_is_stretched_or_shaded_bends_nothing(picture):
    shaded = picture * np.linspace(0.8, 1.3, SHAPE[1], dtype=np.float32)[None, :, None] + 0.2
    found = fit_demons(shaded, picture, AffineMap.shift((0, 0, 0)))
    assert np.linalg.norm(found.displacement, axis=0)[4:-4, 4:-4, 4:-4].mean() < 0.2


def test_images_that_cannot_be_aligned_are_refused(picture):
    broken = picture.copy()
    broken[3, 3, 3] = np.nan
    with pytest.raises(UsageError, match="not finite"):
        fit_affine(picture, broken)
    with pytest.raises(UsageError, match="not finite"):
        fit_demons(broken, picture, AffineMap.shift((0, 0, 0)))
    with pytest.raises(UsageError, match="weight"):
        fit_affine(picture, picture, weight=picture[:4])
    flat = fit_affine(np.zeros(SHAPE, np.float32), picture)
    assert flat.correlation <= 0
