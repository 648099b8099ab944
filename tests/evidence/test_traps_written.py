"""What is found on files with a trap of geometry is written where it is: the object again, from seg.dcm alone."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest

from overread import validate
from overread.evidence import read_result, write
from overread.evidence.check import Level
from overread.evidence.check.seg_check import CheckedSeg
from overread.evidence.check.sources import Sources, SourceSeries
from overread.findings import Finding, Interval, Measurement, Provenance, Reading, Scope, ScopeAnswer
from overread.findings.codes import ABNORMAL_STRUCTURE, NODULE
from overread.image import LabelMap
from overread.io import open_study
from overread.phantoms.traps import TRAPS

CURED = [trap for trap in TRAPS if trap.cure is not None]
HALF_HU = 100.5
LOST_TO_UNEVEN_SLICES = 2.5
"""Percent of the volume by which a mask may change when it is laid on slices that lie unevenly; the results say it."""


def centroid_of(frames, series):
    """Centroid of segment 1 in mm, each pixel as wide as its slice of the source is."""
    total, moment = 0.0, np.zeros(3)
    for frame in frames:
        points = frame.points_lps(frame.pixels[1])
        nearest = int(np.linalg.norm(series.positions - frame.position_lps, axis=1).argmin())
        total += len(points) * series.widths_mm[nearest]
        moment += points.sum(axis=0) * series.widths_mm[nearest]
    return moment / total


@pytest.mark.parametrize("trap", CURED, ids=[trap.name for trap in CURED])
def test_volume_and_centroid_come_back_from_the_written_segment(trap, tmp_path):
    trap.write(tmp_path / "scan")
    study = open_study(tmp_path / "scan")
    image = study.series[0].load_volume(policy=trap.cure)
    inside = LabelMap((image.array >= HALF_HU).astype(np.uint8), image.grid)
    volume = inside.volume_mm3(1)
    x, y, z = (float(v) for v in inside.centroid_lps(1))
    finding = Finding(
        number=1,
        kind=NODULE,
        category=ABNORMAL_STRUCTURE,
        label="target",
        point_lps=(x, y, z),
        tracking_uid="2.25.31",
        measurements=(Measurement("volume", volume, "mm3", Interval(0.98 * volume, 1.02 * volume), "half contrast"),),
    )
    reading = Reading(
        provenance=Provenance("trap", "1", device_uid="2.25.4242"),
        title="Target",
        assessable=True,
        scope=Scope(ScopeAnswer.YES),
        source=image.source,
        verdict=image.verdict,
        findings=(finding,),
        segments=inside,
    )
    write(reading, image, tmp_path / "out")

    path = tmp_path / "out" / "seg.dcm"
    checked = CheckedSeg(path, pydicom.dcmread(path), Sources([study]))
    centroid = centroid_of(checked.seg.frames, SourceSeries(study.series[0]))
    (loss,) = read_result(tmp_path / "out")["source_frames"]["loss"]
    assert checked.sizes[1].volume_mm3 == pytest.approx(volume * (1 + loss["volume_percent"] / 100), rel=0.002)
    assert abs(loss["volume_percent"]) <= (LOST_TO_UNEVEN_SLICES if image.verdict.repaired else 0.2)
    if not image.verdict.repaired:
        assert checked.sizes[1].volume_mm3 == pytest.approx(trap.target.volume_mm3, rel=0.01)
    assert np.linalg.norm(centroid - trap.target.centre_lps) <= 0.5
    whole = validate(tmp_path / "out", against=tmp_path / "scan", outside=False)
    assert whole.count(Level.ERROR) == 0, whole.to_dict()
