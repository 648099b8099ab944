"""Three LIDC-IDRI chest CT series and what four readers marked in them. See the README of the data folder."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.errors import NothingReadableError
from overread.geometry import Grid
from overread.image import Volume
from overread.io import open_study

CASES: tuple[str, ...] = ("LIDC-IDRI-0001", "LIDC-IDRI-0002", "LIDC-IDRI-0003")
SMALL_MM = 3.0


@dataclass(frozen=True, slots=True)
class Lesion:
    """What readers marked at one place.

    `point_lps` (x, y, z) mm and `diameter_mm` are means over the readers; `readers` is how many outlined it as a nodule
    of 3 mm or more, 0 for a point mark of something smaller.
    """

    number: int
    point_lps: NDArray[np.float64]
    diameter_mm: float
    readers: int


def require_folder(shared: Path) -> Path:
    """The folder `chest_ct` below `shared`; raises `NothingReadableError` where it is absent."""
    folder = shared / "chest_ct"
    if not folder.is_dir():
        raise NothingReadableError(
            "the LIDC-IDRI cases are not there", where=str(folder), way_out="Name their parent folder with --shared."
        )
    return folder


def read_case(shared: Path, case: str) -> Volume:
    """The CT of one case, HU."""
    return open_study(require_folder(shared) / "dicom" / case).only("CT").load_volume()


def read_lesions(shared: Path, case: str, grid: Grid) -> tuple[Lesion, ...]:
    """Lesions of a case inside the kept slices, largest reader agreement first; marks of "non-nodules" are left out."""
    outlined: dict[int, list[tuple[NDArray[np.float64], float]]] = defaultdict(list)
    small: list[Lesion] = []
    with (require_folder(shared) / "nodules.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["case"] != case or row["slice_index"] in ("", "nan"):
                continue
            point = grid.to_lps([0.0, float(row["y"]), float(row["x"])])
            point[2] = float(row["z_mm"])
            if row["kind"] == "nodule_ge3mm" and int(row["lesion"]) > 0:
                outlined[int(row["lesion"])].append((point, float(row["diameter_mm"])))
            elif row["kind"] == "nodule_lt3mm":
                small.append(Lesion(0, point, SMALL_MM, 0))
    lesions = [
        Lesion(number, np.mean([p for p, _ in marks], axis=0), float(np.mean([d for _, d in marks])), len(marks))
        for number, marks in outlined.items()
    ]
    return (*sorted(lesions, key=lambda lesion: (-lesion.readers, lesion.number)), *small)
