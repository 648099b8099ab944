"""Bad input to the classical operations: an error of our own tree, or what is stated to happen instead."""

from __future__ import annotations

import numpy as np
import pytest

from overread.errors import UsageError
from overread.io.files.outline import read_outlines
from overread.ops.adhesion import separate
from overread.ops.anisotropy import require_spacing
from overread.ops.contrast import contrast_to_noise
from overread.ops.despeckle import lee, srad
from overread.ops.fractional import EnhancePlan, dimension_map, enhance
from overread.ops.level_set import level_set
from overread.ops.region import Crossing, Reason, mask_of_polygon, prepare_region
from overread.ops.texture import RoughShape, co_occurrence_maps, voxel_features

FLAT, DEEP = (48, 40), (9, 30, 28)
BALL = np.linalg.norm(np.indices(DEEP) - np.array([4, 15, 14]).reshape(3, 1, 1, 1), axis=0)
POINT = np.array([[4, 15, 14]])
SQUARE = np.zeros(FLAT, bool)
SQUARE[15:30, 12:27] = True

RUNS = {
    "enhance": lambda a: enhance(a[4]),
    "enhance 3-D": lambda a: enhance(a, EnhancePlan(dimensions=3), spacing_mm=(1, 1, 1)),
    "one order": lambda a: enhance(a[4], EnhancePlan(order=0.6)),
    "Lee": lambda a: lee(a[4]),
    "SRAD": lambda a: srad(a[4]),
    "level set": lambda a: level_set(a, BALL < 5, (1.0, 1.0, 1.0)),
    "features": lambda a: voxel_features(a, RoughShape(6.0 - BALL, (1.0, 1.0, 1.0)), POINT),
    "region": lambda a: prepare_region(a[4], BALL[4] < 6),
    "contrast": lambda a: contrast_to_noise(a[4], BALL[4] < 6, BALL[4] > 8),
}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", RUNS)
def test_values_that_are_no_numbers_are_refused(name, value):
    image = np.random.default_rng(0).gamma(4, 25, DEEP)
    image[4, 15, 14] = value
    with pytest.raises(UsageError, match=r"finite|no numbers"):
        RUNS[name](image)


@pytest.mark.parametrize("name", [name for name in RUNS if name not in ("level set", "features", "region", "contrast")])
def test_a_constant_image_stays_as_it_is(name):
    found = RUNS[name](np.full(DEEP, 40.0))
    np.testing.assert_allclose(found, 40, rtol=1e-6)


def test_what_else_a_constant_image_gives():
    image = np.full(DEEP, 40.0)
    assert (dimension_map(image[4]).values == 2).all()
    assert RUNS["region"](image).reason is Reason.FLAT
    assert RUNS["contrast"](image).rms == 0
    assert np.isfinite(RUNS["features"](image)).all()
    with pytest.raises(UsageError, match="constant"):
        RUNS["level set"](image)


@pytest.mark.parametrize(
    "run",
    [
        lambda: enhance(np.eye(12)),
        lambda: dimension_map(np.eye(20), window=33),
        lambda: enhance(np.eye(4), EnhancePlan(order=0.5, rings=4)),
        lambda: enhance(np.ones((3, 12, 12)), EnhancePlan(dimensions=3, rings=4, order=0.5), spacing_mm=(1, 1, 1)),
        lambda: lee(np.eye(5), window=7),
        lambda: co_occurrence_maps(np.zeros((3, 3), np.uint8), window=7),
        lambda: voxel_features(np.ones((2, 9, 9)), RoughShape(np.ones((2, 9, 9)), (1.0, 1.0, 1.0)), np.zeros((1, 3))),
    ],
)
def test_windows_larger_than_the_image_are_refused(run):
    with pytest.raises(UsageError, match=r"window|rings"):
        run()


@pytest.mark.parametrize(
    "run",
    [
        lambda s: enhance(np.ones(DEEP), EnhancePlan(dimensions=3), spacing_mm=s),
        lambda s: level_set(BALL, BALL < 5, s),
        lambda s: RoughShape(6.0 - BALL, s),
        lambda s: require_spacing(s, DEEP, way_out="Resample."),
    ],
)
@pytest.mark.parametrize(
    ("spacing", "said"),
    [((11.0, 1.0, 1.0), "11.0 times as long one way"), ((1.0, np.nan, 1.0), "above 0"), ((1.0, 1.0), "each axis")],
)
def test_voxels_far_longer_one_way_are_refused(run, spacing, said):
    with pytest.raises(UsageError, match=said):
        run(spacing)


def test_ten_times_as_long_is_still_taken_and_one_slice_has_no_length():
    require_spacing((7.0, 0.7, 0.7), DEEP, way_out="")
    require_spacing((100.0, 0.7, 0.7), (1, 40, 40), way_out="")


def test_outline_file_of_bcdr_becomes_a_region(tmp_path):
    """From the published table to the prepared region: x are columns, y are rows."""
    head = "patient_id, image_filename, lw_x_points, lw_y_points, classification\n"
    (tmp_path / "bcdr_f01_outlines.csv").write_text(head + "1, a.tif, 12 26 26 12, 15 15 29 29, Benign\n")
    (one,) = read_outlines(tmp_path / "bcdr_f01_outlines.csv", picture="a.tif")
    outline = mask_of_polygon(one.points_rc, FLAT)
    assert outline[15:29, 12:26].all()
    assert not outline[~SQUARE].any()
    lesion = np.hypot(*(np.indices(FLAT) - np.array([22, 19]).reshape(2, 1, 1))) <= 12  # the outline lies within
    found = prepare_region(np.where(lesion, 200.0, 50.0) + np.random.default_rng(2).normal(0, 5, FLAT), outline)
    assert found.reason is Reason.SUPERSET
    assert np.count_nonzero(found.inside != lesion) <= 8  # the rim is opened by the disk


def test_outlines_that_leave_the_image_or_cross_are_refused():
    with pytest.raises(UsageError, match="outside the image"):
        mask_of_polygon([(5, 5), (5, 60), (20, 20)], FLAT)
    bow = [(5, 5), (20, 20), (5, 20), (20, 5)]
    with pytest.raises(UsageError, match="crosses itself"):
        mask_of_polygon(bow, FLAT)
    assert mask_of_polygon(bow, FLAT, crossing=Crossing.EVEN_ODD).any()
    small = np.zeros(FLAT, bool)
    small[20:23, 20:23] = True
    found = prepare_region(np.where(small, 100.0, 0.0), small)
    assert found.reason is Reason.OPENED_AWAY  # smaller than the disk: the outline is kept, and said
    np.testing.assert_array_equal(found.inside, small)


def test_masks_of_nothing_are_refused():
    with pytest.raises(UsageError, match="0 voxels"):
        separate(np.zeros(DEEP, bool), (4, 15, 14), (1.0, 1.0, 1.0))
    with pytest.raises(UsageError, match="at least 20"):
        contrast_to_noise(BALL, BALL < 1, BALL > 8)
