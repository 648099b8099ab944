"""A site file: probabilities of a task recalibrated on cases of one hospital, bound to the weights they belong to."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError, IntegrityError, OverreadError, UsageError
from overread.findings.identity import digest_uid
from overread.models.conformal import ClassSets, as_row, fit_class_sets
from overread.models.temperature import Temperature, fit_temperature, logits_of
from overread.models.venn_abers import VennAbers

FORMAT = "overread.site"
FORMAT_VERSION = "1.0"
GIVE = "Give the file that `overread calibrate` wrote."
WAY_OUT = "Calibrate again with the installed version (overread calibrate)."


@dataclass(frozen=True, slots=True)
class SiteAnswer:
    """Probabilities of one question after site calibration.

    Parameters
    ----------
    probabilities : dict
        Class to probability; they sum to 1.
    intervals : dict
        Class to (p0, p1) of Venn-Abers, widened where needed to hold the probability.
    possible : tuple of str
        The classes that cannot be ruled out; empty for a case that resembles none.
    """

    probabilities: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    possible: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gain:
    """Area under the ROC curve of the task less that of a control, on the cases of a site, with 95 % limits."""

    value: float
    low: float
    high: float

    @property
    def is_shown(self) -> bool:
        """Whether the limits exclude that the control does as well."""
        return self.low > 0


@dataclass(frozen=True, slots=True, eq=False)
class QuestionCalibration:
    """What the cases of a site say about one question; `gains` over each control of the question by its name.

    `venn_abers` (of each class against the rest) and `sets` take the probabilities as the task gives them, before
    `temperature`: so their promises do not hang on a fit to the same cases.
    """

    classes: tuple[str, ...]
    temperature: Temperature
    venn_abers: tuple[VennAbers, ...]
    sets: ClassSets
    gains: dict[str, Gain] = field(default_factory=dict)

    @classmethod
    def fit(
        cls,
        classes: tuple[str, ...],
        p: NDArray[np.float64],
        truth: NDArray[np.intp],
        *,
        miss_rate: float,
        gains: Mapping[str, Gain] | None = None,
    ) -> QuestionCalibration:
        """From (n, classes) probabilities of a site as the task gives them, one case a patient, and their truth."""
        return cls(
            classes,
            fit_temperature(logits_of(p), truth),
            tuple(VennAbers.from_cases(p[:, c], truth == c) for c in range(len(classes))),
            fit_class_sets(p, truth, classes, miss_rate=miss_rate),
            dict(gains or {}),
        )

    def apply(self, probabilities: Mapping[str, float]) -> SiteAnswer:
        """From the probabilities that the task gives without a site file; `UsageError` for other classes."""
        row = as_row(self.classes, probabilities)
        table = self.temperature.probabilities(logits_of([row]))
        found = dict(zip(self.classes, table[0].tolist(), strict=True))
        intervals = {}
        for name, shipped, model in zip(self.classes, row, self.venn_abers, strict=True):
            p = model.probability(shipped)
            intervals[name] = (min(p.low, found[name]), max(p.high, found[name]))
        return SiteAnswer(found, intervals, self.sets.sets([row])[0])

    def to_dict(self) -> dict[str, Any]:
        """Plain values; an infinite threshold is null."""
        return {
            "classes": list(self.classes),
            "temperature": {"value": self.temperature.value, "note": self.temperature.note},
            "venn_abers": [
                {"scores": m.scores.tolist(), "counts": m.counts.tolist(), "positives": m.positives.tolist()}
                for m in self.venn_abers
            ],
            "sets": {
                "thresholds": [t if math.isfinite(t) else None for t in self.sets.thresholds],
                "counts": list(self.sets.counts),
                "miss_rate": self.sets.miss_rate,
                "by_class": self.sets.by_class,
            },
            "gains": {name: [gain.value, gain.low, gain.high] for name, gain in sorted(self.gains.items())},
        }

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> QuestionCalibration:
        """Back from plain values; raises KeyError, TypeError or ValueError where they are something else."""
        classes = tuple(str(name) for name in table["classes"])
        sets = table["sets"]
        models = tuple(
            VennAbers(*(np.asarray(row[key], dtype=np.float64) for key in ("scores", "counts", "positives")))
            for row in table["venn_abers"]
        )
        if len(models) != len(classes):
            raise ValueError(f"{len(models)} sets of scores for {len(classes)} classes")
        return cls(
            classes,
            Temperature(float(table["temperature"]["value"]), str(table["temperature"]["note"])),
            models,
            ClassSets(
                classes,
                tuple(math.inf if t is None else float(t) for t in sets["thresholds"]),
                tuple(int(n) for n in sets["counts"]),
                float(sets["miss_rate"]),
                bool(sets["by_class"]),
            ),
            {str(name): Gain(*(float(v) for v in row)) for name, row in table["gains"].items()},
        )


@dataclass(frozen=True, slots=True, eq=False)
class SiteFile:
    """Site calibration of a task.

    Parameters
    ----------
    weights : dict
        File name to SHA-256 of the weights that gave the probabilities; the file works with no others.
    cases : str
        SHA-256 over the cases it was made from.
    """

    task: str
    task_version: str
    weights: dict[str, str]
    cases: str
    n: int
    questions: dict[str, QuestionCalibration]

    def _body(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "task": self.task,
            "task_version": self.task_version,
            "weights": dict(sorted(self.weights.items())),
            "cases_sha256": self.cases,
            "n": self.n,
            "questions": {name: one.to_dict() for name, one in sorted(self.questions.items())},
        }

    @property
    def sha256(self) -> str:
        """Digest of everything that matters in the file."""
        return _digest(self._body())

    @property
    def device_uid(self) -> str:
        """UID of the task with this calibration: another than without, and another for each calibration."""
        return digest_uid("site", self.task, self.task_version, self.sha256)

    def to_bytes(self) -> bytes:
        """The file; the same calibration gives the same bytes."""
        whole = {**self._body(), "device_uid": self.device_uid, "sha256": self.sha256}
        return (json.dumps(whole, indent=1, allow_nan=False) + "\n").encode()

    @classmethod
    def read(cls, path: str | Path) -> SiteFile:
        """Read a site file.

        Raises
        ------
        InputError
            There is no such file, or it is no site file.
        IntegrityError
            The file was changed after it was made.
        """
        path = Path(path)
        table = _parsed(path)
        stated = {key: value for key, value in table.items() if key not in ("sha256", "device_uid")}
        if table.get("sha256") != _digest(stated):
            raise IntegrityError("the site file was changed after it was made", where=str(path), way_out=WAY_OUT)
        try:
            site = cls(
                str(table["task"]),
                str(table["task_version"]),
                {str(k): str(v) for k, v in table["weights"].items()},
                str(table["cases_sha256"]),
                int(table["n"]),
                {str(k): QuestionCalibration.from_dict(v) for k, v in table["questions"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverreadError) as error:
            raise IntegrityError(f"the site file does not hold what it should: {error}", where=str(path)) from error
        return site

    def require_weights(self, task: str, weights: Mapping[str, str]) -> None:
        """`UsageError` for another task, `IntegrityError` where its weight files have other digests."""
        if self.task != task:
            raise UsageError(
                f"the site file is of the task {self.task}, not of {task}", way_out=f"Add --task {self.task}."
            )
        if self.weights != dict(weights):
            differing = sorted({name for name, _ in set(self.weights.items()) ^ set(weights.items())})
            raise IntegrityError(
                f"the site file of {task} belongs to other weights: {', '.join(differing)} differ", way_out=WAY_OUT
            )


def _digest(body: Mapping[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _parsed(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"the site file cannot be read ({error.strerror})", where=str(path)) from error
    except ValueError as error:
        raise InputError("this is no JSON", where=str(path), way_out=GIVE) from error
    if not isinstance(table, dict) or table.get("format") != FORMAT:
        raise InputError("this is no site file", where=str(path), way_out=GIVE)
    if table.get("format_version") != FORMAT_VERSION:
        raise InputError(
            f"the site file has version {table.get('format_version')}, expected {FORMAT_VERSION}",
            where=str(path),
            way_out=WAY_OUT,
        )
    return table
