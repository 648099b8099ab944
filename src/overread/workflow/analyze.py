"""Analyze: open a study, have a task read it, and offer to save what was found."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import UsageError
from overread.findings import Finding, Reading
from overread.geometry import Grid, Policy
from overread.image import Frames, Image, Intensity, Radiograph, Volume
from overread.io import Series, Study, open_study
from overread.io.door.private import as_users_know, users_paths
from overread.models.site import SiteFile
from overread.runtime import Progress, Runtime, silent, within
from overread.tasks import Task, find_task
from overread.workflow.choose import choose, only_task, require_named
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
        return named or only_task(source), source, "", source.source.series_uid
    if isinstance(source, (str, Path)):
        source = open_study(source, progress=within(progress, 0.0, 0.05))
    opened = as_users_know(str(source.root if isinstance(source, Study) else source.source.root or ""))
    candidates = (source,) if isinstance(source, Series) else source.series
    task, chosen = choose(candidates, [named] if named else None, wish.series)
    require_named(chosen)
    image = chosen.load(
        policy=wish.policy, runtime=runtime, progress=within(progress, 0.05, 0.15), intensity=wish.intensity
    )
    return task, image, opened, chosen.name


def digests(image: Image, runtime: Runtime) -> dict[str, str]:
    """Path of each file behind an image, relative to what was opened, to its SHA-256."""
    root = image.source.root
    paths = sorted(set(image.source.paths))

    def digest(path: Path) -> tuple[str, str]:
        name = path.relative_to(root) if root is not None and path.is_relative_to(root) and path != root else path.name
        with path.open("rb") as file:
            return str(name), hashlib.file_digest(file, "sha256").hexdigest()

    return dict(runtime.map(digest, paths))
