"""Probabilities of cases that were left undecided, and gains over controls: known truth."""

import numpy as np
import pytest

from overread.cards import Question, QuestionKind
from overread.errors import IntegrityError, UsageError
from overread.findings import Descriptor, Measurement
from overread_lab.datasets import Case
from overread_lab.evaluate.classes import Classes
from overread_lab.evaluate.entry import Entry, Held, Status, counts
from overread_lab.evaluate.told import told

ASKED = Question(
    name="triage",
    kind=QuestionKind.CLASSES,
    column="finding",
    classes=("normal", "abnormal"),
    truth={"normal": "normal", "*": "abnormal"},
    controls=("frame",),
)


class FakeReading:
    """A reading as far as a scorer looks at it."""

    def __init__(self, label, p, frame=None):
        self.labels = (Descriptor("triage", label, ""),)
        numbers = {"triage_normal": 1 - p, "triage_abnormal": p, "triage_control_frame": frame}
        self.measurements = [Measurement(k, v, "1", None, "") for k, v in numbers.items() if v is not None]


def case(n, finding):
    return Case(f"c{n}", None, None, "", f"p{n}", "", 0, "", 2, {"finding": finding})


def entries(scorer, label):
    """Forty cases: the task is always right, the frame knows nothing."""
    rng = np.random.default_rng(0)
    found = []
    for n in range(40):
        about = case(n, "normal" if n % 2 else "Effusion|Mass")
        reading = FakeReading(label, 0.2 if n % 2 else 0.8, float(rng.uniform()))
        row = scorer.take(about, reading, scorer.truth_of(about), None)
        found.append(Entry(about, None, row) if isinstance(row, Held) else Entry(about, row))
    return found


def test_any_other_value_is_the_class_of_the_star_and_an_empty_one_is_excluded():
    scorer = Classes(ASKED)
    assert scorer.truth_of(case(0, "normal")) == "normal"
    assert scorer.truth_of(case(0, "Mass")) == "abnormal"
    assert scorer.truth_of(case(0, "")).status is Status.EXCLUDED


def test_what_was_left_undecided_is_counted_so_and_measured_all_the_same():
    rows = entries(Classes(ASKED), "needs_a_reader")
    assert counts(rows)["abstained"] == 40
    auc, gain = told(ASKED, rows, seed=0)
    assert (auc.name, auc.value, auc.n) == ("area under the ROC curve, decided or not", 1.0, 40)
    frame = np.array([entry.told.controls["frame"] for entry in rows])
    known = np.array([entry.told.truth == "abnormal" for entry in rows])
    above = np.mean(frame[known][:, None] > frame[~known][None])
    assert gain.value == pytest.approx(1 - above)
    assert gain.interval.low > 0.2


def test_where_all_is_decided_only_the_gain_is_told():
    assert [f.name for f in told(ASKED, entries(Classes(ASKED), "normal"), seed=0)] == ["gain in area over frame alone"]


def test_a_task_that_forgets_a_control_of_its_card_is_at_fault():
    with pytest.raises(IntegrityError, match="lacks triage_control_frame"):
        Classes(ASKED).take(case(0, "normal"), FakeReading("normal", 0.3), "normal", None)


def test_controls_need_two_classes():
    with pytest.raises(UsageError, match="controls need two classes"):
        Question(
            name="q", kind=QuestionKind.CLASSES, column="c", classes=("a", "b", "c"),
            truth={"a": "a", "b": "b", "c": "c"}, controls=("frame",),
        )  # fmt: skip
