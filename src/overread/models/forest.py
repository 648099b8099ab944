"""A forest of decision trees as flat arrays: read with a digest check, evaluated by numpy. Fitting is elsewhere."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.errors import IntegrityError, UsageError
from overread.models.weights import read_weights

FORMAT = "overread-forests-1"
ARRAYS = ("feature", "threshold", "left", "right", "value", "roots")


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """Trees that vote with a probability.

    Parameters
    ----------
    names : tuple of str
        Features, in the order of the columns that `score` takes.
    feature : (nodes,) int16
        Column that a node asks about; -1 in a leaf.
    threshold : (nodes,) float32
        Go left where value <= threshold.
    left, right : (nodes,) int32
        Children; a leaf points to itself.
    value : (nodes,) float32
        Share of positives in a leaf.
    roots : (trees,) int32
    depth : int
        Longest path.
    """

    names: tuple[str, ...]
    feature: NDArray[np.int16]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float32]
    roots: NDArray[np.int32]
    depth: int

    def score(self, table: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n,) mean vote in [0, 1] for (n, features) float32 rows; the order of summation is fixed.

        Raises
        ------
        UsageError
            The number of columns is not the number of features.
        """
        if table.ndim != 2 or table.shape[1] != len(self.names):
            raise UsageError(f"the forest takes {len(self.names)} features, got a table of shape {table.shape}")
        rows = np.ascontiguousarray(table, dtype=np.float32)
        at = np.repeat(self.roots[None, :], len(rows), axis=0)
        number = np.arange(len(rows))[:, None]
        for _ in range(self.depth):
            column = np.maximum(self.feature[at], 0)
            goes_left = rows[number, column] <= self.threshold[at]
            at = np.where(goes_left, self.left[at], self.right[at])
        votes = self.value[at].astype(np.float64)
        score: NDArray[np.float64] = votes.sum(axis=1) / max(len(self.roots), 1)
        return score


def write_forests(path: Path, forests: dict[str, Forest], notes: dict[str, object]) -> str:
    """Write named forests and their notes (plain values) to one compressed .npz; returns its SHA-256.

    The same forests give the same bytes: entries are written in a fixed order without time stamps.
    """
    arrays: dict[str, NDArray[np.generic]] = {}
    heads = {}
    for name, forest in sorted(forests.items()):
        heads[name] = {"names": list(forest.names), "depth": forest.depth}
        arrays |= {f"{name}.{part}": getattr(forest, part) for part in ARRAYS}
    header = json.dumps({"format": FORMAT, "forests": heads, "notes": notes}, sort_keys=True)
    arrays["header"] = np.frombuffer(header.encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    data = buffer.getvalue()
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def read_forests(path: Path, *, sha256: str | None = None) -> tuple[dict[str, Forest], dict[str, object]]:
    """The forests in a file and its notes.

    Parameters
    ----------
    sha256 : str, optional
        The digest that the card gives; None reads without that check (training, tests).

    Raises
    ------
    IntegrityError
        No such file, another digest, or not a file of forests.
    """
    data = read_weights(path, sha256=sha256)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            header = json.loads(stored["header"].tobytes())
            if header["format"] != FORMAT:
                raise IntegrityError(f"unknown format {header['format']!r}", where=str(path))
            forests = {
                name: Forest(
                    names=tuple(head["names"]),
                    depth=int(head["depth"]),
                    **{part: stored[f"{name}.{part}"] for part in ARRAYS},
                )
                for name, head in header["forests"].items()
            }
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise IntegrityError("not a file of forests", where=str(path)) from error
    return forests, header["notes"]
