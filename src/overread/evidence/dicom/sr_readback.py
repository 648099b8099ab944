"""A walker over DICOM SR of our own (pydicom only), and the comparison of what it finds with the reading."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from overread.errors import IntegrityError
from overread.evidence import vocabulary as words
from overread.evidence.dicom.sr import descriptor_text
from overread.evidence.dicom.sr_regions import graphic_data, graphic_type
from overread.evidence.vocabulary import descriptor_term, measurement_term
from overread.findings import Code, Descriptor, ImageRegion, Measurement, Reading
from overread.findings.codes import NO, YES

_GROUP = ("125007", "DCM")
_TRACKING_UID = ("112040", "DCM")
_REFERENCED_SEGMENT = ("121191", "DCM")
RELATIVE = 1e-9
PIXEL = 1e-3
"""Coordinates are stored in single precision: a thousandth of a pixel in the widest picture."""


@dataclass(frozen=True, slots=True)
class SrRegion:
    """A SCOORD: its graphic type, (column, row) of each point, and the object and frame (from 1) it lies on."""

    graphic_type: str
    points: tuple[tuple[float, float], ...]
    sop_uid: str
    frame_number: int


@dataclass(frozen=True, slots=True)
class SrNumber:
    """One NUM: `value` is None with a `qualifier`; `upper` and `lower` are distances from the value."""

    value: float | None
    unit: str
    qualifier: str
    upper: float | None
    lower: float | None
    coverage: float | None
    parameters: tuple[str, ...]
    lines: tuple[SrRegion, ...] = ()


@dataclass(frozen=True, slots=True)
class SrGroup:
    """One measurement group (125007): numbers, texts and codes by (code value, scheme) of their name."""

    tracking_uid: str
    numbers: dict[tuple[str, str], SrNumber]
    texts: dict[tuple[str, str], list[str]]
    codes: dict[tuple[str, str], list[tuple[str, str]]]
    segment: tuple[str, int] | None
    regions: tuple[SrRegion, ...] = ()


@dataclass(frozen=True, slots=True)
class SrContent:
    """A structured report by its groups."""

    sop_uid: str
    groups: list[SrGroup] = field(default_factory=list)


def _concept(item: Dataset) -> tuple[str, str]:
    return _code_pair(item.ConceptNameCodeSequence[0]) if "ConceptNameCodeSequence" in item else ("", "")


def _code_pair(code: Dataset) -> tuple[str, str]:
    value = code.get("CodeValue") or code.get("LongCodeValue") or code.get("URNCodeValue") or ""
    return str(value), str(code.get("CodingSchemeDesignator", ""))


def _children(item: Dataset, relationship: str | None = None) -> Iterator[Dataset]:
    for child in item.get("ContentSequence", ()):
        if relationship is None or child.get("RelationshipType") == relationship:
            yield child


def _all_items(item: Dataset) -> Iterator[Dataset]:
    yield item
    for child in _children(item):
        yield from _all_items(child)


def _value_of(item: Dataset) -> tuple[float | None, str]:
    """Value (double precision where it is given, else the decimal string) and UCUM unit of a NUM."""
    measured: Any = item.get("MeasuredValueSequence") or []
    if not len(measured):
        return None, ""
    number = measured[0].get("FloatingPointValue", measured[0].NumericValue)
    return float(number), _code_pair(measured[0].MeasurementUnitsCodeSequence[0])[0]


def _number(item: Dataset) -> SrNumber:
    value, unit = _value_of(item)
    qualifiers: Any = item.get("NumericValueQualifierCodeSequence") or []
    qualifier = _code_pair(qualifiers[0])[0] if len(qualifiers) else ""
    if (value is None) != bool(qualifier) or (value is not None and not math.isfinite(value)):
        raise IntegrityError(f"{_concept(item)} has value {value} and qualifier {qualifier!r}", where="sr.dcm")
    parts: dict[tuple[str, str], float | None] = {}
    for child in _children(item, "HAS PROPERTIES"):
        if child.ValueType == "NUM":
            number, child_unit = _value_of(child)
            expected = "1" if _concept(child) == (words.COVERAGE.value, words.PRIVATE) else unit
            if child_unit != expected:
                raise IntegrityError(
                    f"uncertainty of {_concept(item)} is in {child_unit!r}, not {unit!r}", where="sr.dcm"
                )
            parts[_concept(child)] = number
    texts = [str(c.TextValue) for c in _children(item) if _concept(c) == ("111002", "DCM")]

    def part(code: Code) -> float | None:
        return parts.get((code.value, code.scheme))

    limits = (part(words.UPPER), part(words.LOWER), part(words.COVERAGE))
    return SrNumber(value, unit, qualifier, *limits, tuple(texts), tuple(_regions(item)))


def _regions(item: Dataset) -> Iterator[SrRegion]:
    for child in _children(item):
        if child.ValueType == "SCOORD":
            flat = [float(value) for value in child.GraphicData]
            reference = child.ContentSequence[0].ReferencedSOPSequence[0]
            points = tuple(zip(flat[::2], flat[1::2], strict=True))
            frame = int(reference.get("ReferencedFrameNumber", 1))
            yield SrRegion(str(child.GraphicType), points, str(reference.ReferencedSOPInstanceUID), frame)


def _group(item: Dataset) -> SrGroup:
    group = SrGroup("", {}, {}, {}, None)
    tracking, segment = "", None
    for child in _children(item):
        name = _concept(child)
        if name == _TRACKING_UID:
            tracking = str(child.UID)
        elif name == _REFERENCED_SEGMENT:
            reference = child.ReferencedSOPSequence[0]
            segment = (str(reference.ReferencedSOPInstanceUID), int(reference.ReferencedSegmentNumber))
        elif child.ValueType == "NUM":
            if name in group.numbers:
                raise IntegrityError(f"{name} is given twice in one group", where="sr.dcm")
            group.numbers[name] = _number(child)
        elif child.ValueType == "TEXT":
            group.texts.setdefault(name, []).append(str(child.TextValue))
        elif child.ValueType == "CODE":
            group.codes.setdefault(name, []).append(_code_pair(child.ConceptCodeSequence[0]))
    return SrGroup(tracking, group.numbers, group.texts, group.codes, segment, tuple(_regions(item)))


def read_sr(path: Path) -> SrContent:
    """The groups of a TID 1500 report.

    Raises
    ------
    IntegrityError
        Not readable, a NUM with both or neither of value and qualifier, or an uncertainty in another unit.
    """
    try:
        sr = pydicom.dcmread(path)
        groups = [_group(item) for item in _all_items(sr) if _concept(item) == _GROUP]
        return SrContent(str(sr.SOPInstanceUID), groups)
    except IntegrityError:
        raise
    except Exception as error:  # a damaged file can fail anywhere in the parser
        raise IntegrityError(f"cannot be read back: {type(error).__name__}: {error}", where=path.name) from error


def _same(a: float | None, b: float | None, scale: float) -> bool:
    if a is None or b is None:
        return a is b
    return abs(a - b) <= RELATIVE * max(abs(scale), 1e-300)


def _compare_number(m: Measurement, found: SrNumber, where: str) -> None:
    """Raise unless value, unit, both limits and coverage are those of `m`."""
    want = None if math.isnan(m.value) else float(m.value)
    low = None if found.lower is None or found.value is None else found.value - found.lower
    high = None if found.upper is None or found.value is None else found.value + found.upper
    scale = max((abs(v) for v in (m.value, *_limits(m)) if v is not None and math.isfinite(v)), default=1.0)
    checks = [(_same(want, found.value, scale), f"value {found.value}, expected {want}")]
    if want is not None:
        checks.append((found.unit == m.unit, f"unit {found.unit!r}, expected {m.unit!r}"))
    want_low, want_high = _limits(m)
    checks += [
        (_same(want_low, low, scale), f"low limit {low}, expected {want_low}"),
        (_same(want_high, high, scale), f"high limit {high}, expected {want_high}"),
        (
            _same(m.interval.coverage if m.interval else None, found.coverage, 1.0),
            f"coverage {found.coverage}, expected {m.interval}",
        ),
    ]
    for good, words_ in checks:
        if not good:
            raise IntegrityError(f"{where} {m.name} reads back with {words_}", where="sr.dcm")


def _limits(m: Measurement) -> tuple[float | None, float | None]:
    if m.interval is None:
        return None, None
    return (
        m.interval.low if math.isfinite(m.interval.low) else None,
        m.interval.high if math.isfinite(m.interval.high) else None,
    )


def _compare_group(
    group: SrGroup, measurements: tuple[Measurement, ...], descriptors: tuple[Descriptor, ...], where: str
) -> int:
    wanted = {(code.value, code.scheme): m for m in measurements for code in (measurement_term(m.name).code,)}
    if set(wanted) != set(group.numbers):
        raise IntegrityError(
            f"{where} holds numbers {sorted(group.numbers)}, expected {sorted(wanted)}", where="sr.dcm"
        )
    for name, m in wanted.items():
        _compare_number(m, group.numbers[name], where)
    for d in descriptors:
        code = descriptor_term(d.name).code
        if descriptor_text(d) not in group.texts.get((code.value, code.scheme), []):
            raise IntegrityError(f"{where} lost its descriptor {d.name}", where="sr.dcm")
    return len(wanted)


def _compare_lines(group: SrGroup, m: Measurement, reading: Reading) -> None:
    code = measurement_term(m.name).code
    wanted = tuple(mark for mark in reading.marks if mark.name == m.name)
    _compare_regions(group.numbers[code.value, code.scheme].lines, wanted, reading, f"the image {m.name}")


def _compare_regions(
    found: tuple[SrRegion, ...], wanted: tuple[ImageRegion, ...], reading: Reading, where: str
) -> None:
    """Raise unless type, frame and points of each region are those written; GraphicData holds single precision."""
    if len(found) != len(wanted):
        raise IntegrityError(f"{where} has {len(found)} regions, expected {len(wanted)}", where="sr.dcm")
    for one, region in zip(found, wanted, strict=True):
        frame = reading.source.frames[region.frame_index]
        data = graphic_data(region)
        same = (one.graphic_type, one.sop_uid, one.frame_number) == (
            graphic_type(region),
            frame.sop_uid,
            frame.frame_number,
        )
        points = np.array(one.points)[: len(data)]  # a region may be closed by its first point
        if not same or points.shape != data.shape or np.abs(points - data).max() > PIXEL:
            raise IntegrityError(f"{where} has a region that reads back differently", where="sr.dcm")


def compare_sr(path: Path, reading: Reading, seg_uid: str, segments: dict[int, int]) -> int:
    """Read `path` and compare it with the reading; returns how many numbers were compared.

    Raises
    ------
    IntegrityError
        The first value, limit, unit, coverage, descriptor, segment reference or answer that differs.
    """
    content = read_sr(path)
    groups = {group.tracking_uid: group for group in content.groups}
    if len(content.groups) != len(reading.findings) + 1 or len(groups) != len(content.groups):
        raise IntegrityError(
            f"{len(groups)} groups for {len(reading.findings)} findings and the image", where=path.name
        )
    compared = 0
    for finding in reading.findings:
        where = f"finding {finding.number}"
        if finding.tracking_uid not in groups:
            raise IntegrityError(f"{where} has no group", where=path.name)
        group = groups.pop(finding.tracking_uid)
        numbers = [*finding.measurements, *([finding.probability] if finding.probability else [])]
        if finding.score is not None:
            numbers.append(Measurement("score", finding.score, "1", None, "detector"))
        compared += _compare_group(group, tuple(numbers), finding.descriptors, where)
        _compare_regions(group.regions, () if finding.region is None else (finding.region,), reading, where)
        placed = finding.number in segments and finding.region is None
        want = (seg_uid, segments[finding.number]) if placed else None
        if group.segment != want:
            raise IntegrityError(f"{where} refers to segment {group.segment}, expected {want}", where=path.name)
    (image,) = groups.values()
    compared += _compare_group(image, reading.measurements, reading.labels, "the image")
    for m in reading.measurements:
        _compare_lines(image, m, reading)
    answer = YES if reading.assessable else NO
    if image.codes.get((words.ASSESSABLE.value, words.PRIVATE)) != [(answer.value, answer.scheme)]:
        raise IntegrityError("the answer to 'assessable' differs", where=path.name)
    return compared
