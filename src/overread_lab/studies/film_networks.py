"""Networks trained as a whole for the views of chest films, beside the frozen encoder that ships.

    python -m overread_lab.studies.film_networks --data ../shared/data/chest_xray --work FOLDER [--network NAME]
        [--only PART ...] [--seed N] [--frozen features.npz]

Trains what is not yet in FOLDER (a training that was stopped goes on), each part with other films left out: a fold of
patients, or a source. With all folds there it prints the figures of `overread_lab.recipes.chest_xray_view` line by
line, and with `--frozen` the paired gain over the frozen encoder. Nothing is chosen on these figures.
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
from overread.models.temperature import fit_temperature, softmax
from overread.runtime import Runtime
from overread.tasks._shared.film_encoder import open_encoder
from overread.tasks.chest_xray_view.plan import VIEWS
from overread_lab.datasets.sets import ManifestSet
from overread_lab.recipes.chest_xray_networks import RECIPES, ViewFilms, answers, material_of
from overread_lab.recipes.evidence import measured, say
from overread_lab.recipes.film_features import film_features
from overread_lab.recipes.films import Films, by_patient
from overread_lab.recipes.linear_fit import HeadPlan, out_of_fold
from overread_lab.recipes.view_figures import FOLDS as FOLDS_OF_PATIENTS
from overread_lab.recipes.view_figures import HELD, accuracy_of, ap_figure, three_of, view_figures
from overread_lab.train.training import Training

FOLDS = tuple(f"fold{n}" for n in range(5))


def held_out(films: Films, part: str) -> NDArray[np.bool_]:
    """The films that `part` leaves out: "fold0", or a source."""
    if part in FOLDS:
        return np.asarray(films.fold == int(part.removeprefix("fold")))
    return np.asarray(films.source == part)


def logits_of(training: Training, films: ViewFilms, held: NDArray[np.bool_], folder: Path, seed: int) -> NDArray[Any]:
    """(n, 6) logits of the held films by a network that saw the others; trained where the folder has none."""
    from overread_lab.train.hardware import placed  # noqa: PLC0415  (torch)
    from overread_lab.train.loop import train  # noqa: PLC0415

    kept = folder / "logits.npy"
    if kept.is_file():
        return np.asarray(np.load(kept, allow_pickle=False))
    folder.mkdir(parents=True, exist_ok=True)
    size, recipe = training.export.shape[-1], training.recipe.with_seed(seed)
    material = material_of(films, held, size, {"held": int(held.sum())})
    with placed(threads=1) as place:

        def say(text: str, share: float) -> None:
            sys.stderr.write(f"{folder.name} {share:.2f} {text}\n")

        trained = train(training.goal(), material, recipe, folder, place=place, progress=say)
        import torch  # noqa: PLC0415

        def run(squares: NDArray[np.float32]) -> NDArray[np.float32]:
            with torch.inference_mode():
                return np.asarray(trained.network(torch.from_numpy(squares)).float().numpy())

        found = answers(run, films.those(held), size)
    np.save(kept, found)
    return found


def gain_over(films: Films, ours: NDArray[np.float64], frozen: NDArray[np.float64], name: str) -> Figure:
    """Difference of balanced accuracies with an interval over patients, the same draws for both."""
    groups = {"three views": np.array([0, 0, 1, 2]), "four views": np.arange(4)}[name]
    true, count = groups[films.view], int(groups.max()) + 1
    mine, theirs = ((three_of(p) if count == 3 else p).argmax(axis=1) for p in (ours, frozen))

    def difference(i: NDArray[np.intp]) -> float:
        return accuracy_of(true, mine, count, i) - accuracy_of(true, theirs, count, i)

    found = by_patient(films, np.ones(len(true), bool), difference)
    return measured(f"gain in balanced accuracy over the frozen encoder, {name}", FOLDS_OF_PATIENTS, found, len(true))


def joined(ours: NDArray[np.float64], frozen: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, class) geometric mean of two tables of probabilities."""
    mean = np.sqrt(ours * frozen)
    joint: NDArray[np.float64] = mean / mean.sum(axis=1, keepdims=True)
    return joint


def figures(films: Films, logits: dict[str, NDArray[Any]], frozen: NDArray[np.float64] | None) -> Iterator[Figure]:
    """What can be said with the parts that are there."""
    if all(part in logits for part in FOLDS):
        whole = np.full((len(films.view), len(VIEWS)), np.nan)
        for part in FOLDS:
            whole[held_out(films, part)] = logits[part][:, : len(VIEWS)]
        p4 = fit_temperature(whole, films.view).probabilities(whole)
        tables = {"the network alone": p4}
        if frozen is not None:
            tables |= {"with the frozen encoder": joined(p4, frozen), "the frozen encoder alone": frozen}
        for who, table in tables.items():
            yield from (replace(one, name=f"{one.name}: {who}") for one in view_figures(films, table))
            if frozen is not None and table is not frozen:
                for name in ("three views", "four views"):
                    one = gain_over(films, table, frozen, name)
                    yield replace(one, name=f"{one.name}: {who}")
    for source in HELD:
        if source not in logits:
            continue
        here = held_out(films, source)
        score = np.full(len(films.view), np.nan)
        score[here] = logits[source][:, -1] - logits[source][:, -2]
        yield ap_figure(films, score, source)
        p3 = three_of(softmax(logits[source][:, : len(VIEWS)]))
        sound = films.view[here] != 2
        false = float((p3[sound].argmax(axis=1) == 1).mean())
        yield measured(f"false laterals, {source} left out", "its films", false, int(sound.sum()))


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
        logits[part] = logits_of(training, pictures, held_out(films, part), folder, given.seed)
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
    for one in figures(films, logits, frozen):
        sys.stdout.write(say(one) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
