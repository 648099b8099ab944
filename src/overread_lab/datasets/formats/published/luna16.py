"""LUNA16: chest CT as MetaImage in subset folders, nodules as centre and diameter in annotations.csv.

Published with Setio et al., Med Image Anal 42:1-13, 2017. World coordinates are those of ITK: LPS, mm.
"""

from __future__ import annotations

import math
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.geometry import Grid
from overread.image import LabelMap, Volume
from overread.io.files.table import read_table
from overread.runtime import Progress
from overread_lab.datasets.fit import load
from overread_lab.datasets.formats.writer import Known, SetWriter, find_one

_COLUMNS = ("seriesuid", "coordX", "coordY", "coordZ", "diameter_mm")


def read_luna16(root: Path, writer: SetWriter, progress: Progress) -> None:
    """Masks are balls of the published diameter: label n is row n of the series. They are no outlines."""
    writer.notes.append("masks are balls of the published diameter, not outlines: do not measure segmentation on them")
    writer.notes.append("the set gives series, not patients: each series is taken for a patient of its own")
    nodules: dict[str, list[tuple[float, float, float, float]]] = defaultdict(list)
    table = find_one(root, "annotations.csv", "nodules of LUNA16")
    for number, row in enumerate(read_table(table, _COLUMNS)):
        try:
            x, y, z, diameter = (float(row[name]) for name in _COLUMNS[1:])
            if not all(map(math.isfinite, (x, y, z))) or not 0 < diameter < 500:
                raise ValueError
        except ValueError:
            writer.leave_out(f"annotations.csv, row {number + 1}", "its numbers are no place and diameter in mm")
            continue
        nodules[row["seriesuid"]].append((x, y, z, diameter))
    headers = sorted(root.rglob("*.mhd"))
    for number, header in enumerate(headers):
        progress("import", number / len(headers))
        with writer.or_left_out(header):
            _one(header, nodules.pop(header.stem, []), writer)
    for uid, marked in nodules.items():
        writer.leave_out(f"{len(marked)} nodules of series {uid}", "the series is not there, or was left out")


def _one(header: Path, nodules: list[tuple[float, float, float, float]], writer: SetWriter) -> None:
    image = load(header)
    if not isinstance(image, Volume):
        raise InputError("it is a picture, not a scan")
    labels = np.zeros(image.array.shape, np.uint16)
    for number, (x, y, z, diameter) in enumerate(nodules, start=1):
        ball = ball_on(image.grid, np.array([x, y, z]), diameter / 2)
        if not ball.any():
            writer.leave_out(f"nodule {number} of series {header.stem}", "its centre lies outside the scan")
        labels[ball & (labels == 0)] = number
    subset = next((part for part in header.parts[::-1] if part.startswith("subset")), "")
    writer.add(
        header.stem,
        [header, *_beside(header)],
        Known(
            label=f"nodules={len(nodules)}",
            group=header.stem,
            note="LUNA16; mask is a ball of the published diameter for each nodule; group is the series",
            extra={"subset": subset},
        ),
        LabelMap(labels, image.grid),
    )


def _beside(header: Path) -> list[Path]:
    """The file of voxels that the header names."""
    for line in header.read_text(encoding="latin-1").splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "ElementDataFile" and value.strip().upper() != "LOCAL":
            return [header.parent / value.strip()]
    return []


def ball_on(grid: Grid, centre_lps: NDArray[np.float64], radius_mm: float) -> NDArray[np.bool_]:
    """(slice, row, column) bool: voxels whose centre is within `radius_mm`; the nearest one if the ball is smaller.

    All False where the centre lies outside the grid.
    """
    inside = np.zeros(grid.shape, bool)
    index = grid.to_index(centre_lps)
    nearest = np.rint(index).astype(int)
    if np.any(nearest < 0) or np.any(nearest >= grid.shape):
        return inside
    reach = radius_mm * np.linalg.norm(np.linalg.inv(grid.affine_lps[:3, :3]), axis=1)
    low = np.maximum(np.floor(index - reach).astype(int), 0)
    high = np.minimum(np.ceil(index + reach).astype(int) + 1, grid.shape)
    box = np.stack(np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high, strict=True)), indexing="ij"), axis=-1)
    apart = np.linalg.norm(grid.to_lps(box.reshape(-1, 3)) - centre_lps, axis=1)
    inside[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = (apart <= radius_mm).reshape(box.shape[:3])
    inside[tuple(nearest)] = True
    return inside
