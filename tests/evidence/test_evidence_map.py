"""A map of evidence in the report and the overlay: in place, in its colours, and refused where it does not fit."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from overread.errors import IntegrityError
from overread.evidence import read_result, write
from overread.evidence.page.display import middle_window
from overread.evidence.page.evidence_figure import evidence_panel, evidence_words, strongest
from overread.evidence.page.stacks import stack_of
from overread.findings import EvidenceMap, Provenance, Reading, Scope, ScopeAnswer
from overread.geometry import Verdict
from overread.image import Radiograph, Source


def reading_with(array: np.ndarray) -> Reading:
    shown = EvidenceMap(array, "view", "lateral <film>", "class activation map")
    return Reading(
        provenance=Provenance("toy", "1"),
        title="Toy",
        assessable=True,
        scope=Scope(ScopeAnswer.YES),
        source=Source(kind="array"),
        verdict=Verdict(),
        seeks_findings=False,
        evidence_maps=(shown,),
    )


@pytest.fixture
def picture():
    return Radiograph(np.random.default_rng(0).integers(900, 1100, (120, 80), dtype=np.uint16))


@pytest.fixture
def signed():
    """Strong evidence for at the upper left, half as strong against at the lower right."""
    array = np.zeros((120, 80), np.float32)
    array[10:40, 10:40] = 4
    array[80:110, 40:70] = -2
    return array


def test_colours_stand_where_the_evidence_is(picture, signed):
    reading = reading_with(signed)
    stack = stack_of(reading, picture)
    _, painted = evidence_panel(stack, reading.evidence_maps[0], middle_window(picture.array), 240)
    assert painted.shape == (240, 240, 3)
    red, _, blue = painted.astype(int).transpose(2, 0, 1)
    left = (240 - 160) // 2  # the film is twice as large, with 40 pixels at either side
    assert (red - blue)[30:70, left + 30 : left + 70].min() > 60
    assert (blue - red)[170:210, left + 90 : left + 130].min() > 20
    assert not (red - blue)[100:140].any()  # grey where there is none
    assert strongest(reading.evidence_maps[0]) == 4


def test_the_page_shows_the_map_with_its_words(picture, signed, tmp_path):
    reading = reading_with(signed)
    write(reading, picture, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "What spoke for the answer" in page
    assert "lateral &lt;film&gt;" in page
    assert "lateral <film>" not in page
    section = page[page.index('id="evidence-head"') :]
    uri = re.search(r'src="data:image/png;base64,([^"]+)"', section)
    assert uri is not None
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri[1]))))
    assert shown.shape[2] == 3
    assert (shown[..., 0].astype(int) - shown[..., 2]).max() > 60
    assert "4.0 logits" in evidence_words(reading.evidence_maps[0])
    overlay = np.asarray(Image.open(tmp_path / "out" / "overlay.png")).astype(int)
    assert np.count_nonzero(overlay[..., 0] - overlay[..., 2] > 60) > 2000


def test_a_picture_without_a_map_has_no_such_section(picture, signed, tmp_path):
    write(Reading(**{**_fields(reading_with(signed)), "evidence_maps": ()}), picture, tmp_path / "out")
    assert "What spoke for the answer" not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def _fields(reading: Reading) -> dict[str, object]:
    return {name: getattr(reading, name) for name in Reading.__dataclass_fields__}


def test_a_flat_map_is_drawn_as_the_picture(picture):
    reading = reading_with(np.zeros((120, 80), np.float32))
    stack = stack_of(reading, picture)
    panel, painted = evidence_panel(stack, reading.evidence_maps[0], middle_window(picture.array), 240)
    np.testing.assert_array_equal(painted[..., 1], middle_window(picture.array).apply(panel.values))
    np.testing.assert_array_equal(painted[..., 0], painted[..., 2])


@pytest.mark.parametrize("without_image", [False, True])
def test_a_map_that_is_not_on_the_picture_is_refused(picture, signed, tmp_path, without_image):
    with pytest.raises(IntegrityError, match="map of evidence"):
        write(reading_with(signed[:50]), None if without_image else picture, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_logits_are_written_and_named(picture, tmp_path):
    logits = np.linspace(-2, 3, picture.array.size, dtype=np.float32).reshape(picture.array.shape)
    write(reading_with(logits), picture, tmp_path / "out")
    (row,) = read_result(tmp_path / "out")["evidence_maps"]
    assert (row["question"], row["file"]) == ("view", "evidence_view.tif")
    assert (row["least"], row["greatest"]) == (-2, 3)
    assert row["peak_rc_px"] == [n - 1 for n in logits.shape]
    with Image.open(tmp_path / "out" / row["file"]) as opened:
        np.testing.assert_array_equal(np.asarray(opened), logits)


def test_two_maps_of_one_question_are_refused(picture, tmp_path):
    one = reading_with(np.ones(picture.array.shape, np.float32))
    twice = Reading(**{**_fields(one), "evidence_maps": one.evidence_maps * 2})
    with pytest.raises(IntegrityError, match="two maps of evidence"):
        write(twice, picture, tmp_path / "out")
    assert not (tmp_path / "out").exists()
