"""The card of a task, parsed once from `card.toml`; unknown keys are refused."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from overread.errors import IntegrityError

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
    """What people must know before they trust a task."""

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


def _build(kind: type[T], table: dict[str, Any], path: Path) -> T:
    known = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(table) - known)
    if unknown:
        raise IntegrityError(f"unknown keys {unknown} in a {kind.__name__}", where=str(path))
    plain = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    try:
        return kind(**plain)
    except TypeError as error:
        raise IntegrityError(f"{kind.__name__}: {error}", where=str(path)) from error


def read_card(path: Path) -> TaskCard:
    """Read `card.toml`; raises `IntegrityError` for unknown or missing keys."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    table["operating_points"] = [_build(OperatingPoint, row, path) for row in table.get("operating_points", [])]
    table["figures"] = [_build(Figure, row, path) for row in table.get("figures", [])]
    return _build(TaskCard, table, path)
