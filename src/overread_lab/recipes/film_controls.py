"""What a film tells without its lungs: only its outer frame, only 16 x 16 pixels. Controls that a reading must beat."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.models import Network
from overread.ops.film import fit_square, harmonise, variants
from overread.tasks._shared.film_controls import frame_only, thumbnails
from overread.tasks._shared.film_encoder import SIDE
from overread_lab.datasets.manifest import Case
from overread_lab.recipes.film_features import JITTERED, film_of
from overread_lab.recipes.film_jitter import jitter

CONTROLS = ("frame", "thumbnail")
Copies = tuple[NDArray[np.float32], NDArray[np.float32]]
"""(n, variant, feature) of the copies that are looked at, and (n, copy, feature) of jittered ones."""


def control_features(
    cases: tuple[Case, ...], encoder: Network, cache: Path, say: Callable[[str], object]
) -> dict[str, Copies]:
    """Features of all cases by control, kept in the file `cache` between runs on the same films."""
    key = hashlib.sha256("\n".join([encoder.sha256, *(str(case.image) for case in cases)]).encode()).hexdigest()
    if cache.is_file():
        with np.load(cache, allow_pickle=False) as stored:
            if stored["key"].tobytes().decode() == key:
                return {
                    name: (stored[f"{name}.own"].astype(np.float32), stored[f"{name}.jittered"].astype(np.float32))
                    for name in CONTROLS
                }
    rows: dict[str, list[NDArray[np.float32]]] = {name: [] for name in CONTROLS}
    for n, case in enumerate(cases):
        assert case.image is not None  # noqa: S101  (a set of films)
        plain = harmonise(film_of(case.image))
        rng = np.random.default_rng(int(hashlib.sha256(case.case.encode()).hexdigest()[:8], 16))
        jittered = np.stack([fit_square(jitter(plain, rng), SIDE)[0] for _ in range(JITTERED)])[:, None]
        copies = np.concatenate([variants(plain, SIDE), jittered])
        rows["frame"].append(encoder(frame_only(copies)))
        rows["thumbnail"].append(thumbnails(copies))
        if n % 50 == 0:
            say(f"controls of film {n} of {len(cases)}")
    found = {name: np.stack(each) for name, each in rows.items()}
    own = {name: (table[:, :-JITTERED], table[:, -JITTERED:]) for name, table in found.items()}
    arrays = {
        f"{name}.{part}": copies.astype(np.float16)
        for name, both in own.items()
        for part, copies in zip(("own", "jittered"), both, strict=True)
    }
    np.savez(cache, key=np.frombuffer(key.encode(), np.uint8), **arrays)  # type: ignore[arg-type]
    return own
