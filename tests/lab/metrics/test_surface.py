"""Surface distances."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist

from overread.errors import UsageError
from overread_lab.metrics import surface_distances
from overread_lab.metrics.surface import surface_of


def line(first, last, n=12):
    inside = np.zeros(n, dtype=bool)
    inside[first : last + 1] = True
    return inside


def test_one_dimension_by_hand():
    found = surface_distances(line(2, 5), line(3, 8), spacing=[1.0])
    assert sorted(found.a_to_b) == [1, 2]
    assert sorted(found.b_to_a) == [1, 3]
    assert found.hd.value == 3
    assert found.hd95.value == pytest.approx(2.9)
    assert found.hd95_pooled.value == pytest.approx(2.85)
    assert found.assd.value == pytest.approx(1.75)
    assert found.surface_dice(1.0).value == pytest.approx(0.5)


def test_empty_masks():
    none, some = np.zeros((3, 4), bool), np.ones((3, 4), bool)
    both = surface_distances(none, none, spacing=(2, 1))
    assert (both.hd95.value, both.assd.value, both.surface_dice(1).value) == (0, 0, 1)
    assert both.hd95.note == "both_empty"
    for pair in ((none, some), (some, none)):
        missed = surface_distances(*pair, spacing=(2, 1))
        diagonal = np.hypot(3 * 2, 4 * 1)
        assert (missed.hd95.value, missed.assd.value, missed.hd.value) == pytest.approx((diagonal,) * 3)
        assert missed.surface_dice(1).value == 0
        assert missed.hd95.note == missed.assd.note == missed.hd95_pooled.note == "missed"


def test_voxels_on_the_edge_of_the_array_are_surface():
    assert surface_of(np.ones((3, 3), bool)).sum() == 8


@given(arrays(bool, (2, 3, 4, 4)), st.tuples(*[st.floats(0.3, 4)] * 3))
def test_agrees_with_all_pairs(pair, spacing):
    a, b = pair
    found = surface_distances(a, b, spacing=spacing)
    if not a.any() or not b.any():
        return
    at_a, at_b = (np.argwhere(surface_of(mask)) * spacing for mask in (a, b))
    between = cdist(at_a, at_b)
    assert np.allclose(np.sort(found.a_to_b), np.sort(between.min(axis=1)))
    assert np.allclose(np.sort(found.b_to_a), np.sort(between.min(axis=0)))
    assert found.assd.value <= found.hd.value <= found.diagonal
    back = surface_distances(b, a, spacing=spacing)
    assert (back.hd95.value, back.assd.value) == pytest.approx((found.hd95.value, found.assd.value))


def test_agrees_with_another_program():
    sitk = pytest.importorskip("SimpleITK")
    rows, columns = np.indices((40, 50))
    a = (rows - 18) ** 2 + (columns - 20) ** 2 <= 100
    b = (rows - 20) ** 2 + (columns - 24) ** 2 <= 121
    images = [sitk.GetImageFromArray(surface_of(mask).astype(np.uint8)) for mask in (a, b)]
    for image in images:
        image.SetSpacing((0.7, 1.3))  # (column, row)
    theirs = sitk.HausdorffDistanceImageFilter()
    theirs.Execute(*images)
    found = surface_distances(a, b, spacing=(1.3, 0.7))
    assert found.hd.value == pytest.approx(theirs.GetHausdorffDistance(), abs=1e-5)


def test_shifted_ball_is_off_by_the_shift():
    grid = np.indices((30, 30, 30))
    ball = ((grid - 14) ** 2).sum(axis=0) <= 64
    found = surface_distances(ball, np.roll(ball, 2, axis=0), spacing=(1.5, 1, 1))
    assert found.hd.value == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("a", "b", "spacing"),
    [
        (line(2, 5), line(3, 8), [0.0]),
        (line(2, 5), line(3, 8), [1.0, 1.0]),
        (line(2, 5), line(3, 8), [np.nan]),
        (line(2, 5), line(3, 8, 13), [1.0]),
        (line(2, 5).astype(int), line(3, 8), [1.0]),
    ],
)
def test_bad_input_raises(a, b, spacing):
    with pytest.raises(UsageError):
        surface_distances(a, b, spacing=spacing)


def test_negative_tolerance_raises():
    with pytest.raises(UsageError, match="tolerance"):
        surface_distances(line(2, 5), line(3, 8), spacing=[1.0]).surface_dice(-1)
