"""The truth of a phantom as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from overread.phantoms.phantom import Phantom


def write_truth(phantom: Phantom, path: Path) -> None:
    """What was planted, as JSON with sorted keys: name, seed, settings and every `Planted` with its truths."""
    text = json.dumps(
        {
            "schema": "overread-phantom-truth/1",
            "name": phantom.name,
            "seed": phantom.seed,
            "settings": phantom.settings,
            "planted": [asdict(one) for one in phantom.planted],
        },
        indent=2,
        sort_keys=True,
    )
    path.write_text(text + "\n", encoding="utf-8")
