"""How well lung fields are found on chest films of patients that the network never saw.

    for k in 0 1 2 3 4; do
      overread train chest_xray_lungs --data ../shared/data/chest_xray -o lungs/fold$k --fold $k --threads 1
    done
    python -m overread_lab.studies.film_lungs --data ../shared/data/chest_xray --models lungs

Each film is read by the network of its own fold, which trained on other patients. The masks are another model's output
(lungVAE); the boxes were drawn by hand, and those of films with a mask are left out, since the masks trained networks.
Films are also cut, padded with black and inverted, as a stress that has a known answer.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.models import Network
from overread.ops.film_lungs import FilmLungs, bounds, segment_lungs
from overread.runtime import Runtime
from overread_lab.datasets.chest_xray import SIDES, FilmCase, Rectangle, read_cases, read_grey, read_mask
from overread_lab.metrics import bootstrap, dice

Film = NDArray[Any]
Inside = NDArray[np.bool_]
Find = Callable[[Film], FilmLungs]
SHARE = 0.15


@dataclass(frozen=True, slots=True)
class Row:
    """One score of one film: Dice with its mask, or overlap of one lung's box with the hand-drawn one."""

    figure: str
    group: str
    view: str
    score: float


def mask_rows(case: FilmCase, find: Find) -> list[Row]:
    """Dice of the film as it is, and changed."""
    film, inside = read_grey(case.image), read_mask(case)
    rows = [Row("dice", case.group, case.view, dice(find(film).both, inside).value)]
    for name, (changed, truth) in changes(film, inside).items():
        rows.append(Row(f"dice, {name}", case.group, case.view, dice(find(changed).both, truth).value))
    return rows


def changes(film: Film, inside: Inside) -> dict[str, tuple[Film, Inside]]:
    """The film with `SHARE` of a side gone or added, with what is then the truth."""
    rows, columns = (int(SHARE * n) for n in film.shape)
    return {
        "top 15 % cut off": (film[rows:], inside[rows:]),
        "bottom 15 % cut off": (film[:-rows], inside[:-rows]),
        "left side 15 % cut off": (film[:, columns:], inside[:, columns:]),
        "black bars of 15 % at both sides": (
            np.pad(film, ((0, 0), (columns, columns)), constant_values=film.min()),
            np.pad(inside, ((0, 0), (columns, columns))),
        ),
        "contrast inverted (must fail)": (film.max() - film, inside),
    }


def box_rows(case: FilmCase, lungs: FilmLungs, name: str) -> list[Row]:
    """Overlap of the box of each lung with the one drawn by hand; 0 where no lung was found."""
    found = dict(zip(SIDES, (lungs.right, lungs.left), strict=True))
    return [
        Row(f"{name}, {side.partition('_')[0]}", case.group, case.view, box_iou(found[side], case.boxes[side]))
        for side in SIDES
        if side in case.boxes
    ]


def box_iou(inside: Inside, drawn: Rectangle) -> float:
    """Intersection over union of the box around True and a drawn box (x0, y0, x1, y1), pixels."""
    box = bounds(inside)
    if box is None:
        return 0.0
    x0, y0, x1, y1 = drawn
    wide = min(x1, box.columns[1]) - max(x0, box.columns[0])
    high = min(y1, box.rows[1]) - max(y0, box.rows[0])
    both = max(0.0, wide) * max(0.0, high)
    return both / ((x1 - x0) * (y1 - y0) + float(np.prod(box.shape)) - both)


def summary(rows: Iterable[Row], figure: str, view: str | None = None) -> dict[str, Any]:
    """Mean with its interval over patients, median, 5 % quantile, share below one half, and how many."""
    kept = [row for row in rows if row.figure == figure and view in (None, row.view)]
    groups: dict[str, list[float]] = {}
    for row in kept:
        groups.setdefault(row.group, []).append(row.score)
    scores = [np.array(values) for values in groups.values()]

    def mean(drawn: NDArray[np.intp]) -> float:
        return float(np.concatenate([scores[i] for i in drawn]).mean())

    found = bootstrap(mean, len(scores), seed=0)
    every = np.array([row.score for row in kept])
    return {
        "figure": figure if view is None else f"{figure}, {view}",
        "mean": round(found.value, 4),
        "interval": None if found.interval is None else [round(found.interval.low, 4), round(found.interval.high, 4)],
        "median": round(float(np.median(every)), 4),
        "low_5_percent": round(float(np.percentile(every, 5)), 4),
        "below_half": round(float((every < 0.5).mean()), 4),
        "films": len(kept),
        "patients": len(scores),
    }


def study(cases: Sequence[FilmCase], finders: dict[int, Find]) -> list[Row]:
    """Every film with a mask or boxes, read by the network of its fold."""
    rows: list[Row] = []
    for number, case in enumerate(cases):
        find = finders.get(case.fold)
        if find is None or not (case.mask or case.boxes):
            continue
        if case.mask:
            rows += mask_rows(case, find)
            inside = read_mask(case)
            middle = np.zeros_like(inside)
            middle[:, : inside.shape[1] // 2] = True
            rows += box_rows(case, FilmLungs(inside & middle, inside & ~middle), "box overlap of the masks themselves")
        else:
            rows += box_rows(case, find(read_grey(case.image)), "box overlap")
        if number % 100 == 0:
            sys.stderr.write(f"film {number} of {len(cases)}\n")
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m overread_lab.studies.film_lungs", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder chest_xray")
    parser.add_argument("--models", type=Path, required=True, help="folder that holds fold0, fold1, ...")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    given = parser.parse_args(arguments)
    runtime = Runtime(threads=1)
    finders: dict[int, Find] = {}
    for path in sorted(given.models.glob("fold[0-9]*/chest_xray_lungs.onnx")):
        network = Network.open(path, sha256=None, runtime=runtime)
        finders[int(path.parent.name.removeprefix("fold"))] = partial(segment_lungs, run=network)
    rows = study(read_cases(given.data), finders)
    names = dict.fromkeys(row.figure for row in rows)
    table = [summary(rows, name) for name in names]
    for name in ("dice", "box overlap, right", "box overlap, left"):
        views = sorted({row.view for row in rows if row.figure == name})
        table += [summary(rows, name, view) for view in views]
    sys.stdout.write(f"folds {sorted(finders)}\n")
    for line in table:
        sys.stdout.write(json.dumps(line) + "\n")
    if given.json is not None:
        given.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
