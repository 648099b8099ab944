"""Analyze: open a study, choose series and task, read, and offer to save what was found."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import GeometryError, InputError, ScopeError, UsageError
from overread.findings import Finding, Reading, ScopeAnswer
from overread.geometry import Grid, Policy
from overread.image import Frames, Image, Intensity, Radiograph, Volume
from overread.io import Series, Study, open_study
from overread.io.door.private import as_users_know, users_paths
from overread.models.site import SiteFile
from overread.runtime import Progress, Runtime, silent, within
from overread.tasks import Task, find_task, task_names
from overread.workflow.site import require_task, site_of, with_site


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """A reading together with its image, ready to be saved.

    Parameters
    ----------
    reading : Reading
        What the task says.
    image : Volume
        What it was said about.
    inputs : dict
        Path of each input file relative to what was opened, to its SHA-256.
    request : dict
        What `verify` needs to repeat the run, as plain values.
    """

    reading: Reading
    image: Image
    inputs: dict[str, str] = field(default_factory=dict)
    request: dict[str, object] = field(default_factory=dict)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of the reading, in its order."""
        return self.reading.findings

    @users_paths()
    def save(
        self,
        out: str | Path,
        *,
        seg: str = "binary",
        secondary_capture: bool = False,
        overwrite: bool = False,
        progress: Progress = silent,
    ) -> tuple[Path, ...]:
        """Write result.json, findings.csv, overlay.png, a mask, seg.dcm, sr.dcm, report.html and manifest.json.

        Every object is read back by another path and compared before the folder appears by one rename.

        Parameters
        ----------
        secondary_capture : bool
            Also write the overlay as overlay.dcm, for archives that show nothing else.

        Raises
        ------
        UsageError
            `out` exists and `overwrite` is False, or `seg` is not "binary" or "labelmap".
        IntegrityError
            A read-back differs; nothing is left behind.
        ResourceError
            The disk is full or cannot be written; nothing is left behind.
        """
        from overread import evidence  # noqa: PLC0415  (DICOM writers take most of a second to load)

        return evidence.write(
            self.reading,
            self.image,
            Path(out),
            seg=evidence.SegForm.parse(seg),
            secondary_capture=secondary_capture,
            overwrite=overwrite,
            inputs=self.inputs,
            request={**self.request, "seg": seg, "secondary_capture": secondary_capture},
            card=find_task(self.reading.provenance.task).card(),
            progress=within(progress, 0.75, 1.0),
        )

    def to_dict(self) -> dict[str, Any]:
        """The reading as plain values, as result.json holds it but for what concerns the written files."""
        from overread.evidence.result_json import reading_dict  # noqa: PLC0415
        from overread.evidence.segments import facts_of  # noqa: PLC0415

        return reading_dict(self.reading, self.image, facts_of(self.reading.segments))


@users_paths()
def analyze(
    source: str | Path | Study | Series | Image | NDArray[np.generic],
    *,
    task: str | None = None,
    series: str | None = None,
    policy: Policy | str = Policy.STRICT,
    grid: Grid | None = None,
    intensity: Intensity | None = None,
    site: str | Path | SiteFile | None = None,
    runtime: Runtime | None = None,
    progress: Progress = silent,
) -> Analysis:
    """Run one task on one image.

    Parameters
    ----------
    source : path, Study, Series, Volume, Radiograph, Frames or (slice, row, column) array
        An array needs `grid` and `intensity`.
    task : str, optional
        Name of the task; without it the one installed task that suits the image.
    series : str, optional
        Series UID, or its end, when the study holds several that suit.
    policy : Policy
        What to do with uneven stacks: "strict", "repair" or "as-is".
    intensity : Intensity, optional
        What values without a declared unit (NIfTI, arrays) mean; for CT tasks `Intensity.HU`.
    site : path or SiteFile, optional
        What `overread calibrate` wrote; its task is run unless `task` names one.

    Raises
    ------
    InputError, GeometryError
        The input cannot be read or placed.
    ScopeError
        No installed task suits, or several series do and none was named.
    """
    calibration = site_of(site)
    require_task(calibration, task)
    if calibration is not None:
        task = calibration.task
    wish = _Wish(task, series, as_policy(policy), grid, intensity)
    runtime = runtime or Runtime()
    began = perf_counter()
    chosen_task, image, opened, chosen_series = _resolve(source, wish, runtime, progress)
    loaded = perf_counter()
    reading = chosen_task.read(image, runtime, within(progress, 0.15, 0.75))
    if calibration is not None:
        reading = with_site(reading, calibration)
    reading.seconds.setdefault("load", loaded - began)
    return Analysis(
        reading=reading,
        image=image,
        inputs=digests(image, runtime),
        request={
            "input": opened,
            "task": chosen_task.name,
            "series": chosen_series,
            "policy": wish.policy.value,
            "intensity": "" if intensity is None else intensity.name,
            "site": as_users_know(str(site)) if isinstance(site, (str, Path)) else "",
        },
    )


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the caller asked for, checked."""

    task: str | None
    series: str | None
    policy: Policy
    grid: Grid | None
    intensity: Intensity | None


def as_policy(policy: Policy | str) -> Policy:
    """The policy of that name; raises `UsageError` for another."""
    try:
        return Policy(policy)
    except ValueError:
        raise UsageError(
            f"unknown policy {policy!r}", way_out=f"Use one of {', '.join(p.value for p in Policy)}."
        ) from None


def _resolve(
    source: str | Path | Study | Series | Image | NDArray[Any], wish: _Wish, runtime: Runtime, progress: Progress
) -> tuple[Task, Image, str, str]:
    named = find_task(wish.task) if wish.task else None
    if isinstance(source, np.ndarray):
        if wish.grid is None or wish.intensity is None:
            raise UsageError("an array has no place and no unit", way_out="Give grid= and intensity= with it.")
        source = Volume(source, wish.grid, wish.intensity)
    if isinstance(source, (Volume, Radiograph, Frames)):
        return named or _only_task(source), source, "", source.source.series_uid
    if isinstance(source, (str, Path)):
        source = open_study(source, progress=within(progress, 0.0, 0.05))
    opened = as_users_know(str(source.root if isinstance(source, Study) else source.source.root or ""))
    candidates = (source,) if isinstance(source, Series) else source.series
    task, chosen = choose(candidates, [named] if named else None, wish.series)
    _require_named(chosen)
    image = chosen.load(
        policy=wish.policy, runtime=runtime, progress=within(progress, 0.05, 0.15), intensity=wish.intensity
    )
    return task, image, opened, chosen.name


def _only_task(image: Image) -> Task:
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


def _require_named(series: Series) -> None:
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


def digests(image: Image, runtime: Runtime) -> dict[str, str]:
    """Path of each file behind an image, relative to what was opened, to its SHA-256."""
    root = image.source.root
    paths = sorted(set(image.source.paths))

    def digest(path: Path) -> tuple[str, str]:
        name = path.relative_to(root) if root is not None and path.is_relative_to(root) and path != root else path.name
        with path.open("rb") as file:
            return str(name), hashlib.file_digest(file, "sha256").hexdigest()

    return dict(runtime.map(digest, paths))
