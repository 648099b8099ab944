"""View and quality of chest films: heads on the shipped encoder, their figures out of fold and across sources.

    python -m overread_lab.recipes.chest_xray_view --data ../shared/data/chest_xray -o view
    python -m overread_lab.recipes.evidence chest_xray_view view

The second puts heads, figures and hashed patients into the task and its page. Folds of patients are those of the set,
and all heads have one plan (`HeadPlan`); what was chosen with figures in sight stands on the card.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cards import Figure
from overread.models import LinearHead, write_heads
from overread.models.temperature import fit_temperature, softmax
from overread.runtime import Runtime
from overread.tasks._shared.film_encoder import open_encoder
from overread.tasks.chest_xray_view.plan import TURNS, VIEWS
from overread.tasks.chest_xray_view.views import NETWORK, Temperatures, joined
from overread_lab.datasets.manifest import Case
from overread_lab.datasets.sets import ManifestSet
from overread_lab.metrics import area
from overread_lab.recipes.chest_xray_networks import (
    FOLDS,
    LITE0,
    LOGITS,
    ViewFilms,
    held_out,
    logits_of,
    network_across_sources,
    of_folds,
)
from overread_lab.recipes.evidence import leave, measured, say
from overread_lab.recipes.film_features import FilmFeatures, film_features
from overread_lab.recipes.films import Films
from overread_lab.recipes.linear_fit import HeadPlan, fit_head, out_of_fold, say_of_each
from overread_lab.recipes.register import training_named
from overread_lab.recipes.view_figures import HELD, across_sources, few_children, gain_over, view_figures
from overread_lab.train.whole import Wish, train_whole

COMMAND = "python -m overread_lab.recipes.chest_xray_view --data ../shared/data/chest_xray -o view"
HEADS = "heads.npz"
TONES = ("normal", "inverted")
FAULTY = {"turn": "turned", "tone": "inverted"}


def quality_heads(films: Films, features: FilmFeatures, plan: HeadPlan) -> tuple[dict[str, LinearHead], list[Figure]]:
    """Turned and inverted: heads on all folds, figures out of fold and with each source left out."""
    own = features.own[:, 0]
    stacks = {
        "turn": (TURNS, [own, *(features.faults[name] for name in TURNS[1:])]),
        "tone": (TONES, [own, features.faults["inverted"]]),
    }
    heads, found = {}, []
    for name, (classes, parts) in stacks.items():
        rows = np.concatenate(parts)[:, None]
        truth = np.repeat(np.arange(len(parts)), len(own))
        source, fold = np.tile(films.source, len(parts)), np.tile(films.fold, len(parts))
        logits = out_of_fold(rows, rows, truth, source, fold, names=classes, plan=plan)
        heads[name] = _calibrated(rows, truth, source, classes, (logits, plan))
        _, number = np.unique(source, return_inverse=True)
        left_out = out_of_fold(rows, rows, truth, source, number, names=classes, plan=plan)
        for where, scores in (("five folds", logits), ("source left out", left_out)):
            fault = -softmax(scores)[:, 0]
            share = _at_one_percent(fault, truth > 0, source)
            note = f"at <= 1 % false in each source; area {area(fault, truth > 0):.4f}; aim .99"
            found.append(
                measured(f"{FAULTY[name]} films found, {where}", "all films", share, int((truth > 0).sum()), note)
            )
    return heads, found


def _at_one_percent(score: NDArray[np.float64], faulty: NDArray[np.bool_], source: NDArray[np.str_]) -> float:
    """Sensitivity at the threshold that calls at most 1 % of the sound films of every source faulty."""
    limits = [np.quantile(score[~faulty & (source == one)], 0.99, method="higher") for one in np.unique(source)]
    return float((score[faulty] > max(limits)).mean())


def _calibrated(
    rows: NDArray[np.float32],
    truth: NDArray[np.intp],
    source: NDArray[np.str_],
    classes: tuple[str, ...],
    held_out: tuple[NDArray[np.float64], HeadPlan],
) -> LinearHead:
    logits, plan = held_out
    head = fit_head(rows, truth, say_of_each(truth, source), classes, plan)
    return LinearHead(head.classes, head.weight, head.bias, fit_temperature(logits, truth))


def network_parts(films: Films, cases: tuple[Case, ...], folder: Path) -> dict[str, NDArray[Any]]:
    """Logits of the films of each fold and of some sources, by networks that never saw them; kept in `folder`."""
    parts = (*FOLDS, *HELD)
    if all((folder / part / LOGITS).is_file() for part in parts):
        return {part: np.load(folder / part / LOGITS, allow_pickle=False) for part in parts}
    pictures = ViewFilms.of(cases)
    return {part: logits_of(LITE0, pictures, held_out(films, part), folder / part) for part in parts}


def whole_network(data: Path, out: Path) -> None:
    """The network of all films, as `out`/network.onnx; trained where `out` does not hold it."""
    training = training_named(LITE0.name)
    wish = Wish(data=data, out=out / "networks" / "whole", resume=True)
    if not (out / NETWORK).is_file():
        record = train_whole(training, wish, runtime=Runtime(1))
        shutil.copyfile(wish.out / record["onnx"]["file"], out / NETWORK)


def joined_tables(
    films: Films, frozen: NDArray[np.float64], logits: NDArray[np.float64]
) -> tuple[Temperatures, dict[str, NDArray[np.float64]]]:
    """Temperatures out of fold, and the probabilities of each that answers: both together, and either alone."""
    network = fit_temperature(logits, films.view)
    alone = network.probabilities(logits)
    joint = fit_temperature(np.log(joined([frozen, alone])), films.view)
    scale = Temperatures(network, joint)
    return scale, {"joint": scale.join(frozen, logits), "network alone": alone, "frozen encoder alone": frozen}


def said_of(who: str, figure: Figure) -> Figure:
    """The figure, with who answered in its name."""
    return replace(figure, name=f"{figure.name}: {who}")


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m overread_lab.recipes.chest_xray_view", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the set chest_xray")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for heads and evidence; keeps features")
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    cases = ManifestSet.open(given.data).cases
    films, plan = Films.of(cases), HeadPlan()
    encoder = open_encoder(Runtime())
    features = film_features(cases, encoder, given.out / "features.npz", lambda text: sys.stderr.write(text + "\n"))
    train = np.concatenate([features.own, features.jittered], axis=1)
    logits = out_of_fold(train, features.own, films.view, films.source, films.fold, names=VIEWS, plan=plan)
    view = _calibrated(train, films.view, films.source, VIEWS, (logits, plan))
    frozen = view.temperature.probabilities(logits)
    parts = network_parts(films, cases, given.out / "networks")
    scale, tables = joined_tables(films, frozen, of_folds(films, parts))
    figures = [
        *view_figures(films, tables.pop("joint")),
        *(
            gain_over(films, scale.join(frozen, of_folds(films, parts)), frozen, name)
            for name in ("three views", "four views")
        ),
        *(said_of(who, one) for who, table in tables.items() for one in view_figures(films, table)),
        *(said_of("network alone", one) for one in network_across_sources(films, parts)),
        *(said_of("frozen encoder alone", one) for one in across_sources(films, features, plan)),
        *(said_of("frozen encoder alone", one) for one in few_children(films, features, plan)),
    ]
    heads, found = quality_heads(films, features, plan)
    figures += found
    sys.stdout.write("".join(say(one) + "\n" for one in figures))
    notes = {
        "recipe": "overread_lab.recipes.chest_xray_view", "films": len(cases), "patients": len(set(films.group)),
        "network_temperature": scale.network.value, "joint_temperature": scale.joint.value,
    }  # fmt: skip
    write_heads(given.out / HEADS, {"view": view, **heads}, notes=notes)
    whole_network(given.data, given.out)
    leave(given.out, figures, command=COMMAND, weights=(HEADS, NETWORK), groups=set(films.group))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
