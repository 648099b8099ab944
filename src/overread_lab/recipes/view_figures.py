"""Figures of views of chest films: out of fold, with sources left out, with few children known."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from overread.cards import Figure
from overread.models.temperature import softmax
from overread.tasks.chest_xray_view.plan import VIEWS
from overread_lab.metrics import area, balanced_accuracy, confusion_matrix, ece
from overread_lab.recipes.evidence import measured
from overread_lab.recipes.film_features import FilmFeatures
from overread_lab.recipes.films import Films, by_patient
from overread_lab.recipes.linear_fit import HeadPlan, fit_head, out_of_fold, say_of_each

FOLDS = "films of five collections, five folds of patients"
NIH = "nih_chestxray14"
HELD = (NIH, "ieee8023", "actualmed")
"""Sources with PA films and AP films."""
AIMS = {NIH: "aim .95", "ieee8023": "aim .80; labels from captions", "actualmed": "aim .86"}


def three_of(four: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3) probabilities of frontal (adult or bedside), lateral, child."""
    return np.column_stack([four[:, 0] + four[:, 1], four[:, 2], four[:, 3]])


def accuracy_of(true: NDArray[np.intp], answer: NDArray[np.intp], classes: int, i: NDArray[np.intp]) -> float:
    """Balanced accuracy of the films with these indices."""
    return balanced_accuracy(confusion_matrix(true[i], answer[i], classes=classes)).value


def view_figures(films: Films, p4: NDArray[np.float64]) -> Iterator[Figure]:
    """Out of fold: of the view, four classes and three."""
    p3, true4 = three_of(p4), films.view
    true3 = np.array([0, 0, 1, 2])[true4]
    everything, n = np.ones(len(true4), bool), len(true4)
    for name, p, true, note in (
        ("three views", p3, true3, "frontal, lateral, child; aim .98; the source name alone .77"),
        ("four views", p4, true4, "adult frontal, bedside, lateral, child; aim .87"),
    ):
        answer, count = p.argmax(axis=1), p.shape[1]
        found = by_patient(films, everything, partial(accuracy_of, true, answer, count))
        yield measured(f"balanced accuracy, {name}", FOLDS, found, n, note)
        recalls = ", ".join(f"{(answer[true == c] == c).mean():.3f}" for c in range(count))
        yield measured(f"calibration error, {name}", FOLDS, ece(p, true).value, n, f"recalls {recalls}; aim .05")
    lateral = p3[:, 1]
    found = by_patient(films, everything, lambda i: area(lateral[i], true3[i] == 1))
    yield measured("lateral, area under the ROC curve", FOLDS, found, n, "all 33 laterals are of one collection")
    child, nih = np.asarray(p3.argmax(axis=1) == 2), np.asarray(films.source == NIH)
    for name, which, note in (
        ("child recall, hospital with few children", nih & (true3 == 2), "aim .85 at 4 % of its adults called child"),
        ("adults called child, hospital with few children", nih & (true3 != 2), "aim .04"),
    ):
        found = by_patient(films, which, lambda i: float(child[i].mean()))
        yield measured(name, "NIH films, five folds of patients", found, int(which.sum()), note)


def ap_figure(films: Films, score: NDArray[np.float64], source: str) -> Figure:
    """Area of AP against PA in a source that was left out; `score` of all films."""
    which = (films.source == source) & np.isin(films.label, ["pa", "ap"])
    found = by_patient(films, which, lambda i: area(score[i], films.label[i] == "ap"))
    return measured(f"AP against PA, {source} left out", "its PA and AP films", found, int(which.sum()), AIMS[source])


def across_sources(films: Films, features: FilmFeatures, plan: HeadPlan) -> Iterator[Figure]:
    """Each source answered by heads that never saw it."""
    train = np.concatenate([features.own, features.jittered], axis=1)
    frontal = np.isin(films.label, ["pa", "ap"])
    erect = (films.label[frontal] == "ap").astype(np.intp)
    held = films.source[frontal]
    _, number = np.unique(held, return_inverse=True)
    logits = out_of_fold(train[frontal], features.own[frontal], erect, held, number, names=("pa", "ap"), plan=plan)
    score = np.full(len(films.label), np.nan)
    score[frontal] = logits[:, 1] - logits[:, 0]
    for source in HELD:
        yield ap_figure(films, score, source)
    _, number = np.unique(films.source, return_inverse=True)
    four = out_of_fold(train, features.own, films.view, films.source, number, names=VIEWS, plan=plan)
    answered = np.asarray(np.isfinite(four).all(axis=1))
    p3 = three_of(softmax(np.where(answered[:, None], four, 0.0)))
    here = (films.view != 2) & answered
    false = (p3.argmax(axis=1) == 1) & here
    by_source = ", ".join(
        f"{one} {int(false[films.source == one].sum())} of {int(here[films.source == one].sum())}"
        for one in np.unique(films.source[here])
    )
    yield measured(
        "false laterals, source left out", "each source", float(false[here].mean()), int(here.sum()), by_source
    )
    nih = np.asarray(films.source == NIH)
    if answered[nih].all():
        child = films.view[nih] == 3
        recall, curve = (p3[nih].argmax(axis=1) == 2)[child].mean(), area(p3[nih, 2], child)
        note = f"area {curve:.3f}: the ranking travels, the threshold does not"
        yield measured("child recall, hospital never seen", "NIH films, NIH left out", recall, int(child.sum()), note)


def few_children(films: Films, features: FilmFeatures, plan: HeadPlan, *, patients: int = 8) -> Iterator[Figure]:
    """NIH left out but for some of its child patients, drawn five times."""
    train = np.concatenate([features.own, features.jittered], axis=1)
    nih = np.asarray(films.source == NIH)
    children = np.unique(films.group[nih & (films.view == 3)])
    recalls, alarms = [], []
    for seed in range(5):
        chosen = np.random.default_rng(seed).permutation(children)[:patients]
        known = ~nih | np.isin(films.group, chosen)
        weights = say_of_each(films.view[known], films.source[known])
        head = fit_head(train[known], films.view[known], weights, VIEWS, plan)
        rest = nih & ~known
        p3 = three_of(softmax(np.array([head.logits(row) for row in features.own[rest]])))
        called = p3.argmax(axis=1) == 2
        recalls.append(called[films.view[rest] == 3].mean())
        alarms.append(called[films.view[rest] != 3].mean())
    note = f"sd {np.std(recalls):.3f}; {np.mean(alarms):.3f} of its adults called child; aim .80"
    name = f"child recall after {patients} child patients of the hospital"
    yield measured(name, "NIH left out but for these, five draws", float(np.mean(recalls)), 5, note)


def gain_over(films: Films, ours: NDArray[np.float64], frozen: NDArray[np.float64], name: str) -> Figure:
    """Difference of balanced accuracies with an interval over patients, the same draws for both."""
    groups = {"three views": np.array([0, 0, 1, 2]), "four views": np.arange(4)}[name]
    true, count = groups[films.view], int(groups.max()) + 1
    mine, theirs = ((three_of(p) if count == 3 else p).argmax(axis=1) for p in (ours, frozen))

    def difference(i: NDArray[np.intp]) -> float:
        return accuracy_of(true, mine, count, i) - accuracy_of(true, theirs, count, i)

    found = by_patient(films, np.ones(len(true), bool), difference)
    return measured(f"gain in balanced accuracy over the frozen encoder, {name}", FOLDS, found, len(true))
