"""Result folders of ours, met where images are expected: their masks and pictures are not read as images."""

from __future__ import annotations

import json
import os
from pathlib import Path

from overread.errors import NothingReadableError

MANIFEST_FORMAT = "overread.manifest"
"""What `manifest.json` of a result folder says of itself."""
_ALWAYS_THERE = ("result.json", "manifest.json", "findings.csv")


def is_result_folder(folder: str) -> bool:
    """Whether the files lie there that together mark a result folder; none is opened."""
    return all(os.path.lexists(f"{folder}/{name}") for name in _ALWAYS_THERE)


def refuse_results(folder: Path) -> None:
    """Raise `NothingReadableError` with what to do when the folder that was asked for holds results of ours."""
    if not (folder / "result.json").is_file():
        return
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
    except (OSError, ValueError):
        return
    if not isinstance(manifest, dict) or manifest.get("format") != MANIFEST_FORMAT:
        return
    task = _text(manifest, "task", "name") or "a task that it does not name"
    source = _text(manifest, "request", "input")
    raise NothingReadableError(
        f"these are results of overread ({task}), not images",
        where=str(folder),
        way_out=(
            "Open report.html in it to see them, or check them with `overread verify`. "
            f"To read images, open {f'what they were made from ({source})' if source else 'what they were made from'}."
        ),
    )


def _text(manifest: dict[str, object], *keys: str) -> str:
    value: object = manifest
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""
