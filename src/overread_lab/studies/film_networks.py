"""Networks trained as a whole for the views of chest films, beside the frozen encoder that ships.

    python -m overread_lab.studies.film_networks --data ../shared/data/chest_xray --work FOLDER [--network NAME]
        [--only PART ...] [--seed N] [--frozen features.npz]

Trains what is not yet in FOLDER (a training that was stopped goes on), each part with other films left out: a fold of
patients, or a source. With all folds there it prints the figures of `overread_lab.recipes.chest_xray_view` line by
line, and with `--frozen` the paired gain over the frozen encoder.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cards import Figure
from overread.models.temperature import fit_temperature
from overread.runtime import Runtime
from overread.tasks._shared.film_encoder import open_encoder
from overread.tasks.chest_xray_view.plan import VIEWS
from overread.tasks.chest_xray_view.views import joined
from overread_lab.datasets.sets import ManifestSet
from overread_lab.recipes.chest_xray_networks import (
    FOLDS,
    RECIPES,
    ViewFilms,
    held_out,
    logits_of,
    network_across_sources,
    of_folds,
)
from overread_lab.recipes.evidence import leave, say
from overread_lab.recipes.film_features import film_features
from overread_lab.recipes.films import Films
from overread_lab.recipes.linear_fit import HeadPlan, out_of_fold
from overread_lab.recipes.view_figures import HELD, gain_over, view_figures

COMMAND = "python -m overread_lab.studies.film_networks --data ../shared/data/chest_xray --work networks"


def figures(films: Films, logits: dict[str, NDArray[Any]], frozen: NDArray[np.float64] | None) -> Iterator[Figure]:
    """What can be said with the parts that are there."""
    if all(part in logits for part in FOLDS):
        whole = of_folds(films, logits)
        p4 = fit_temperature(whole, films.view).probabilities(whole)
        tables = {"the network alone": p4}
        if frozen is not None:
            tables |= {"with the frozen encoder": joined([p4, frozen]), "the frozen encoder alone": frozen}
        for who, table in tables.items():
            yield from (replace(one, name=f"{one.name}: {who}") for one in view_figures(films, table))
            if frozen is not None and table is not frozen:
                for name in ("three views", "four views"):
                    one = gain_over(films, table, frozen, name)
                    yield replace(one, name=f"{one.name}: {who}")
    yield from network_across_sources(films, logits)


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m overread_lab.studies.film_networks", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the set chest_xray")
    parser.add_argument("--work", type=Path, required=True, help="folder that keeps the trainings")
    parser.add_argument("--network", choices=[one.recipe.name for one in RECIPES], default=RECIPES[0].recipe.name)
    parser.add_argument("--only", nargs="*", choices=[*FOLDS, *HELD], help="parts to train; all if left out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--frozen", type=Path, help="features that overread_lab.recipes.chest_xray_view keeps")
    given = parser.parse_args(arguments)
    (training,) = (one for one in RECIPES if one.recipe.name == given.network)
    cases = ManifestSet.open(given.data).cases
    films, pictures = Films.of(cases), ViewFilms.of(cases)
    logits = {}
    for part in given.only or [*FOLDS, *HELD]:
        folder = given.work / given.network / f"seed{given.seed}" / part
        logits[part] = logits_of(training.recipe.with_seed(given.seed), pictures, held_out(films, part), folder)
    frozen = None
    if given.frozen:
        features = film_features(
            cases, open_encoder(Runtime()), given.frozen, lambda text: sys.stderr.write(text + "\n")
        )
        train = np.concatenate([features.own, features.jittered], axis=1)
        found = out_of_fold(
            train, features.own, films.view, films.source, films.fold, names=VIEWS, plan=HeadPlan()
        )  # fmt: skip
        frozen = fit_temperature(found, films.view).probabilities(found)
    told = list(figures(films, logits, frozen))
    sys.stdout.write("".join(say(one) + "\n" for one in told))
    if given.network != RECIPES[0].recipe.name:  # that one's figures are those of the recipe of the task
        new = [one for one in told if "frozen encoder alone" not in one.name]
        named = [replace(one, name=f"{one.name} ({given.network})") for one in new]
        leave(given.work, named, command=f"{COMMAND} --network {given.network} --frozen features.npz")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
