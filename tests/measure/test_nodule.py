"""One nodule from seed to measurements: known truth, laws, and what must be refused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from overread.errors import GeometryError, UsageError
from overread.findings import Quality
from overread.geometry import Grid, axial_grid
from overread.image import Intensity, Volume
from overread.measure import NoduleMeasure, NotMeasurable, measure_nodule

SIZES = {
    "volume": "mm3",
    "reader_comparable_volume": "mm3",
    "effective_diameter": "mm",
    "long_axis": "mm",
    "short_axis": "mm",
    "mean_diameter": "mm",
    "long_axis_3d": "mm",
    "short_axis_3d": "mm",
    "solid_long_axis": "mm",
    "largest_section_area": "mm2",
    "mean_density": "[hnsf'U]",
    "mass": "mg",
    "edge_gradient": "[hnsf'U]/mm",
    "edge_acutance": "1",
    "lobulation": "1",
    "spiculation": "1",
}


def measured(scan, **options) -> NoduleMeasure:
    found = measure_nodule(scan.image, scan.seed, max(scan.semi_axes_mm), scan.lung, **options)
    assert isinstance(found, NoduleMeasure)
    return found


def test_every_figure_is_there_with_unit_interval_and_named_parts(ball_scan):
    found = measured(ball_scan((4.0, 4.0, 4.0)))
    assert {m.name: m.unit for m in found.measurements} == SIZES
    for m in found.measurements:
        assert m.interval is not None
        assert m.components
        assert m.interval.coverage == 0.95


@pytest.mark.parametrize("semi_axes", [(2.2, 2.2, 2.2), (3.0, 4.0, 2.5), (5.0, 5.0, 5.0), (7.0, 9.0, 8.0)])
@pytest.mark.parametrize("thickness", [0.75, 2.5])
def test_the_volume_of_an_ellipsoid_is_right_within_two_percent(ball_scan, semi_axes, thickness):
    scan = ball_scan(semi_axes, spacing_mm=(thickness, 0.7, 0.65))
    found = measured(scan)
    assert found["volume"].value == pytest.approx(scan.volume_mm3, rel=0.03)
    assert found["effective_diameter"].value == pytest.approx((6 / np.pi * scan.volume_mm3) ** (1 / 3), rel=0.01)
    np.testing.assert_allclose(found.centre_lps, scan.centre_lps, atol=0.15)
    assert found.attachment == "isolated"
    assert found.nodule_type == "solid"


def test_axes_of_an_ellipsoid(ball_scan):
    found = measured(ball_scan((3.5, 6.0, 4.5)))
    assert found["long_axis"].value == pytest.approx(12.0, abs=0.4)
    assert found["short_axis"].value == pytest.approx(9.0, abs=0.4)
    assert found["mean_diameter"].value == pytest.approx(10.5, abs=0.3)
    assert found["long_axis_3d"].value == pytest.approx(12.0, abs=0.4)
    assert found["short_axis_3d"].value == pytest.approx(7.0, abs=0.4)
    assert found["largest_section_area"].value == pytest.approx(math.pi * 6.0 * 4.5, rel=0.03)
    assert found["mean_density"].value == pytest.approx(40, abs=15)
    assert found["mass"].value == pytest.approx(found["volume"].value * 1.04, rel=0.03)
    ends = np.array(found.lines[0].points_lps)
    assert np.linalg.norm(ends[1] - ends[0]) == pytest.approx(12.0, abs=0.5)
    assert abs((ends[1] - ends[0])[1]) == pytest.approx(12.0, abs=0.5)  # along the rows' index: patient's y


def test_the_interval_can_be_made_again_from_its_parts(ball_scan):
    volume = measured(ball_scan((4.0, 4.0, 4.0)))["volume"]
    total = math.sqrt(sum(c.sd**2 for c in volume.components))
    assert volume.interval.high == pytest.approx(volume.value + 1.96 * total, rel=1e-3)


def turned(scan, axes, flips):
    image = scan.image
    array = image.array.transpose(axes)[tuple(slice(None, None, -1) if f else slice(None) for f in flips)]
    grid = image.grid.permute(axes, flips)
    return Volume(np.ascontiguousarray(array), grid, image.intensity), grid


@pytest.mark.parametrize("flips", [(True, False, False), (False, True, False), (True, True, True)])
def test_flips_change_nothing(ball_scan, flips):
    scan = ball_scan((3.0, 4.5, 3.8))
    first = measured(scan)
    image, grid = turned(scan, (0, 1, 2), flips)
    second = measured(replace(scan, image=image, seed=grid.to_index(scan.centre_lps)))
    assert second["volume"].value == pytest.approx(first["volume"].value, rel=0.004)
    assert second["long_axis"].value == pytest.approx(first["long_axis"].value, abs=0.1)
    np.testing.assert_allclose(second.centre_lps, first.centre_lps, atol=0.05)


def test_exchanging_rows_and_columns_changes_nothing(ball_scan):
    scan = ball_scan((3.0, 4.5, 3.8))
    first = measured(scan)
    image, grid = turned(scan, (0, 2, 1), (False, False, False))
    lung = np.ones(grid.shape, dtype=bool)
    second = measured(replace(scan, image=image, lung=lung, seed=grid.to_index(scan.centre_lps)))
    assert second["volume"].value == pytest.approx(first["volume"].value, rel=0.004)
    np.testing.assert_allclose(second.centre_lps, first.centre_lps, atol=0.05)


def test_moving_the_patient_moves_the_centre_and_nothing_else(ball_scan):
    scan = ball_scan((4.0, 4.0, 4.0))
    affine = scan.image.grid.affine_lps.copy()
    affine[:3, 3] += (10.0, -20.0, 5.0)
    moved = measured(
        replace(scan, image=Volume(scan.image.array, Grid(scan.image.grid.shape, affine), scan.image.intensity))
    )
    first = measured(scan)
    assert moved["volume"].value == first["volume"].value
    np.testing.assert_allclose(np.array(moved.centre_lps) - first.centre_lps, (10, -20, 5), atol=1e-6)


def test_seed_and_radius_need_only_be_rough(ball_scan):
    scan = ball_scan((4.0, 4.0, 4.0))
    first = measured(scan)
    rough = measure_nodule(scan.image, scan.seed + np.array((0.8, 1.5, -1.5)), 6.0, scan.lung)
    assert isinstance(rough, NoduleMeasure)
    assert rough["volume"].value == pytest.approx(first["volume"].value, rel=0.01)


def test_twice_as_large_is_eight_times_the_volume(ball_scan):
    small, large = (measured(ball_scan((r, r, r)))["volume"] for r in (3.0, 6.0))
    assert large.value / small.value == pytest.approx(8.0, rel=0.03)


def test_no_lung_at_the_seed_is_refused(ball_scan):
    scan = ball_scan((4.0, 4.0, 4.0))
    answer = measure_nodule(scan.image, scan.seed, 4.0, np.zeros_like(scan.lung))
    assert isinstance(answer, NotMeasurable)
    assert "lung" in answer.reason


def test_plain_lung_is_refused(ball_scan):
    scan = ball_scan((4.0, 4.0, 4.0), hu=-850)
    answer = measure_nodule(scan.image, scan.seed, 4.0, scan.lung)
    assert isinstance(answer, NotMeasurable)
    assert "denser" in answer.reason


def test_values_that_are_no_numbers_are_refused(ball_scan):
    scan = ball_scan((4.0, 4.0, 4.0))
    array = scan.image.array.astype(np.float32)
    array[tuple(int(n) for n in scan.seed)] = np.nan
    answer = measure_nodule(Volume(array, scan.image.grid, scan.image.intensity), scan.seed, 4.0, scan.lung)
    assert isinstance(answer, NotMeasurable)
    assert "not numbers" in answer.reason


def test_a_nodule_cut_by_the_image_has_no_size(ball_scan):
    scan = ball_scan((4.0, 4.0, 4.0))
    k = int(scan.seed[0]) + 2
    grid = scan.image.grid.crop((0, 0, 0), (k, *scan.image.grid.shape[1:]))
    cut = replace(scan, image=Volume(scan.image.array[:k], grid, scan.image.intensity), lung=scan.lung[:k])
    found = measured(cut)
    assert Quality.TOUCHES_BORDER in found.quality
    for name in ("volume", "effective_diameter", "long_axis", "mass"):
        assert math.isnan(found[name].value)
        assert "edge of the image" in found[name].method


@pytest.mark.parametrize(
    ("seed", "radius"), [((math.nan, 5, 5), 4.0), ((5, 5, 5), math.nan), ((5, 5, 5), -1.0), ((999, 5, 5), 4.0)]
)
def test_a_seed_that_is_no_place_is_a_usage_error(ball_scan, seed, radius):
    scan = ball_scan((4.0, 4.0, 4.0))
    with pytest.raises(UsageError):
        measure_nodule(scan.image, seed, radius, scan.lung)


def test_a_lung_field_of_another_grid_is_an_error(ball_scan):
    scan = ball_scan((4.0, 4.0, 4.0))
    with pytest.raises(GeometryError, match="lung field"):
        measure_nodule(scan.image, scan.seed, 4.0, scan.lung[1:])


def test_a_scrap_is_not_taken_for_the_nodule(ball_scan):
    scan = ball_scan((1.6, 1.6, 1.6), noise_hu=10.0)
    answer = measure_nodule(scan.image, scan.seed, 5.0, scan.lung)
    assert isinstance(answer, NotMeasurable)
    assert "speck" in answer.reason


def test_a_tilted_gantry_leaves_lengths_across_slices_untold():
    affine = np.array(axial_grid((24, 40, 40), spacing_mm=(1.5, 0.75, 0.7)).affine_lps)
    affine[1, 0] = 1.5 * np.tan(np.radians(15))
    grid = Grid((24, 40, 40), affine)
    middle = grid.to_lps((11.5, 19.5, 19.5))
    index = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
    away = np.linalg.norm(grid.to_lps(index) - middle, axis=-1)
    ball = np.clip((5.0 - away) / 0.75 + 0.5, 0, 1)
    image = Volume((-850 + 890 * ball).astype(np.float32), grid, Intensity.HU)
    nodule = measure_nodule(image, (11.5, 19.5, 19.5), 5.0, np.ones(grid.shape, bool))
    assert isinstance(nodule, NoduleMeasure)
    for name in ("long_axis_3d", "short_axis_3d"):
        assert "tilted" in nodule[name].method
        assert np.isnan(nodule[name].value)
    truth_mm3 = 4 / 3 * np.pi * 5.0**3
    assert nodule["volume"].interval.low * 0.97 < truth_mm3 < nodule["volume"].interval.high * 1.03
