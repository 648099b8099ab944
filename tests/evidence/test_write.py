"""The folder of one run: what is in it, that it is equal each time, and that nothing half-made is ever left."""

from __future__ import annotations

import csv
import dataclasses
import errno
import json
import math
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pydicom
import pytest
from PIL import Image

from overread.errors import IntegrityError, ResourceError, UsageError
from overread.evidence import SCHEMA, SegForm, check_manifest, differences, read_result, write
from overread.evidence.schema_check import KNOWN, first_violation
from overread.evidence.segments import voxels_by_label
from overread.findings import Interval, Measurement, ProbabilityMap
from overread.findings.codes import NODULE
from overread.image import LabelMap, Source

WRITER = sys.modules["overread.evidence.manifest"]


def left_in(folder: Path) -> list[str]:
    """Names in a folder but the source."""
    return sorted(path.name for path in folder.iterdir() if path.name != "source")


def test_all_files_are_there_and_the_manifest_agrees(case, tmp_path):
    files = write(case.reading, case.image, tmp_path / "out", inputs={"000.dcm": "ab"}, request={"task": "t"})
    names = {path.name for path in files}
    assert names == {
        "result.json", "findings.csv", "overlay.png", "mask.nii.gz",
        "seg.dcm", "sr.dcm", "report.html", "manifest.json",
    }  # fmt: skip
    assert all(path.is_file() for path in files)
    assert check_manifest(tmp_path / "out") == []
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["inputs"] == {"000.dcm": "ab"}
    assert manifest["request"] == {"task": "t"}
    assert sorted(read_result(tmp_path / "out")["files"]) == sorted(names)


def test_result_follows_the_published_schema_and_says_what_the_reading_says(case, tmp_path):
    write(case.reading, case.image, tmp_path / "out")
    result = read_result(tmp_path / "out")
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(result, SCHEMA)
    volume = result["findings"][0]["measurements"][0]
    assert volume["value"] == 1234.5678901234
    assert volume["interval"] == {"low": 1100.1, "high": 1400.7, "coverage": 0.95}
    assert volume["quality"] == ["thick_slices", "attached_to_pleura"]
    assert volume["components"][1] == {"name": "cut", "sd": 0.1, "log_scale": True}
    missing = next(m for m in result["findings"][0]["measurements"] if m["name"] == "solid_long_axis")
    assert missing["value"] is None
    assert missing["method"] == "no solid component"
    assert "detect" not in json.dumps(result)  # seconds stay out


def test_the_light_check_knows_every_keyword_of_the_schema():
    def keywords(rule: Any, *, is_rule: bool) -> set[str]:
        if not isinstance(rule, dict):
            return set()
        found = set(rule) if is_rule else set()
        for key, inner in rule.items():
            mapping = is_rule and key in {"properties", "$defs"}
            if isinstance(inner, dict) and key not in {"enum", "const"}:
                found |= keywords(inner, is_rule=not mapping)
        return found

    assert keywords(SCHEMA, is_rule=True) <= KNOWN


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda r: r.pop("findings"), "'findings' is missing"),
        (lambda r: r.update(extra=1), "'extra' is not part"),
        (lambda r: r["findings"][0].update(number="1"), "expected integer"),
        (lambda r: r["findings"][0].update(number=0), "below 1"),
        (lambda r: r["findings"][0].update(laterality="middle"), "expected one of"),
        (lambda r: r["findings"][0]["measurements"][0]["interval"].update(coverage=95), "not below 1"),
        (lambda r: r["findings"][0]["point_lps_mm"].append(1.0), "has 4 items"),
        (lambda r: r.update(assessable=1), "expected boolean"),
    ],
)
def test_a_result_that_breaks_the_schema_is_named(case, tmp_path, damage, words):
    write(case.reading, case.image, tmp_path / "out")
    result = read_result(tmp_path / "out")
    damage(result)
    assert words in first_violation(result, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(result, SCHEMA)
    (tmp_path / "out" / "result.json").write_text(json.dumps(result))
    with pytest.raises(IntegrityError, match="schema"):
        read_result(tmp_path / "out")


def test_read_result_explains_absence_and_other_versions(case, tmp_path):
    with pytest.raises(IntegrityError, match=r"no result\.json"):
        read_result(tmp_path)
    (tmp_path / "result.json").write_text('{"format_version": "9.9"}')
    with pytest.raises(IntegrityError, match=r"9\.9"):
        read_result(tmp_path)
    (tmp_path / "result.json").write_text("{")
    with pytest.raises(IntegrityError, match="cannot be read"):
        read_result(tmp_path)


def test_table_has_a_row_a_finding_and_no_zero_for_unknown(case, tmp_path):
    write(case.reading, case.image, tmp_path / "out")
    with (tmp_path / "out" / "findings.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["number"] for row in rows] == ["1", "2"]
    assert float(rows[0]["volume_mm3"]) == 1234.5678901234
    assert float(rows[0]["volume_mm3_low"]) == 1100.1
    assert float(rows[0]["mean_density_hu_high"]) == -3.25
    assert rows[0]["solid_long_axis_mm"] == ""
    assert rows[0]["solid_long_axis_quality"] == "not_measurable too_small"
    assert (rows[0]["lung_rads_2022"], rows[0]["lung_rads_2022_also"]) == ("3", "4A")


def test_same_reading_gives_same_bytes_on_another_day(case, tmp_path, monkeypatch):
    write(case.reading, case.image, tmp_path / "a")
    time.sleep(1.1)  # clocks inside DICOM tick in seconds
    write(dataclasses.replace(case.reading, seconds={"detect": 9.0}), case.image, tmp_path / "b")
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_another_reading_gets_other_uids(case, tmp_path):
    write(case.reading, case.image, tmp_path / "a")
    write(dataclasses.replace(case.reading, caveats=()), case.image, tmp_path / "b")
    a, b = (pydicom.dcmread(tmp_path / x / "sr.dcm").SOPInstanceUID for x in "ab")
    assert a != b


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientName", "ROE^RICHARD"),
        ("PatientID", "MRN0000"),
        ("PatientBirthDate", "19600101"),
        ("PatientSex", "M"),
        ("StudyDate", "20020304"),
        ("AccessionNumber", "A1"),
    ],
)
def test_another_patient_or_study_gets_other_uids(case, tmp_path, keyword, value):
    write(case.reading, case.image, tmp_path / "a")
    for path in case.reading.source.paths:
        ds = pydicom.dcmread(path)
        setattr(ds, keyword, value)
        ds.save_as(path)
    write(case.reading, case.image, tmp_path / "b")
    for name in ("seg.dcm", "sr.dcm"):
        a, b = (pydicom.dcmread(tmp_path / x / name) for x in "ab")
        assert a.SOPInstanceUID != b.SOPInstanceUID
        assert a.SeriesInstanceUID != b.SeriesInstanceUID


def test_no_name_number_or_birth_date_outside_the_dicom_files(case, tmp_path):
    files = write(case.reading, case.image, tmp_path / "out")
    for path in files:
        if path.suffix == ".dcm":
            continue
        raw = path.read_bytes().lower()
        for secret in (rb"\bdoe\b", b"jane", b"mrn4711", b"19500203", b"1950-02-03"):
            assert re.search(secret, raw) is None, (path.name, secret)
    assert read_result(tmp_path / "out")["source"]["facts"]["series_description"] == "(withheld)"


def test_no_finding_gives_an_empty_mask_and_no_seg(case, tmp_path):
    reading = dataclasses.replace(case.reading, findings=(), segments=None)
    names = {path.name for path in write(reading, case.image, tmp_path / "out")}
    assert "mask.nii.gz" in names
    assert "seg.dcm" not in names
    result = read_result(tmp_path / "out")
    assert result["not_written"] == [{"file": "seg.dcm", "reason": "there is no finding"}]
    assert (tmp_path / "out" / "findings.csv").read_text().count("\n") == 1


def test_array_source_has_no_dicom_and_says_why(case, tmp_path):
    source = Source(kind="array")
    reading = dataclasses.replace(case.reading, source=source)
    names = {path.name for path in write(reading, case.image, tmp_path / "out")}
    assert not {"seg.dcm", "sr.dcm"} & names
    assert {row["file"] for row in read_result(tmp_path / "out")["not_written"]} == {"seg.dcm", "sr.dcm"}


def test_manifest_check_names_missing_changed_and_extra(case, tmp_path):
    out = tmp_path / "out"
    write(case.reading, case.image, out)
    (out / "findings.csv").unlink()
    (out / "result.json").write_text("{}")
    (out / "stray.txt").write_text("x")
    assert {(d.kind, d.path) for d in differences(out)} == {
        ("missing", "findings.csv"),
        ("changed", "result.json"),
        ("extra", "stray.txt"),
    }
    assert check_manifest(out)[0].startswith("findings.csv is missing")
    (out / "manifest.json").write_text("[]")
    with pytest.raises(IntegrityError, match=r"not an overread\.manifest"):
        check_manifest(out)
    (out / "manifest.json").unlink()
    with pytest.raises(IntegrityError, match="no manifest"):
        check_manifest(out)


def test_existing_folder_is_refused_and_replaced_only_on_request(case, tmp_path):
    out = tmp_path / "out"
    write(case.reading, case.image, out)
    before = (out / "result.json").read_bytes()
    with pytest.raises(UsageError, match="exists") as caught:
        write(case.reading, case.image, out)
    assert "overwrite" in caught.value.way_out
    changed = dataclasses.replace(case.reading, caveats=("Another.",))
    write(changed, case.image, out, overwrite=True)
    assert (out / "result.json").read_bytes() != before
    assert left_in(tmp_path) == ["out"]


def test_overwrite_never_removes_what_we_did_not_write(case, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="not written by overread"):
        write(case.reading, case.image, out, overwrite=True)
    (out / "thesis.txt").unlink()
    write(case.reading, case.image, out, overwrite=True)
    (out / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match=r"thesis\.txt"):
        write(case.reading, case.image, out, overwrite=True)
    assert (out / "thesis.txt").exists()
    assert left_in(tmp_path) == ["out"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), ResourceError),
        (PermissionError(errno.EACCES, "Permission denied"), UsageError),
        (OSError(errno.EIO, "Input/output error"), ResourceError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (IntegrityError("differs"), IntegrityError),
    ],
)
def test_any_failure_in_mid_write_leaves_nothing(case, tmp_path, monkeypatch, error, expected):
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(WRITER, "write_manifest", fail)
    with pytest.raises(expected):
        write(case.reading, case.image, tmp_path / "deep" / "er" / "out")
    assert left_in(tmp_path) == []


def test_failed_overwrite_keeps_the_old_result(case, tmp_path, monkeypatch):
    out = tmp_path / "out"
    write(case.reading, case.image, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(WRITER, "write_manifest", fail)
    with pytest.raises(ResourceError, match="disk is full"):
        write(case.reading, case.image, out, overwrite=True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert left_in(tmp_path) == ["out"]


def test_a_real_full_disk_is_a_resource_error(case, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=24k", "tmpfs", disk], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("needs the right to mount a tmpfs")
    try:
        with pytest.raises(ResourceError, match="disk is full"):
            write(case.reading, case.image, disk / "out")
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)


KILLED = """
import os, sys, signal, pickle
from pathlib import Path
import overread.evidence
module = sys.modules["overread.evidence.manifest"]
def die(*a, **k):
    os.kill(os.getpid(), signal.SIGKILL)
module.write_manifest = die
reading, image = pickle.loads(Path(sys.argv[1]).read_bytes())
overread.evidence.write(reading, image, Path(sys.argv[2]))
"""


def test_kill_9_leaves_no_result_and_the_next_run_tidies_up(case, tmp_path):
    (tmp_path / "case.pkl").write_bytes(pickle.dumps((case.reading, case.image)))
    done = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path / "case.pkl", tmp_path / "out"], check=False, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not (tmp_path / "out").exists()
    assert any(name.startswith(".out.partial-") for name in left_in(tmp_path))
    write(case.reading, case.image, tmp_path / "out")
    assert left_in(tmp_path) == ["case.pkl", "out"]


def test_a_result_caught_between_two_renames_comes_back(case, tmp_path):
    out = tmp_path / "out"
    write(case.reading, case.image, out)
    dead = subprocess.Popen(["true"])
    dead.wait()
    out.rename(tmp_path / f".out.old-{dead.pid}")
    with pytest.raises(UsageError, match="exists"):
        write(case.reading, case.image, out)
    assert check_manifest(out) == []


def test_callers_mistakes_are_found_before_anything_is_written(case, tmp_path):
    two = dataclasses.replace(case.reading, findings=(case.reading.findings[0],) * 2)
    with pytest.raises(IntegrityError, match="share a number"):
        write(two, case.image, tmp_path / "out")
    one = dataclasses.replace(case.reading, findings=case.reading.findings[:1])
    with pytest.raises(IntegrityError, match=r"segments \[2\]"):
        write(one, case.image, tmp_path / "out")
    moved = LabelMap(case.image.array[1:] * 0, case.image.grid.crop((1, 0, 0), (8, 28, 30)))
    with pytest.raises(IntegrityError, match="not on the grid"):
        write(dataclasses.replace(case.reading, segments=moved), case.image, tmp_path / "out")
    assert left_in(tmp_path) == []


def test_infinite_limits_become_null(case, tmp_path):
    m = Measurement("volume", 5.0, "mm3", Interval(4.0, math.inf), "lower bound")
    finding = dataclasses.replace(case.reading.findings[0], measurements=(m,))
    reading = dataclasses.replace(case.reading, findings=(finding, case.reading.findings[1]))
    write(reading, case.image, tmp_path / "out")
    assert read_result(tmp_path / "out")["findings"][0]["measurements"][0]["interval"]["high"] is None


def test_numpy_numbers_are_written_as_numbers(case, tmp_path):
    plan = {"a": np.float32(0.5), "b": np.arange(2), "c": (1, float("nan"))}
    provenance = dataclasses.replace(case.reading.provenance, plan=plan)
    write(dataclasses.replace(case.reading, provenance=provenance), case.image, tmp_path / "out")
    assert read_result(tmp_path / "out")["provenance"]["plan"] == {"a": 0.5, "b": [0, 1], "c": [1, None]}


def test_form_of_the_segmentation_is_parsed_or_refused():
    assert SegForm.parse("labelmap") is SegForm.LABELMAP
    with pytest.raises(UsageError, match="unknown form"):
        SegForm.parse("fractional")


def test_labelled_voxels_are_those_that_argwhere_finds():
    rng = np.random.default_rng(8)
    labels = np.where(rng.random((6, 7, 5)) < 0.2, rng.integers(1, 4, (6, 7, 5)), 0).astype(np.uint8)
    labels[2] = 0
    for view in (labels, labels[::-1].transpose(2, 0, 1), labels * 0):
        found = voxels_by_label(view)
        assert list(found) == sorted(set(view[view > 0].tolist()))
        for label, where in found.items():
            assert np.array_equal(where, np.argwhere(view == label))


def test_a_folder_that_another_run_finished_first_is_kept(case, tmp_path, monkeypatch):
    out = tmp_path / "out"
    keep = WRITER.write_manifest

    def be_late(folder: Path, *args: object, **options: object) -> Path:
        out.mkdir()
        (out / "theirs.txt").write_text("done first")
        return keep(folder, *args, **options)

    monkeypatch.setattr(WRITER, "write_manifest", be_late)
    with pytest.raises(UsageError, match="meanwhile"):
        write(case.reading, case.image, out)
    assert [path.name for path in out.iterdir()] == ["theirs.txt"]
    assert left_in(tmp_path) == ["out"]


def test_a_folder_that_may_not_be_written_is_a_usage_error(case, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="cannot write there"):
        write(case.reading, case.image, tmp_path / "file" / "out")
    with pytest.raises(UsageError, match="not a folder"):
        write(case.reading, case.image, tmp_path / "file", overwrite=True)
    with pytest.raises(UsageError, match="cannot write there"):
        write(case.reading, case.image, tmp_path / ("x" * 300))


def test_a_map_of_probabilities_becomes_a_fractional_segmentation(case, tmp_path):
    p = np.where(case.reading.segments.array > 0, 0.75, 0.0).astype(np.float32)
    probability = ProbabilityMap(p, NODULE, "nodule", "2.25.991")
    reading = dataclasses.replace(case.reading, probability=probability)
    write(reading, case.image, tmp_path / "out")
    assert "probability.dcm" in {one["file"] for one in read_result(tmp_path / "out")["read_back"]}
    empty = dataclasses.replace(reading, probability=dataclasses.replace(probability, array=0 * p))
    write(empty, case.image, tmp_path / "empty")
    (skipped,) = [one for one in read_result(tmp_path / "empty")["not_written"] if one["file"] == "probability.dcm"]
    assert "every frame would be empty" in skipped["reason"]
    wrong = dataclasses.replace(probability, array=p[1:])
    with pytest.raises(IntegrityError, match="map of probabilities"):
        write(dataclasses.replace(reading, probability=wrong), case.image, tmp_path / "wrong")


def test_the_overlay_as_secondary_capture_shows_the_same_picture(case, tmp_path):
    write(case.reading, case.image, tmp_path / "out", secondary_capture=True)
    capture = pydicom.dcmread(tmp_path / "out" / "overlay.dcm")
    with Image.open(tmp_path / "out" / "overlay.png") as overlay:
        np.testing.assert_array_equal(capture.pixel_array, np.array(overlay))
