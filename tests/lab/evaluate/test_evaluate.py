"""`overread evaluate` on a toy task over phantom pictures written as PNG."""

import base64
import hashlib
import importlib
import json
import re

import jsonschema
import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, roc_auc_score
from tests_lab_sets import read_rows, write_rows, write_set

from overread.cards import TrainingGroups
from overread.cli.outcome import run
from overread.errors import ExitCode, InputError, IntegrityError, UsageError
from overread_lab.commands.evaluate import evaluate as command
from overread_lab.evaluate import evaluate
from overread_lab.evaluate.document import SCHEMA


@pytest.fixture
def pictures(tmp_path):
    """A set of its own, to be changed."""
    return write_set(tmp_path / "set", 40)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A set that nobody changes."""
    return write_set(tmp_path_factory.mktemp("sound") / "set", 60)


@pytest.fixture(scope="module")
def done(toy_task, sound):
    """Its evaluation."""
    return evaluate(toy_task, sound)


@pytest.fixture(scope="module")
def saved(done, tmp_path_factory):
    """The folder that it was saved to."""
    out = tmp_path_factory.mktemp("saved") / "out"
    done.save(out)
    return out


@pytest.fixture
def light_only(toy_task, monkeypatch):
    """The toy asks its first question only: quicker."""
    task = toy(toy_task)
    monkeypatch.setattr(task, "questions", task.questions[:1])
    return toy_task


def toy(toy_task):
    return importlib.import_module(toy_task).TASK


def question(document, name):
    return next(q for q in document["questions"] if q["name"] == name)


def figure(question_, name):
    return next(f for f in question_["figures"] if f["name"] == name)


def test_figures_agree_with_scikit_learn_on_the_same_answers(done):
    light = question(done.document, "light")
    truth = np.array([row["truth"] == "day" for row in light["rows"]])
    p = np.array([row["probabilities"][1] for row in light["rows"]])
    answer = np.array([row["answer"] == "day" for row in light["rows"]])
    assert 0.6 < roc_auc_score(truth, p) < 1  # the toy is neither useless nor perfect
    assert light["figures"][0]["name"] == "area under the ROC curve"
    assert light["figures"][0]["value"] == pytest.approx(roc_auc_score(truth, p))
    assert light["figures"][0]["method"] == "DeLong, logit scale"
    assert figure(light, "balanced accuracy")["value"] == pytest.approx(balanced_accuracy_score(truth, answer))
    assert figure(light, "Brier score")["value"] == pytest.approx(brier_score_loss(truth, p))
    assert figure(light, "calibration slope")["value"] < 0.8  # it is overconfident by construction
    low, value, high = (figure(light, "balanced accuracy")[key] for key in ("low", "value", "high"))
    assert low < value < high


def test_truth_of_the_manifest_is_what_is_compared_with(done, sound):
    rows = {row["case"]: row for row in read_rows(sound)}
    document = done.document
    assert all(row["truth"] == rows[row["case"]]["label"] for row in question(document, "light")["rows"])
    level = question(document, "level")
    assert all(row["truth"] == float(rows[row["case"]]["level"]) for row in level["rows"])
    assert figure(level, "mean absolute error")["value"] < 3
    kept = figure(level, "share of 95 % intervals that hold the truth")
    assert 0.85 < kept["value"] <= 1  # errors have an sd of 2, the interval is +-1.96 sd
    assert figure(level, "median width of 95 % intervals")["value"] == pytest.approx(7.84)


def test_masks_and_findings_are_scored(done):
    document = done.document
    lamp = question(document, "lamp")
    assert figure(lamp, "mean Dice")["value"] == pytest.approx(1)
    assert figure(lamp, "HD95 of object, px")["value"] == 0
    lamps = question(document, "lamps")
    assert figure(lamps, "sensitivity at 1 false positives a scan")["value"] == 1
    assert figure(lamps, "false positives a scan, of all that was reported")["value"] == 0


def test_worse_masks_score_as_computed_by_hand(toy_task, pictures):
    rows = read_rows(pictures)
    path = pictures / rows[0]["mask"]
    mask = np.asarray(Image.open(path)).copy()
    shifted = np.roll(mask, 2, axis=1)
    Image.fromarray(shifted).save(path)
    lamp = question(evaluate(toy_task, pictures).document, "lamp")
    row = next(r for r in lamp["rows"] if r["case"] == rows[0]["case"])["rows"][0]
    assert row["dice"] == pytest.approx(2 * (mask & shifted).sum() / (mask.sum() + shifted.sum()))
    assert row["hd95"] <= 2
    assert lamp["worst"][0]["case"] == rows[0]["case"]


def test_every_case_is_counted_once_with_its_reason(toy_task, pictures):
    rows = read_rows(pictures)
    rows[0]["label"] = "dusk"
    rows[1]["label"] = ""
    Image.fromarray(np.full((64, 64), 90, np.uint8)).save(pictures / rows[2]["image"])
    (pictures / rows[3]["image"]).write_bytes(b"no picture at all")
    flat = np.full((64, 64), 128, np.uint8)
    flat[::2, ::2], flat[1::2, 1::2] = 138, 118
    Image.fromarray(flat).save(pictures / rows[4]["image"])
    rows[5]["mask"] = ""
    write_rows(pictures, rows)
    document = evaluate(toy_task, pictures).document
    light = question(document, "light")
    assert light["cases"] == {"scored": 35, "excluded": 2, "unreadable": 1, "refused": 1, "abstained": 1}
    held = {(row["status"], row["reason"]) for row in light["held_back"]}
    assert {("excluded", "label is dusk"), ("excluded", "label is empty"), ("refused", "blank")} <= held
    assert ("abstained", "no answer") in held
    answered, forced = figure(light, "cases answered"), figure(light, "accuracy, no answer counts as wrong")
    assert (answered["n"], answered["value"]) == (38, pytest.approx(35 / 38))
    right = sum(row["truth"] == row["answer"] for row in light["rows"])
    assert forced["value"] == pytest.approx(right / 38)
    assert any(status == "unreadable" for status, _ in held)
    assert all(sum(q["cases"].values()) == 40 for q in document["questions"])
    assert ("excluded", "no mask") in {(r["status"], r["reason"]) for r in question(document, "lamp")["held_back"]}
    parts = {(s["column"], s["value"]): s for s in light["subgroups"]}
    assert sum(parts["source", v]["cases"]["refused"] for v in ("north", "south")) == 1


def test_no_group_is_shown(done, saved):
    """A group may be the ID of a patient."""
    groups = {row["group"] for row in question(done.document, "light")["rows"]}
    assert all(group.startswith("patient ") for group in groups)
    assert len(groups) == question(done.document, "light")["cases"]["scored"]
    for path in saved.iterdir():
        assert "p017" not in path.read_text(encoding="utf-8")


def test_subgroups_cover_all_cases(done):
    light = question(done.document, "light")
    sizes = {}
    for part in light["subgroups"]:
        sizes[part["column"]] = sizes.get(part["column"], 0) + sum(part["cases"].values())
    assert sizes == {"source": 60, "label": 60, "sex": 60, "age": 60}
    ages = [part["value"] for part in light["subgroups"] if part["column"] == "age"]
    assert sorted(ages) == ["18 to 39", "40 to 64", "65 to 79"]
    only_day = next(part for part in light["subgroups"] if part["value"] == "day")
    assert only_day["figure"]["name"] == "accuracy"  # an area under the curve has no meaning there


def test_several_pictures_a_patient_are_drawn_together(light_only, tmp_path):
    folder = write_set(tmp_path / "set", 60, a_patient=5)
    document = evaluate(light_only, folder).document
    assert document["data"]["groups"] == 12
    first = question(document, "light")["figures"][0]
    assert "bootstrap over 12 patients" in first["method"]
    accuracy = figure(question(document, "light"), "accuracy")
    assert "bootstrap" in accuracy["method"]


def test_document_is_sound_and_repeats(toy_task, sound, done):
    first = done.document
    assert first == evaluate(toy_task, sound).document
    jsonschema.Draft202012Validator(SCHEMA).validate(first)
    assert first["task"]["weights"] == {"toy.npz": "ab" * 32}
    assert first["data"]["manifest_sha256"] == hashlib.sha256((sound / "manifest.csv").read_bytes()).hexdigest()


def test_leakage_is_found_by_hashed_groups(light_only, pictures, done, monkeypatch):
    document = done.document
    assert not document["leakage"]["possible"]
    assert "cannot be told" in document["leakage"]["words"]
    monkeypatch.setattr(toy(light_only), "training_groups", TrainingGroups.of(["p003", "p004", "elsewhere"], salt="s"))
    document = evaluate(light_only, pictures).document
    assert document["leakage"]["trained_on"] == ["c003", "c004"]
    assert "flatter" in document["leakage"]["words"]
    parts = {part["value"]: part for part in question(document, "light")["subgroups"] if part["column"] == "training"}
    assert parts["in training"]["cases"]["scored"] == 2
    assert parts["never seen"]["cases"]["scored"] == question(document, "light")["cases"]["scored"] - 2


def test_the_same_file_under_two_patients_is_told(light_only, pictures):
    rows = read_rows(pictures)
    (pictures / rows[1]["image"]).write_bytes((pictures / rows[0]["image"]).read_bytes())
    assert evaluate(light_only, pictures).document["leakage"]["twins"] == [["c000", "c001"]]


def test_two_runs_are_compared_case_by_case(toy_task, sound, saved, monkeypatch):
    same = evaluate(toy_task, sound, against=saved / "evaluation.json").document["against"]
    light = next(row for row in same["questions"] if row["question"] == "light")
    assert (light["difference"], light["p"]) == (0, 1)
    module = importlib.import_module(toy_task)
    monkeypatch.setattr(module.Brightness, "read", worse(module.Brightness.read))
    monkeypatch.setattr("overread_lab.evaluate.against.PERMUTATIONS", 500)
    against = evaluate(toy_task, sound, against=saved / "evaluation.json").document["against"]
    light = next(row for row in against["questions"] if row["question"] == "light")
    assert light["figure"] == "area under the ROC curve"
    assert light["difference"] < -0.1
    assert light["high"] < 0
    assert light["p"] < 0.05
    assert light["p"] <= light["p_holm"] <= 4 * light["p"]


def worse(read):
    """The same task on pictures whose brightness is hidden by a pattern of the file's bytes."""

    def spoiled(self, image, runtime, progress):
        digest = hashlib.sha256(image.source.paths[0].name.encode()).digest()
        changed = type(image)(image.array, image.scale, image.intensity, image.source, image.verdict)
        moved = np.clip(image.array.astype(float) + (digest[0] - 128) / 2, 0, 255).astype(np.uint8)
        object.__setattr__(changed, "array", np.where(image.array > 210, image.array, np.minimum(moved, 200)))
        return read(self, changed, runtime, progress)

    return spoiled


def test_another_set_is_not_compared(light_only, pictures, tmp_path):
    evaluate(light_only, pictures).save(tmp_path / "before")
    rows = read_rows(pictures)
    rows[0]["label"] = "day" if rows[0]["label"] == "night" else "night"
    write_rows(pictures, rows)
    with pytest.raises(UsageError, match="truth of 1 cases differs"):
        evaluate(light_only, pictures, against=tmp_path / "before/evaluation.json")


@pytest.mark.parametrize("text", ["", "{}", '{"format": "overread.evaluation"}'])
def test_what_is_no_evaluation_is_refused(toy_task, pictures, tmp_path, text):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises((InputError, IntegrityError)):
        evaluate(toy_task, pictures, against=path)


def test_page_holds_everything_and_allows_nothing_else(saved):
    page = (saved / "report.html").read_text(encoding="utf-8")
    assert {path.name for path in saved.iterdir()} == {"evaluation.json", "report.html"}
    for words in ("ROC.", "Reliability.", "Decision curve.", "Bland-Altman.", "FROC.", "What went worst", "sex: F"):
        assert words in page, words
    assert "Research use only" in page
    policy = re.search(r"style-src ([^;]+);", page)[1]
    styles = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    allowed = {f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in styles}
    assert set(policy.split()) == allowed
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", page)
    assert "style=" not in page
    assert page.count("<section") == page.count("</section>")


def test_roc_is_drawn_from_corner_to_corner(saved):
    page = (saved / "report.html").read_text(encoding="utf-8")
    roc = page.partition('aria-label="ROC.')[2].partition("</svg>")[0]
    points = re.search(r'class="main" d="M([^"]+)"', roc)[1].split("L")
    assert points[0] == "54.0 294.0"
    assert points[-1] == "406.0 28.0"  # below one row of legend


def test_command_prints_and_writes(toy_task, pictures, tmp_path, capsys):
    code = run(command, [toy_task, "--data", str(pictures), "-o", str(tmp_path / "out"), "-q"])
    said = capsys.readouterr().out
    assert code == ExitCode.DONE
    assert "area under the ROC curve" in said
    assert (tmp_path / "out/report.html").exists()
    assert run(command, [toy_task, "--data", str(pictures), "-o", str(tmp_path / "out")]) == ExitCode.USAGE
    capsys.readouterr()
    assert run(command, [toy_task, "--data", str(pictures), "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["format"] == "overread.evaluation"


def test_bad_calls_say_the_way_out(toy_task, pictures, tmp_path, capsys, monkeypatch):
    assert run(command, ["no_such", "--data", str(pictures)]) == ExitCode.USAGE
    assert run(command, [toy_task, "--data", str(tmp_path / "nowhere")]) == ExitCode.INPUT
    assert "manifest.csv" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        patch.setattr(toy(toy_task), "questions", ())
        assert run(command, [toy_task, "--data", str(pictures)]) == ExitCode.USAGE
    assert "no questions" in capsys.readouterr().err
    rows = [{k: v for k, v in row.items() if k != "level"} for row in read_rows(pictures)]
    write_rows(pictures, rows)
    assert run(command, [toy_task, "--data", str(pictures)]) == ExitCode.USAGE
    assert "column 'level'" in capsys.readouterr().err
