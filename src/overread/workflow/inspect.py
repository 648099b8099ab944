"""Inspect: what is in a folder, whether its geometry is sound, and which tasks suit.

Headers only, but for the one picture a series of the page.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from overread.errors import OverreadError, ResourceError, UsageError
from overread.findings import Scope
from overread.geometry import Verdict
from overread.image import Calibration, PixelScale
from overread.io import Series, Study, middle_picture, open_study
from overread.io.dicom.codecs import syntax_name
from overread.io.door.discover import relative
from overread.runtime import Progress, Runtime, silent, within
from overread.tasks import Task, find_task, task_names

if TYPE_CHECKING:
    from overread.evidence.page.gallery import Entry


_NOT_SAID = (Calibration.PATIENT, Calibration.NONE)
"""Classes that the table leaves out: what everyone expects of a scanner, and files without any."""


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """One line of `overread inspect`; `tasks` maps each installed task to what it says from the headers."""

    series_uid: str
    modality: str
    description: str
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float] | None
    scale: PixelScale
    transfer_syntax: str
    verdict: Verdict
    tasks: dict[str, Scope]

    def spacing_words(self) -> str:
        """Such as "2.5 x 0.703 x 0.703", "0.14 x 0.14 (detector plane)" for a picture, or "?"."""
        spacing = self.spacing_mm or self.scale.spacing_mm
        if spacing is None:
            return "?"
        words = " x ".join(f"{s:.3g}" for s in spacing)
        return words if self.scale.calibration in _NOT_SAID else f"{words} ({self.scale.calibration.value})"

    def transfer_syntax_words(self) -> str:
        """Such as "JPEG-LS lossless"; the UID where it has no name here."""
        return syntax_name(self.transfer_syntax)

    def to_dict(self) -> dict[str, object]:
        """Plain values for `--json`."""
        return {
            "series_uid": self.series_uid,
            "modality": self.modality,
            "description": self.description,
            "shape": list(self.shape),
            "spacing_mm": None if self.spacing_mm is None else [round(s, 6) for s in self.spacing_mm],
            "calibration": {
                "class": self.scale.calibration.value,
                "spacing_mm": None if self.scale.spacing_mm is None else [round(s, 6) for s in self.scale.spacing_mm],
                "words": self.scale.words,
            },
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
    return tuple(_row(one, tasks) for one in _largest_first(study))


def _largest_first(study: Study) -> list[Series]:
    return sorted(study.series, key=lambda one: (-one.shape[0], one.name))


def _row(one: Series, tasks: list[Task]) -> SeriesRow:
    return SeriesRow(
        one.name,
        one.modality,
        one.description,
        one.shape,
        one.spacing_mm,
        one.scale,
        one.transfer_syntax,
        one.verdict,
        {task.name: task.suits(one.source, one.shape, one.spacing_mm) for task in tasks},
    )


def inspect_page(
    path: str | Path | Study,
    out: str | Path,
    *,
    overwrite: bool = False,
    runtime: Runtime | None = None,
    progress: Progress = silent,
) -> Path:
    """Write one self-contained page with the middle picture of every series, its geometry and the tasks that suit.

    Raises
    ------
    UsageError
        `out` exists and `overwrite` is False.
    InputError
        Nothing is readable. A series whose pixels cannot be read is on the page with the reason.
    ResourceError
        The page cannot be written.
    """
    from overread.evidence.page.gallery import gallery_html  # noqa: PLC0415  (templates, only for a page)

    out = Path(out)
    if out.exists() and not overwrite:
        raise UsageError("the page exists", where=str(out), way_out="Give another name, or overwrite (--overwrite).")
    study = path if isinstance(path, Study) else open_study(path, progress=within(progress, 0.0, 0.3))
    tasks = [find_task(name) for name in task_names()]
    series = _largest_first(study)
    entries = []
    for n, one in enumerate(series):
        progress("pictures", 0.3 + 0.7 * n / len(series))
        entries.append(_entry(one, _row(one, tasks), runtime))
    skipped = tuple((relative(str(one.path), study.root), one.reason) for one in study.skipped)
    page = gallery_html(f"Series in {study.root.name or study.root}", tuple(entries), skipped)
    partial = out.with_name(f".{out.name}.partial-{os.getpid()}")
    try:
        partial.write_bytes(page)
        partial.replace(out)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise ResourceError(f"the page cannot be written ({error.strerror})", where=str(out)) from None
    return out


def _entry(one: Series, row: SeriesRow, runtime: Runtime | None) -> Entry:
    from overread.evidence.page.gallery import Entry  # noqa: PLC0415

    picture, why = None, ""
    try:
        picture = middle_picture(one, runtime)
    except OverreadError as error:
        why = error.what
    facts = (
        ("Modality", row.modality or "not given"),
        ("Size", " x ".join(str(n) for n in row.shape)),
        ("Spacing, mm", row.spacing_words()),
        ("Coded as", row.transfer_syntax_words()),
        ("Files", str(one.n_files)),
        ("Series", row.series_uid or "none"),
    )
    heading = " ".join(word for word in (row.modality, row.description or "no description") if word)
    tasks = tuple((name, answer_words(scope)) for name, scope in row.tasks.items())
    return Entry(heading, facts, row.verdict, tasks, picture, why)


def answer_words(scope: Scope) -> str:
    """Whether a task suits, and why not."""
    return "; ".join([scope.answer.value, *(reason.text for reason in scope.reasons)])
