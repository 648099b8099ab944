"""Linear heads on the features of an encoder: one matrix a question, as plain arrays in a file with a digest."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.errors import IntegrityError, UsageError
from overread.models.temperature import Temperature
from overread.models.weights import read_weights

FORMAT = "overread.linear/1"
HALF_FROM = 256
"""Heads on so many features or more are stored in float16: rounding averages out over many features, not over few."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearHead:
    """Which of several classes, from features.

    Parameters
    ----------
    weight : (class, feature) float32
    bias : (class,) float32
    temperature : Temperature
        Fitted on cases that the weights never saw.
    """

    classes: tuple[str, ...]
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    temperature: Temperature = field(default_factory=Temperature)

    def __post_init__(self) -> None:
        count = len(self.classes)
        if self.weight.ndim != 2 or self.weight.shape[0] != count or self.bias.shape != (count,):
            raise UsageError(f"{len(self.classes)} classes, weights {self.weight.shape} and biases {self.bias.shape}")

    def logits(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """(class,) mean logits over the copies of one image, before the temperature.

        Parameters
        ----------
        features : (copy, feature)
        """
        if features.ndim != 2 or features.shape[1] != self.weight.shape[1]:
            raise UsageError(f"features are {features.shape}, expected (copy, {self.weight.shape[1]})")
        each = features.astype(np.float64) @ self.weight.T.astype(np.float64) + self.bias
        return np.asarray(each.mean(axis=0))

    def probabilities(self, features: NDArray[np.floating]) -> dict[str, float]:
        """Class to its calibrated probability for the copies of one image; they sum to 1."""
        calibrated = self.temperature.probabilities(self.logits(features)[None])[0]
        return dict(zip(self.classes, (float(p) for p in calibrated), strict=True))


def write_heads(path: Path, heads: Mapping[str, LinearHead], *, notes: Mapping[str, object]) -> None:
    """Write heads by name; the same heads give the same bytes."""
    arrays: dict[str, NDArray[np.generic]] = {}
    described = {}
    for name, head in sorted(heads.items()):
        described[name] = {"classes": list(head.classes), "temperature": head.temperature.value}
        half = head.weight.shape[1] >= HALF_FROM
        arrays[f"{name}.weight"] = head.weight.astype(np.float16 if half else np.float32)
        arrays[f"{name}.bias"] = head.bias.astype(np.float32)
    header = json.dumps({"format": FORMAT, "heads": described, "notes": dict(notes)}, sort_keys=True)
    arrays["header"] = np.frombuffer(header.encode(), np.uint8)
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    path.write_bytes(stream.getvalue())


def read_heads(path: Path, *, sha256: str | None) -> tuple[dict[str, LinearHead], dict[str, object]]:
    """The heads in a file by name, and its notes.

    Parameters
    ----------
    sha256 : str or None
        The digest that the card gives; None reads without that check (training, tests).

    Raises
    ------
    IntegrityError
        No such file, another digest, or not a file of heads.
    """
    data = read_weights(path, sha256=sha256)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            header = json.loads(stored["header"].tobytes())
            if header["format"] != FORMAT:
                raise IntegrityError(f"unknown format {header['format']!r}", where=str(path))
            heads = {
                name: LinearHead(
                    tuple(head["classes"]),
                    stored[f"{name}.weight"].astype(np.float32),
                    stored[f"{name}.bias"],
                    Temperature(float(head["temperature"])),
                )
                for name, head in header["heads"].items()
            }
    except IntegrityError:
        raise
    except Exception as error:  # a damaged file can fail anywhere in the parser
        raise IntegrityError(f"not a file of linear heads ({type(error).__name__})", where=str(path)) from error
    return heads, dict(header["notes"])
