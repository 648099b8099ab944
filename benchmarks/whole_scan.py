"""The main job on real scans: `overread analyze` as a user calls it, against what four readers outlined.

    python benchmarks/whole_scan.py --shared ../shared/data

Each run is a fresh process with two threads; wall time is the median, memory the largest of the runs. A lesion is hit
by a finding within its reader diameter / 2 of its centre.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

CASES = ("LIDC-IDRI-0001", "LIDC-IDRI-0002", "LIDC-IDRI-0003")


@dataclass(frozen=True)
class Lesion:
    """What the readers outlined at one place; `point_lps` is their mean centre, mm."""

    point_lps: np.ndarray
    diameters_mm: list[float]
    volumes_mm3: list[float]


@dataclass(frozen=True)
class Run:
    seconds: float
    peak_mib: float
    result: dict[str, Any]


def read_lesions(folder: Path, case: str) -> list[Lesion]:
    with (folder / "nodules.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["case"] == case and row["kind"] == "nodule_ge3mm"]
    from overread.io import open_study  # noqa: PLC0415

    grid = open_study(folder / "dicom" / case).only("CT").load_volume().grid
    lesions = []
    for number in sorted({row["lesion"] for row in rows} - {"0"}):
        marks = [row for row in rows if row["lesion"] == number]
        index = [[float(m["slice_index"]), float(m["y"]), float(m["x"])] for m in marks]
        lesions.append(
            Lesion(
                grid.to_lps(np.mean(index, axis=0)),
                [float(m["diameter_mm"]) for m in marks],
                [float(m["volume_mm3"]) for m in marks],
            )
        )
    return lesions


def run_once(folder: Path, threads: int) -> Run:
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "out"
        command = [sys.executable, "-m", "overread", "analyze", str(folder), "-o", str(out), "-q"]
        began = time.perf_counter()
        process = subprocess.Popen([*command, "--threads", str(threads)], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        if os.waitstatus_to_exitcode(status):
            raise SystemExit(f"overread analyze {folder} failed")
        return Run(seconds, usage.ru_maxrss / 1024, json.loads((out / "result.json").read_text()))


def measured(finding: dict[str, Any], name: str) -> str:
    one = next(m for m in finding["measurements"] if m["name"] == name)
    if one["value"] is None:
        return "not measurable"
    return f"{one['value']:.4g} ({one['interval']['low']:.4g} to {one['interval']['high']:.4g}) {one['unit']}"


def report(case: str, lesions: list[Lesion], runs: list[Run]) -> None:
    findings = runs[0].result["findings"]
    seconds = statistics.median(run.seconds for run in runs)
    print(f"\n{case}: {runs[0].result['image']['shape'][0]} slices, {len(findings)} findings")
    print(f"  wall {seconds:.1f} s (median of {len(runs)}), peak memory {max(run.peak_mib for run in runs):.0f} MiB")
    hit: set[int] = set()
    for lesion in lesions:
        readers = f"{len(lesion.volumes_mm3)} readers, {min(lesion.volumes_mm3):.0f}-{max(lesion.volumes_mm3):.0f} mm3"
        places = [np.linalg.norm(np.array(f["point_lps_mm"]) - lesion.point_lps) for f in findings]
        radius = float(np.mean(lesion.diameters_mm)) / 2
        if not places or min(places) > radius:
            print(f"  lesion of {2 * radius:.1f} mm ({readers}): missed")
            continue
        finding = findings[int(np.argmin(places))]
        hit.add(finding["number"])
        print(f"  lesion of {2 * radius:.1f} mm ({readers}): hit, {min(places):.1f} mm from its centre")
        for name in ("volume", "reader_comparable_volume", "effective_diameter", "mean_diameter"):
            print(f"    {name}: {measured(finding, name)}")
        rads = next(d for d in finding["descriptors"] if d["name"] == "lung_rads_2022")
        kind = next(d for d in finding["descriptors"] if d["name"] == "type")
        print(f"    type {kind['value']}, Lung-RADS {rads['value']}, cannot exclude {rads['also'] or 'another'}")
        inside = next(m for m in finding["measurements"] if m["name"] == "reader_comparable_volume")["interval"]
        if inside:
            held = sum(inside["low"] <= v <= inside["high"] for v in lesion.volumes_mm3)
            print(f"    reader-comparable interval holds {held} of {len(lesion.volumes_mm3)} readers")
    print(f"  other findings: {len(findings) - len(hit)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    folder = arguments.shared / "chest_ct"
    for case in CASES:
        repeats = arguments.repeats if case == CASES[0] else 1
        runs = [run_once(folder / "dicom" / case, arguments.threads) for _ in range(repeats)]
        report(case, read_lesions(folder, case), runs)


if __name__ == "__main__":
    main()
