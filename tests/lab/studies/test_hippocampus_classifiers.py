"""The study of classifiers: what it compares is what it says, on bent copies of a mean image and made-up figures."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import numpy as np
import pytest

from overread.errors import IntegrityError
from overread.ops.register import DemonsPlan
from overread.tasks.brain_mr_hippocampus.example import bent
from overread.tasks.brain_mr_hippocampus.plan import HippocampusPlan
from overread.tasks.brain_mr_hippocampus.rows import NAMES
from overread.tasks.brain_mr_hippocampus.task import shipped_model
from overread_lab.recipes.hippocampus_atlas import Outlined
from overread_lab.recipes.hippocampus_fit import FitPlan, _classifier
from overread_lab.studies.hippocampus_classifiers import features, report, score, wrong_labels
from overread_lab.studies.hippocampus_classifiers import importance as importance_module
from overread_lab.studies.hippocampus_classifiers.importance import Drop, clusters, importance, joined, select
from overread_lab.studies.hippocampus_classifiers.machines import forest, machine, on_columns
from overread_lab.studies.hippocampus_classifiers.picture import bars
from overread_lab.studies.hippocampus_classifiers.rows import (
    FoldRows,
    has_rows,
    key_of,
    make_rows,
    read_rows,
    write_rows,
)
from overread_lab.studies.hippocampus_classifiers.run import CLEAN, PRIOR, TASK, Arm, Study, arms, self_paced
from overread_lab.studies.hippocampus_classifiers.score import (
    PARTS,
    Answers,
    Scored,
    Setting,
    answer,
    left_out,
    sample,
)

PLAN = HippocampusPlan(starts=1, demons=DemonsPlan(window=9, steps=(4, 2)), neck_mm=0.0)
HOW = FitPlan(atlas_cases=5, atlas_rounds=1, voxels_a_case=100, least_voxels=500, parts=2)
SETTING = Setting(fold=1, draw=0, plan=PLAN, how=HOW, seed=0)


def outlined(seed):
    values, labels = bent(shipped_model().atlas, seed, noise=0.05)
    where = np.argwhere(labels)
    low, high = np.maximum(where.min(axis=0) - 4, 0), where.max(axis=0) + 5
    cut = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    return Outlined(f"case{seed}", f"patient{seed}", np.ascontiguousarray(values[cut]), labels[cut].copy())


@pytest.fixture(autouse=True)
def few_thresholds(monkeypatch):
    monkeypatch.setattr(score, "THRESHOLDS", (-0.4, -0.2, 0.0, 0.2, 0.4))


@pytest.fixture(scope="module")
def made():
    return make_rows([outlined(seed) for seed in range(5)], [outlined(100)], PLAN, rounds=1)


@pytest.fixture(scope="module")
def train(made):
    return [one.ready for one in made[0]]


@pytest.fixture(scope="module")
def test(made):
    return [one.ready for one in made[1]]


def test_rows_come_back_as_they_were_and_others_are_refused(made, tmp_path):
    key = key_of(["a"], ["b"], PLAN)
    assert not has_rows(tmp_path, key)
    write_rows(tmp_path, *made, key)
    assert has_rows(tmp_path, key)
    found = read_rows(tmp_path, 1, 0)
    assert (len(found.train), len(found.test)) == (5, 1)
    for one, other in zip((*found.train, *found.test), (*made[0], *made[1]), strict=True):
        np.testing.assert_array_equal(one.rows, other.rows)
        np.testing.assert_array_equal(one.chained, other.chained)
        np.testing.assert_array_equal(one.ready.truth, other.ready.truth)
        np.testing.assert_array_equal(one.ready.case.values, other.ready.case.values)
        assert one.ready.case.group == other.ready.case.group
        assert one.ready.placed.match == other.ready.placed.match
    with pytest.raises(IntegrityError, match="other cases"):
        has_rows(tmp_path, key_of(["c"], ["b"], PLAN))
    (tmp_path / "test000.npz").write_bytes(b"PK")
    with pytest.raises(IntegrityError, match="not the rows of a case"):
        read_rows(tmp_path, 1, 0)


def test_enhancement_changes_the_61_and_not_the_prior(made):
    one = made[1][0]
    np.testing.assert_array_equal(one.chained[:, 61:], one.rows[:, 61:])
    np.testing.assert_array_equal(
        one.chained[:, NAMES.index("phi_mm")], one.rows[:, NAMES.index("phi_mm")]
    )  # place is not the image's
    sd = [float(rows[:, NAMES.index("intensity")].std()) for rows in (one.rows, one.chained)]
    assert sd[1] > 1.1 * sd[0]  # it amplifies noise


def test_the_gaussian_machine_is_that_of_the_recipe(train, test):
    ready = _classifier(train, HOW, 0)
    decide = machine("Gaussian")(*sample(train, wrong_labels.right(train), HOW, seed=0))
    rows = test[0].band.rows
    expected = ready.machine.decide((rows - ready.mean) / ready.scale, double=True)
    assert np.abs(decide(rows) - expected).max() < 0.02 * np.abs(expected).max()  # the recipe rounds to float16


@pytest.mark.parametrize("learner", [machine("Gaussian"), machine("linear", end=0.95), forest()])
def test_a_machine_outlines_an_unseen_copy(learner, train, test):
    found = answer(learner, train, wrong_labels.right(train), test, SETTING)
    assert found.scored[0].dice["whole"] > 0.85
    assert found.scored[0].dice["anterior"] > 0.75
    assert 0.8 < found.left_out < 1
    assert not found.edge


def test_the_unit_of_decisions_does_not_count(train, test):
    """One spread for all: a machine that answers in other units gets the same threshold and the same outlines."""

    def in_other_units(rows, truth):
        decide = machine("linear")(rows, truth)
        return lambda seen: 250 * decide(seen)

    setting = Setting(fold=1, draw=0, plan=PLAN, how=HOW, seed=0, spread=1.6)
    told = wrong_labels.right(train)
    one, other = (answer(learner, train, told, test, setting) for learner in (machine("linear"), in_other_units))
    assert other.spread == pytest.approx(250 * one.spread)
    assert one.threshold == other.threshold
    assert one.scored[0].dice == other.scored[0].dice


def test_left_out_cases_are_not_learned_from(train):
    learned = []

    def spy(rows, truth):
        seen = {row.tobytes() for row in rows}
        learned.append(len(rows))

        def decide(asked):
            assert not any(row.astype(np.float64).tobytes() in seen for row in asked)
            return np.zeros(len(asked))

        return decide

    decisions = left_out(spy, train, wrong_labels.right(train), HOW, seed=0)
    assert sorted(decisions) == list(range(5))
    assert learned == [200, 300]  # the other cases, 50 voxels of each label and case


def test_one_fit_is_tuned_on_cases_it_has_not_learned_from_and_farther_where_need_be(train, test):
    learned = []

    def shifted(rows, truth):
        learned.append(len(rows))
        decide = machine("linear")(rows, truth)
        return lambda seen: decide(seen) + 0.5

    setting = Setting(fold=1, draw=0, plan=PLAN, how=HOW, seed=0, one_fit=True)
    found = answer(shifted, train, wrong_labels.right(train), test, setting)
    assert learned == [200]  # two of five cases; no fit to all of them
    assert 0.4 < found.threshold < 1.6  # beyond those tried first
    assert not found.edge
    assert found.scored[0].dice["whole"] > 0.85


def test_labels_go_wrong_as_told(train):
    size = sum(len(one.truth) for one in train)
    flips = wrong_labels.flipped(train, 0.2, seed=1)
    share = sum(int((a != one.truth).sum()) for a, one in zip(flips, train, strict=True)) / size
    assert abs(share - 0.2) < 4 * np.sqrt(0.2 * 0.8 / size)
    for make, cases in ((wrong_labels.moved, 3), (wrong_labels.wider, 3)):
        told = make(train, cases, seed=1)
        changed = [not np.array_equal(a, one.truth) for a, one in zip(told, train, strict=True)]
        assert sum(changed) == cases
    wide = wrong_labels.wider(train, 5, seed=1)
    assert all(
        (a | one.truth == a).all() and a.sum() > 1.2 * one.truth.sum() for a, one in zip(wide, train, strict=True)
    )


def test_only_what_a_machine_looks_at_is_important(train):
    column = NAMES.index("prior_logit")

    def by_column(rows, truth):
        return lambda seen: seen[:, column].astype(np.float64)

    shuffled = {"prior_logit": ("prior_logit",), "gauss_1": ("gauss_1",), "both": ("prior_logit", "gauss_1")}
    drops = importance(by_column, train, shuffled, HOW)
    assert len(drops) == 5
    assert all(abs(one.drop["gauss_1"]) < 1e-12 for one in drops)
    for name in ("prior_logit", "both"):
        falls = [one.drop[name] for one in drops]
        assert 0.2 < np.mean(falls) < 0.5  # from well told apart to a coin


def test_features_that_rank_alike_are_one_cluster_and_one_of_them_is_kept():
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, 500))
    rows = np.stack([a, np.exp(a), -a + 0.1 * b, b, c, np.zeros(500)], axis=1)
    names = ("a", "exp_a", "minus_a", "b", "c", "flat")
    alike = clusters(rows, names)
    assert sorted(alike) == [("a", "exp_a", "minus_a"), ("b",), ("c",), ("flat",)]


def test_selection_takes_the_best_of_each_cluster_first():
    alike = [("intensity", "gauss_1"), ("x",), ("y",)]
    drop = dict.fromkeys(NAMES, 0.0) | {
        "intensity": 0.1,
        "gauss_1": 0.2,
        "x": 0.05,
        "y": 0.01,
        joined(alike[0]): 0.3,
    }
    one = Drop("a", "a", drop)
    assert select([one], alike, 2) == ("gauss_1", "x")
    assert select([one], alike, 4) == ("intensity", "gauss_1", "x", "y")
    assert select([one], alike, 2, among=("intensity", "y")) == ("intensity", "y")


def made_up(name, dice, *, left=0.9, fold=1):
    scored = tuple(
        Scored(f"c{fold}{n}", f"c{fold}{n}", fold, 0, dict.fromkeys(PARTS, value), 0.1) for n, value in enumerate(dice)
    )
    return Arm("classifiers", name, None), Answers(1.0, 0.0, False, left, 1.0, scored)


def test_differences_are_paired_and_fold_0_is_told_apart():
    pairs = [made_up(TASK, [0.8, 0.9]), made_up("linear", [0.78, 0.9]), made_up(PRIOR, [0.7, 0.7])]
    pairs += [made_up(TASK, [0.5, 0.5], fold=0), made_up("linear", [0.4, 0.4], fold=0), made_up(PRIOR, [0, 0], fold=0)]
    lines = report.classifiers(report.gathered(pairs))
    assert any(line.startswith("folds 1-4, Gaussian, n=2: Dice anterior 0.850") for line in lines)
    assert any(line.startswith("folds 1-4, linear less Gaussian, n=2: anterior -0.0100") for line in lines)
    assert any(line.startswith("all folds, linear less Gaussian, n=4: anterior -0.0550") for line in lines)


def test_a_study_cut_short_pairs_the_cases_that_both_answered():
    pairs = [made_up(TASK, [0.8, 0.9]), made_up("linear", [0.7, 0.8]), made_up(TASK, [0.1], fold=2)]
    pairs += [made_up(PRIOR, [0.5, 0.5]), made_up(PRIOR, [0.1], fold=2)]
    lines = report.classifiers(report.gathered(pairs))
    assert any(line.startswith("all folds, linear less Gaussian, n=2: anterior -0.1000") for line in lines)


def test_the_end_is_chosen_by_left_out_training_cases_alone():
    pairs = [
        made_up(TASK, [0.8], left=0.88),
        made_up(self_paced(TASK, 0.95), [0.7], left=0.89),
        made_up(self_paced(TASK, 0.8), [0.9], left=0.87),
    ]
    chosen = report.gathered(pairs)[report.chosen_end(TASK), CLEAN, "plain"]
    assert chosen[0].scored[0].dice["whole"] == 0.7


def test_arms_have_files_of_their_own_and_answers_are_kept(made, tmp_path):
    every = arms(("classifiers", "labels", "chain"))
    assert len({arm.file for arm in every}) == len(every)
    study = Study(data=tmp_path, work=tmp_path, plan=PLAN, how=HOW)
    rows = FoldRows(1, 0, tuple(made[0]), tuple(made[1]))
    study.folder(1).mkdir(parents=True)
    arm = Arm("chain", "linear", machine("linear"), seen="enhanced")
    first = study.kept_or_made(arm.file, rows, arm, 1.6)
    again = study.kept_or_made(arm.file, rows, Arm("chain", "linear", None, seen="enhanced"), 1.6)
    assert again == first
    assert json.loads((study.folder(1) / "answers" / arm.file).read_text())["threshold"] == first.threshold
    plain = study.kept_or_made("plain", rows, Arm("classifiers", "linear", machine("linear")), 1.6)
    assert plain.spread != first.spread  # it did see other rows


def test_a_machine_on_few_columns_sees_no_others(train, test):
    columns = np.array([NAMES.index("phi_mm"), NAMES.index("gauss_1")])
    decide = on_columns(machine("linear"), columns)(*sample(train, wrong_labels.right(train), HOW, seed=0))
    rows = test[0].band.rows.copy()
    before = decide(rows)
    rows[:, [n for n in range(64) if n not in columns]] = 7
    np.testing.assert_array_equal(decide(rows), before)


def test_features_are_chosen_once_a_fold_and_answered_with(made, tmp_path, monkeypatch):
    monkeypatch.setattr(Study, "rows", lambda self, fold: FoldRows(fold, 0, tuple(made[0]), tuple(made[1])))
    for name, value in (("VOXELS", 40), ("REPEATS", 1)):
        monkeypatch.setattr(importance_module, name, value)
    monkeypatch.setattr(features, "TIMED", 1)
    study = Study(data=tmp_path, work=tmp_path, plan=PLAN, how=HOW, folds=(1,))
    (study.folder(1) / "answers").mkdir(parents=True)
    answers = [pair for pair in features.answers(study, 1, 1.6) if "chosen" in pair[0].name]
    found = features.of_fold(study, 1)
    assert {name: len(names) for name, names in found.chosen.items()} == {n: k for n, (k, _) in features.CHOSEN.items()}
    cheap = found.chosen["20 chosen without co-occurrence"]
    assert not [name for name in cheap if name.startswith(("ggcm", "glcm"))]
    assert {"prior_logit", "phi_mm"} & set(cheap)  # where the border lies is told by these alone
    assert all(one.scored[0].dice["whole"] > 0.8 for _, one in answers)
    lines = features.importance_lines({1: found})
    assert lines[0] == "shuffled in 5 left-out training cases of 5 patients"
    assert sum(line.startswith("feature ") for line in lines) == 64
    assert len(ElementTree.fromstring(features.drawing({1: found}))) > 25 * 4  # noqa: S314  (our own)
    seconds = {line.split(":")[0]: line.split(":")[1] for line in features.seconds_lines(study, 1) if ":" in line}
    rows, texture = (float(seconds[name].split()[0]) for name in ("its rows", "co-occurrence in them"))
    assert 0 < texture < rows


def test_families_hold_each_feature_once():
    names = [name for family in features.FAMILIES.values() for name in family]
    assert sorted(names) == sorted(NAMES)


def test_bars_are_as_long_as_their_values():
    svg = bars("a < b", "points", [("one", 2.0, 1.5, 2.5, "family"), ("two", 1.0, 0.5, 1.5, "feature")])
    tree = ElementTree.fromstring(svg)  # noqa: S314  (our own)
    widths = [float(r.get("width")) for r in tree.iter("{http://www.w3.org/2000/svg}rect") if r.get("x")]
    assert widths[0] == pytest.approx(2 * widths[1], abs=0.2)
    assert tree.find("{http://www.w3.org/2000/svg}title").text == "a < b"
