"""Toy: is a picture taken by day or by night? A plain function of its mean brightness, for tests of evaluation."""

from dataclasses import dataclass
from math import exp

import numpy as np
from scipy import ndimage as ndi

from overread.cards import Question, QuestionKind, TaskCard, TrainingGroups
from overread.findings import (
    Descriptor,
    Finding,
    ImageRegion,
    Interval,
    Measurement,
    Provenance,
    Reading,
    Reason,
    Scope,
    ScopeAnswer,
    Shape,
)
from overread.findings.codes import ABNORMAL_STRUCTURE
from overread.findings.identity import digest_uid
from overread.image import PictureMask, Radiograph

YES = Scope(ScopeAnswer.YES)
QUESTIONS = (
    Question(
        name="light",
        kind=QuestionKind.CLASSES,
        column="label",
        classes=("night", "day"),
        truth={"night": "night", "day": "day"},
    ),
    Question(name="level", kind=QuestionKind.NUMBER, column="level", unit="1"),
    Question(name="lamp", kind=QuestionKind.MASK),
    Question(name="lamps", kind=QuestionKind.FINDINGS),
)


@dataclass
class Brightness:
    """`steepness` far above that of the phantoms makes it overconfident."""

    name: str = "toy_brightness"
    steepness: float = 0.2
    middle: float = 128.0
    weights_digest: str = "ab" * 32
    training_groups: TrainingGroups | None = None
    questions: tuple = QUESTIONS

    def card(self):
        return TaskCard(
            name=self.name, version="1.0", title="Day or night", question="Is it day?", intended_use="Tests.",
            not_for=(), inputs=("Pictures.",), refuses=("Blank pictures.",), method="Mean brightness.",
            training="None.", weights_licence="none", limits=(), weights={"toy.npz": self.weights_digest},
            questions=self.questions, training_groups=self.training_groups,
        )  # fmt: skip

    def suits(self, source, shape, spacing_mm):
        return YES

    def accepts(self, image):
        if not isinstance(image, Radiograph):
            return Scope(ScopeAnswer.NO, (Reason("not_a_picture", "it is no picture"),))
        if float(image.grey().std()) < 1:
            return Scope(ScopeAnswer.NO, (Reason("blank", "the picture is blank"),))
        return YES

    def simulate(self, seed):
        raise NotImplementedError

    def read(self, image, runtime, progress):
        scope = self.accepts(image)
        made_by = Provenance(
            self.name, "1.0", weights={"toy.npz": self.weights_digest}, device_uid=digest_uid(self.name, "1.0")
        )
        common = {
            "provenance": made_by, "title": "Day or night", "scope": scope, "source": image.source,
            "verdict": image.verdict,
        }  # fmt: skip
        if scope.answer is ScopeAnswer.NO:
            return Reading(assessable=False, reasons=scope.reasons, **common)
        grey = image.grey().astype(float)
        level = float(grey.mean())
        p = 1 / (1 + exp(-self.steepness * (level - self.middle)))
        mask = (grey > 210).astype(np.uint8)
        labels = () if abs(level - self.middle) < 0.05 else (Descriptor("light", "day" if p > 0.5 else "night", ""),)
        return Reading(
            assessable=True,
            labels=labels,
            measurements=(
                Measurement("light_day", p, "1", Interval(max(0, p - 0.1), min(1, p + 0.1)), "brightness"),
                Measurement("light_night", 1 - p, "1", None, "brightness"),
                Measurement("level", level, "1", Interval(level - 3.92, level + 3.92), "mean"),
            ),
            segments=PictureMask(mask, {1: "lamp"}),
            findings=tuple(self._lamps(mask)),
            **common,
        )

    def _lamps(self, mask):
        parts, n = ndi.label(mask)
        for number, (row, column) in enumerate(ndi.center_of_mass(mask, parts, range(1, n + 1)), start=1):
            yield Finding(
                number=number, kind=ABNORMAL_STRUCTURE, label="lamp", tracking_uid=digest_uid(str(number)),
                region=ImageRegion(Shape.POINT, ((float(row), float(column)),)),
                score=float((parts == number).sum() / 1000),
            )  # fmt: skip


TASK = Brightness()
