"""Surface distances by area: balls of known size, and what is empty."""

import numpy as np
import pytest

from overread.errors import UsageError
from overread_lab.metrics import mesh_distances, surface_distances

STEP = (1.0, 0.8, 0.8)


def ball(radius_mm, shape=(48, 60, 60)):
    at = (np.indices(shape) - (np.array(shape)[:, None, None, None] - 1) / 2) * np.array(STEP)[:, None, None, None]
    return np.linalg.norm(at, axis=0) <= radius_mm


def test_a_mask_lies_on_itself():
    found = mesh_distances(ball(12), ball(12), spacing=STEP)
    assert (found.hd95_mesh.value, found.assd_mesh.value, found.surface_dice_mesh(0.0).value) == (0, 0, 1)


def test_two_balls_of_one_middle_are_as_far_apart_as_their_radii():
    found = mesh_distances(ball(12), ball(15), spacing=STEP)
    assert found.assd_mesh.value == pytest.approx(3, abs=0.2)  # nearest stairs
    assert found.hd95_mesh.value == pytest.approx(3, abs=0.45)  # a staircase of .8-1 mm
    assert found.surface_dice_mesh(2.0).value < 0.02
    assert found.surface_dice_mesh(4.0).value == 1
    assert found.area_a.sum() == pytest.approx(4 * np.pi * 12**2, rel=0.1)  # marching cubes on voxels: too rough


def test_it_is_near_the_voxel_reading_and_symmetric():
    a, b = ball(12), np.roll(ball(13), 2, axis=1)
    one, other, voxels = (
        mesh_distances(a, b, spacing=STEP),
        mesh_distances(b, a, spacing=STEP),
        surface_distances(a, b, spacing=STEP),
    )
    assert one.assd_mesh.value == pytest.approx(other.assd_mesh.value)
    assert one.hd95_mesh.value == pytest.approx(voxels.hd95.value, abs=0.6)
    assert one.assd_mesh.value == pytest.approx(voxels.assd.value, abs=0.3)


def test_small_triangles_count_little():
    a, b = ball(12), ball(12)
    b[24, 30, 50] = True  # one voxel far away
    found = mesh_distances(a, b, spacing=STEP)
    assert found.hd95_mesh.value < 0.1
    assert found.b_to_a.max() > 3


def test_what_is_empty_is_no_nan():
    nothing = np.zeros((8, 8, 8), bool)
    both = mesh_distances(nothing, nothing, spacing=(1, 1, 1))
    assert (both.hd95_mesh.value, both.assd_mesh.value, both.surface_dice_mesh(1).value) == (0, 0, 1)
    one = nothing.copy()
    one[3:5, 3:5, 3:5] = True
    missed = mesh_distances(one, nothing, spacing=(1, 1, 1))
    assert missed.hd95_mesh.value == missed.assd_mesh.value == pytest.approx(np.sqrt(3) * 8)
    assert (missed.surface_dice_mesh(1).value, missed.hd95_mesh.note) == (0, "missed")


def test_pictures_and_bad_tolerances_are_refused():
    flat = np.ones((4, 4), bool)
    with pytest.raises(UsageError, match="expected 3"):
        mesh_distances(flat, flat, spacing=(1, 1))
    with pytest.raises(UsageError, match="tolerance"):
        mesh_distances(ball(5), ball(5), spacing=STEP).surface_dice_mesh(-1)
