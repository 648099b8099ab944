"""The quality heads of the view task: chest film or not, and exposure. Figures: overread_lab.studies.film_quality.

python -m overread_lab.recipes.chest_xray_quality --data ../shared/data/chest_xray --others ../shared/data --work work \
    -o quality
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.models import write_heads, write_subspace
from overread.runtime import Runtime
from overread.tasks._shared.film_encoder import open_encoder
from overread.tasks.chest_xray_view.quality import kind_features
from overread_lab.datasets.chest_xray import FilmCase, read_cases
from overread_lab.datasets.sets import ManifestSet
from overread_lab.recipes.film_features import film_features
from overread_lab.recipes.film_quality_data import Strangers, stranger_features, tone_numbers
from overread_lab.recipes.film_quality_fit import QualityPlan, fit_exposure, fit_kind, fit_likeness

HEADS, LIKENESS = "quality.npz", "likeness.npz"


@dataclass(frozen=True, slots=True, eq=False)
class QualityData:
    """All that the heads are fitted to, in the order of the manifest.

    Parameters
    ----------
    cases : tuple of FilmCase
    films : (n, 1280) float32
        `kind_features` of each film.
    strangers : Strangers
    tones : (n, TONES, NUMBERS) float64
    """

    cases: tuple[FilmCase, ...]
    films: NDArray[np.float32]
    strangers: Strangers
    tones: NDArray[np.float64]

    @property
    def source(self) -> NDArray[np.str_]:
        """(n,) str."""
        return np.array([case.source for case in self.cases])

    @property
    def fold(self) -> NDArray[np.intp]:
        """(n,) int."""
        return np.array([case.fold for case in self.cases])


def quality_data(data: Path, others: Path, work: Path) -> QualityData:
    """From the sets, or from what an earlier run left in the folder `work`."""
    work.mkdir(parents=True, exist_ok=True)
    cases, encoder = read_cases(data), open_encoder(Runtime())

    def say(text: str) -> None:
        sys.stderr.write(text + "\n")

    own = film_features(ManifestSet.open(data).cases, encoder, work / "films.npz", say).own
    strangers = stranger_features(others, cases, encoder, work / "strangers.npz", say)
    films = np.stack([kind_features(row) for row in own])
    return QualityData(cases, films, strangers, tone_numbers(cases, work / "tones.npz", say))


def main(arguments: list[str] | None = None) -> int:
    """Command line; prints the digests of the files."""
    parser = argparse.ArgumentParser(prog="python -m overread_lab.recipes.chest_xray_quality", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the set chest_xray")
    parser.add_argument("--others", type=Path, required=True, help="folder of all sets, for pictures of other kinds")
    parser.add_argument("--work", type=Path, required=True, help="folder that keeps features between runs")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the files")
    given = parser.parse_args(arguments)
    found, plan = quality_data(given.data, given.others, given.work), QualityPlan()
    crops = found.strangers.kind == "severe crop"
    heads = {
        "exposure": fit_exposure(found.tones, found.source, plan),
        "kind": fit_kind(found.films, found.strangers.features[~crops], found.strangers.features[crops], plan),
    }
    given.out.mkdir(parents=True, exist_ok=True)
    notes = {"recipe": "overread_lab.recipes.chest_xray_quality", "films": len(found.cases)}
    write_heads(given.out / HEADS, heads, notes=notes)
    write_subspace(given.out / LIKENESS, fit_likeness(found.films))
    for name in (HEADS, LIKENESS):
        data = (given.out / name).read_bytes()
        row = {"file": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        sys.stdout.write(json.dumps(row) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
