"""Self-paced support vector machine: golden v-step, monotone objective, contract and plain machine of sklearn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from overread.errors import UsageError
from overread.models.rbf_decision import RbfMachine
from overread.models.self_paced_svm import SelfPacedSVM, admit
from overread.runtime import Runtime


def two_clouds(n=400, distance=1.5, flips=0.0, seed=0, features=4):
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.3).astype(int)
    rows = rng.normal(size=(n, features)) * np.linspace(1, 9, features) + 50
    rows[:, 0] += distance * labels
    rows[:, 1] += 3 * distance * labels * np.sign(rows[:, 2] - 50)
    noisy = np.where(rng.random(n) < flips, 1 - labels, labels)
    return rows, labels, noisy


@parametrize_with_checks(
    [
        SelfPacedSVM(),
        SelfPacedSVM(kernel="linear"),
        SelfPacedSVM(kernel="fourier", components=40),
        SelfPacedSVM(admission="shared"),
    ]
)
def test_contract_of_scikit_learn(estimator, check):
    check(estimator)


def test_golden_step():
    losses = np.array([0.2, 0.9, 1.4, 0.5])
    v = admit(losses, 0.8)
    np.testing.assert_array_equal(v, [True, False, False, True])
    assert losses[v].sum() - 0.8 * v.sum() == pytest.approx(-0.9)


@pytest.mark.parametrize("kernel", ["rbf", "linear", "fourier"])
@pytest.mark.parametrize("admission", ["balanced", "shared"])
def test_objective_never_rises_at_a_fixed_threshold(kernel, admission):
    rows, _, noisy = two_clouds(flips=0.15, seed=3)
    fitted = SelfPacedSVM(kernel=kernel, admission=admission, tol=1e-6 if kernel == "rbf" else 1e-4, components=60).fit(
        rows, noisy
    )
    lengths = [len(stage.objective) for stage in fitted.history_]
    assert max(lengths) >= 4  # some stage did alternate
    for stage in fitted.history_:
        steps = np.array(stage.objective)
        assert (np.diff(steps) <= 1e-4 * np.abs(steps).max()).all(), steps


def test_everything_admitted_is_the_plain_machine():
    """At the last quantile, 1, all rows are in: an ordinary machine with balanced classes."""
    rows, labels, _ = two_clouds(seed=5)
    fitted = SelfPacedSVM(tol=1e-7).fit(rows, labels)
    assert fitted.admitted_.all()
    scaled = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    plain = SVC(gamma=1 / 4, class_weight="balanced", tol=1e-7).fit(scaled, labels)
    np.testing.assert_allclose(fitted.decision_function(rows), plain.decision_function(scaled), atol=1e-4)


def test_the_same_share_of_each_class_enters():
    rows, _, noisy = two_clouds(n=1000, flips=0.2, seed=7)
    fitted = SelfPacedSVM(rounds=1, end=0.9).fit(rows, noisy)
    for n, stage in enumerate(fitted.history_):
        assert stage.share[0] == pytest.approx(0.5 + 0.1 * n, abs=0.01)
        assert stage.share[1] >= 0.5 + 0.1 * n - 0.01  # losses of 0 are many: they all enter together
        assert stage.share[1] <= 0.57 + 0.1 * n
    assert len(fitted.history_) == 5
    assert not fitted.admitted_.all()


def test_what_stays_outside_are_the_flipped_labels():
    rows, labels, noisy = two_clouds(n=1200, distance=4, flips=0.1, seed=9)
    fitted = SelfPacedSVM(end=0.75).fit(rows, noisy)
    flipped = noisy != labels
    assert flipped.mean() == pytest.approx(0.1, abs=0.02)
    assert flipped[~fitted.admitted_].mean() > 0.4
    assert flipped[fitted.admitted_].mean() < 0.01


def test_stage_with_the_best_validation_is_kept():
    rows, _, noisy = two_clouds(n=600, distance=2, flips=0.3, seed=11)
    held, truth, _ = two_clouds(n=600, distance=2, seed=12)
    fitted = SelfPacedSVM().fit(rows, noisy, validation=(held, truth))
    found = fitted.predict(held) == 1
    dice = 2 * (found & (truth == 1)).sum() / (found.sum() + (truth == 1).sum())
    assert dice == pytest.approx(max(stage.validation for stage in fitted.history_))


def test_same_data_same_machine_whatever_the_threads():
    rows, labels, _ = two_clouds(seed=13)
    one, other = SelfPacedSVM().fit(rows, labels), SelfPacedSVM().fit(rows, labels)
    many = np.concatenate([rows] * 30)
    expected = one.decision_function(many, runtime=Runtime(1))
    np.testing.assert_array_equal(other.decision_function(many, runtime=Runtime(3)), expected)


def test_labels_of_any_kind_and_fewer_rows_than_features():
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(20, 61))
    words = np.where(rows[:, 0] > 0, "core", "rim")
    assert set(SelfPacedSVM().fit(rows, words).predict(rows)) <= {"core", "rim"}


@pytest.mark.parametrize(
    "options",
    [
        {"kernel": "poly"},
        {"admission": "none"},
        {"C": 0},
        {"gamma": -1},
        {"start": 0},
        {"start": 0.9, "end": 0.8},
        {"end": 1.1},
        {"step": 0},
        {"rounds": 0},
        {"components": 0},
        {"tol": 0},
    ],
)
def test_parameters_out_of_range_are_refused(options):
    rows, labels, _ = two_clouds(n=40)
    with pytest.raises(UsageError, match=next(iter(options)) if "end" not in options else "start|end"):
        SelfPacedSVM(**options).fit(rows, labels)


def test_one_class_and_three_classes_are_refused():
    rows = np.random.default_rng(1).normal(size=(30, 3))
    with pytest.raises(UsageError, match="only one class"):
        SelfPacedSVM().fit(rows, np.ones(30))
    with pytest.raises(UsageError, match="multiclass"):
        SelfPacedSVM().fit(rows, np.arange(30) % 3)


@pytest.mark.parametrize("features", [2, 61])
def test_blocked_decisions_equal_svc(features):
    rng = np.random.default_rng(features)
    rows = rng.normal(size=(1500, features))
    labels = rows[:, 0] + rows[:, 1] ** 2 + rng.normal(0, 0.5, 1500) > 1
    svc = SVC(gamma=1 / features, C=10).fit(rows, labels)
    machine = RbfMachine(svc.support_vectors_, svc.dual_coef_[0], float(svc.intercept_[0]), 1 / features)
    many = rng.normal(size=(20_011, features))
    expected = svc.decision_function(many)
    found = machine.decide(many)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    np.testing.assert_array_equal(found > 0, svc.predict(many))


def test_rows_on_the_border_are_decided_in_double_precision():
    """A row is moved along a line until it lies within 1e-9 of the border; the sign must still be right."""
    rng = np.random.default_rng(4)
    rows = rng.normal(size=(300, 5))
    svc = SVC(gamma=0.2, C=100).fit(rows, rows[:, 0] * rows[:, 1] > 0)
    machine = RbfMachine(svc.support_vectors_, svc.dual_coef_[0], float(svc.intercept_[0]), 0.2)
    near = []
    for a, b in zip(rows[:40], rows[40:80], strict=True):
        low, high = a.copy(), b.copy()
        if np.sign(svc.decision_function([low, high])).prod() > 0:
            continue
        for _ in range(40):
            middle = (low + high) / 2
            same = svc.decision_function([low, middle])
            low, high = (middle, high) if same.prod() > 0 else (low, middle)
        near += [low, high]
    near = np.array(near)
    assert len(near) > 10
    expected = svc.decision_function(near)
    assert np.abs(expected).max() < 1e-8
    np.testing.assert_allclose(machine.decide(near), expected, atol=1e-11)


def test_machine_of_other_shapes_is_refused():
    with pytest.raises(UsageError, match="expected"):
        RbfMachine(np.zeros((3, 2)), np.zeros(2), 0.0, 1.0)
    with pytest.raises(UsageError, match=r"expected \(n, 2\)"):
        RbfMachine(np.zeros((3, 2)), np.zeros(3), 0.0, 1.0).decide(np.zeros((4, 3)))


def test_validation_labels_must_be_known():
    rows, labels, _ = two_clouds(n=80)
    with pytest.raises(UsageError, match=r"hold \[.*2.*\], expected one of \[0, 1\]"):
        SelfPacedSVM().fit(rows, labels, validation=(rows, labels + 1))
    with pytest.raises(UsageError, match=r"have shape \(79,\)"):
        SelfPacedSVM().fit(rows, labels, validation=(rows, labels[1:]))


@pytest.mark.parametrize("kernel", ["rbf", "linear", "fourier"])
def test_blocked_prediction_is_that_of_one_piece(kernel):
    """More rows than a task of the pool takes; any number of threads; labels those of the exact decision."""
    rows, labels, _ = two_clouds(n=300)
    fitted = SelfPacedSVM(kernel=kernel, components=64).fit(rows, labels)
    many = np.tile(rows, (20, 1))
    expected = fitted.predict(many, runtime=Runtime(1))
    np.testing.assert_array_equal(fitted.predict(many, runtime=Runtime(3)), expected)
    np.testing.assert_array_equal(expected, np.where(fitted.decision_function(many) > 0, 1, 0))
    np.testing.assert_array_equal(expected[:300], fitted.predict(rows))
    assert (expected[:300] == labels).mean() > 0.7
