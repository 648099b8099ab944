"""Features of every film of a set by the shipped encoder: as they are, jittered, turned, inverted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.image import Radiograph
from overread.io import open_study
from overread.models import Network
from overread.ops.film import fit_square, harmonise, variants
from overread.tasks._shared.film_encoder import SIDE
from overread_lab.datasets.manifest import Case
from overread_lab.recipes.film_jitter import jitter

JITTERED = 6
FAULTS: dict[str, Callable[[NDArray[np.generic]], NDArray[np.generic]]] = {
    "turned_left": lambda film: np.rot90(film, 1),
    "upside_down": lambda film: np.rot90(film, 2),
    "turned_right": lambda film: np.rot90(film, 3),
    "inverted": lambda film: film.max() + film.min() - film,
}


@dataclass(frozen=True, slots=True, eq=False)
class FilmFeatures:
    """Features of n films.

    Parameters
    ----------
    own : (n, variant, feature) float32
        Of the copies that are looked at when the task runs.
    jittered : (n, copy, feature) float32
    faults : dict of (n, feature) float32
        Of one copy of each film with one fault, by its name in `FAULTS`.
    """

    own: NDArray[np.float32]
    jittered: NDArray[np.float32]
    faults: dict[str, NDArray[np.float32]]


def film_of(path: Path) -> NDArray[np.float32]:
    """(row, column) grey values of one picture file or DICOM object."""
    image = open_study(path).series[0].load()
    if not isinstance(image, Radiograph):
        raise TypeError(f"{path} is no single picture")
    return image.grey().astype(np.float32)


def film_features(cases: tuple[Case, ...], encoder: Network, cache: Path, say: Callable[[str], object]) -> FilmFeatures:
    """Features of all cases, kept in the file `cache` between runs on the same films with the same encoder."""
    key = hashlib.sha256("\n".join([encoder.sha256, *(str(case.image) for case in cases)]).encode()).hexdigest()
    if cache.is_file():
        with np.load(cache, allow_pickle=False) as stored:
            if stored["key"].tobytes().decode() == key:
                faults = {name: stored[name].astype(np.float32) for name in FAULTS}
                return FilmFeatures(stored["own"].astype(np.float32), stored["jittered"].astype(np.float32), faults)
    own, jittered = [], []
    faulty: dict[str, list[NDArray[np.float32]]] = {name: [] for name in FAULTS}
    for n, case in enumerate(cases):
        assert case.image is not None  # noqa: S101  (a set of films)
        film = film_of(case.image)
        plain = harmonise(film)
        rng = np.random.default_rng(int(hashlib.sha256(case.case.encode()).hexdigest()[:8], 16))
        copies = [fit_square(jitter(plain, rng), SIDE)[0] for _ in range(JITTERED)]
        broken = [fit_square(harmonise(fault(film)), SIDE)[0] for fault in FAULTS.values()]
        found = encoder(np.concatenate([variants(plain, SIDE), np.stack(copies + broken)[:, None]]))
        first = len(found) - JITTERED - len(FAULTS)
        own.append(found[:first])
        jittered.append(found[first : first + JITTERED])
        for name, row in zip(FAULTS, found[first + JITTERED :], strict=True):
            faulty[name].append(row)
        if n % 50 == 0:
            say(f"features of film {n} of {len(cases)}")
    features = FilmFeatures(np.stack(own), np.stack(jittered), {name: np.stack(rows) for name, rows in faulty.items()})
    np.savez(
        cache,
        key=np.frombuffer(key.encode(), np.uint8),
        own=features.own.astype(np.float16),
        jittered=features.jittered.astype(np.float16),
        **{name: rows.astype(np.float16) for name, rows in features.faults.items()},  # type: ignore[arg-type]
    )
    return features
