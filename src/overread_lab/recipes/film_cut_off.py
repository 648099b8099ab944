"""Which side of a frontal film cuts off the lungs: a head a side, on where the lung network sees lung.

    python -m overread_lab.recipes.film_cut_off --data ../shared/data/chest_xray --lungs lungs -o cut
    python -m overread_lab.recipes.evidence chest_xray_view cut

`lungs` is the folder with a lung network for each fold that `overread_lab.studies.film_lungs` asks for: each film is
seen by the one that never saw its patients. 15 % of the box around both lungs is cut off one side, or nothing is, or
the film is cropped close around whole lungs. The limit of a side is where a stated share of the films as they came lies
above it; some of those are truly cut off. Limits come from other patients, or other sources, than the figures.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.cards import Figure
from overread.models import LinearHead, Network, write_heads
from overread.ops.film_cut import SIDES
from overread.runtime import Runtime
from overread.tasks.chest_xray_view.cut import CLASSES, CUT
from overread_lab.datasets.chest_xray import read_cases
from overread_lab.datasets.sets import ManifestSet
from overread_lab.recipes.evidence import leave, measured, say
from overread_lab.recipes.film_cuts import COPIES, Cuts, read_cuts
from overread_lab.recipes.film_quality_fit import by_source, fit_logistic
from overread_lab.recipes.films import Films, by_patient

COMMAND = "python -m overread_lab.recipes.film_cut_off --data ../shared/data/chest_xray --lungs lungs -o cut"
FALSE = {"top": 0.03, "bottom": 0.05, "left": 0.01, "right": 0.01}
"""Share of films as they came that lies above the limit of each side."""
AIMS = {"top": "aim .92", "bottom": "aim .92", "left": "aim .75", "right": "aim .75"}
CUT_THERE = {"top": ("top",), "bottom": ("bottom",), "left": ("left", "left_lung"), "right": ("right", "right_lung")}
INVERSE_PENALTY = 0.05
OF_WHOLE = 3.0
"""How often a film as it came counts beside one copy."""
FOLDS = 5
Scores = NDArray[np.float64]


def fit_side(cuts: Cuts, source: NDArray[np.str_], which: NDArray[np.bool_], side: str) -> LinearHead:
    """A head for one side, from the films `which` and their copies."""
    cut = np.array([name in CUT_THERE[side] for name in COPIES], dtype=np.intp)
    count = int(which.sum())
    weights = np.repeat(by_source(source[which]), len(COPIES))
    weights *= np.tile([OF_WHOLE if name == "whole" else 1.0 for name in COPIES], count)
    rows = cuts.numbers[which].reshape(count * len(COPIES), -1)
    return fit_logistic(rows, np.tile(cut, count), weights, CLASSES, penalty=INVERSE_PENALTY, steps=2000)


def scored(head: LinearHead, numbers: NDArray[np.float64]) -> Scores:
    """(film, copy) log odds of cut off, from (film, copy, NUMBERS)."""
    flat = numbers.reshape(-1, numbers.shape[-1]) @ (head.weight[1] - head.weight[0]).astype(np.float64)
    return np.asarray((flat + float(head.bias[1] - head.bias[0])).reshape(numbers.shape[:2]))


def left_out(cuts: Cuts, films: Films, parts: NDArray[np.generic], side: str) -> Scores:
    """(film, copy) log odds by heads that never saw the part of the film."""
    odds = np.empty(cuts.numbers.shape[:2])
    for part in np.unique(parts):
        here = parts == part
        odds[here] = scored(fit_side(cuts, films.source, ~here, side), cuts.numbers[here])
    return odds


def limits_of(odds: Scores, parts: NDArray[np.generic], side: str) -> NDArray[np.float64]:
    """(film,): the limit of its part, from the films of all other parts."""
    limits = np.empty(len(odds))
    for part in np.unique(parts):
        limits[parts == part] = limit_of(odds[parts != part], side)
    return limits


def limit_of(odds: Scores, side: str) -> float:
    """That `FALSE` of the films as they came lie above."""
    return float(np.quantile(odds[:, COPIES.index("whole")], 1 - FALSE[side], method="higher"))


def figures(cuts: Cuts, films: Films) -> Iterator[Figure]:
    """Out of fold and with each source left out, side by side."""
    for how, parts in (("five folds", films.fold), ("source left out", films.source)):
        any_side = np.zeros(cuts.numbers.shape[:2], dtype=np.bool_)
        for side in sorted(FALSE):
            odds = left_out(cuts, films, parts, side)
            warned = odds > limits_of(odds, parts, side)[:, None]
            any_side |= warned
            column = warned[:, COPIES.index(side)]
            found = by_patient(films, cuts.drawn, lambda i, c=column: float(c[i].mean()))  # type: ignore[misc]
            yield measured(
                f"films warned of with 15 % of the lungs cut off at the {side}",
                f"frontal films with hand-drawn lungs, {how}", found, int(cuts.drawn.sum()),
                f"{AIMS[side]}; of all {len(warned)} films {_also(warned, side)}",
            )  # fmt: skip
        whole = any_side[:, COPIES.index("whole")]
        each = {str(one): float(whole[films.source == one].mean()) for one in np.unique(films.source)}
        note = ", ".join(f"{name} {share:.3f}" for name, share in each.items())
        yield measured(
            "films as they came warned of as cut off at any side", f"frontal films, {how}", float(whole.mean()),
            len(whole), f"{note}; some of them are",
        )  # fmt: skip


def _also(warned: NDArray[np.bool_], side: str) -> str:
    """Shares of (film, copy) `warned` for one side, in words."""
    words = {"whole": "as they came", "close": "cropped close around whole lungs", side: "cut there"}
    words |= {name: "with that share of one lung cut there" for name in CUT_THERE[side] if name != side}
    return ", ".join(f"{warned[:, COPIES.index(name)].mean():.3f} {text}" for name, text in words.items())


def shipped(cuts: Cuts, films: Films, side: str) -> LinearHead:
    """Fitted to all films; its limit, from folds left out, lies at even odds."""
    head = fit_side(cuts, films.source, np.ones(len(cuts.index), bool), side)
    limit = limit_of(left_out(cuts, films, films.fold, side), side)
    return LinearHead(CLASSES, head.weight, head.bias - np.array([0, limit], np.float32))


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m overread_lab.recipes.film_cut_off", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the set chest_xray")
    parser.add_argument("--lungs", type=Path, required=True, help="folder of the lung networks of all folds")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the heads and evidence.toml")
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    lungs = {
        fold: Network.open(given.lungs / f"fold{fold}" / "chest_xray_lungs.onnx", sha256=None, runtime=Runtime(1))
        for fold in range(FOLDS)
    }
    cases = read_cases(given.data)
    cuts = read_cuts(cases, lungs, given.out / "cuts.npz", lambda text: sys.stderr.write(text + "\n"))
    rows = ManifestSet.open(given.data).cases
    films = Films.of(tuple(rows[n] for n in cuts.index))
    found = list(figures(cuts, films))
    sys.stdout.write("".join(say(one) + "\n" for one in found))
    heads = {f"cut_{side}": shipped(cuts, films, side) for side in SIDES}
    write_heads(given.out / CUT, heads, notes={"recipe": "overread_lab.recipes.film_cut_off"})
    leave(given.out, found, command=COMMAND, weights=(CUT,))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
