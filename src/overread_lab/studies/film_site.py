"""A hospital calibrates the triage of chest films: one source is left out of training and gives some of its own films.

    python -m overread_lab.studies.film_site --data ../shared/data/chest_xray --work FOLDER [--patients 80] [--draws 5]

What `overread calibrate` and `overread analyze --site` do, with heads that never saw the source (those that ship saw
all of them). FOLDER keeps the features of `overread_lab.recipes.chest_xray_triage`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.models import Gain, QuestionCalibration
from overread.models.temperature import fit_temperature
from overread_lab.metrics import area, bootstrap, ece
from overread_lab.recipes.chest_xray_triage import CLASSES, LOOKS, SOURCES, TriageFilms
from overread_lab.recipes.film_controls import CONTROLS

MISS_RATE = 0.1
Scores = dict[str, NDArray[np.float64]]
"""By what answers, (n,) log odds of abnormal."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One draw: on the films of patients that gave none to the calibration."""

    gains: dict[str, Gain]
    auc: float
    ece_before: float
    ece_after: float
    covered: float
    single: float
    wrong: float

    @property
    def decides(self) -> bool:
        """Whether the site file lets the task decide."""
        return all(gain.is_shown for gain in self.gains.values())


def scores_without(films: TriageFilms, source: str) -> Scores:
    """Log odds of the films of `source` by heads of the others, at the temperature that suits those others."""
    names, number = np.unique(films.films.source, return_inverse=True)
    others = number != int(np.flatnonzero(names == source)[0])
    everything = np.ones(len(others), bool)
    found = {}
    for look in LOOKS:
        known = films.left_out(look, films.films.fold, others)[others]
        temperature = fit_temperature(np.column_stack([np.zeros(len(known)), known]), films.abnormal[others])
        found[look] = films.left_out(look, number, everything)[~others] / temperature.value
    return found


def draw_site(groups: NDArray[np.str_], patients: int, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Index of one film of each of `patients` patients, and of all films of the others."""
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(np.unique(groups))[:patients]
    site = np.array([rng.choice(np.flatnonzero(groups == name)) for name in chosen])
    return site, np.flatnonzero(~np.isin(groups, chosen))


def outcome(scores: Scores, truth: NDArray[np.intp], site: NDArray[np.intp], rest: NDArray[np.intp]) -> Outcome:
    """Calibrate on `site`, look at `rest`."""
    p = 1 / (1 + np.exp(-scores["finding"]))
    table = np.column_stack([1 - p, p])
    gains = {control: _gain(scores["finding"][site], scores[control][site], truth[site]) for control in CONTROLS}
    fitted = QuestionCalibration.fit(CLASSES, table[site], truth[site], miss_rate=MISS_RATE, gains=gains)
    answers = [fitted.apply(dict(zip(CLASSES, row, strict=True))) for row in table[rest]]
    after = np.array([[a.probabilities[name] for name in CLASSES] for a in answers])
    held = [CLASSES[t] in a.possible for t, a in zip(truth[rest], answers, strict=True)]
    single = np.array([len(a.possible) == 1 for a in answers])
    wrong = np.array([len(a.possible) == 1 and not h for a, h in zip(answers, held, strict=True)])
    return Outcome(
        gains,
        area(p[rest], truth[rest] == 1),
        ece(table[rest], truth[rest]).value,
        ece(after, truth[rest]).value,
        float(np.mean(held)),
        float(single.mean()),
        float(wrong[single].mean()) if single.any() else float("nan"),
    )


def _gain(ours: NDArray[np.float64], theirs: NDArray[np.float64], truth: NDArray[np.intp]) -> Gain:
    def difference(i: NDArray[np.intp]) -> float:
        return area(ours[i], truth[i] == 1) - area(theirs[i], truth[i] == 1)

    found = bootstrap(difference, len(truth), seed=0)
    if found.interval is None:
        return Gain(found.value, -1.0, 1.0)
    return Gain(found.value, found.interval.low, found.interval.high)


def figures(films: TriageFilms, source: str, patients: int, draws: int) -> Iterator[str]:
    """Each draw and their means."""
    scores = scores_without(films, source)
    here = films.films.source == source
    truth, groups = films.abnormal[here], films.films.group[here]
    if len(np.unique(groups)) < patients + 30:
        yield f"{source}: {len(np.unique(groups))} patients are too few to give {patients} and test on 30"
        return
    done = []
    for seed in range(draws):
        site, rest = draw_site(groups, patients, seed)
        one = outcome(scores, truth, site, rest)
        done.append(one)
        gains = ", ".join(f"{name} {g.value:+.3f} [{g.low:+.3f}, {g.high:+.3f}]" for name, g in one.gains.items())
        yield (
            f"{source}, draw {seed}: {patients} patients calibrate, {len(rest)} films test; gain over {gains}: "
            f"{'decides' if one.decides else 'abstains'}; AUC {one.auc:.3f}, ECE {one.ece_before:.3f} to "
            f"{one.ece_after:.3f}; sets hold the truth in {one.covered:.3f}, one class left in {one.single:.3f}, "
            f"of these wrong {one.wrong:.3f}"
        )
    mean = {name: np.nanmean([getattr(one, name) for one in done]) for name in Outcome.__slots__ if name != "gains"}
    yield (
        f"{source}, mean of {draws}: decides in {sum(one.decides for one in done)}; AUC {mean['auc']:.3f}, "
        f"ECE {mean['ece_before']:.3f} to {mean['ece_after']:.3f}, coverage {mean['covered']:.3f} (asked for "
        f"{1 - MISS_RATE:g}), one class left in {mean['single']:.3f}, of these wrong {mean['wrong']:.3f}"
    )


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m overread_lab.studies.film_site", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the set chest_xray")
    parser.add_argument("--work", type=Path, required=True, help="folder that keeps the features between runs")
    parser.add_argument("--patients", type=int, default=80, help="of the site, one film each")
    parser.add_argument("--draws", type=int, default=5)
    given = parser.parse_args(arguments)
    films = TriageFilms.of(given.data, given.work)
    for source in SOURCES:
        for line in figures(films, source, given.patients, given.draws):
            sys.stdout.write(line + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
