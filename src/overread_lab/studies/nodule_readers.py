"""Measured sizes beside what radiologists drew: the LIDC-IDRI cases of a folder, lesion by lesion.

    python -m overread_lab.studies.nodule_readers ../shared/data/chest_ct

Few patients: hits and misses are printed, no rates. The seed of each lesion is the mean of its readers' centres and
its rough radius that of their mean volume, so this is about measuring, not about finding.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from overread.io import open_study
from overread.measure import NotMeasurable, estimate_edge, measure_nodule
from overread.ops.lung_field import lung_field
from overread.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Lesion:
    """What the readers of one lesion drew."""

    case: str
    number: str
    centre_xyz: tuple[float, float, float]
    volumes_mm3: tuple[float, ...]

    @property
    def radius_mm(self) -> float:
        """Radius of the ball of the mean volume."""
        return float((3 * np.mean(self.volumes_mm3) / (4 * np.pi)) ** (1 / 3))


def read_lesions(table: Path) -> list[Lesion]:
    """Lesions of a `nodules.csv` that lie in the kept slices; `centre_xyz` is (column, row, z in mm)."""
    rows: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    with table.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["kind"] == "nodule_ge3mm" and row["lesion"] not in ("", "0"):
                rows[row["case"], row["lesion"]].append(row)
    lesions = []
    for (case, number), marks in sorted(rows.items()):
        x, y, z = (float(np.mean([float(mark[key]) for mark in marks])) for key in ("x", "y", "z_mm"))
        lesions.append(Lesion(case, number, (x, y, z), tuple(sorted(float(mark["volume_mm3"]) for mark in marks))))
    return lesions


def compare_case(folder: Path, lesions: Sequence[Lesion]) -> list[str]:
    """Lines for one case: its edge model, then each lesion's readers and figures."""
    runtime = Runtime(1)
    image = open_study(folder).series[0].load_volume()
    lung = lung_field(image, runtime).inside
    edge = estimate_edge(image, lung)
    lines = [
        f"{folder.name}: blur {edge.sigma_mm:.2f} mm ({edge.edges} edges), slices {edge.slice_width_mm:g} mm, "
        f"noise {edge.noise_sd_hu:.0f} HU"
    ]
    for lesion in lesions:
        column, row, z_mm = lesion.centre_xyz
        seed = np.array([(z_mm - image.grid.affine_lps[2, 3]) / image.grid.affine_lps[2, 0], row, column])
        start = time.perf_counter()
        found = measure_nodule(image, seed, lesion.radius_mm, lung, edge=edge)
        seconds = time.perf_counter() - start
        readers = ", ".join(f"{volume:.0f}" for volume in lesion.volumes_mm3)
        lines.append(f"  lesion {lesion.number}: {len(lesion.volumes_mm3)} readers {readers} mm3")
        if isinstance(found, NotMeasurable):
            lines.append(f"    not measurable: {found.reason}")
            continue
        lines.append(f"    {found.attachment}, {found.nodule_type}, {seconds:.2f} s")
        for name in ("volume", "reader_comparable_volume", "effective_diameter", "mean_diameter", "mean_density"):
            figure = found[name]
            if figure.interval is None:
                lines.append(f"    {name}: {figure.method}")
                continue
            ends = f"{figure.value:.1f} [{figure.interval.low:.1f}, {figure.interval.high:.1f}]"
            parts = ", ".join(f"{part.name} {part.sd:.3g}" for part in figure.components)
            held = ""
            if name == "reader_comparable_volume":
                inside = sum(figure.interval.low <= v <= figure.interval.high for v in lesion.volumes_mm3)
                held = f"; holds {inside} of {len(lesion.volumes_mm3)} readers"
            lines.append(f"    {name} {ends} {figure.unit} ({parts}){held}")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the comparison for every case of the folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path, help="holds nodules.csv and dicom/")
    options = parser.parse_args(arguments)
    lesions = read_lesions(options.folder / "nodules.csv")
    for case in dict.fromkeys(lesion.case for lesion in lesions):
        own = [lesion for lesion in lesions if lesion.case == case]
        sys.stdout.write("\n".join(compare_case(options.folder / "dicom" / case, own)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
