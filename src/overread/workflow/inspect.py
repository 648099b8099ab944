"""Inspect: what is in a folder, whether its geometry is sound, and which tasks suit. Headers only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from overread.findings import Scope
from overread.geometry import Verdict
from overread.io import Study, open_study
from overread.tasks import find_task, task_names


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """One line of `overread inspect`; `tasks` maps each installed task to what it says from the headers."""

    series_uid: str
    modality: str
    description: str
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float] | None
    transfer_syntax: str
    verdict: Verdict
    tasks: dict[str, Scope]

    def to_dict(self) -> dict[str, object]:
        """Plain values for `--json`."""
        return {
            "series_uid": self.series_uid,
            "modality": self.modality,
            "description": self.description,
            "shape": list(self.shape),
            "spacing_mm": None if self.spacing_mm is None else [round(s, 6) for s in self.spacing_mm],
            "transfer_syntax": self.transfer_syntax,
            "geometry": {
                "status": self.verdict.status,
                "faults": [
                    {
                        "code": fault.code,
                        "severity": fault.severity.value,
                        "message": fault.message,
                        "amount_mm": fault.amount_mm,
                        "files": list(fault.files),
                    }
                    for fault in self.verdict.faults
                ],
            },
            "tasks": {
                name: {"answer": scope.answer.value, "reasons": [reason.text for reason in scope.reasons]}
                for name, scope in self.tasks.items()
            },
        }


def inspect(path: str | Path | Study) -> tuple[SeriesRow, ...]:
    """One row a series of the study at `path`, largest series first; raises `InputError` if nothing is readable."""
    study = path if isinstance(path, Study) else open_study(path)
    tasks = [find_task(name) for name in task_names()]
    rows = [
        SeriesRow(
            one.series_uid,
            one.modality,
            one.description,
            one.shape,
            one.spacing_mm,
            one.transfer_syntax,
            one.verdict,
            {task.name: task.suits(one.source, one.shape, one.spacing_mm) for task in tasks},
        )
        for one in study.series
    ]
    return tuple(sorted(rows, key=lambda row: (-row.shape[0], row.series_uid)))
