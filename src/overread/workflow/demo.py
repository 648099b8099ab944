"""Demo: simulate a scan, read it like any other, and hold the answer against the truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from overread.errors import UsageError
from overread.findings import Finding
from overread.phantoms import FilmPhantom, Planted
from overread.runtime import Progress, Runtime, silent
from overread.workflow.analyze import Analysis, analyze
from overread.workflow.simulate import Simulation, simulate


@dataclass(frozen=True, slots=True)
class Compared:
    """One planted object and the finding that hit it (centre within the true radius), or None for a miss."""

    planted: Planted
    finding: Finding | None


@dataclass(frozen=True, slots=True, eq=False)
class Demo:
    """What the demo made: `results` is the folder with report.html; `extra` are findings that were not planted."""

    simulation: Simulation
    analysis: Analysis
    results: Path
    compared: tuple[Compared, ...]
    extra: tuple[Finding, ...]

    def to_dict(self) -> dict[str, object]:
        """Plain values for `--json`: where things lie, and truth beside finding number for each planted object."""
        return {
            "results": str(self.results),
            "series": str(self.simulation.series),
            "truth": str(self.simulation.truth),
            "planted": [
                {
                    "number": one.planted.number,
                    "kind": one.planted.kind,
                    "attachment": one.planted.attachment,
                    "centre_lps_mm": list(one.planted.centre_lps),
                    "truths": one.planted.truths,
                    "finding": None if one.finding is None else one.finding.number,
                }
                for one in self.compared
            ],
            "other_findings": [found.number for found in self.extra],
            "reading": self.analysis.to_dict(),
        }


def demo(
    out: str | Path | None = None,
    *,
    task: str = "chest_ct_nodule",
    seed: int = 1,
    runtime: Runtime | None = None,
    progress: Progress = silent,
) -> Demo:
    """Simulate a scan as a DICOM series, analyse it from its files, write the results, compare them with the truth.

    Parameters
    ----------
    out : path, optional
        Folder to make; without it the first free of overread-demo, overread-demo-2 ... in the current folder.
    """
    folder = Path(out) if out is not None else _free_folder(Path("overread-demo"))
    progress("simulate", 0.0)
    simulation = simulate(task, folder, seed=seed)
    analysis = analyze(simulation.series, task=task, runtime=runtime, progress=progress)
    analysis.save(folder / "results", progress=progress)
    if isinstance(simulation.phantom, FilmPhantom):
        raise UsageError(f"{task} simulates a film, and the demo compares planted objects", way_out="Use simulate.")
    compared, extra = compare(simulation.phantom.planted, analysis.findings)
    return Demo(simulation, analysis, folder / "results", compared, extra)


def _free_folder(wanted: Path) -> Path:
    number, folder = 1, wanted
    while folder.exists():
        number += 1
        folder = wanted.with_name(f"{wanted.name}-{number}")
    return folder


def compare(
    planted: tuple[Planted, ...], findings: tuple[Finding, ...]
) -> tuple[tuple[Compared, ...], tuple[Finding, ...]]:
    """Pair planted objects with findings, nearest first, within the true radius (at least 3 mm)."""
    distances = sorted(
        (float(np.linalg.norm(np.subtract(one.centre_lps, found.point_lps))), one.number, found.number)
        for one in planted
        for found in findings
        if found.point_lps is not None
    )
    radius = {one.number: max(3.0, one.truths["effective_diameter_mm"] / 2) for one in planted}
    by_planted: dict[int, int] = {}
    taken: set[int] = set()
    for distance, number, found in distances:
        if distance <= radius[number] and number not in by_planted and found not in taken:
            by_planted[number] = found
            taken.add(found)
    by_number = {found.number: found for found in findings}
    compared = tuple(
        Compared(one, by_number[by_planted[one.number]] if one.number in by_planted else None) for one in planted
    )
    return compared, tuple(found for found in findings if found.number not in taken)
