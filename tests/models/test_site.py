"""Site files: calibration bound to the weights it belongs to."""

import json

import numpy as np
import pytest

from overread.errors import InputError, IntegrityError, UsageError
from overread.models import QuestionCalibration, SiteFile, Temperature, VennAbers
from overread.models.conformal import fit_class_sets

WEIGHTS = {"net.onnx": "ab" * 32}
CLASSES = ("normal", "abnormal")


def site(seed=0, n=80, **changes):
    rng = np.random.default_rng(seed)
    p = rng.random(n)
    truth = (rng.random(n) < p).astype(int)
    table = np.column_stack([1 - p, p])
    question = QuestionCalibration(
        CLASSES,
        Temperature(1.5),
        (VennAbers.from_cases(1 - p, 1 - truth), VennAbers.from_cases(p, truth)),
        fit_class_sets(table, truth, CLASSES, miss_rate=0.1),
    )
    values = {"task": "toy", "task_version": "1.0", "weights": WEIGHTS, "cases": "00", "n": n}
    return SiteFile(**{**values, **changes}, questions={"triage": question})


def write(tmp_path, data):
    path = tmp_path / "site.json"
    path.write_bytes(data)
    return path


def test_written_and_read_it_answers_the_same(tmp_path):
    made = site()
    read = SiteFile.read(write(tmp_path, made.to_bytes()))
    assert read.device_uid == made.device_uid
    for p in (0.0, 0.2, 0.77, 1.0):
        one, other = (s.questions["triage"].apply({"normal": 1 - p, "abnormal": p}) for s in (made, read))
        assert one == other
        assert sum(one.probabilities.values()) == pytest.approx(1)
        for name, value in one.probabilities.items():
            low, high = one.intervals[name]
            assert 0 <= low <= value <= high <= 1


def test_same_cases_same_bytes_and_another_calibration_another_device():
    assert site().to_bytes() == site().to_bytes()
    assert len({site(seed).device_uid for seed in range(4)}) == 4
    assert site(task_version="1.1").device_uid != site().device_uid


def test_infinite_thresholds_survive(tmp_path):
    made = site(n=6)
    assert made.questions["triage"].sets.thresholds[0] == float("inf")
    read = SiteFile.read(write(tmp_path, made.to_bytes()))
    assert read.questions["triage"].sets.thresholds == made.questions["triage"].sets.thresholds


@pytest.mark.parametrize("weights", [{"net.onnx": "cd" * 32}, {}, {**WEIGHTS, "more.onnx": "00"}])
def test_other_weights_are_refused(tmp_path, weights):
    with pytest.raises(IntegrityError, match="other weights"):
        SiteFile.read(write(tmp_path, site().to_bytes())).require_weights("toy", weights)
    with pytest.raises(UsageError, match="of the task toy"):
        site().require_weights("other", WEIGHTS)
    site().require_weights("toy", WEIGHTS)


def test_a_changed_file_is_refused(tmp_path):
    table = json.loads(site().to_bytes())
    table["questions"]["triage"]["temperature"]["value"] = 1.4
    with pytest.raises(IntegrityError, match="changed after it was made"):
        SiteFile.read(write(tmp_path, json.dumps(table).encode()))


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"format": "overread.site", "format_version": "9"}'])
def test_what_is_no_site_file_is_refused(tmp_path, data):
    with pytest.raises(InputError):
        SiteFile.read(write(tmp_path, data))
    with pytest.raises(InputError, match="cannot be read"):
        SiteFile.read(tmp_path / "nothing.json")


def test_other_classes_are_refused():
    with pytest.raises(UsageError, match="expected"):
        site().questions["triage"].apply({"normal": 0.5, "odd": 0.5})
