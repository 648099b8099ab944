"""A reading with the calibration of a site: its probabilities, what they leave possible, and whether it may decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from overread.errors import IntegrityError, OverreadError, UsageError
from overread.findings import Descriptor, Measurement, Reading
from overread.models.site import QuestionCalibration, SiteAnswer, SiteFile

UNSURE = "needs_a_reader"
AT_LEAST, AT_MOST = "at_least", "at_most"
"""Ends of the names of the two Venn-Abers limits; they are no 95 % interval, so they are numbers of their own."""


def site_of(given: str | Path | SiteFile | None) -> SiteFile | None:
    """The site file at a path; None stays None."""
    return SiteFile.read(given) if isinstance(given, (str, Path)) else given


def with_site(reading: Reading, site: SiteFile) -> Reading:
    """A reading as the site's own cases say it should be read.

    Of each calibrated question: the probabilities are those after calibration, each with its Venn-Abers limits as
    `{question}_{class}_at_least` and `_at_most`; the label is the one class that the conformal set leaves, else
    "needs_a_reader". Where the task showed no gain over a control on the site's cases it decides nothing.

    Raises
    ------
    UsageError
        The site file is of another task.
    IntegrityError
        It belongs to other weights, or to questions that the task does not answer.
    """
    made_by = reading.provenance
    site.require_weights(made_by.task, made_by.weights)
    plan = {**made_by.plan, "site_file": {"sha256": site.sha256, "patients": site.n}}
    labels, numbers = reading.labels, reading.measurements
    caveats = [f"Calibrated on {site.n} patients of one site; it holds there, and until scanner or patients change."]
    for name, question in sorted(site.questions.items()) if reading.assessable else ():
        answer = _answer(name, question, numbers)
        numbers = _numbers(name, answer, numbers)
        label, words = _label(name, question, answer)
        labels = tuple(label if d.name == name else d for d in labels)
        if all(d.name != name for d in labels):
            labels = (label, *labels)
        caveats += words
    return replace(
        reading,
        provenance=replace(made_by, plan=plan, device_uid=site.device_uid),
        labels=labels,
        measurements=numbers,
        caveats=(*caveats, *reading.caveats),
    )


def _answer(name: str, question: QuestionCalibration, numbers: Sequence[Measurement]) -> SiteAnswer:
    wanted = {f"{name}_{one}": one for one in question.classes}
    given = {wanted[m.name]: m.value for m in numbers if m.name in wanted}
    try:
        return question.apply(given)
    except OverreadError as error:
        raise IntegrityError(
            f"the task gives no probabilities for the classes of {name} that the site file calibrates: {error.what}"
        ) from error


def _numbers(name: str, answer: SiteAnswer, numbers: Sequence[Measurement]) -> tuple[Measurement, ...]:
    """Each probability replaced, its two limits behind it."""
    found: list[Measurement] = []
    for m in numbers:
        one = next((one for one in answer.probabilities if m.name == f"{name}_{one}"), None)
        if one is None:
            found.append(m)
            continue
        low, high = answer.intervals[one]
        found.append(replace(m, value=answer.probabilities[one], method=f"{m.method}, calibrated on the site's cases"))
        method = "Venn-Abers limit on the site's cases; not a 95 % interval"
        found += [Measurement(f"{m.name}_{end}", p, "1", None, method) for end, p in ((AT_LEAST, low), (AT_MOST, high))]
    return tuple(found)


def _label(name: str, question: QuestionCalibration, answer: SiteAnswer) -> tuple[Descriptor, list[str]]:
    """What is answered, and what has to be said of it."""
    equalled = sorted(control for control, gain in question.gains.items() if not gain.is_shown)
    if equalled:
        words = f"It decides nothing: on the site's cases no gain over {' and '.join(equalled)} alone was shown."
        return Descriptor(name, UNSURE, words, answer.possible), [words]
    covered = f"misses the truth in {100 * question.sets.miss_rate:g} % of cases like those of the site"
    if len(answer.possible) == 1:
        return Descriptor(name, answer.possible[0], f"the only class left; such an answer {covered}"), []
    if answer.possible:
        text = f"cannot be decided: {' or '.join(answer.possible).replace('_', ' ')}; this set {covered}"
        return Descriptor(name, UNSURE, text, answer.possible), []
    return Descriptor(name, UNSURE, "it resembles no class that the site calibrated on"), []


def require_task(site: SiteFile | None, task: str | None) -> None:
    """`UsageError` before any image is read where the site file is of another task than the one named."""
    if site is not None and task is not None and site.task != task:
        raise UsageError(f"the site file is of the task {site.task}, not of {task}", way_out=f"Use --task {site.task}.")
