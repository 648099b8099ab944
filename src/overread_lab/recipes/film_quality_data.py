"""What the quality heads of chest films are fitted to: features of strangers, numbers of films with faults of tone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.models import Network
from overread.ops.film_exposure import NUMBERS, exposure_numbers
from overread.tasks._shared.film_encoder import film_features
from overread.tasks.chest_xray_view.quality import kind_features
from overread_lab.datasets.chest_xray import FilmCase, read_grey
from overread_lab.recipes.film_strangers import strangers
from overread_lab.recipes.film_tones import MILD, SEVERE, SOUND, changed

Say = Callable[[str], object]
TONES = ("sound", *SEVERE, *MILD, *SOUND)


@dataclass(frozen=True, slots=True, eq=False)
class Strangers:
    """Pictures that are no chest films.

    Parameters
    ----------
    kind, group, source : (n,) str
    fold : (n,) int
        Of crops of films; -1 for all others, which have no film of the set in them.
    features : (n, 1280) float32
        By `kind_features`.
    """

    kind: NDArray[np.str_]
    group: NDArray[np.str_]
    source: NDArray[np.str_]
    fold: NDArray[np.intp]
    features: NDArray[np.float32]


def stranger_features(others: Path, cases: tuple[FilmCase, ...], encoder: Network, cache: Path, say: Say) -> Strangers:
    """Features of all strangers, kept in the file `cache` between runs."""
    names = [encoder.sha256, str(others), *(case.case for case in cases)]
    key = hashlib.sha256("\n".join(names).encode()).hexdigest()
    stored = stored_arrays(cache, key)
    if stored is not None:
        return Strangers(*(stored[name] for name in Strangers.__dataclass_fields__))
    rows: dict[str, list[object]] = {name: [] for name in Strangers.__dataclass_fields__}
    for n, one in enumerate(strangers(others, cases)):
        if n % 100 == 0:
            say(f"features of stranger {n}")
        for name in ("kind", "group", "source", "fold"):
            rows[name].append(getattr(one, name))
        rows["features"].append(kind_features(film_features(np.asarray(one.picture, np.float32), encoder)))
    arrays = {name: np.array(each) for name, each in rows.items()}
    np.savez(cache, key=np.frombuffer(key.encode(), np.uint8), **arrays)  # type: ignore[arg-type]
    return stranger_features(others, cases, encoder, cache, say)


def tone_numbers(cases: tuple[FilmCase, ...], cache: Path, say: Say) -> NDArray[np.float64]:
    """(film, TONES, NUMBERS): exposure numbers of each film as it is and with each fault."""
    names = [repr(TONES), repr(NUMBERS), *(case.case for case in cases)]
    key = hashlib.sha256("\n".join(names).encode()).hexdigest()
    stored = stored_arrays(cache, key)
    if stored is not None:
        return np.asarray(stored["numbers"], np.float64)
    numbers = np.zeros((len(cases), len(TONES), len(NUMBERS)))
    for n, case in enumerate(cases):
        if n % 50 == 0:
            say(f"tones of film {n} of {len(cases)}")
        film, rng = read_grey(case.image), np.random.default_rng(n)
        ways = [*SEVERE.values(), *MILD.values(), *SOUND.values()]
        numbers[n] = [exposure_numbers(film), *(exposure_numbers(changed(film, way, rng)) for way in ways)]
    np.savez(cache, key=np.frombuffer(key.encode(), np.uint8), numbers=numbers)
    return numbers


def stored_arrays(cache: Path, key: str) -> dict[str, NDArray[Any]] | None:
    """What an earlier run left in the file `cache` under the same key; None where that is not so."""
    if not cache.is_file():
        return None
    with np.load(cache, allow_pickle=False) as stored:
        return dict(stored) if stored["key"].tobytes().decode() == key else None
