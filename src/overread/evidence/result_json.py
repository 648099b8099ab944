"""result.json: the whole reading as plain values under a published, versioned schema. No clock, no names."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from overread.errors import IntegrityError
from overread.evidence.schema_check import first_violation
from overread.evidence.segments import PixelFacts, SegmentFacts
from overread.evidence.vocabulary import descriptor_term, measurement_term
from overread.findings import Code, Descriptor, Finding, ImageRegion, Line, Measurement, Reading, Reason
from overread.geometry import Fault, Verdict, orientation_of
from overread.image import Frames, Image, Source, Volume, Window

NAME = "result.json"
FORMAT = "overread.result"
FORMAT_VERSION = "1.2"
DISCLAIMER = "Research use only, not a diagnosis."

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parent / "result.schema.json").read_text(encoding="utf-8"))
"""JSON Schema (2020-12) of result.json; the shipped file is `overread/evidence/result.schema.json`."""


def plain(value: object) -> Any:  # noqa: PLR0911  (a table of types)
    """Any value as JSON can hold it: NumPy to Python, NaN and infinity to null, paths and enums to text."""
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    return str(value)


def dumps(value: Mapping[str, object]) -> bytes:
    """UTF-8 JSON with a stable layout: two spaces, keys in the order given, a final newline."""
    return (json.dumps(plain(value), ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode(
        errors="backslashreplace"  # a file name that is no UTF-8 becomes a JSON escape
    )


def _code(code: Code | None) -> dict[str, str] | None:
    return None if code is None else {"value": code.value, "scheme": code.scheme, "meaning": code.meaning}


def _reasons(reasons: Iterable[Reason]) -> list[dict[str, str]]:
    return [{"code": reason.code, "text": reason.text} for reason in reasons]


def measurement_dict(m: Measurement) -> dict[str, Any]:
    """One measurement as plain values; value and interval are null where it could not be measured."""
    interval = m.interval and {"low": m.interval.low, "high": m.interval.high, "coverage": m.interval.coverage}
    return {
        "name": m.name,
        "title": measurement_term(m.name).title,
        "value": m.value,
        "unit": m.unit,
        "interval": interval,
        "components": [{"name": c.name, "sd": c.sd, "log_scale": c.log_scale} for c in m.components],
        "quality": list(m.quality.words()),
        "method": m.method,
    }


def _descriptor(d: Descriptor) -> dict[str, Any]:
    return {
        "name": d.name,
        "title": descriptor_term(d.name).title,
        "value": d.value,
        "also": list(d.also),
        "text": d.text,
        "code": _code(d.code),
    }


def _line(line: Line) -> dict[str, Any]:
    return {"name": line.name, "points_lps_mm": line.points_lps}


def _region(region: ImageRegion) -> dict[str, Any]:
    return {
        "name": region.name,
        "shape": region.shape,
        "frame": region.frame_index + 1,
        "points_rc_px": region.points_rc,
    }


def pixels_dict(facts: PixelFacts) -> dict[str, Any]:
    """Size and place of a mask in a picture as plain values; frames count from 1."""
    return {
        "pixels": facts.pixels,
        "frames": [frame + 1 for frame in facts.frames],
        "centroid_rc_px": facts.centroid_rc,
    }


def segment_dict(facts: SegmentFacts) -> dict[str, Any]:
    """Size and place of a mask as plain values."""
    return {"voxels": facts.voxels, "volume_mm3": facts.volume_mm3, "centroid_lps_mm": facts.centroid_lps}


def _finding(finding: Finding, mask: SegmentFacts | PixelFacts | None) -> dict[str, Any]:
    return {
        "number": finding.number,
        "label": finding.label,
        "kind": _code(finding.kind),
        "category": _code(finding.category),
        "site": _code(finding.site),
        "site_text": finding.site_text,
        "laterality": finding.laterality and finding.laterality.value,
        "point_lps_mm": finding.point_lps,
        "region": finding.region and _region(finding.region),
        "tracking_uid": finding.tracking_uid,
        "score": finding.score,
        "probability": finding.probability and measurement_dict(finding.probability),
        "measurements": [measurement_dict(m) for m in finding.measurements],
        "descriptors": [_descriptor(d) for d in finding.descriptors],
        "lines": [_line(line) for line in finding.lines],
        "marks": [_region(mark) for mark in finding.marks],
        "caveats": list(finding.caveats),
        "mask": segment_dict(mask) if isinstance(mask, SegmentFacts) else None,
        "pixel_mask": pixels_dict(mask) if isinstance(mask, PixelFacts) else None,
    }


def _fault(fault: Fault) -> dict[str, Any]:
    return {
        "code": fault.code,
        "severity": fault.severity,
        "message": fault.message,
        "amount_mm": fault.amount_mm,
        "files": fault.files,
    }


def _geometry(verdict: Verdict) -> dict[str, Any]:
    return {
        "status": verdict.status,
        "sentence": verdict.sentence(),
        "policy": verdict.policy,
        "repaired": verdict.repaired,
        "faults": [_fault(fault) for fault in verdict.faults],
        "facts": dict(sorted(verdict.facts.items())),
    }


def _source(source: Source, withheld: frozenset[str]) -> dict[str, Any]:
    facts = {key: "(withheld)" if key in withheld else value for key, value in sorted(source.facts.items())}
    return {
        "kind": source.kind,
        "modality": source.modality,
        "study_uid": source.study_uid,
        "series_uid": source.series_uid,
        "frame_of_reference_uid": source.frame_of_reference_uid,
        "files": len(source.paths),
        "frames": len(source.frames),
        "facts": facts,
    }


def _image(image: Image | None) -> dict[str, Any] | None:
    if image is None:
        return None
    if isinstance(image, Volume):
        return {
            "kind": "volume",
            "shape": image.grid.shape,
            "colour": False,
            "spacing_mm": image.grid.spacing_mm,
            "calibration": None,
            "orientation": orientation_of(image.grid),
            "affine_lps": image.grid.affine_lps,
            "unit": image.intensity,
        }
    return {
        "kind": "frames" if isinstance(image, Frames) else "radiograph",
        "shape": image.array.shape[:-1] if image.is_colour else image.array.shape,
        "colour": image.is_colour,
        "spacing_mm": image.scale.spacing_mm,
        "calibration": {"class": image.scale.calibration, "words": image.scale.words},
        "orientation": None,
        "affine_lps": None,
        "unit": image.intensity,
    }


def _window(window: Window) -> dict[str, Any]:
    return {"name": window.name, "center": window.center, "width": window.width}


def reading_dict(
    reading: Reading,
    image: Image | None,
    masks: Mapping[int, SegmentFacts] | Mapping[int, PixelFacts],
    *,
    withheld: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """The reading as plain values: everything of result.json but what the writers add about their files.

    Parameters
    ----------
    masks : dict
        Number of a finding to the size and place of its segment, in the patient or in the picture.
    withheld : set of str
        Keys of `Source.facts` whose text names the patient.
    """
    p = reading.provenance
    result = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "disclaimer": DISCLAIMER,
        "task": {"name": p.task, "version": p.task_version, "title": reading.title},
        "assessable": reading.assessable,
        "reasons": _reasons(reading.reasons),
        "scope": {"answer": reading.scope.answer, "reasons": _reasons(reading.scope.reasons)},
        "source": _source(reading.source, withheld),
        "geometry": _geometry(reading.verdict),
        "image": _image(image),
        "findings": [_finding(finding, masks.get(finding.number)) for finding in reading.findings],
        "measurements": [measurement_dict(m) for m in reading.measurements],
        "marks": [_region(mark) for mark in reading.marks],
        "labels": [_descriptor(d) for d in reading.labels],
        "caveats": list(reading.caveats),
        "windows": [_window(window) for window in reading.windows],
        "provenance": {
            "device_uid": p.device_uid,
            "versions": dict(sorted(p.versions.items())),
            "plan": dict(sorted(p.plan.items())),
            "weights": dict(sorted(p.weights.items())),
        },
    }
    return dict(plain(result))


def read_result(folder: Path | str) -> dict[str, Any]:
    """The parsed `result.json` of a result folder, checked against the schema.

    Raises
    ------
    IntegrityError
        It is missing, not JSON, of another format version, or does not follow the schema.
    """
    path = Path(folder) / NAME
    try:
        result = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise IntegrityError(
            "there is no result.json", where=str(folder), way_out="Give the folder that `overread analyze -o` wrote."
        ) from None
    except (OSError, ValueError) as error:
        raise IntegrityError(f"cannot be read: {error}", where=str(path)) from error
    version = result.get("format_version") if isinstance(result, dict) else None
    if version != FORMAT_VERSION:
        raise IntegrityError(
            f"format version is {version!r}, expected {FORMAT_VERSION!r}",
            where=str(path),
            way_out="Read it with the version of overread that wrote it.",
        )
    if violation := first_violation(result, SCHEMA):
        raise IntegrityError(f"does not follow the schema: {violation}", where=str(path))
    return dict(result)
