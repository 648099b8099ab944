"""Parts of an evaluation: figures, plots, age bands, leakage, answers of many classes, masks of volumes."""

import math

import nibabel as nib
import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from overread.cards import Question, QuestionKind
from overread.errors import InputError
from overread.findings import Finding, Provenance, Reading, Scope, ScopeAnswer
from overread.findings.codes import NODULE
from overread.geometry import axial_grid
from overread.image import Intensity, LabelMap, Radiograph, Volume
from overread_lab.datasets import Case
from overread_lab.evaluate.class_rows import ClassRow
from overread_lab.evaluate.classes import Classes
from overread_lab.evaluate.entry import Held
from overread_lab.evaluate.figure import ALIKE, mean_by_patient, share
from overread_lab.evaluate.masks import Masks, read_labels
from overread_lab.evaluate.places import PlaceRow, Places, truths_in
from overread_lab.evaluate.plots import Curve, Dot, Plot, draw, padded_range, round_steps
from overread_lab.evaluate.subgroups import _rank, age_band
from overread_lab.metrics import wilson
from overread_lab.metrics.detection import ScanOutcome


def test_share_is_wilson_for_single_cases_and_over_patients_else():
    single = share("accuracy", [1, 1, 0, 1], list("abcd"), seed=0)
    assert (single.interval, single.method) == (wilson(3, 4), "Wilson")
    groups = [f"p{i // 4}" for i in range(40)]
    mixed = share("accuracy", [i % 3 > 0 for i in range(40)], groups, seed=0)
    assert "bootstrap over 10 patients" in mixed.method
    all_right = share("accuracy", [True] * 40, groups, seed=0)
    assert all_right.interval == wilson(10, 10)  # ten patients, not forty pictures
    assert math.isnan(share("accuracy", [], [], seed=0).value)


def test_a_bootstrap_without_spread_has_no_interval():
    found = mean_by_patient("Dice", [1.0] * 30, [str(i) for i in range(30)], seed=0)
    assert (found.value, found.interval, found.note) == (1, None, ALIKE)
    assert found.to_dict()["low"] is None


def test_no_case_is_undefined_and_null_in_json():
    found = mean_by_patient("Dice", [], [], seed=0).to_dict()
    assert (found["value"], found["n"], found["note"]) == (None, 0, "no cases")


@pytest.mark.parametrize(
    ("text", "band"),
    [
        ("58", "40 to 64"), ("058Y", "40 to 64"), ("6", "6 to 17"), ("007M", "below 1"), ("18M", "1 to 5"),
        ("3W", "below 1"), ("90", "80 and over"), ("", "unknown"), ("old", "unknown"), ("999", "unknown"),
        ("-3", "unknown"),
    ],
)  # fmt: skip
def test_age_bands(text, band):
    assert age_band(text) == band


def test_parts_stand_in_order():
    values = ["unknown", "6 to 17", "18 to 39", "80 and over", "below 1", "north"]
    assert sorted(values, key=_rank) == ["below 1", "6 to 17", "18 to 39", "80 and over", "north", "unknown"]


def test_plot_is_placed_and_cut():
    curve = Curve(((0, 0), (10, 1), (12, 1)), "name")
    dots = (Dot(5, 0.5, -1, 2), Dot(11, 0))
    plot = Plot("T", "C", "x", "y", (0, 10), (0, 1), (curve,), dots)
    found = draw(plot)
    assert found.paths == (("main", f"M{found.left}.0 {found.bottom}.0L{found.right}.0 {found.top}.0"),)
    assert found.dots == (
        (pytest.approx((found.left + found.right) / 2), pytest.approx((found.top + found.bottom) / 2)),
    )
    assert found.whiskers[0].endswith(f"{found.bottom}.0V{found.top}.0")
    assert [tick.text for tick in found.y_ticks] == ["0", "0.2", "0.4", "0.6", "0.8", "1"]


def test_steps_are_round_and_ranges_hold_all():
    assert round_steps(0, 1) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert round_steps(-3.7, 12) == pytest.approx([0, 5, 10])
    assert round_steps(2, 2) == [2]
    low, high = padded_range([1, 5, math.nan])
    assert low < 1
    assert high > 5
    assert padded_range([3, 3])[0] < 3 < padded_range([3, 3])[1]
    assert padded_range([]) == (0, 1)


def case(name="c1", mask=None, **known):
    values = {"label": "", "group": "p1", "source": "", "note": ""}
    return Case(case=name, image=None, mask=mask, fold=0, **{**values, **known})


THREE = Question(
    name="view", kind=QuestionKind.CLASSES, column="label", classes=("pa", "ap", "lateral"),
    truth={"pa": "pa", "ap": "ap", "lateral": "lateral"},
)  # fmt: skip


def three_rows(n=90, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    raw = rng.random((n, 3)) + 0.8 * np.eye(3)[truth]
    p = raw / raw.sum(axis=1, keepdims=True)
    names = THREE.classes
    rows = [ClassRow(f"c{i}", f"p{i}", names[truth[i]], names[p[i].argmax()], tuple(p[i])) for i in range(n)]
    return rows, truth, p


def test_many_classes_agree_with_scikit_learn():
    rows, truth, p = three_rows()
    figures = {figure.name: figure for figure in Classes(THREE).figures(rows)}
    first = next(iter(figures.values()))
    assert first.name == "balanced accuracy"
    assert first.value == pytest.approx(balanced_accuracy_score(truth, p.argmax(axis=1)))
    area = figures["area under the ROC curve, one class against the rest, mean"]
    assert area.value == pytest.approx(roc_auc_score(truth, p, multi_class="ovr"))
    assert {"recall of pa", "recall of ap", "recall of lateral"} <= set(figures)
    assert "specificity" not in figures
    assert [plot.title for plot in Classes(THREE).plots(rows)] == ["Reliability"]


def test_answers_without_probabilities_are_scored_by_class():
    rows = [ClassRow(r.case, r.group, r.truth, r.answer) for r in three_rows()[0]]
    names = [figure.name for figure in Classes(THREE).figures(rows)]
    assert "balanced accuracy" in names
    assert "log loss" not in names
    assert Classes(THREE).plots(rows) == []


def test_an_absent_class_is_named():
    rows = [row for row in three_rows()[0] if row.truth != "lateral"]
    assert "no case of lateral" in Classes(THREE).primary(rows).note


def test_rows_come_back_from_plain_values():
    scorer, (rows, _, _) = Classes(THREE), three_rows(5)
    assert [scorer.row_from(row.to_dict()) for row in rows] == rows


def test_rare_class_gets_its_average_precision():
    two = Question(
        name="t", kind=QuestionKind.CLASSES, column="label", classes=("no", "yes"), truth={"0": "no", "1": "yes"}
    )
    rng = np.random.default_rng(1)
    rows = []
    for i in range(200):
        yes = i < 10
        p = float(np.clip(rng.normal(0.7 if yes else 0.3, 0.2), 0.01, 0.99))
        rows.append(ClassRow(f"c{i}", f"p{i}", "yes" if yes else "no", "yes" if p > 0.5 else "no", (1 - p, p)))
    assert any(f.name.startswith("average precision (prevalence 0.050)") for f in Classes(two).figures(rows))


GRID = axial_grid((12, 30, 24), spacing_mm=(2.5, 0.8, 0.9))


def ball(grid, index_kji, radius_mm):
    where = grid.to_lps(np.stack(np.indices(grid.shape), axis=-1).reshape(-1, 3))
    return (np.linalg.norm(where - grid.to_lps(index_kji), axis=1) <= radius_mm).reshape(grid.shape)


def write_mask(path, labels, grid):
    """As NIfTI: (i, j, k), RAS."""
    to_ras = np.diag([-1, -1, 1, 1]) @ grid.affine_lps @ np.eye(4)[[2, 1, 0, 3]]
    nib.save(nib.Nifti1Image(labels.transpose(2, 1, 0).astype(np.uint8), to_ras), path)
    return path


def reading(segments=None, findings=()):
    image = Volume(np.zeros(GRID.shape, np.int16), GRID, Intensity.HU)
    return Reading(
        provenance=Provenance("t", "1"), title="", assessable=True, scope=Scope(ScopeAnswer.YES), source=image.source,
        verdict=image.verdict, segments=segments, findings=findings,
    ), image  # fmt: skip


def test_masks_of_volumes_are_compared_in_mm(tmp_path):
    truth, said = ball(GRID, (6, 15, 12), 6), ball(GRID, (6, 17, 12), 6)
    path = write_mask(tmp_path / "mask.nii.gz", truth * 2, GRID)
    scorer = Masks(Question(name="m", kind=QuestionKind.MASK, classes=("organ",), truth={"2": "organ"}))
    read, image = reading(LabelMap(said.astype(np.uint8), GRID, {1: "organ"}))
    row = scorer.take(case(mask=path), read, path, image).rows[0]
    assert row.dice == pytest.approx(2 * (truth & said).sum() / (truth.sum() + said.sum()))
    assert (row.unit, row.hd95) == ("mm", pytest.approx(1.6, abs=0.2))  # two rows of 0.8 mm
    names = [figure.name for figure in scorer.figures([scorer.take(case(mask=path), read, path, image)])]
    assert "HD95 of organ, mm" in names


def test_a_mask_elsewhere_is_left_out_with_a_reason(tmp_path):
    shifted = axial_grid(GRID.shape, spacing_mm=(2.5, 0.8, 1.0))
    path = write_mask(tmp_path / "mask.nii.gz", ball(GRID, (6, 15, 12), 6), shifted)
    read, image = reading(LabelMap(np.zeros(GRID.shape, np.uint8), GRID, {}))
    held = Masks(Question(name="m", kind=QuestionKind.MASK)).take(case(mask=path), read, path, image)
    assert isinstance(held, Held)
    assert "another grid" in held.reason
    with pytest.raises(InputError, match="picture"):
        read_labels(path, Radiograph(np.zeros((30, 24), np.uint8)))


def test_things_in_a_mask_are_found_where_they_lie(tmp_path):
    labels = ball(GRID, (3, 8, 8), 4).astype(np.uint8) + 2 * ball(GRID, (9, 22, 16), 5).astype(np.uint8)
    image = Volume(labels, GRID, Intensity.ARBITRARY)
    centres, diameters = truths_in(labels > 0, image)
    assert np.allclose(centres, GRID.to_lps(np.array([(3, 8, 8), (9, 22, 16)])), atol=0.4)
    assert diameters == pytest.approx([8, 10], rel=0.1)
    path = write_mask(tmp_path / "mask.nii.gz", labels, GRID)
    near, far = (tuple(GRID.to_lps(np.array(k)) + shift) for k, shift in (((9, 22, 16), 2.0), ((3, 8, 8), 6.0)))
    findings = tuple(
        Finding(number=n, kind=NODULE, label="", tracking_uid="", point_lps=point, score=0.5)
        for n, point in enumerate((near, far), start=1)
    )
    read, volume = reading(findings=findings)
    every = Places(Question(name="f", kind=QuestionKind.FINDINGS)).take(case(mask=path), read, path, volume)
    assert (every.outcome.truths, sorted(every.outcome.hits), every.outcome.false_positives) == (2, [1], 1)
    second = Question(name="f", kind=QuestionKind.FINDINGS, classes=("thing",), truth={"2": "thing"})
    only = Places(second).take(case(mask=path), read, path, volume)
    assert only.outcome.truths == 1


def test_things_of_one_patient_are_not_counted_as_independent():
    def row(n, what, truths):
        outcome = ScanOutcome(f"s{n}", f"p{n}", np.full(len(what), 0.5), np.array(what, dtype=np.int64), truths)
        return PlaceRow(f"s{n}", f"p{n}", outcome)

    rows = [row(n, [0, 1, 2, -1] if n % 2 else [0], 3 if n % 2 else 4) for n in range(20)]
    figures = {f.name: f for f in Places(Question(name="f", kind=QuestionKind.FINDINGS)).figures(rows)}
    found = figures["sensitivity of all that was reported"]
    assert (found.n, found.value) == (70, pytest.approx(40 / 70))
    assert "bootstrap over 20 patients" in found.method
    assert found.interval.high - found.interval.low > wilson(40, 70).high - wilson(40, 70).low
    assert figures["false positives a scan, of all that was reported"].value == 0.5
