"""evaluation.json: everything that was found, as plain values under a schema. No clock: same input, same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from overread.errors import IntegrityError
from overread.evidence.schema_check import first_violation

NAME = "evaluation.json"
FORMAT = "overread.evaluation"
FORMAT_VERSION = "1.0"

SCHEMA: dict[str, Any] = json.loads(
    files("overread_lab.evaluate").joinpath("evaluation.schema.json").read_text(encoding="utf-8")
)
"""JSON Schema (2020-12) of evaluation.json."""


def require_schema(document: Mapping[str, Any], *, where: str = NAME) -> None:
    """Raises `IntegrityError` at the first place that breaks the schema."""
    violation = first_violation(dict(document), SCHEMA, where="evaluation")
    if violation:
        raise IntegrityError(f"breaks the schema of {FORMAT} {FORMAT_VERSION}: {violation}", where=where)
