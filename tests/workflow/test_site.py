"""A site file at work: what it changes in a reading, in the files, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import overread
from overread.cli import group
from overread.cli.outcome import run
from overread.errors import ExitCode, IntegrityError, UsageError
from overread.models import Gain, QuestionCalibration, SiteFile
from overread.workflow.site import with_site

TASK = "chest_xray_triage"
CLASSES = ("normal", "abnormal")
SHOWN = {"frame": Gain(0.2, 0.1, 0.3), "thumbnail": Gain(0.3, 0.2, 0.4)}


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return overread.simulate(TASK, tmp_path_factory.mktemp("site") / "phantom", seed=2).series


@pytest.fixture(scope="module")
def plain(film):
    """The reading without a site file."""
    return overread.analyze(film).reading


def calibration(gains=SHOWN) -> QuestionCalibration:
    """From 120 cases with good probabilities."""
    rng = np.random.default_rng(0)
    truth = np.tile([0, 1], 60)
    odds = 3 * (2 * truth - 1) + rng.normal(0, 1, 120)
    p = 1 / (1 + np.exp(-odds))
    return QuestionCalibration.fit(CLASSES, np.column_stack([1 - p, p]), truth, miss_rate=0.1, gains=gains)


def site_for(reading, **changes) -> SiteFile:
    made_by = reading.provenance
    values = {"task": TASK, "task_version": made_by.task_version, "weights": made_by.weights, "cases": "00", "n": 120}
    return SiteFile(**{**values, **changes}, questions={"triage": changes.get("question") or calibration()})


def number(reading, name):
    return next(m for m in reading.measurements if m.name == name)


def label(reading, name="triage"):
    return next(d for d in reading.labels if d.name == name)


def test_without_a_site_file_nothing_is_decided(plain):
    assert label(plain).value == "needs_a_reader"
    assert "no site has calibrated" in label(plain).text
    p = [number(plain, f"triage_{name}").value for name in CLASSES]
    assert sum(p) == pytest.approx(1)
    assert 0 <= number(plain, "triage_control_frame").value <= 1


def test_with_it_probabilities_are_those_of_the_calibration_and_one_class_may_be_left(plain):
    site = site_for(plain)
    given = {name: number(plain, f"triage_{name}").value for name in CLASSES}
    answer = site.questions["triage"].apply(given)
    reading = with_site(plain, site)
    for name in CLASSES:
        assert number(reading, f"triage_{name}").value == answer.probabilities[name]
        assert number(reading, f"triage_{name}").interval is None  # Venn-Abers limits are no 95 % interval
        low, high = (number(reading, f"triage_{name}_{end}") for end in ("at_least", "at_most"))
        assert (low.value, high.value) == answer.intervals[name]
        assert "not a 95 % interval" in low.method
    (only,) = answer.possible
    assert label(reading).value == only
    assert label(reading, "view") == label(plain, "view")
    assert reading.provenance.device_uid == site.device_uid != plain.provenance.device_uid
    assert reading.provenance.plan["site_file"] == {"sha256": site.sha256, "patients": 120}


def test_several_classes_or_none_need_a_reader(plain):
    sharp = calibration()
    blurred = replace(sharp, sets=replace(sharp.sets, thresholds=(2.0, 2.0)))
    reading = with_site(plain, replace(site_for(plain), questions={"triage": blurred}))
    assert label(reading).value == "needs_a_reader"
    assert set(label(reading).also) == set(CLASSES)
    never = replace(blurred, sets=replace(blurred.sets, thresholds=(-1.0, -1.0)))
    reading = with_site(plain, replace(site_for(plain), questions={"triage": never}))
    assert label(reading).value == "needs_a_reader"
    assert "resembles no class" in label(reading).text


def test_no_gain_over_a_control_no_decision(plain):
    gains = {**SHOWN, "frame": Gain(0.05, -0.01, 0.1)}
    reading = with_site(plain, replace(site_for(plain), questions={"triage": calibration(gains)}))
    assert label(reading).value == "needs_a_reader"
    assert "no gain over frame alone" in label(reading).text
    assert any("no gain over frame alone" in caveat for caveat in reading.caveats)


def test_another_task_and_other_weights_are_refused(plain, film):
    with pytest.raises(UsageError, match="of the task other"):
        with_site(plain, site_for(plain, task="other"))
    with pytest.raises(IntegrityError, match="other weights"):
        with_site(plain, site_for(plain, weights={"heads.npz": "00"}))
    with pytest.raises(UsageError, match="not of chest_xray_view"):
        overread.analyze(film, task="chest_xray_view", site=site_for(plain))
    unknown = replace(site_for(plain), questions={"colour": calibration()})
    with pytest.raises(IntegrityError, match="no probabilities for the classes of colour"):
        with_site(plain, unknown)


def test_it_is_written_validated_and_repeated(plain, film, tmp_path):
    path = tmp_path / "site.json"
    path.write_bytes(site_for(plain).to_bytes())
    out = tmp_path / "out"
    assert run(group.cli, ["analyze", str(film), "--site", str(path), "-o", str(out), "-q"]) == ExitCode.DONE
    result = json.loads((out / "result.json").read_text())
    names = {m["name"] for m in result["measurements"]}
    assert {"triage_abnormal", "triage_abnormal_at_least", "triage_abnormal_at_most"} <= names
    assert site_for(plain).device_uid in json.dumps(result)
    assert overread.validate(out, against=film).sound
    assert overread.verify(out).sound
    assert "Calibrated on 120 patients of one site" in (out / "report.html").read_text()


def test_the_command_says_what_is_wrong_with_the_file(plain, film, tmp_path, capsys):
    path = tmp_path / "site.json"
    assert run(group.cli, ["analyze", str(film), "--site", str(path), "-q"]) == ExitCode.INPUT
    path.write_bytes(site_for(plain).to_bytes().replace(b'"n": 120', b'"n": 121'))
    assert run(group.cli, ["analyze", str(film), "--site", str(path), "-q"]) == ExitCode.INTEGRITY
    path.write_bytes(site_for(plain, task="chest_xray_view").to_bytes())
    assert run(group.cli, ["analyze", str(film), "--site", str(path), "--task", TASK, "-q"]) == ExitCode.USAGE
    assert "--task chest_xray_view" in capsys.readouterr().err
