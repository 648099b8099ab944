"""Abnormal or no abnormal finding on chest films: heads on the shipped encoder, beside controls that see no lungs.

    python -m overread_lab.recipes.chest_xray_triage --data ../shared/data/chest_xray -o triage
    python -m overread_lab.recipes.evidence chest_xray_triage triage

The second puts heads, figures and hashed patients into the task and its page. Folds of patients are those of the set,
and all heads have one plan (`HeadPlan`); what was chosen with figures in sight stands on the card.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.cards import Figure
from overread.models import LinearHead, write_heads
from overread.models.temperature import fit_temperature
from overread.runtime import Runtime
from overread.tasks._shared.film_encoder import open_encoder
from overread_lab.datasets.manifest import Case
from overread_lab.datasets.sets import ManifestSet
from overread_lab.metrics import area, ece
from overread_lab.recipes.evidence import leave, measured, say
from overread_lab.recipes.film_controls import CONTROLS, control_features
from overread_lab.recipes.film_features import film_features
from overread_lab.recipes.films import Films, by_patient
from overread_lab.recipes.linear_fit import HeadPlan, fit_head, out_of_fold, say_of_each

CLASSES = ("normal", "abnormal")
LOOKS = ("finding", *CONTROLS)
"""What answers: the whole film, and the controls."""
WORDS = {"finding": "whole film", "frame": "outer frame alone", "thumbnail": "16 x 16 pixels alone"}
COMMAND = "python -m overread_lab.recipes.chest_xray_triage --data ../shared/data/chest_xray -o triage"
HEADS = "heads.npz"
SOURCES = ("kermany", "nih_chestxray14", "actualmed")
"""Those with normal films and abnormal ones."""


@dataclass(frozen=True, slots=True, eq=False)
class TriageFilms:
    """Frontal films with a finding given or excluded.

    Parameters
    ----------
    films : Films
    abnormal : (n,) index into `CLASSES`
    own, jittered : dict of (n, copy, feature) float32
        By what answers (`LOOKS`).
    bytes_per_pixel : (n,) float
        Of the file.
    """

    films: Films
    abnormal: NDArray[np.intp]
    own: dict[str, NDArray[np.float32]]
    jittered: dict[str, NDArray[np.float32]]
    bytes_per_pixel: NDArray[np.float64]

    @classmethod
    def of(cls, folder: Path, work: Path) -> TriageFilms:
        """Read the set, and the features that `work` keeps or gets."""
        cases = ManifestSet.open(folder).cases
        encoder = open_encoder(Runtime())

        def say(text: str) -> object:
            return sys.stderr.write(text + "\n")

        work.mkdir(parents=True, exist_ok=True)
        whole = film_features(cases, encoder, work / "features.npz", say)
        controls = control_features(cases, encoder, work / "controls.npz", say)
        used = np.array([is_used(case) for case in cases])
        kept = tuple(case for case, is_kept in zip(cases, used, strict=True) if is_kept)
        own = {"finding": whole.own[used], **{name: controls[name][0][used] for name in CONTROLS}}
        jittered = {"finding": whole.jittered[used], **{name: controls[name][1][used] for name in CONTROLS}}
        return cls(
            Films.of(kept),
            np.array([int(case.extra["finding"] != "normal") for case in kept]),
            own,
            jittered,
            np.array([bytes_a_pixel(case) for case in kept]),
        )

    def train(self, look: str) -> NDArray[np.float32]:
        """(n, copy, feature) of all copies."""
        return np.concatenate([self.own[look], self.jittered[look]], axis=1)

    def left_out(self, look: str, parts: NDArray[np.intp], which: NDArray[np.bool_]) -> NDArray[np.float64]:
        """(n,) log odds of abnormal by heads that never saw the film's part; NaN outside `which`."""
        logits = out_of_fold(
            self.train(look)[which], self.own[look][which], self.abnormal[which], self.films.source[which],
            parts[which], names=CLASSES, plan=HeadPlan(),
        )  # fmt: skip
        score = np.full(len(self.abnormal), np.nan)
        score[which] = logits[:, 1] - logits[:, 0]
        return score


def is_used(case: Case) -> bool:
    """Frontal, and its finding is known; bacterial films came re-coded and smaller, so their files tell the class."""
    finding = case.extra["finding"]
    return bool(finding) and case.label != "lateral" and finding != "bacterial pneumonia"


def bytes_a_pixel(case: Case) -> float:
    """Size of the file by its pixels."""
    from PIL import Image  # noqa: PLC0415

    assert case.image is not None  # noqa: S101  (a set of films)
    with Image.open(case.image) as picture:
        return case.image.stat().st_size / (picture.width * picture.height)


def _areas(
    films: TriageFilms, scores: dict[str, NDArray[np.float64]], which: NDArray[np.bool_], place: str
) -> Iterator[Figure]:
    """Area of each that answers, and what the whole film gains over each control in the same draws of patients."""
    truth, n = films.abnormal == 1, int(which.sum())
    for look in LOOKS:
        found = by_patient(films.films, which, partial(_area, scores[look], truth))
        yield measured(f"area under the ROC curve, {WORDS[look]}", place, found, n)
    for control in CONTROLS:
        found = by_patient(films.films, which, partial(_gain, scores["finding"], scores[control], truth))
        yield measured(f"gain in area over {WORDS[control]}", place, found, n)


def _gain(a: NDArray[np.float64], b: NDArray[np.float64], truth: NDArray[np.bool_], i: NDArray[np.intp]) -> float:
    return area(a[i], truth[i]) - area(b[i], truth[i])


def _area(score: NDArray[np.float64], truth: NDArray[np.bool_], i: NDArray[np.intp]) -> float:
    return area(score[i], truth[i])


def figures(films: TriageFilms) -> Iterator[Figure]:
    """Within each source, pooled, and with each source left out."""
    source, everything = films.films.source, np.ones(len(films.abnormal), bool)
    truth, count = films.abnormal == 1, len(films.abnormal)
    _, number = np.unique(source, return_inverse=True)
    for one in SOURCES:
        which: NDArray[np.bool_] = np.asarray(source == one)
        alone = _either_way(films.bytes_per_pixel[which], truth[which])
        note = f"{int(truth[which].sum())} abnormal, {int((~truth)[which].sum())} normal"
        yield measured("area under the ROC curve, file size alone", f"{one} films", alone, int(which.sum()), note)
        scores = {look: films.left_out(look, films.films.fold, which) for look in LOOKS}
        yield from _areas(films, scores, which, f"{one} films, learned there, folds of patients")
    pooled = {look: films.left_out(look, films.films.fold, everything) for look in LOOKS}
    share = np.array([truth[source == one].mean() for one in np.unique(source)])[number]
    yield measured("area under the ROC curve, source name alone", "all films", area(share, truth), count)
    yield from _areas(films, pooled, everything, "all films, folds of patients")
    for one in SOURCES:
        yield from _areas(films, pooled, np.asarray(source == one), f"{one} films, learned from all, folds of patients")
    apart = {look: films.left_out(look, number, everything) for look in LOOKS}
    for one in SOURCES:
        yield from _areas(films, apart, np.asarray(source == one), f"{one} films, {one} left out")
    logits = np.column_stack([np.zeros(count), pooled["finding"]])
    p = fit_temperature(logits, films.abnormal).probabilities(logits)
    note = "of films like those learned from; not of yours"
    yield measured("calibration error", "all films, folds of patients", ece(p, films.abnormal).value, count, note)


def _either_way(score: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    found = area(score, truth)
    return max(found, 1 - found)


def heads_of(films: TriageFilms) -> dict[str, LinearHead]:
    """Heads on all films, each with the temperature of its answers out of fold."""
    heads = {}
    everything = np.ones(len(films.abnormal), bool)
    for look in LOOKS:
        score = films.left_out(look, films.films.fold, everything)
        temperature = fit_temperature(np.column_stack([np.zeros(len(score)), score]), films.abnormal)
        weights = say_of_each(films.abnormal, films.films.source)
        head = fit_head(films.train(look), films.abnormal, weights, CLASSES, HeadPlan())
        heads[look] = LinearHead(head.classes, head.weight, head.bias, temperature)
    return heads


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m overread_lab.recipes.chest_xray_triage", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the set chest_xray")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for heads and evidence; keeps features")
    given = parser.parse_args(arguments)
    films = TriageFilms.of(given.data, given.out)
    found = list(figures(films))
    sys.stdout.write("".join(say(one) + "\n" for one in found))
    patients = set(films.films.group)
    recipe = "overread_lab.recipes.chest_xray_triage"
    notes = {"recipe": recipe, "films": len(films.abnormal), "patients": len(patients)}
    write_heads(given.out / HEADS, heads_of(films), notes=notes)
    leave(given.out, found, command=COMMAND, weights=(HEADS,), groups=patients)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
