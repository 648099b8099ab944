"""This evaluation against an earlier one on the same cases: same draws for both, exchange by patient, Holm."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from overread.errors import InputError, UsageError
from overread_lab import metrics
from overread_lab.evaluate.document import FORMAT, require_schema
from overread_lab.evaluate.entry import Entry
from overread_lab.evaluate.figure import DRAWS
from overread_lab.evaluate.scorer import Scorer

PERMUTATIONS = 10_000


def read_evaluation(path: Path) -> dict[str, Any]:
    """An evaluation.json; raises `InputError` where it is none, `IntegrityError` where it breaks its schema."""
    try:
        table = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from error
    except ValueError as error:
        raise InputError("is no JSON", where=str(path), way_out="Give an evaluation.json.") from error
    if not isinstance(table, dict) or table.get("format") != FORMAT:
        raise InputError("is no evaluation", where=str(path), way_out="Give the evaluation.json of an earlier run.")
    require_schema(table, where=str(path))
    return table


def compare(
    scorers: Sequence[Scorer], entries: Mapping[str, Sequence[Entry[Any]]], other: Mapping[str, Any], *, seed: int
) -> dict[str, Any]:
    """One row a question that both evaluations ask, over the cases that both scored.

    Raises
    ------
    UsageError
        No question is common, or the truth of a case differs: then the sets are not the same.
    """
    theirs = {question["name"]: question for question in other["questions"]}
    found = [
        _question(scorer, entries[scorer.question.name], theirs[scorer.question.name], seed)
        for scorer in scorers
        if scorer.question.name in theirs and theirs[scorer.question.name]["kind"] == scorer.question.kind.value
    ]
    if not found:
        raise UsageError("the other evaluation asks none of these questions", way_out="Compare runs of one task.")
    defined = {row["question"]: row["p"] for row in found if row["p"] is not None}
    adjusted = metrics.holm(defined)
    for row in found:
        row["p_holm"] = adjusted.get(row["question"])
    return {"other_task": other["task"]["name"], "other_version": other["task"]["version"], "questions": found}


def _question(scorer: Scorer, entries: Sequence[Entry[Any]], other: Mapping[str, Any], seed: int) -> dict[str, Any]:
    ours = {entry.row.case: entry.row for entry in entries if entry.row is not None}
    theirs = {row["case"]: scorer.row_from(row) for row in other["rows"]}
    common = sorted(set(ours) & set(theirs))
    first, second = [ours[case] for case in common], [theirs[case] for case in common]
    name = scorer.question.name
    differing = [a.case for a, b in zip(first, second, strict=True) if _truth(a) != _truth(b)]
    if differing:
        raise UsageError(
            f"the truth of {len(differing)} cases differs between the evaluations, such as {differing[0]!r}",
            where=name,
            way_out="Compare runs on one set.",
        )
    row: dict[str, Any] = {
        "question": name,
        "n": len(common),
        "only_here": len(ours) - len(common),
        "only_there": len(theirs) - len(common),
        "figure": "",
        **dict.fromkeys(("here", "there", "difference", "low", "high", "p", "p_holm")),
        "note": "no case was scored by both",
    }
    if not common:
        return row
    figure, statistic = scorer.comparison(first, second)
    groups = [r.group for r in first]
    here, there = np.zeros(len(common), dtype=np.intp), np.ones(len(common), dtype=np.intp)
    result = metrics.paired_comparison(
        here, there, groups, statistic=lambda model, items: statistic(model.astype(np.intp), items),
        seed=seed, draws=DRAWS, permutations=PERMUTATIONS,
    )  # fmt: skip
    interval = result.difference.interval
    row.update(
        figure=figure,
        here=_number(result.first),
        there=_number(result.second),
        difference=_number(result.difference.value),
        low=None if interval is None else interval.low,
        high=None if interval is None else interval.high,
        p=_number(result.p),
        note="; ".join(result.difference.notes),
    )
    return row


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _truth(row: Any) -> Any:
    """What the row says of the truth; masks are not kept, so nothing is compared for them."""
    outcome = getattr(row, "outcome", None)
    return getattr(row, "truth", None) if outcome is None else outcome.truths
