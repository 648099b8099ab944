"""What one run wrote, did not write and proved; becomes part of result.json."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Ledger:
    """Filled while a folder is written."""

    not_written: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    proofs: list[dict[str, Any]] = field(default_factory=list)
    source_frames: dict[str, Any] | None = None

    def skip(self, name: str, reason: str) -> None:
        """Say that a file is not written, and why."""
        self.not_written.append({"file": name, "reason": reason})
