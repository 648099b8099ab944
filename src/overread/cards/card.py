"""The card of a task, parsed once from `card.toml`; unknown keys are refused.

`training` is a sentence, or a table with `text`, and `groups_sha256` with their `salt` (see `training`).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from overread.cards.question import Question, QuestionKind
from overread.cards.training import TrainingGroups
from overread.errors import InputError, IntegrityError, UsageError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """A threshold with what it does, on which set, and how many."""

    name: str
    threshold: float
    set_name: str
    n: int
    sensitivity: float
    sensitivity_interval: tuple[float, float]
    false_positives_per_scan: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured figure: what, on which set, value with interval, sample size and the command that prints it."""

    name: str
    set_name: str
    value: float
    unit: str
    n: int
    command: str
    interval: tuple[float, float] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCard:
    """What people must know before they trust a task; `requires` names tasks whose answers are part of its own."""

    name: str
    version: str
    title: str
    question: str
    intended_use: str
    not_for: tuple[str, ...]
    inputs: tuple[str, ...]
    refuses: tuple[str, ...]
    method: str
    training: str
    weights_licence: str
    limits: tuple[str, ...]
    weights: dict[str, str]
    operating_points: tuple[OperatingPoint, ...] = ()
    figures: tuple[Figure, ...] = ()
    questions: tuple[Question, ...] = ()
    training_groups: TrainingGroups | None = None
    requires: tuple[str, ...] = ()


def _build(kind: type[T], table: dict[str, Any], path: Path) -> T:
    known = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(table) - known)
    if unknown:
        raise IntegrityError(f"unknown keys {unknown} in a {kind.__name__}", where=str(path))
    plain = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    try:
        return kind(**plain)
    except (TypeError, UsageError) as error:
        raise IntegrityError(f"{kind.__name__}: {error}", where=str(path)) from error


def _question(row: dict[str, Any], path: Path) -> Question:
    kinds = [kind.value for kind in QuestionKind]
    if row.get("kind") not in kinds:
        raise IntegrityError(f"a Question of kind {row.get('kind')!r}, expected one of {kinds}", where=str(path))
    return _build(Question, {**row, "kind": QuestionKind(row["kind"])}, path)


def _training(given: object, path: Path) -> dict[str, Any]:
    """The two fields of a card that `training` fills."""
    if not isinstance(given, dict):
        return {} if given is None else {"training": given}
    unknown = sorted(set(given) - {"text", "groups_sha256", "salt"})
    if unknown or "text" not in given:
        raise IntegrityError(f"training needs a text; unknown keys {unknown}", where=str(path))
    if "groups_sha256" not in given:
        return {"training": given["text"]}
    try:
        groups = TrainingGroups(str(given.get("salt", "")), frozenset(given["groups_sha256"]))
    except (TypeError, UsageError) as error:
        raise IntegrityError(f"training: {error}", where=str(path)) from error
    return {"training": given["text"], "training_groups": groups}


def read_card(path: Path) -> TaskCard:
    """Read `card.toml`; raises `InputError` where it cannot be read, `IntegrityError` for unknown or missing keys."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError("the card cannot be read", where=str(path), way_out="Give a card.toml.") from error
    table["operating_points"] = [_build(OperatingPoint, row, path) for row in table.get("operating_points", [])]
    table["figures"] = [_build(Figure, row, path) for row in table.get("figures", [])]
    table["questions"] = [_question(row, path) for row in table.get("questions", [])]
    table.update(_training(table.pop("training", None), path))
    names = [question.name for question in table["questions"]]
    if len(set(names)) != len(names):
        raise IntegrityError(f"two questions have one name: {names}", where=str(path))
    return _build(TaskCard, table, path)
