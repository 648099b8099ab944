"""Sets of phantom pictures on disk."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image


def picture(rng, *, bright, discs=1, size=64):
    """(row, column) uint8 and its mask: noise about a level, with discs of 230; `bright` moves the level."""
    level = float(rng.normal(128 + (18 if bright else -18), 20))
    array = rng.normal(level, 12, (size, size)).clip(0, 190)
    rows, columns = np.indices(array.shape)
    mask = np.zeros(array.shape, dtype=np.uint8)
    for n in range(discs):
        row, column = rng.uniform(10, size - 10), 12 + n * (size - 24) / max(1, discs - 1)
        inside = (rows - row) ** 2 + (columns - column) ** 2 <= 25
        array[inside], mask[inside] = 230, 1
    return array.astype(np.uint8), mask


def write_set(folder: Path, n: int, *, seed: int = 0, a_patient: int = 1, discs: int = 1) -> Path:
    """A set of `n` pictures with manifest.csv; `a_patient` pictures each patient. Returns the folder."""
    rng = np.random.default_rng(seed)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    rows = []
    for i in range(n):
        bright = bool((i // a_patient) % 2)
        array, mask = picture(rng, bright=bright, discs=discs)
        case, level = f"c{i:03}", float(np.mean(array))
        Image.fromarray(array).save(folder / f"images/{case}.png")
        Image.fromarray(mask).save(folder / f"masks/{case}.png")
        rows.append(
            {
                "case": case,
                "image": f"images/{case}.png",
                "mask": f"masks/{case}.png",
                "label": "day" if bright else "night",
                "group": f"p{i // a_patient:03}",
                "source": "north" if i % 3 else "south",
                "fold": "",
                "note": "",
                "sex": "F" if (i // 2) % 2 else "M",
                "age": str(20 + i % 60),
                "level": f"{level + rng.normal(0, 2):.3f}",
            }
        )
    write_rows(folder, rows)
    return folder


def write_rows(folder: Path, rows: list[dict[str, str]]) -> None:
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def read_rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
