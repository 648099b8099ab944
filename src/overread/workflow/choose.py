"""Which task reads which series of a study, and why none does."""

from __future__ import annotations

from overread.errors import GeometryError, InputError, ScopeError, UsageError
from overread.findings import ScopeAnswer
from overread.image import Image
from overread.io import Series
from overread.tasks import Task, find_task, task_names


def only_task(image: Image) -> Task:
    suited = _most_complete(
        [found for found in map(find_task, task_names()) if found.accepts(image).answer is not ScopeAnswer.NO]
    )
    if len(suited) != 1:
        raise ScopeError(f"{len(suited)} installed tasks suit this image", way_out="Name one with task=.")
    return suited[0]


def _most_complete(tasks: list[Task]) -> list[Task]:
    """Without those whose answers are part of another's."""
    parts = {name for task in tasks for name in task.card().requires}
    return [task for task in tasks if task.name not in parts]


def choose(series: tuple[Series, ...], tasks: list[Task] | None, wanted: str | None) -> tuple[Task, Series]:
    """The pair of task and series to read.

    A named task is run even on the only series that does not suit, so that the refusal is written with its reasons.
    DICOM comes before files that do not say what they are (a mask beside the scan); of several series that suit, the
    one with most slices is read; a tie needs `wanted`, the end of a series UID. Of several tasks the one that answers
    for the others too is taken.
    """
    if wanted:
        matching = tuple(s for s in series if s.name.endswith(wanted))
        if len(matching) != 1:
            raise UsageError(
                f"{len(matching)} series end in {wanted!r}", way_out="`overread inspect` lists the series of a folder."
            )
        series = matching
    series = tuple(one for one in series if not one.is_localizer) or series
    named = tasks is not None
    pairs = [
        (task, one)
        for task in (tasks or [find_task(name) for name in task_names()])
        for one in series
        if task.suits(one.source, one.shape, one.spacing_mm).answer is not ScopeAnswer.NO
    ]
    if any(one.source.kind == "dicom" for _, one in pairs):
        pairs = [pair for pair in pairs if pair[1].source.kind == "dicom"]
    if not pairs and named and tasks and series:
        return tasks[0], max(series, key=lambda s: (s.spacing_mm is not None, s.shape[0]))  # a volume before a clip
    if not pairs:
        _require_sound(series)
        raise ScopeError(
            f"none of {len(series)} series suits an installed task; {_first_reason(series)}",
            way_out="`overread inspect` says why for each.",
        )
    if not named:
        complete = {task.name for task in _most_complete([task for task, _ in pairs])}
        pairs = [pair for pair in pairs if pair[0].name in complete]
    if len({task.name for task, _ in pairs}) > 1:
        raise ScopeError("several tasks suit", way_out=f"Name one with --task: {sorted({t.name for t, _ in pairs})}.")
    most = max(one.shape[0] for _, one in pairs)
    best = [pair for pair in pairs if pair[1].shape[0] == most]
    if len(best) > 1:
        names = ", ".join(one.name or one.source.paths[0].name for _, one in best)
        raise ScopeError(
            f"{len(best)} series suit equally well: {names}",
            way_out="Name one with --series and the end of its UID, or open its file alone.",
        )
    return best[0]


def _require_sound(series: tuple[Series, ...]) -> None:
    """What is wrong with the files comes before what they are not."""
    unsound = [one for one in series if one.verdict.status == "unsound"]
    if unsound:
        worst = max(unsound, key=lambda one: one.n_files)
        fault = worst.verdict.faults[0]
        files = f" ({', '.join(fault.files[:3])})" if fault.files else ""
        raise GeometryError(
            f"series ...{worst.series_uid[-12:]}: {worst.verdict.sentence()}{files}",
            where=str(worst.source.root or ""),
            way_out="Send the series again, or see `overread inspect`.",
        )


def require_named(series: Series) -> None:
    """Results point to the pictures they were found on; without a UID there is nothing to point to."""
    for fault in series.verdict.faults:
        if fault.code == "no_uid":
            raise InputError(
                f"{fault.message} ({', '.join(fault.files[:3])}), so that no result could point to them",
                where=str(series.source.root or ""),
                way_out="Export the series again; do not invent UIDs, since results would belong to no study.",
            )


def _first_reason(series: tuple[Series, ...]) -> str:
    """Why the largest series does not suit the first task that it might have been for."""
    largest = max(series, key=lambda one: one.shape[0])
    scopes = (find_task(name).suits(largest.source, largest.shape, largest.spacing_mm) for name in task_names())
    texts = [reason.text for scope in scopes for reason in scope.reasons]
    return f"the largest: {texts[0]}" if texts else "no task is installed"
