"""Everything that was learned, as one file: atlas, support vectors, threshold, plane, intervals, usual values."""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.errors import IntegrityError
from overread.models.rbf_decision import RbfMachine
from overread.models.weights import read_weights
from overread.runtime import Runtime
from overread.tasks.brain_mr_hippocampus.atlas import Atlas
from overread.tasks.brain_mr_hippocampus.outline import PlaneRule
from overread.tasks.brain_mr_hippocampus.rows import NAMES

FORMAT = "overread-hippocampus/1"
PARTS = ("whole", "anterior", "posterior")
CHECKS = ("match", "local_match", "agreement", "log_volume")


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """Support vectors on rows scaled to mean 0 and deviation 1 of the training rows; hippocampus above `threshold`."""

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    machine: RbfMachine
    threshold: float

    def decide(self, rows: NDArray[np.float32], runtime: Runtime) -> NDArray[np.float64]:
        """(n,) decisions for (n, 64) rows."""
        return self.machine.decide((rows - self.mean) / self.scale, runtime=runtime)


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """What a recipe makes and the task reads.

    Parameters
    ----------
    log_width : dict
        Part to q: the true volume lies within a factor exp(q) of the measured one with `coverage` (split conformal).
    coverage : float
    calibration_cases : int
        Left-out cases behind `log_width`.
    usual : dict
        Check to (mean, sd) over left-out cases.
    """

    atlas: Atlas
    classifier: Classifier
    plane: PlaneRule
    log_width: dict[str, float]
    coverage: float
    calibration_cases: int
    usual: dict[str, tuple[float, float]]
    notes: dict[str, object]

    def limits(self, part: str, volume: float) -> tuple[float, float]:
        """Between which the true volume of a part lies with `coverage`, in the unit of the measured one."""
        width = self.log_width[part]
        return volume * math.exp(-width), volume * math.exp(width)


def write_model(path: Path, model: Model) -> str:
    """Write; returns the SHA-256. Same model, same bytes. Maps and support vectors are kept in float16."""
    c, p = model.classifier, model.plane
    half = {f"atlas.{n}": getattr(model.atlas, n).astype(np.float16) for n in ("image", "whole", "anterior", "weight")}
    arrays = {
        **half,
        "support": c.machine.support.astype(np.float16),
        "coefficient": c.machine.coefficient.astype(np.float32),
        "mean": c.mean,
        "scale": c.scale,
        "plane": np.stack([p.mean, p.scale, p.slope]),
    }
    header = {
        "format": FORMAT,
        "names": list(NAMES),
        "intercept": c.machine.intercept,
        "gamma": c.machine.gamma,
        "threshold": c.threshold,
        "plane_offset_mm": p.offset_mm,
        "log_width": model.log_width,
        "coverage": model.coverage,
        "calibration_cases": model.calibration_cases,
        "usual": {name: list(pair) for name, pair in model.usual.items()},
        "notes": model.notes,
    }
    arrays["header"] = np.frombuffer(json.dumps(header, sort_keys=True).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    path.write_bytes(buffer.getvalue())
    return hashlib.sha256(buffer.getvalue()).hexdigest()


def read_model(path: Path, *, sha256: str | None) -> Model:
    """Read what `write_model` wrote.

    Parameters
    ----------
    sha256 : str or None
        The digest that the card gives; None reads without that check (training, tests).

    Raises
    ------
    IntegrityError
        No such file, another digest, or not such a file.
    """
    data = read_weights(path, sha256=sha256)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            told = json.loads(stored["header"].tobytes())
            if told["format"] != FORMAT or tuple(told["names"]) != NAMES:
                raise IntegrityError(f"unknown format {told['format']!r} or other features", where=str(path))
            atlas = Atlas(
                **{n: stored[f"atlas.{n}"].astype(np.float32) for n in ("image", "whole", "anterior", "weight")}
            )
            machine = RbfMachine(
                stored["support"].astype(np.float64),
                stored["coefficient"].astype(np.float64),
                float(told["intercept"]),
                float(told["gamma"]),
            )
            mean, scale, slope = stored["plane"]
            return Model(
                atlas=atlas,
                classifier=Classifier(stored["mean"], stored["scale"], machine, float(told["threshold"])),
                plane=PlaneRule(mean, scale, slope, float(told["plane_offset_mm"])),
                log_width={name: float(told["log_width"][name]) for name in PARTS},
                coverage=float(told["coverage"]),
                calibration_cases=int(told["calibration_cases"]),
                usual={n: (float(told["usual"][n][0]), float(told["usual"][n][1])) for n in CHECKS},
                notes=told["notes"],
            )
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise IntegrityError(f"not a hippocampus model ({type(error).__name__})", where=str(path)) from error
