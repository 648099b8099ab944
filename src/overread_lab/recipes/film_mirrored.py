"""Whether a frontal film is mirrored: a head on how the halves around the lungs differ; the heart has a side.

    python -m overread_lab.recipes.film_mirrored --data ../shared/data/chest_xray -o mirror
    python -m overread_lab.recipes.evidence chest_xray_view mirror

Each film and its mirror image are learned from together, without an intercept: what speaks for one speaks as much
against the other. Of three penalties all were above the aim; the middle one was taken. Films are taken as they came; a
mirrored one among them is not known of.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from overread.cards import Figure
from overread.models import LinearHead, write_heads
from overread.models.temperature import Temperature, fit_temperature
from overread.ops.film_mirror import half_differences
from overread.runtime import Runtime
from overread.tasks._shared.film_lungs import LungFinder
from overread.tasks.chest_xray_view.heart import MIRROR, MIRRORED
from overread.tasks.chest_xray_view.plan import ViewPlan
from overread_lab.datasets.sets import ManifestSet
from overread_lab.metrics import area
from overread_lab.recipes.evidence import leave, measured, say
from overread_lab.recipes.film_features import film_of
from overread_lab.recipes.films import Films, by_patient

COMMAND = "python -m overread_lab.recipes.film_mirrored --data ../shared/data/chest_xray -o mirror"
INVERSE_PENALTY = 0.01
Rows = NDArray[np.float64]


def differences(folder: Path) -> tuple[Films, Rows]:
    """Frontal films on which two lungs are found, and (n, feature) differences of their halves."""
    finder, kept, rows = LungFinder.open(Runtime(1)), [], []
    for case in ManifestSet.open(folder).cases:
        if case.label == "lateral" or case.image is None:
            continue
        film = film_of(case.image)
        found = half_differences(film, finder.find(film))
        if found is not None:
            kept.append(case)
            rows.append(found)
    return Films.of(tuple(kept)), np.stack(rows)


def weights_of(rows: Rows) -> Rows:
    """(feature,): positive sums speak for mirrored."""
    both = np.concatenate([rows, -rows])
    mirrored = np.repeat([0, 1], len(rows))
    model = LogisticRegression(C=INVERSE_PENALTY, fit_intercept=False, max_iter=1000).fit(both, mirrored)
    return np.asarray(model.coef_[0], dtype=np.float64)


def left_out(rows: Rows, parts: NDArray[np.generic]) -> Rows:
    """(n,) log odds of mirrored of each film as it came, by weights that never saw its part."""
    odds = np.empty(len(rows))
    for part in np.unique(parts):
        odds[parts == part] = rows[parts == part] @ weights_of(rows[parts != part])
    return odds


def temperature_of(odds: Rows) -> Temperature:
    """Films and their mirror images, equally many."""
    both = np.concatenate([odds, -odds])
    return fit_temperature(np.column_stack([np.zeros(len(both)), both]), np.repeat([0, 1], len(odds)))


def figures(films: Films, rows: Rows) -> Iterator[Figure]:
    """Out of fold and with each source left out."""
    limit = ViewPlan().mirrored_above
    for name, parts in (("five folds", films.fold), ("source left out", films.source)):
        odds = left_out(rows, parts)

        def curve(i: NDArray[np.intp], s: Rows = odds) -> float:
            return area(np.concatenate([s[i], -s[i]]), np.repeat([0, 1], len(i)) == 1)

        found = by_patient(films, np.ones(len(odds), bool), curve)
        yield measured(
            "mirrored films, area under the ROC curve", f"frontal films, {name}", found, len(odds), "aim .92"
        )
        p = 1 / (1 + np.exp(-odds / temperature_of(odds).value))
        yield measured("mirrored films warned of", f"frontal films, {name}", float((1 - p > limit).mean()), len(p))
        false = p > limit
        worst = max(float(false[films.source == one].mean()) for one in np.unique(films.source))
        note = f"worst source {worst:.3f}"
        yield measured(
            "films falsely warned of as mirrored", f"frontal films, {name}", float(false.mean()), len(p), note
        )


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m overread_lab.recipes.film_mirrored", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the set chest_xray")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the head and evidence.toml")
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    films, rows = differences(given.data)
    found = list(figures(films, rows))
    sys.stdout.write("".join(say(one) + "\n" for one in found))
    weight = np.stack([np.zeros(rows.shape[1]), weights_of(rows)]).astype(np.float32)
    temperature = temperature_of(left_out(rows, films.fold))
    head = LinearHead(MIRRORED, weight, np.zeros(2, np.float32), temperature)
    write_heads(given.out / MIRROR, {"mirror": head}, notes={"recipe": "overread_lab.recipes.film_mirrored"})
    leave(given.out, found, command=COMMAND, weights=(MIRROR,))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
