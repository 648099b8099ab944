"""The course of a training as curves.csv and curves.png."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from overread_lab.train.checkpoint import replace_by_rename

FIRST = ("step", "learning_rate", "loss")


def write_curves(folder: Path, rows: Sequence[dict[str, float]]) -> None:
    """Write both files anew: a row an evaluation; `loss` is the mean since the row before.

    Parameters
    ----------
    rows : list of dict
        With `FIRST` and any figures; a figure that a row lacks stays empty.
    """
    names = [*FIRST, *sorted({name for row in rows for name in row} - set(FIRST))]

    def table(path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, names, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows({name: f"{value:.9g}" for name, value in row.items()} for row in rows)

    replace_by_rename(folder / "curves.csv", table)
    replace_by_rename(folder / "curves.png", lambda path: _draw(path, rows, names[len(FIRST) :]))


def _draw(path: Path, rows: Sequence[dict[str, float]], figures: Sequence[str]) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  (slow to load)
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(9, 4), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    steps = [row["step"] for row in rows]
    left.plot(steps, [row["loss"] for row in rows], marker=".")
    left.set(xlabel="step", ylabel="loss, mean since the last evaluation")
    for name in figures:
        right.plot(steps, [row.get(name, float("nan")) for row in rows], marker=".", label=name)
    right.set(xlabel="step", ylabel="figures of the evaluation")
    if figures:
        right.legend()
    figure.savefig(path, format="png", dpi=100)
