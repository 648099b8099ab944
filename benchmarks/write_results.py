"""Seconds to write and prove the results of one chest CT: 133 slices of 512 x 512, three findings of 16 numbers each.

    python benchmarks/write_results.py

Prints the median of 5 runs by stage, wall and CPU time of the whole, and the size of each file. The series is made of
noise, which is the worst case for the size of pictures. Aim: at most 2.5 s on a free core.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from overread.evidence import write
from overread.evidence.vocabulary import MEASUREMENTS
from overread.findings import Finding, Interval, Measurement, Provenance, Reading, Scope, ScopeAnswer
from overread.findings.codes import ABNORMAL_STRUCTURE, LUNG, NODULE
from overread.geometry import axial_grid
from overread.image import Intensity, LabelMap, Volume
from overread.image.window import LUNG as LUNG_WINDOW
from overread.image.window import PULMONARY_PAPER, SOFT_TISSUE
from overread.io import open_study
from overread.phantoms.dicom_series import write_series

RUNS = 5
CENTRES = ((40, 200, 150, 4.0), (66, 300, 380, 8.0), (100, 150, 330, 12.0))
"""Slice, row, column and radius in mm of each finding."""


def make_image(folder: Path) -> Volume:
    """A noisy series as DICOM, opened again by the reader."""
    grid = axial_grid((133, 512, 512), spacing_mm=(2.5, 0.7, 0.7), origin_lps=(-179.0, -179.0, -340.0))
    hu = np.random.default_rng(1).normal(-800, 40, grid.shape).clip(-1000, 400).astype(np.int16)
    write_series(Volume(hu, grid, Intensity.HU), folder, seed=1)
    return open_study(folder).series[0].load_volume()


def make_reading(image: Volume) -> Reading:
    """Three balls, each with every measurement that has a name."""
    labels = np.zeros(image.grid.shape, dtype=np.uint8)
    findings = []
    for number, (k, j, i, radius_mm) in enumerate(CENTRES, start=1):
        dk, dj, di = image.grid.spacing_mm
        kk, jj, ii = np.ogrid[0:133, 0:512, 0:512]
        labels[((kk - k) * dk) ** 2 + ((jj - j) * dj) ** 2 + ((ii - i) * di) ** 2 < radius_mm**2] = number
        x, y, z = (float(v) for v in image.grid.to_lps((k, j, i)))
        numbers = tuple(
            Measurement(name, 10.0 + n, "mm", Interval(9.0 + n, 11.5 + n), "benchmark")
            for n, name in enumerate(MEASUREMENTS)
        )
        findings.append(
            Finding(
                number=number,
                kind=NODULE,
                label="nodule",
                point_lps=(x, y, z),
                tracking_uid=f"2.25.{number}",
                category=ABNORMAL_STRUCTURE,
                site=LUNG,
                measurements=numbers[:16],
            )
        )
    return Reading(
        provenance=Provenance(task="benchmark", task_version="1", device_uid="2.25.9"),
        title="Benchmark",
        assessable=True,
        scope=Scope(ScopeAnswer.YES),
        source=image.source,
        verdict=image.verdict,
        findings=tuple(findings),
        segments=LabelMap(labels, image.grid),
        windows=(PULMONARY_PAPER, LUNG_WINDOW, SOFT_TISSUE),
    )


def one_run(reading: Reading, image: Volume, out: Path) -> dict[str, float]:
    """Seconds by stage; "wall" and "CPU" are of the whole."""
    seconds: dict[str, float] = {}
    last = ["start", time.perf_counter()]

    def note(stage: str, share: float) -> None:
        now = time.perf_counter()
        seconds[str(last[0])] = seconds.get(str(last[0]), 0.0) + now - float(last[1])
        last[:] = [stage, now]

    wall, cpu = time.perf_counter(), time.process_time()
    write(reading, image, out, progress=note)
    return {**seconds, "wall": time.perf_counter() - wall, "CPU": time.process_time() - cpu}


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image = make_image(folder / "series")
        reading = make_reading(image)
        runs = [one_run(reading, image, folder / f"out{n}") for n in range(RUNS)]
        for stage in runs[0]:
            print(f"{statistics.median(run[stage] for run in runs):7.2f} s  {stage}")
        for path in sorted((folder / "out0").iterdir()):
            print(f"{path.stat().st_size / 1e6:7.2f} MB  {path.name}")


if __name__ == "__main__":
    main()
