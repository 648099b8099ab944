"""Runs a task over the cases of a set and keeps what each question needs; images are let go one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from overread.cards import QuestionKind
from overread.errors import InputError, ScopeError, UsageError
from overread.image import Intensity
from overread.runtime import Progress, Runtime, silent
from overread.workflow.analyze import Analysis, analyze
from overread_lab.datasets import Case
from overread_lab.evaluate.entry import Entry, Held, Status
from overread_lab.evaluate.scorer import Scorer

KNOWN_COLUMNS = ("label", "source", "note", "group", "case")


@dataclass(slots=True)
class Answers:
    """What came out: entries of each question by name, in the order of the cases.

    Parameters
    ----------
    digests : dict
        Case to a text of the digests of its files.
    device_uid, weights
        Of the task that answered; "" and empty if no case was read.
    seconds : float
        Wall time of the reading itself, all cases.
    """

    entries: dict[str, list[Entry[Any]]]
    digests: dict[str, str] = field(default_factory=dict)
    device_uid: str = ""
    weights: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


def require_columns(scorers: Sequence[Scorer], cases: Sequence[Case], where: str) -> None:
    """Raises `UsageError` where a question asks for a column that the manifest has not."""
    extra = {name for case in cases for name in case.extra}
    for scorer in scorers:
        column = scorer.question.column
        asked = scorer.question.kind in (QuestionKind.CLASSES, QuestionKind.NUMBER)
        if asked and column not in KNOWN_COLUMNS and column not in extra:
            raise UsageError(
                f"question {scorer.question.name} needs the column {column!r}, which the manifest has not",
                where=where,
                way_out=f"It has label, source, note and {', '.join(sorted(extra)) or 'no more'}.",
            )


def numbered_patients(cases: Sequence[Case]) -> tuple[Case, ...]:
    """The cases with "patient 1" ... for their groups: a group may be the ID of a patient, which no result shows."""
    numbers = {group: n for n, group in enumerate(sorted({case.group for case in cases}), start=1)}
    return tuple(replace(case, group=f"patient {numbers[case.group]}") for case in cases)


def answers(
    task: str,
    cases: Sequence[Case],
    scorers: Sequence[Scorer],
    *,
    intensity: Intensity | None = None,
    runtime: Runtime | None = None,
    progress: Progress = silent,
) -> Answers:
    """Read each case that some question can use; the others are counted without being opened.

    `intensity` is what values without a unit mean (NIfTI), as for `overread.analyze`.
    """
    found = Answers({scorer.question.name: [] for scorer in scorers})
    for n, case in enumerate(cases):
        progress("read cases", n / len(cases))
        truths = [scorer.truth_of(case) for scorer in scorers]
        asked = any(not isinstance(truth, Held) for truth in truths)
        result = _read(task, case, intensity, runtime) if asked else Held(Status.EXCLUDED, "no question asks for it")
        if isinstance(result, Analysis):
            _remember(found, case, result)
        for scorer, truth in zip(scorers, truths, strict=True):
            found.entries[scorer.question.name].append(_entry(scorer, case, truth, result))
    return found


def _read(task: str, case: Case, intensity: Intensity | None, runtime: Runtime | None) -> Analysis | Held:
    if case.image is None:
        return Held(Status.UNREADABLE, "no image is named")
    try:
        return analyze(case.image, task=task, intensity=intensity, runtime=runtime)
    except ScopeError as error:
        return Held(Status.REFUSED, error.what)
    except InputError as error:
        return Held(Status.UNREADABLE, f"{type(error).__name__}: {error.what}")


def _remember(found: Answers, case: Case, result: Analysis) -> None:
    found.digests[case.case] = " ".join(sorted(result.inputs.values()))
    found.device_uid = result.reading.provenance.device_uid
    found.weights = dict(result.reading.provenance.weights)
    found.seconds += sum(seconds for stage, seconds in result.reading.seconds.items() if stage != "load")


def _entry(scorer: Scorer, case: Case, truth: Any, result: Analysis | Held) -> Entry[Any]:
    if isinstance(truth, Held):
        return Entry(case, None, truth)
    if isinstance(result, Held):
        return Entry(case, None, result)
    if not result.reading.assessable:
        codes = ", ".join(reason.code for reason in result.reading.reasons) or "no reason given"
        return Entry(case, None, Held(Status.REFUSED, codes))
    row = scorer.take(case, result.reading, truth, result.image)
    return Entry(case, None, row) if isinstance(row, Held) else Entry(case, row)
