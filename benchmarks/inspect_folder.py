"""Wall time of `overread inspect` on 1,000 files of 10 series, start included, against pydicom reading the headers.

    python benchmarks/inspect_folder.py [--runs 5]

Aim: at most 2 s. Exits 1 when over. Runs of the two alternate; the first of each is thrown away. The peer is a fresh
Python that opens every file with pydicom up to its pixels and groups them by series, and judges nothing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from overread.geometry import axial_grid
from overread.image import Intensity, Volume
from overread.phantoms.dicom_series import write_series

SERIES, SLICES = 10, 100
AIM_S = 2.0
PEER = """
import sys
from collections import Counter
from pathlib import Path
import pydicom
files = [path for path in Path(sys.argv[1]).rglob("*") if path.is_file()]
series = Counter(pydicom.dcmread(path, stop_before_pixels=True).SeriesInstanceUID for path in files)
print(len(series), sum(series.values()))
"""


def write_study(folder: Path) -> None:
    """Ten small series; the pixels do not matter, since no one reads them."""
    grid = axial_grid((SLICES, 64, 64), spacing_mm=(1.5, 0.8, 0.9))
    for n in range(SERIES):
        array = np.full(grid.shape, -1000 + n, np.int16)
        write_series(Volume(array, grid, Intensity.HU), folder / f"series{n}", seed=n)


def seconds(command: list[str]) -> float:
    """Wall time of one run."""
    began = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    script = Path(sysconfig.get_path("scripts"), "overread")
    with tempfile.TemporaryDirectory() as name:
        write_study(Path(name))
        commands = {
            "overread inspect": [str(script), "inspect", name],
            "pydicom loop": [sys.executable, "-c", PEER, name],
        }
        times: dict[str, list[float]] = {what: [] for what in commands}
        for run in range(runs + 1):
            for what, command in commands.items():
                took = seconds(command)
                if run:
                    times[what].append(took)
    for what, taken in times.items():
        print(f"{what:18s} {median(taken):6.2f} s  ({min(taken):.2f} to {max(taken):.2f}, n {runs})")
    print(f"ratio {median(times['pydicom loop']) / median(times['overread inspect']):.1f}x, aim {AIM_S} s")
    return int(median(times["overread inspect"]) > AIM_S)


if __name__ == "__main__":
    raise SystemExit(main())
