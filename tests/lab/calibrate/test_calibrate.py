"""`overread calibrate` on a toy task that is overconfident by construction."""

import importlib
import json

import numpy as np
import pytest
from tests_lab_sets import read_rows, write_rows, write_set

from overread.cards import TrainingGroups
from overread.cli.outcome import run
from overread.errors import ExitCode, IntegrityError, UsageError
from overread.models import SiteFile
from overread_lab.calibrate import calibrate
from overread_lab.commands.calibrate import calibrate as command
from overread_lab.evaluate import evaluate

WEIGHTS = {"toy.npz": "ab" * 32}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("site") / "set", 160, seed=1)


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """New cases of the same site."""
    return write_set(tmp_path_factory.mktemp("others") / "set", 160, seed=2)


@pytest.fixture(scope="module")
def done(toy_task, site):
    return calibrate(toy_task, site)


@pytest.fixture(scope="module")
def answered(toy_task, others):
    """Truth and the task's own probabilities for the new cases."""
    light = next(q for q in evaluate(toy_task, others).document["questions"] if q["name"] == "light")
    return [(row["truth"], dict(zip(("night", "day"), row["probabilities"], strict=True))) for row in light["rows"]]


def test_new_cases_get_better_probabilities(done, answered):
    question = done.site.questions["light"]
    assert question.temperature.value > 1.3
    before = np.mean([-np.log(max(p[truth], 1e-7)) for truth, p in answered])
    after = np.mean([-np.log(question.apply(p).probabilities[truth]) for truth, p in answered])
    assert after < before - 0.05
    change = done.changes[0]
    assert change.after.log_loss < change.before.log_loss
    assert change.after.log_loss == pytest.approx(after, abs=0.1)  # the forecast is honest


def test_intervals_and_sets_keep_their_promise_on_new_cases(done, answered):
    answers = [(truth, done.site.questions["light"].apply(p)) for truth, p in answered]
    for _, answer in answers:
        assert sum(answer.probabilities.values()) == pytest.approx(1)
        assert all(low <= answer.probabilities[c] <= high for c, (low, high) in answer.intervals.items())
    held = np.mean([truth in answer.possible for truth, answer in answers])
    low, high = done.changes[0].coverage
    assert low < 0.9 < high
    assert low - 0.06 <= held <= high + 0.06  # 160 new cases: +-2 sd of a share is 0.05
    assert np.mean([len(answer.possible) for _, answer in answers]) < 1.9
    day = [answer.intervals["day"] for _, answer in answers]
    share = np.mean([truth == "day" for truth, _ in answered])
    assert np.mean([low for low, _ in day]) - 0.06 <= share <= np.mean([high for _, high in day]) + 0.06


def test_site_file_is_bound_to_the_weights(done, tmp_path):
    path = done.save(tmp_path / "site.json")
    read = SiteFile.read(path)
    assert read.device_uid == done.site.device_uid
    assert (read.task, read.n) == ("toy_brightness", 160)
    with pytest.raises(IntegrityError, match="other weights"):
        read.require_weights("toy_brightness", {"toy.npz": "cd" * 32})
    with pytest.raises(UsageError, match="exists"):
        done.save(path)


def test_same_cases_same_file(toy_task, site, done):
    assert calibrate(toy_task, site).site.to_bytes() == done.site.to_bytes()


def test_one_case_a_patient_is_used(toy_task, tmp_path):
    folder = write_set(tmp_path / "set", 180, a_patient=3)
    result = calibrate(toy_task, folder)
    assert (result.site.n, result.changes[0].patients) == (60, 60)
    assert sum(result.changes[0].cases.values()) == 180
    assert result.changes[0].cases["scored"] > 170


def test_too_few_patients_or_of_a_class_are_refused(toy_task, tmp_path, site):
    folder = write_set(tmp_path / "few", 49)
    with pytest.raises(UsageError, match="49 patients"):
        calibrate(toy_task, folder)
    lopsided = write_set(tmp_path / "lopsided", 60)
    rows = read_rows(lopsided)
    days = [row for row in rows if row["label"] == "day"]
    for row in days[9:]:
        row["label"] = "night"
    write_rows(lopsided, rows)
    with pytest.raises(UsageError, match="day 9"):
        calibrate(toy_task, lopsided)


def test_patients_from_training_are_refused(toy_task, site, monkeypatch):
    task = importlib.import_module(toy_task).TASK
    monkeypatch.setattr(task, "training_groups", TrainingGroups.of(["p007"], salt="s"))
    with pytest.raises(UsageError, match="were in training"):
        calibrate(toy_task, site)


def test_a_task_that_gives_half_its_probabilities_breaks_its_contract(toy_task, site, monkeypatch):
    module = importlib.import_module(toy_task)
    read = module.Brightness.read

    def halved(self, image, runtime, progress):
        reading = read(self, image, runtime, progress)
        kept = tuple(m for m in reading.measurements if m.name != "light_night")
        object.__setattr__(reading, "measurements", kept)
        return reading

    monkeypatch.setattr(module.Brightness, "read", halved)
    with pytest.raises(IntegrityError, match="sum to 1"):
        calibrate(toy_task, site)


def test_command_prints_what_changed(toy_task, site, tmp_path, capsys):
    arguments = [toy_task, "--data", str(site), "-o", str(tmp_path / "site.json"), "-q"]
    assert run(command, arguments) == ExitCode.DONE
    said = capsys.readouterr().out
    for words in ("temperature", "log loss", "device UID", "% of cases like these"):
        assert words in said
    assert run(command, arguments) == ExitCode.USAGE
    capsys.readouterr()
    assert run(command, [*arguments, "--overwrite", "--json"]) == ExitCode.DONE
    document = json.loads(capsys.readouterr().out)
    assert document["device_uid"] == json.loads((tmp_path / "site.json").read_text())["device_uid"]
    assert document["questions"][0]["before"]["log_loss"] > document["questions"][0]["after"]["log_loss"]
