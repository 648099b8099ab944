"""The manifest of a result folder: what went in, what came out, each with its digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from overread.errors import IntegrityError
from overread.evidence.result_json import dumps, plain
from overread.findings import Provenance
from overread.io.door.results import MANIFEST_FORMAT as FORMAT

NAME = "manifest.json"
FORMAT_VERSION = "1.0"


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which a folder is not what its manifest says: file `path` is missing, changed or extra."""

    kind: Literal["missing", "changed", "extra"]
    path: str
    detail: str

    def __str__(self) -> str:
        return f"{self.path} is {self.kind}: {self.detail}"


def digest_of(path: Path) -> str:
    """SHA-256 of a file, lower-case hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_manifest(
    folder: Path, provenance: Provenance, *, inputs: Mapping[str, str], request: Mapping[str, object]
) -> Path:
    """Write `manifest.json` over every file that lies in `folder`; returns its path."""
    outputs = [
        {"path": path.name, "sha256": digest_of(path), "bytes": path.stat().st_size}
        for path in sorted(folder.iterdir())
        if path.name != NAME
    ]
    manifest = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "task": {
            "name": provenance.task,
            "version": provenance.task_version,
            "device_uid": provenance.device_uid,
            "weights": dict(sorted(provenance.weights.items())),
        },
        "versions": dict(sorted(provenance.versions.items())),
        "request": plain(request),
        "inputs": dict(sorted(inputs.items())),
        "outputs": outputs,
    }
    path = folder / NAME
    path.write_bytes(dumps(manifest))
    return path


def read_manifest(folder: Path) -> dict[str, Any]:
    """The parsed manifest of a result folder.

    Raises
    ------
    IntegrityError
        There is none, or it is not a manifest.
    """
    path = folder / NAME
    way_out = "Give the folder that `overread analyze -o` wrote."
    try:
        manifest = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise IntegrityError("there is no manifest.json", where=str(folder), way_out=way_out) from None
    except (OSError, ValueError) as error:
        raise IntegrityError(f"the manifest cannot be read: {error}", where=str(path), way_out=way_out) from error
    rows = manifest.get("outputs") if isinstance(manifest, dict) else None
    sound = (
        isinstance(rows, list)
        and manifest.get("format") == FORMAT
        and all(
            isinstance(r, dict) and isinstance(r.get("path"), str) and isinstance(r.get("sha256"), str) for r in rows
        )
    )
    if not sound:
        raise IntegrityError(f"the manifest is not an {FORMAT}", where=str(path), way_out=way_out)
    return dict(manifest)


def differences(folder: Path | str) -> list[Difference]:
    """Each way in which the files of a result folder differ from its manifest; none when all are as written.

    Raises
    ------
    IntegrityError
        The folder has no readable manifest.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    found = []
    listed = {NAME}
    for row in manifest["outputs"]:
        listed.add(row["path"])
        path = folder / row["path"]
        if not path.is_file():
            found.append(Difference("missing", row["path"], "listed in the manifest, not in the folder"))
        elif (digest := digest_of(path)) != row["sha256"]:
            found.append(Difference("changed", row["path"], f"sha256 {digest}, manifest {row['sha256']}"))
    extra = sorted(path.name for path in folder.iterdir() if path.name not in listed)
    return found + [Difference("extra", name, "in the folder, not in the manifest") for name in extra]


def check_manifest(folder: Path | str) -> list[str]:
    """`differences` in words, one a line."""
    return [str(difference) for difference in differences(folder)]
