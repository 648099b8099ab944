"""Structures that were measured, not looked for, are shown on all three planes, each with its number beside it."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
from PIL import Image

from overread.evidence.page.display import make_panel, three_planes, whole
from overread.evidence.page.figure import tags_of
from overread.evidence.page.overlay import OUTLINE, _heading, overlay_png
from overread.findings import Interval, Measurement


def test_each_plane_shows_its_largest_section(case):
    planes = three_planes(case.reading, case.image)
    assert [stack.plane for stack, _ in planes] == ["axial", "coronal", "sagittal"]
    labels = case.reading.segments.array > 0
    for stack, k in planes:
        areas = (stack.labels > 0).sum(axis=(1, 2))
        assert areas.sum() == labels.sum()
        assert areas[k] == areas.max() > 0
    edges = {stack.plane: stack.edges for stack, _ in planes}
    assert edges == {
        "axial": ("R", "L", "A", "P"), "coronal": ("R", "L", "S", "I"), "sagittal": ("A", "P", "S", "I"),
    }  # fmt: skip


def picture(reading, image):
    return np.asarray(Image.open(io.BytesIO(overlay_png(reading, image))).convert("RGB")).astype(int)


def test_measured_structures_get_a_row_of_three_planes_with_outlines(case):
    before = picture(case.reading, case.image)
    after = picture(dataclasses.replace(case.reading, seeks_findings=False), case.image)
    assert after.shape[0] > before.shape[0] + 460
    assert after.shape[1] == before.shape[1]
    amber = np.abs(after - np.array(OUTLINE)).max(axis=2) < 40
    for left in (12, 484, 956):
        assert amber[80:540, left : left + 460].sum() > 40


def test_numbers_stand_apart_from_the_outlines_of_others(case):
    stack, k = three_planes(case.reading, case.image)[0]
    panel = make_panel(stack, k, whole(stack), 400)

    def box(x0, y0, x1, y1):
        return [np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]], float)]

    side_by_side = dataclasses.replace(panel, contours=[(1, box(100, 150, 200, 250)), (2, box(200, 150, 300, 250))])
    first, second = tags_of(side_by_side, leader=20)
    assert (first.x2, second.x2) == (80, 320)
    alone = dataclasses.replace(panel, contours=[(1, box(100, 150, 200, 250))])
    assert tags_of(alone, leader=20)[0].anchor == "start"
    three = [(1, box(100, 150, 200, 250)), (2, box(200, 150, 300, 250)), (3, box(20, 150, 100, 250))]
    middle = tags_of(dataclasses.replace(panel, contours=three), leader=20)[0]
    assert (middle.x2, middle.y2) == (150, 130)  # above: both sides are taken


def test_a_finding_without_a_length_is_headed_by_its_volume(case):
    volume = Measurement("volume", 1.7, "mL", Interval(1.4, 2.1, 0.95), "voxel count")
    finding = dataclasses.replace(case.reading.findings[0], measurements=(volume,), lines=())
    assert "volume 1.70 mL (95 %: 1.40 to 2.10)" in _heading(finding)
    unknown = Measurement.not_measurable("volume", "mL", "the outline is empty")
    assert "volume" not in _heading(dataclasses.replace(finding, measurements=(unknown,)))
