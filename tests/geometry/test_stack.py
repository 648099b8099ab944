"""Stacks of frames with known faults: what is found, in mm, and what each policy makes of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.geometry import Policy, Severity
from overread.geometry.stack import Frames, assess_stack, even_weights

ROW, COLUMN = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)


def pile(depths, *, row=ROW, column=COLUMN, aside=(0.0, 0.0), thickness=np.nan, pixel=(0.7, 0.9)):
    """Frames at `depths` mm along the normal, moved by `aside` (along row, along column) mm for each mm of depth."""
    normal = np.cross(row, column)
    way = normal + aside[0] * np.asarray(row) + aside[1] * np.asarray(column)
    positions = np.array((-31.0, 12.5, 7.25)) + np.asarray(depths, float)[:, None] * way
    names = [f"{n:03d}.dcm" for n in range(len(depths))]
    return Frames(positions, row, column, pixel, (24, 20), names, thickness)


def fault(stack, code):
    (found,) = [one for one in stack.verdict.faults if one.code == code]
    return found


def test_even_stack_is_sound_and_its_affine_places_every_frame():
    frames = pile(2.5 * np.arange(9))
    stack = assess_stack(frames)
    assert stack.verdict.status == "sound"
    np.testing.assert_allclose(stack.grid.to_lps([(n, 0, 0) for n in range(9)]), frames.positions_lps, atol=1e-9)
    np.testing.assert_allclose(stack.grid.to_lps((0, 1, 0)) - frames.positions_lps[0], (0, 0.7, 0), atol=1e-12)
    np.testing.assert_allclose(stack.grid.to_lps((0, 0, 1)) - frames.positions_lps[0], (0.9, 0, 0), atol=1e-12)
    assert not stack.is_resampled


@pytest.mark.parametrize("seed", range(3))
def test_order_of_files_does_not_matter(seed):
    order = np.random.default_rng(seed).permutation(9)
    stack = assess_stack(pile(2.5 * order))
    np.testing.assert_array_equal(order[stack.order], np.arange(9))
    assert stack.verdict.status == "sound"


@pytest.mark.parametrize("count", [3, 6, 30])
def test_missing_slice_is_named_with_its_gap(count):
    stack = assess_stack(pile(np.delete(2.5 * np.arange(count + 1), 1)))
    found = fault(stack, "missing_slices")
    assert stack.grid is None
    assert found.severity is Severity.FATAL
    assert found.amount_mm == pytest.approx(5.0)
    assert found.files == ("000.dcm", "001.dcm")
    assert "1 slice is missing: 1 between 000.dcm and 001.dcm (5.00 mm)" in found.message


def test_several_missing_slices_are_counted():
    stack = assess_stack(pile(np.delete(1.25 * np.arange(40), (10, 11, 25))))
    assert "3 slices are missing" in fault(stack, "missing_slices").message


def test_two_distances_in_one_stack_are_uneven_not_missing():
    depths = np.concatenate([1.25 * np.arange(20), 23.75 + 2.5 * np.arange(1, 15)])
    found = fault(assess_stack(pile(depths)), "uneven_spacing")
    assert found.severity is Severity.FATAL
    assert "from 1.25 to 2.50 mm" in found.message


def test_one_slice_out_of_place_is_uneven():
    depths = 2.5 * np.arange(9)
    depths[4] += 0.6
    found = fault(assess_stack(pile(depths)), "uneven_spacing")
    assert found.amount_mm == pytest.approx(1.2)
    assert found.files == ("003.dcm", "004.dcm", "005.dcm")


def test_positions_rounded_to_a_tenth_load_with_a_warning():
    stack = assess_stack(pile(np.round(1.25 * np.arange(40), 1)))
    assert fault(stack, "rounded_positions").severity is Severity.WARNING
    assert stack.grid.slice_gap_mm == pytest.approx(1.25, abs=0.003)


@pytest.mark.parametrize("policy", list(Policy))
def test_duplicates_are_refused_unless_they_are_copies(policy):
    frames = pile([0, 2.5, 2.5, 5.0, 7.5])
    other = assess_stack(frames, policy)
    copies = assess_stack(frames, policy, lambda a, b: (a, b) == (1, 2))
    assert fault(other, "duplicate_position").files == ("002.dcm",)
    assert (other.grid is None) == (policy is Policy.STRICT)
    assert copies.grid.shape == (4, 24, 20)
    assert copies.order.tolist() == [0, 1, 3, 4]
    assert fault(copies, "duplicate_frame").severity is Severity.WARNING


@pytest.mark.parametrize("degrees", [0.5, 5.0, 22.0])
def test_tilt_is_carried_as_a_sheared_grid(degrees):
    stack = assess_stack(pile(3.0 * np.arange(10), aside=(0.0, np.tan(np.radians(degrees)))))
    assert stack.verdict.facts["tilt_deg"] == pytest.approx(degrees)
    assert stack.grid.shear_deg == pytest.approx(degrees)
    assert stack.grid.slice_gap_mm == pytest.approx(3.0)
    assert stack.grid.voxel_volume_mm3 == pytest.approx(3.0 * 0.7 * 0.9)  # not the product of the oblique step
    assert fault(stack, "tilted_gantry").amount_mm == pytest.approx(27 * np.tan(np.radians(degrees)))


def test_a_slice_shifted_sideways_is_refused_by_name():
    frames = pile(2.5 * np.arange(9))
    frames.positions_lps[4, 0] += 3.0
    found = fault(assess_stack(frames), "shifted_slices")
    assert found.severity is Severity.FATAL
    assert found.amount_mm == pytest.approx(3.0)
    assert found.files == ("004.dcm",)
    assert assess_stack(frames, Policy.AS_IS).grid is not None


@pytest.mark.parametrize(("off", "severity"), [(1e-5, None), (1e-3, Severity.WARNING), (0.05, Severity.FATAL)])
def test_cosines_must_be_orthonormal(off, severity):
    stack = assess_stack(pile(2.5 * np.arange(5), column=(off, np.sqrt(1 - off**2), 0.0)))
    found = [one.severity for one in stack.verdict.faults if one.code == "cosines_not_orthonormal"]
    assert found == ([severity] if severity else [])
    if stack.grid is not None:
        columns = stack.grid.affine_lps[:3, 1:3] / (0.7, 0.9)
        np.testing.assert_allclose(columns.T @ columns, np.eye(2), atol=1e-12)


@pytest.mark.parametrize("spacing", [(0.0, 0.9), (np.nan, 0.9), (-0.7, 0.9), (np.inf, 0.9)])
def test_bad_pixel_spacing_is_fatal_under_every_policy(spacing):
    frames = pile(2.5 * np.arange(5))
    broken = Frames(frames.positions_lps, ROW, COLUMN, spacing, (24, 20), frames.names)
    for policy in Policy:
        assert assess_stack(broken, policy).grid is None
        assert fault(assess_stack(broken, policy), "bad_spacing")


@pytest.mark.parametrize(
    ("thickness", "code"),
    [(2.5, None), (5.0, "thickness_differs"), (2.0, "thickness_differs"), (1.0, "slices_apart"), (np.nan, None)],
)
def test_thickness_is_compared_with_the_distance(thickness, code):
    stack = assess_stack(pile(2.5 * np.arange(5), thickness=thickness, pixel=(0.7, 0.7)))
    assert [one.code for one in stack.verdict.faults] == ([code] if code else [])
    assert stack.grid.slice_gap_mm == pytest.approx(2.5)  # never the thickness


@pytest.mark.parametrize(("thickness", "words"), [(5.0, "overlap by 2.50 mm"), (2.0, "leave a small gap of 0.50 mm")])
def test_overlap_is_told_in_mm(thickness, words):
    assert words in fault(assess_stack(pile(2.5 * np.arange(5), thickness=thickness)), "thickness_differs").message


@pytest.mark.parametrize(("pixel", "noted"), [((0.7, 0.7), False), ((0.7, 0.704), False), ((0.7, 0.9), True)])
def test_pixels_that_are_not_square_are_noted(pixel, noted):
    verdict = assess_stack(pile(2.5 * np.arange(5), pixel=pixel)).verdict
    assert verdict.has("anisotropic_pixels") is noted
    assert verdict.status == "sound"
    if noted:
        found = fault(assess_stack(pile(2.5 * np.arange(5), pixel=pixel)), "anisotropic_pixels")
        assert "0.700 x 0.900 mm" in found.message
        assert found.amount_mm == pytest.approx(0.2)


def test_facts_say_how_far_slices_were_moved():
    """As-is spreads five of six slices evenly, so that the third lies 1.25 mm from where its file says."""
    depths = 2.5 * np.array([0, 1, 2, 4, 5])
    facts = assess_stack(pile(depths), Policy.AS_IS).verdict.facts
    assert facts["slice_gap_mm"] == pytest.approx(3.125)
    assert facts["max_shift_mm"] == pytest.approx(max(abs(depths - 3.125 * np.arange(5))))
    assert facts["largest_volume_error_percent"] == pytest.approx(37.5)  # 3.125 mm where 5 mm lie between the slices
    repaired = assess_stack(pile(depths), Policy.REPAIR).verdict
    assert repaired.facts["max_shift_mm"] == pytest.approx(0.0, abs=1e-9)
    assert "largest_volume_error_percent" not in repaired.facts
    assert "repair made 1 slice (0.8 mL) from their neighbours" in repaired.sentence()


def test_rounded_positions_say_how_far_slices_were_moved():
    depths = 2.5 * np.arange(9)
    depths[4] += 0.08
    assert assess_stack(pile(depths)).verdict.facts["max_shift_mm"] == pytest.approx(0.08)


@pytest.mark.parametrize(
    ("row", "column", "plane"),
    [
        (ROW, COLUMN, "axial"),
        ((1, 0, 0), (0, 0, -1), "coronal"),
        ((0, 1, 0), (0, 0, -1), "sagittal"),
        ((1, 0, 0), (0, 0.8, 0.6), "axial, turned by 37 degrees"),
    ],
)
def test_facts_name_the_plane(row, column, plane):
    assert assess_stack(pile(2.5 * np.arange(5), row=row, column=column)).verdict.facts["plane"] == plane


def test_single_slice_needs_as_is_and_a_thickness():
    assert assess_stack(pile([0.0], thickness=5.0)).grid is None
    assert assess_stack(pile([0.0]), Policy.AS_IS).grid is None
    assert assess_stack(pile([0.0], thickness=5.0), Policy.AS_IS).grid.spacing_mm == pytest.approx((5.0, 0.7, 0.9))


def test_repair_fills_a_missing_slice_and_says_what_it_cost():
    stack = assess_stack(pile(np.delete(2.5 * np.arange(12), 5)), Policy.REPAIR)
    assert stack.verdict.status == "repaired"
    assert stack.grid.shape == (12, 24, 20)
    assert stack.grid.slice_gap_mm == pytest.approx(2.5)
    np.testing.assert_allclose(stack.weight, [0.5 if n == 5 else 0.0 for n in range(12)], atol=1e-12)
    assert stack.lower[5] == 4
    facts = stack.verdict.facts
    assert facts["interpolated_slices"] == 1
    assert facts["interpolated_share"] == pytest.approx(1 / 12)
    assert facts["interpolated_ml"] == pytest.approx(2.5 * 24 * 0.7 * 20 * 0.9 / 1000)
    assert facts["largest_interpolated_gap_mm"] == pytest.approx(5.0)


def test_repair_does_not_bridge_centimetres():
    depths = np.concatenate([1.25 * np.arange(20), 60 + 1.25 * np.arange(20)])
    assert assess_stack(pile(depths), Policy.REPAIR).grid is None
    assert assess_stack(pile(depths), Policy.AS_IS).grid is not None


@given(
    gaps=st.lists(st.floats(0.5, 4.0), min_size=2, max_size=40),
    tilt=st.floats(-0.4, 0.4),
)
def test_repair_keeps_every_point_of_a_linear_ramp(gaps, tilt):
    """A picture whose values are its depth stays so: linear interpolation is exact, so positions must be right."""
    depths = np.concatenate([[0.0], np.cumsum(gaps)])
    frames = pile(depths, aside=(0.0, tilt))
    stack = assess_stack(frames, Policy.REPAIR)
    assert stack.grid is not None
    values = depths[stack.order]
    upper = np.minimum(stack.lower + 1, len(values) - 1)
    made = values[stack.lower] * (1 - stack.weight) + values[upper] * stack.weight
    places = stack.grid.to_lps([(n, 0, 0) for n in range(stack.grid.shape[0])])
    true = (places - frames.positions_lps[0]) @ np.cross(ROW, COLUMN)
    # a frame within the tolerance of an even stack is taken as it is
    np.testing.assert_allclose(made, true, atol=0.05 * max(gaps) + 0.01)


@given(st.lists(st.floats(0.3, 5.0), min_size=1, max_size=30), st.floats(0.5, 3.0))
def test_weights_stay_between_neighbouring_frames(gaps, usual):
    depths = np.concatenate([[0.0], np.cumsum(gaps)])
    lower, weight = even_weights(depths, usual)
    assert ((weight >= 0) & (weight < 1)).all()
    assert (lower[weight > 0] + 1 < len(depths)).all()
    assert (lower[0], weight[0]) == (0, 0)
    assert (lower[-1], weight[-1]) == (len(depths) - 1, 0)
