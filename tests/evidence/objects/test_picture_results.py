"""Results of readings of pictures and clips: every file, through the reader of the files, proven and valid."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

import overread
from overread.errors import IntegrityError
from overread.evidence import read_result, write
from overread.evidence.check import Level
from overread.findings import (
    Descriptor,
    Finding,
    ImageRegion,
    Interval,
    Measurement,
    Provenance,
    Reading,
    Reason,
    Scope,
    ScopeAnswer,
    Shape,
)
from overread.findings.codes import ABNORMAL_STRUCTURE, LUNG, NODULE
from overread.image import PictureMask
from overread.io import open_study

ROWS, COLUMNS, FRAMES = 40, 52, 5
KINDS = ("DX", "CR", "US", "SC", "XA", "RF", "US clip", "SC clip")


def blob(shape: tuple[int, ...]) -> np.ndarray:
    """Labels 1 and 2, lopsided; on frames 1 and 2 of a clip."""
    labels = np.zeros(shape, np.uint8)
    frames = labels[1:3] if labels.ndim == 3 else labels[None]
    frames[:, 8:17, 10:25] = 1
    frames[:, 17, 10:13] = 1
    frames[-1, 25:31, 30:46] = 2
    return labels


def finding(number: int, region: ImageRegion, **changes: object) -> Finding:
    return Finding(
        number=number,
        kind=NODULE,
        category=ABNORMAL_STRUCTURE,
        site=LUNG,
        label=f"opacity {number}",
        tracking_uid=f"2.25.66{number}",
        region=region,
        **changes,
    )


def reading_of(image) -> Reading:
    """Two findings with regions, one measured along a line; numbers and marks of the whole picture."""
    shape = image.grey().shape
    frame = 1 if len(shape) == 3 else 0
    axis = ImageRegion(Shape.POLYLINE, ((12.0, 10.0), (12.5, 24.25)), frame, "long_axis")
    polygon = ((8.0, 10.0), (8.0, 24.0), (16.0, 24.0), (17.25, 10.5))
    length = Measurement("long_axis", 14.2, "mm", Interval(12.0, 15.0, 0.9), "row profile")
    return Reading(
        provenance=Provenance("picture_task", "0.1", plan={"a": 1}, device_uid="2.25.4242"),
        title="Opacities on a picture",
        assessable=True,
        scope=Scope(ScopeAnswer.YES),
        source=image.source,
        verdict=image.verdict,
        findings=(
            finding(
                1,
                ImageRegion(Shape.POLYGON, polygon, frame),
                measurements=(length,),
                marks=(axis,),
                descriptors=(Descriptor("type", "solid", "solid"),),
            ),
            finding(2, ImageRegion(Shape.CIRCLE, ((28.0, 38.0), (28.0, 45.0)), 2 if frame else 0), score=0.5),
        ),
        measurements=(Measurement("width_ratio", 0.48, "1", Interval(0.45, 0.52), "widths"),),
        marks=(ImageRegion(Shape.POLYLINE, ((30.0, 3.0), (30.0, 49.0)), frame, "width_ratio"),),
        labels=(Descriptor("view", "PA", "PA"),),
        segments=PictureMask(blob(shape)),
        caveats=("A caveat.",),
    )


@pytest.fixture
def opened(save_source):
    """Loads a picture of a kind as the reader gives it; `colour` for RGB."""

    def load(kind: str, *, colour: bool = False):
        rng = np.random.default_rng(5)
        shape = (FRAMES, ROWS, COLUMNS) if "clip" in kind else (ROWS, COLUMNS)
        if kind in ("XA", "RF", "US", "US clip", "SC", "SC clip"):
            pixels = rng.integers(0, 255, (*shape, 3) if colour else shape, dtype=np.uint8)
        else:
            pixels = rng.integers(0, 4095, shape, dtype=np.uint16)
        path = save_source(pixels, kind)
        (series,) = open_study(path.parent).series
        return series.load()

    return load


def require_sound(path: Path, validate, source: Path) -> None:
    """No error of dciodvfy that the source has not; strict dsrdump for the report."""
    known = {line.partition(" - ")[2] for line in validate(source)[0]}
    errors = [line for line in validate(path)[0] if line.partition(" - ")[2] not in known]
    assert errors == [], path.name
    if path.name == "sr.dcm" and shutil.which("dsrdump"):
        done = subprocess.run(["dsrdump", str(path)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_is_written_proven_and_valid(kind, opened, tmp_path, validate):
    image = opened(kind)
    reading = reading_of(image)
    write(reading, image, tmp_path / "out", secondary_capture=True)
    mask = "mask.tif" if "clip" in kind else "mask.png"
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {
        *("result.json", "findings.csv", "overlay.png", "overlay.dcm", "seg.dcm", "sr.dcm", "report.html"),
        *("manifest.json", mask),
    }
    for name in ("seg.dcm", "sr.dcm", "overlay.dcm"):
        require_sound(tmp_path / "out" / name, validate, tmp_path / "source" / "picture.dcm")
    result = read_result(tmp_path / "out")
    assert {one["file"] for one in result["read_back"]} == {mask, "seg.dcm", "sr.dcm", "overlay.dcm"}
    assert result["image"]["kind"] == ("frames" if "clip" in kind else "radiograph")
    assert result["findings"][0]["region"]["shape"] == "polygon"
    assert result["findings"][0]["point_lps_mm"] is None
    assert result["findings"][1]["pixel_mask"]["pixels"] == 6 * 16
    checked = overread.validate(tmp_path / "out", against=tmp_path / "source", outside=False)
    assert checked.sound, checked.to_dict()
    assert checked.count(Level.WARNING) == 0, checked.to_dict()


@pytest.mark.parametrize("kind", ["DX", "US clip"])
def test_the_same_reading_gives_the_same_bytes(kind, opened, tmp_path):
    image = opened(kind)
    for name in "ab":
        write(reading_of(image), image, tmp_path / name, secondary_capture=True)
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_regions_stand_in_the_report_half_a_pixel_from_the_corner(opened, tmp_path):
    image = opened("US clip")
    write(reading_of(image), image, tmp_path / "out")
    report = pydicom.dcmread(tmp_path / "out" / "sr.dcm")
    found = [item for item in walk(report) if item.get("ValueType") == "SCOORD"]
    circle = next(item for item in found if item.GraphicType == "CIRCLE")
    assert list(circle.GraphicData) == [38.5, 28.5, 45.5, 28.5]
    assert circle.ContentSequence[0].ReferencedSOPSequence[0].ReferencedFrameNumber == 3
    lines = [list(item.GraphicData) for item in found if item.GraphicType == "POLYLINE" and len(item.GraphicData) == 4]
    assert lines == [[3.5, 30.5, 49.5, 30.5]]  # of the whole image; TID 1410 has no place for those of a finding


def walk(item):
    yield item
    for child in item.get("ContentSequence", ()):
        yield from walk(child)


def test_a_colour_clip(opened, tmp_path, validate):
    image = opened("US clip", colour=True)
    write(reading_of(image), image, tmp_path / "out")
    assert read_result(tmp_path / "out")["image"]["colour"] is True
    require_sound(tmp_path / "out" / "seg.dcm", validate, tmp_path / "source" / "picture.dcm")


@pytest.mark.parametrize("kind", ["DX", "US clip"])
def test_a_refusal_and_an_empty_answer(kind, opened, tmp_path, validate):
    image = opened(kind)
    full = reading_of(image)
    empty = replace(full, findings=(), segments=None, marks=(), measurements=())
    write(empty, image, tmp_path / "empty")
    mask = next(path for path in (tmp_path / "empty").iterdir() if path.name.startswith("mask"))
    with Image.open(mask) as read:
        assert not np.array(read).any()
    reasons = (Reason("inverted", "It is inverted."),)
    no = replace(empty, assessable=False, reasons=reasons, scope=Scope(ScopeAnswer.NO, reasons), labels=())
    write(no, image, tmp_path / "no")
    assert {one["file"] for one in read_result(tmp_path / "no")["not_written"]} >= {"seg.dcm"}
    for name in ("empty", "no"):
        require_sound(tmp_path / name / "sr.dcm", validate, tmp_path / "source" / "picture.dcm")


def test_lengths_on_a_detector_say_so(opened, tmp_path):
    image = opened("DX")
    write(reading_of(image), image, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "mm (detector plane)" in page
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["image"]["calibration"]["class"] == "detector plane"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: {"segments": PictureMask(np.zeros((ROWS, COLUMNS + 1), np.uint8))}, "not on the grid"),
        (lambda r: {"marks": (ImageRegion(Shape.POINT, ((400.0, 2.0),)),)}, "outside the picture"),
        (lambda r: {"marks": (ImageRegion(Shape.POINT, ((4.0, 2.0),), 3),)}, "outside the picture"),
        (
            lambda r: {"findings": (replace(r.findings[0], region=None, point_lps=(0.0, 0.0, 0.0)), r.findings[1])},
            "has no region",
        ),
    ],
)
def test_what_does_not_fit_the_picture_is_refused(change, words, opened, tmp_path):
    image = opened("DX")
    reading = reading_of(image)
    with pytest.raises(IntegrityError, match=words):
        write(replace(reading, **change(reading)), image, tmp_path / "out")
    assert not (tmp_path / "out").exists()
