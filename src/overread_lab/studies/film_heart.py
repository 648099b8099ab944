"""The cardiothoracic ratio against the known widths of simulated chests; and what it says of real films, without truth.

python -m overread_lab.studies.film_heart --data ../shared/data/chest_xray [--films 40] [-o heart]

With -o it leaves its figures for the card (`overread_lab.recipes.evidence chest_xray_view heart`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from overread.cards import Figure
from overread.image import Radiograph
from overread.phantoms.film import chest_film
from overread.runtime import Runtime
from overread.tasks.chest_xray_view.heart import heart_of
from overread_lab.datasets.sets import ManifestSet
from overread_lab.metrics import bootstrap
from overread_lab.recipes.evidence import leave, measured, say
from overread_lab.recipes.film_features import film_of

COMMAND = "python -m overread_lab.studies.film_heart --data ../shared/data/chest_xray"
FIRST = 200
"""Seeds below it were looked at when the rules were written."""


def on_phantoms(films: int) -> Iterator[Figure]:
    """Bias, spread and coverage of the interval."""
    runtime, error, held = Runtime(1), [], []
    for seed in range(FIRST, FIRST + films):
        phantom = chest_film(seed)
        truth = float(phantom.settings["heart_to_chest"])
        found = heart_of(phantom.radiograph, runtime).measurement
        if found.interval is None:
            continue
        error.append(found.value - truth)
        held.append(found.interval.low <= truth <= found.interval.high)
    where, values = f"{films} simulated films", np.array(error)
    yield measured("cardiothoracic ratio measured", where, len(values) / films, films)
    bias = bootstrap(lambda i: float(values[i].mean()), len(values), seed=0)
    yield measured("cardiothoracic ratio, bias", where, bias, len(values), f"sd {values.std():.3f}")
    yield measured("cardiothoracic ratio, interval holds the truth", where, float(np.mean(held)), len(values))


def on_films(data: Path) -> Iterator[Figure]:
    """Median and quartiles of NIH films by projection; normal ones apart."""
    cases = [case for case in ManifestSet.open(data).cases if case.source == "nih_chestxray14"]
    for label in ("pa", "ap"):
        for is_normal in (True, False):
            ratios = []
            for case in cases:
                if case.image is not None and case.label == label and (case.extra["finding"] == "normal") == is_normal:
                    ratios.append(heart_of(Radiograph(film_of(case.image)), Runtime(1)).measurement.value)
            known = np.array(ratios)[np.isfinite(ratios)]
            low, middle, high = np.percentile(known, (25, 50, 75))
            words = "no finding" if is_normal else "some finding"
            note = f"quartiles {low:.3f} and {high:.3f}; {len(ratios) - len(known)} not measured"
            yield measured(
                "cardiothoracic ratio, median", f"NIH {label} films, {words}", float(middle), len(known), note
            )


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m overread_lab.studies.film_heart", description=__doc__)
    parser.add_argument("--films", type=int, default=40, help="simulated ones")
    parser.add_argument("--data", type=Path, help="folder of the set chest_xray")
    parser.add_argument("-o", "--out", type=Path, help="folder for evidence.toml")
    given = parser.parse_args(arguments)
    figures = [*on_phantoms(given.films), *(on_films(given.data) if given.data else ())]
    sys.stdout.write("".join(say(one) + "\n" for one in figures))
    if given.out is not None:
        given.out.mkdir(parents=True, exist_ok=True)
        leave(given.out, figures, command=COMMAND)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
