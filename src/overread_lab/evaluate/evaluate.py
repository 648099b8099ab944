"""Evaluate: run a task on a set of cases whose truth is known, and say how it did, on whom, and on whom not."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overread._version import __version__
from overread.cards import TaskCard
from overread.errors import UsageError
from overread.evidence.result_json import DISCLAIMER, dumps, plain
from overread.image import Intensity
from overread.runtime import Progress, Runtime, silent, within
from overread.tasks import find_task
from overread_lab.datasets import Case, Manifest, read_manifest
from overread_lab.evaluate.against import compare, read_evaluation
from overread_lab.evaluate.answered import answered
from overread_lab.evaluate.answers import Answers, answers, numbered_patients, require_columns
from overread_lab.evaluate.document import FORMAT, FORMAT_VERSION, NAME, require_schema
from overread_lab.evaluate.entry import Entry, counts, reasons
from overread_lab.evaluate.leakage import Leakage, audit
from overread_lab.evaluate.scorer import Scorer, scorer_for
from overread_lab.evaluate.subgroups import subgroups
from overread_lab.evaluate.told import told

REPORT = "report.html"
WORST = 6


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A finished evaluation: `document` is what evaluation.json holds; the rest draws the report."""

    document: dict[str, Any]
    card: TaskCard
    manifest: Manifest
    scorers: tuple[Scorer, ...]
    entries: dict[str, list[Entry[Any]]]

    def save(self, out: str | Path, *, overwrite: bool = False, progress: Progress = silent) -> tuple[Path, ...]:
        """Write evaluation.json and report.html; the folder appears whole or not at all.

        Raises
        ------
        UsageError
            `out` exists, or cannot be written.
        ResourceError
            The disk is full or cannot be written.
        """
        from overread.evidence.folder import result_folder  # noqa: PLC0415  (only to write)
        from overread_lab.evaluate.page import report_html  # noqa: PLC0415

        out = Path(out)
        with result_folder(out, overwrite=overwrite) as folder:
            (folder / NAME).write_bytes(dumps(self.document))
            progress("report", 0.0)
            (folder / REPORT).write_bytes(report_html(self))
        return out / NAME, out / REPORT


def evaluate(
    task: str,
    data: str | Path,
    *,
    against: str | Path | None = None,
    seed: int = 0,
    intensity: Intensity | None = None,
    runtime: Runtime | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Run `task` on the set at `data` and score each question of its card.

    Parameters
    ----------
    data : path
        A folder with manifest.csv.
    against : path, optional
        evaluation.json of another run on the same set; the two are compared case by case.
    intensity : Intensity, optional
        What values without a declared unit (NIfTI) mean; for CT tasks `Intensity.HU`.

    Raises
    ------
    UsageError
        No such task, its card asks nothing, or the manifest lacks a column.
    InputError
        The manifest cannot be read. Images that cannot be read are counted, not raised.
    """
    card, scorers = scorers_of(task, seed=seed)
    other = read_evaluation(Path(against)) if against is not None else None
    manifest = read_manifest(data)
    require_columns(scorers, manifest.cases, str(manifest.folder / "manifest.csv"))
    found = answers(
        task,
        numbered_patients(manifest.cases),
        scorers,
        intensity=intensity,
        runtime=runtime,
        progress=within(progress, 0.0, 0.8),
    )
    leakage = audit(card, manifest.cases, found.digests)
    questions = []
    for n, scorer in enumerate(scorers):
        progress("score", 0.8 + 0.15 * n / len(scorers))
        questions.append(_question(scorer, found.entries[scorer.question.name], leakage, seed))
    document: dict[str, Any] = plain(
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "overread_version": __version__,
            "disclaimer": DISCLAIMER,
            "seed": seed,
            "task": _task(card, found),
            "data": _data(manifest),
            "leakage": leakage.to_dict(),
            "questions": questions,
            "against": None if other is None else compare(scorers, found.entries, other, seed=seed),
        }
    )
    require_schema(document)
    return Evaluation(document, card, manifest, scorers, found.entries)


def scorers_of(task: str, *, seed: int) -> tuple[TaskCard, tuple[Scorer, ...]]:
    """The card of a task and a scorer for each question; `UsageError` where the card asks nothing."""
    card = find_task(task).card()
    if not card.questions:
        raise UsageError(
            f"the card of {task} has no questions, so there is nothing to score",
            way_out="Add [[questions]] to its card.toml (docs/how-to/add-a-task.md).",
        )
    return card, tuple(scorer_for(question, seed=seed) for question in card.questions)


def _task(card: TaskCard, found: Answers) -> dict[str, Any]:
    return {
        "name": card.name,
        "version": card.version,
        "device_uid": found.device_uid,
        "weights": dict(sorted((found.weights or card.weights).items())),
    }


def _data(manifest: Manifest) -> dict[str, Any]:
    return {
        "name": manifest.folder.resolve().name,
        "manifest_sha256": hashlib.sha256((manifest.folder / "manifest.csv").read_bytes()).hexdigest(),
        "cases": len(manifest.cases),
        "groups": len({case.group for case in manifest.cases}),
        "sources": _sources(manifest.cases),
    }


def _sources(cases: Sequence[Case]) -> dict[str, int]:
    return dict(sorted(Counter(case.source or "unknown" for case in cases).items()))


def _question(scorer: Scorer, entries: Sequence[Entry[Any]], leakage: Leakage, seed: int) -> dict[str, Any]:
    rows = [entry.row for entry in entries if entry.row is not None]
    question = scorer.question
    first, *others = scorer.figures(rows)
    figures = [first, *answered(question, entries, seed=seed), *told(question, entries, seed=seed), *others]
    return {
        "name": question.name,
        "kind": question.kind.value,
        "column": question.column,
        "classes": list(question.classes),
        "cases": counts(entries),
        "held_back": reasons(entries),
        "figures": [figure.to_dict() for figure in figures],
        "subgroups": [part.to_dict() for part in subgroups(scorer, entries, leakage.trained_on)],
        "worst": [{"case": case, "words": words} for case, words in scorer.worst(rows, WORST)],
        "rows": [row.to_dict() for row in rows],
    }
