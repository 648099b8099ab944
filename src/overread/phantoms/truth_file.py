"""The truth of a phantom as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from overread.phantoms.phantom import FilmPhantom, Phantom


def write_truth(phantom: Phantom | FilmPhantom, path: Path) -> None:
    """What was planted, or the view of a film, as JSON with sorted keys, with name, seed and settings."""
    if isinstance(phantom, FilmPhantom):
        truth: dict[str, object] = {"view": phantom.view}
    else:
        truth = {"planted": [asdict(one) for one in phantom.planted]}
    text = json.dumps(
        {
            "schema": "overread-phantom-truth/1",
            "name": phantom.name,
            "seed": phantom.seed,
            "settings": phantom.settings,
            **truth,
        },
        indent=2,
        sort_keys=True,
    )
    path.write_text(text + "\n", encoding="utf-8")
