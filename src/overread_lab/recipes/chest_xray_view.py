"""View and quality of chest films: heads on the shipped encoder, their figures out of fold and across sources.

python -m overread_lab.recipes.chest_xray_view --data ../shared/data/chest_xray --work features.npz -o heads.npz

Nothing is chosen here on the figures it prints: one plan for all heads (`HeadPlan`), folds of patients from the set.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.cards import TrainingGroups
from overread.models import LinearHead, write_heads
from overread.models.temperature import fit_temperature, softmax
from overread.runtime import Runtime
from overread.tasks._shared.film_encoder import open_encoder
from overread.tasks.chest_xray_view.plan import TURNS, VIEWS
from overread_lab.datasets.manifest import Case
from overread_lab.datasets.sets import ManifestSet
from overread_lab.metrics import area, balanced_accuracy, bootstrap, confusion_matrix, ece
from overread_lab.metrics.bootstrap import Bootstrap, Statistic
from overread_lab.recipes.film_features import FilmFeatures, film_features
from overread_lab.recipes.linear_fit import HeadPlan, fit_head, out_of_fold, say_of_each

OF_LABEL = {"pa": 0, "ap": 0, "ap_erect": 0, "ap_supine": 1, "lateral": 2, "child": 3}
TONES = ("normal", "inverted")


@dataclass(frozen=True, slots=True, eq=False)
class Films:
    """The set as arrays, in the order of its manifest."""

    label: NDArray[np.str_]
    source: NDArray[np.str_]
    group: NDArray[np.str_]
    fold: NDArray[np.intp]

    @classmethod
    def of(cls, cases: tuple[Case, ...]) -> Films:
        """From the rows of a manifest."""
        return cls(
            np.array([case.label for case in cases]),
            np.array([case.source for case in cases]),
            np.array([case.group for case in cases]),
            np.array([case.fold for case in cases]),
        )

    @property
    def view(self) -> NDArray[np.intp]:
        """Index into VIEWS."""
        return np.array([OF_LABEL[label] for label in self.label])


def by_patient(films: Films, which: NDArray[np.bool_], statistic: Statistic, *, seed: int = 1) -> Bootstrap:
    """`statistic` of indices of films among `which`, with an interval over patients."""
    index = np.flatnonzero(which)
    names = np.unique(films.group[index])
    members = [index[films.group[index] == name] for name in names]
    return bootstrap(
        lambda drawn: statistic(np.concatenate([members[i] for i in drawn])),
        len(members),
        seed=seed,
        draws=1000,
        method="percentile",
    )


def say_figure(name: str, found: Bootstrap, note: str = "") -> str:
    limits = "" if found.interval is None else f" [{found.interval.low:.3f}, {found.interval.high:.3f}]"
    return f"{name}: {found.value:.3f}{limits}, {found.groups} patients{', ' + note if note else ''}"


def three_of(four: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3) probabilities of frontal (adult or bedside), lateral, child."""
    return np.column_stack([four[:, 0] + four[:, 1], four[:, 2], four[:, 3]])


def _accuracy(true: NDArray[np.intp], answer: NDArray[np.intp], classes: int) -> Statistic:
    """Balanced accuracy of the films with these indices."""
    return lambda i: balanced_accuracy(confusion_matrix(true[i], answer[i], classes=classes)).value


def view_figures(films: Films, p4: NDArray[np.float64]) -> Iterator[str]:
    """Out-of-fold figures of the view, four classes and three."""
    p3, true4 = three_of(p4), films.view
    true3 = np.array([0, 0, 1, 2])[true4]
    everything = np.ones(len(true4), bool)
    for name, p, true, count in (("3 views", p3, true3, 3), ("4 views", p4, true4, 4)):
        answer = p.argmax(axis=1)

        yield say_figure(f"{name}, balanced accuracy", by_patient(films, everything, _accuracy(true, answer, count)))
        recalls = ", ".join(f"{(answer[true == c] == c).mean():.3f}" for c in range(count))
        yield f"{name}, recall of each: {recalls}; calibration error {ece(p, true).value:.3f}"
    lateral = p3[:, 1]
    yield say_figure("lateral, AUC", by_patient(films, everything, lambda i: area(lateral[i], true3[i] == 1)))
    for source in np.unique(films.source):
        here = (films.source == source) & (true3 != 1)
        yield f"false laterals in {source}: {int((p3[here].argmax(axis=1) == 1).sum())} of {int(here.sum())}"
    child: NDArray[np.bool_] = np.asarray(p3.argmax(axis=1) == 2)
    nih: NDArray[np.bool_] = np.asarray(films.source == "nih_chestxray14")
    yield say_figure("child recall in nih", by_patient(films, nih & (true3 == 2), lambda i: float(child[i].mean())))
    yield say_figure("nih adults called child", by_patient(films, nih & (true3 != 2), lambda i: float(child[i].mean())))


def across_sources(films: Films, features: FilmFeatures, plan: HeadPlan) -> Iterator[str]:
    """Each source answered by heads that never saw it."""
    train = np.concatenate([features.own, features.jittered], axis=1)
    frontal = np.isin(films.label, ["pa", "ap"])
    erect = (films.label[frontal] == "ap").astype(np.intp)
    held = films.source[frontal]
    _, number = np.unique(held, return_inverse=True)
    logits = out_of_fold(train[frontal], features.own[frontal], erect, held, number, names=("pa", "ap"), plan=plan)
    score = np.full(len(films.label), np.nan)
    score[frontal] = logits[:, 1] - logits[:, 0]
    for source in ("nih_chestxray14", "ieee8023", "actualmed"):
        which = frontal & (films.source == source)
        found = by_patient(films, which, lambda i: area(score[i], films.label[i] == "ap"))
        yield say_figure(f"ap against pa, {source} left out, AUC", found)
    _, number = np.unique(films.source, return_inverse=True)
    four = out_of_fold(train, features.own, films.view, films.source, number, names=VIEWS, plan=plan)
    answered: NDArray[np.bool_] = np.asarray(np.isfinite(four).all(axis=1))
    p3 = three_of(softmax(np.where(answered[:, None], four, 0.0)))
    for source in np.unique(films.source[answered]):
        here = (films.source == source) & (films.view != 2) & answered
        yield f"false laterals, {source} left out: {int((p3[here].argmax(axis=1) == 1).sum())} of {int(here.sum())}"
    nih: NDArray[np.bool_] = np.asarray(films.source == "nih_chestxray14")
    if answered[nih].all():
        recall = (p3[nih & (films.view == 3)].argmax(axis=1) == 2).mean()
        yield f"child recall in nih, nih left out: {recall:.3f}, AUC {area(p3[nih, 2], films.view[nih] == 3):.3f}"


def few_children(films: Films, features: FilmFeatures, plan: HeadPlan, *, patients: int = 8) -> Iterator[str]:
    """nih left out but for some of its child patients, drawn five times."""
    train = np.concatenate([features.own, features.jittered], axis=1)
    nih: NDArray[np.bool_] = np.asarray(films.source == "nih_chestxray14")
    children = np.unique(films.group[nih & (films.view == 3)])
    recalls, alarms = [], []
    for seed in range(5):
        chosen = np.random.default_rng(seed).permutation(children)[:patients]
        known = ~nih | np.isin(films.group, chosen)
        head = fit_head(
            train[known], films.view[known], say_of_each(films.view[known], films.source[known]), VIEWS, plan
        )
        rest = nih & ~known
        p3 = three_of(softmax(np.array([head.logits(row) for row in features.own[rest]])))
        called = p3.argmax(axis=1) == 2
        recalls.append(called[films.view[rest] == 3].mean())
        alarms.append(called[films.view[rest] != 3].mean())
    words = f"recall {np.mean(recalls):.3f} (sd {np.std(recalls):.3f}), adults called child {np.mean(alarms):.3f}"
    yield f"child in nih with {patients} of its child patients known, 5 draws: {words}"


def quality_heads(films: Films, features: FilmFeatures, plan: HeadPlan) -> tuple[dict[str, LinearHead], list[str]]:
    """Turned and inverted: heads on all folds, figures out of fold and with each source left out."""
    own = features.own[:, 0]
    stacks = {
        "turn": (TURNS, [own, *(features.faults[name] for name in TURNS[1:])]),
        "tone": (TONES, [own, features.faults["inverted"]]),
    }
    heads, lines = {}, []
    for name, (classes, parts) in stacks.items():
        rows = np.concatenate(parts)[:, None]
        truth = np.repeat(np.arange(len(parts)), len(own))
        source, fold = np.tile(films.source, len(parts)), np.tile(films.fold, len(parts))
        logits = out_of_fold(rows, rows, truth, source, fold, names=classes, plan=plan)
        heads[name] = _calibrated(rows, truth, source, classes, (logits, plan))
        _, number = np.unique(source, return_inverse=True)
        left_out = out_of_fold(rows, rows, truth, source, number, names=classes, plan=plan)
        for where, scores in (("out of fold", logits), ("source left out", left_out)):
            fault = -softmax(scores)[:, 0]
            lines.append(
                f"{name}, {where}: AUC {area(fault, truth > 0):.4f}, {_at_one_percent(fault, truth > 0, source)}"
            )
    return heads, lines


def _at_one_percent(score: NDArray[np.float64], faulty: NDArray[np.bool_], source: NDArray[np.str_]) -> str:
    """Sensitivity at the threshold that calls at most 1 % of the sound films of every source faulty."""
    limits = [np.quantile(score[~faulty & (source == one)], 0.99, method="higher") for one in np.unique(source)]
    return f"sensitivity {float((score[faulty] > max(limits)).mean()):.3f} at <= 1 % false in each source"


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


def main(arguments: list[str] | None = None) -> int:
    """Command line; prints the figures of the card and the digest of the heads."""
    parser = argparse.ArgumentParser(prog="python -m overread_lab.recipes.chest_xray_view", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the set chest_xray")
    parser.add_argument("--work", type=Path, required=True, help="file that keeps the features between runs")
    parser.add_argument("-o", "--out", type=Path, required=True, help="file of heads to write")
    parser.add_argument("--salt", default="chest_xray_view", help="of the digests of patients for the card")
    given = parser.parse_args(arguments)
    cases = ManifestSet.open(given.data).cases
    films, plan = Films.of(cases), HeadPlan()
    write = sys.stdout.write
    features = film_features(cases, open_encoder(Runtime()), given.work, lambda text: sys.stderr.write(text + "\n"))
    train = np.concatenate([features.own, features.jittered], axis=1)
    logits = out_of_fold(train, features.own, films.view, films.source, films.fold, names=VIEWS, plan=plan)
    view = _calibrated(train, films.view, films.source, VIEWS, (logits, plan))
    p4 = view.temperature.probabilities(logits)
    for line in (
        *view_figures(films, p4),
        *across_sources(films, features, plan),
        *few_children(films, features, plan),
    ):
        write(line + "\n")
    heads, lines = quality_heads(films, features, plan)
    write("\n".join(lines) + "\n")
    notes = {"recipe": "overread_lab.recipes.chest_xray_view", "films": len(cases), "patients": len(set(films.group))}
    write_heads(given.out, {"view": view, **heads}, notes=notes)
    groups = sorted(TrainingGroups.of(set(films.group), salt=given.salt).groups_sha256)
    given.work.with_suffix(".groups").write_text("\n".join(groups) + "\n", encoding="utf-8")
    digest = hashlib.sha256(given.out.read_bytes()).hexdigest()
    write(json.dumps({"file": given.out.name, "bytes": given.out.stat().st_size, "sha256": digest}) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
