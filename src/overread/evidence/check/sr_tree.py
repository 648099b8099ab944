"""The content of anyone's structured report as plain values; what is missing is None, nothing is raised."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset

from overread.evidence.check.items import (
    all_items,
    children,
    code_of,
    concept,
    first,
    meaning,
    number,
    numbers,
    sequence,
    text,
    whole,
)

Pair = tuple[str, str]
MEASUREMENT_GROUP: Pair = ("125007", "DCM")
TRACKING_UID: Pair = ("112040", "DCM")
TRACKING_ID: Pair = ("112039", "DCM")
REFERENCED_SEGMENT: Pair = ("121191", "DCM")
REFERENCED_SEGMENTATION_FRAME: Pair = ("121214", "DCM")
ALGORITHM_NAME: Pair = ("111001", "DCM")
UPPER: Pair = ("371886008", "SCT")
LOWER: Pair = ("371885007", "SCT")
UNCERTAINTIES: dict[Pair, str] = {
    UPPER: "upper uncertainty",
    LOWER: "lower uncertainty",
    ("R-00364", "SRT"): "upper uncertainty",
    ("R-00362", "SRT"): "lower uncertainty",
}


@dataclass(frozen=True, slots=True)
class Num:
    """One NUM.

    Parameters
    ----------
    decimal, binary : float or None
        Numeric Value (DS) and Floating Point Value (FD); None where absent or not finite.
    unreadable : bool
        One of them is there and is no finite number.
    """

    name: Pair
    meaning: str
    decimal: float | None
    binary: float | None
    unreadable: bool
    unit: Pair
    qualifier: str
    properties: tuple[Num, ...] = ()

    @property
    def value(self) -> float | None:
        """The binary value where there is one: it is exact."""
        return self.decimal if self.binary is None else self.binary


@dataclass(frozen=True, slots=True)
class Group:
    """One measurement group."""

    number: int
    tracking_uid: str
    tracking_id: str
    has_algorithm: bool
    nums: tuple[Num, ...]
    segments: tuple[tuple[str, int | None], ...]
    """(SOP Instance UID, segment number) of each Segmentation that it refers to."""


def is_num(item: Dataset) -> bool:
    """Whether a content item is a number."""
    return text(item, "ValueType") == "NUM"


def num_of(item: Dataset) -> Num:
    """A NUM with the numbers among its properties."""
    measured = first(item, "MeasuredValueSequence") or Dataset()
    decimal, binary = number(measured, "NumericValue"), number(measured, "FloatingPointValue")
    said = [name for name in ("NumericValue", "FloatingPointValue") if name in measured]
    unreadable = any(number(measured, name) is None for name in said)
    return Num(
        concept(item),
        meaning(item),
        decimal,
        binary,
        unreadable,
        code_of(first(measured, "MeasurementUnitsCodeSequence")),
        code_of(first(item, "NumericValueQualifierCodeSequence"))[0],
        tuple(
            num_of(child)
            for child in children(item)
            if is_num(child) and text(child, "RelationshipType") == "HAS PROPERTIES"
        ),
    )


def groups_of(report: Dataset) -> list[Group]:
    """All measurement groups (125007, DCM), in the order of the report."""
    found = [item for item in all_items(report) if concept(item) == MEASUREMENT_GROUP]
    return [_group(n, item) for n, item in enumerate(found, start=1)]


def _group(n: int, item: Dataset) -> Group:
    below = children(item)
    segments = []
    for child in below:
        if concept(child) in (REFERENCED_SEGMENT, REFERENCED_SEGMENTATION_FRAME):
            for reference in sequence(child, "ReferencedSOPSequence"):
                segments.append(
                    (text(reference, "ReferencedSOPInstanceUID"), whole(reference, "ReferencedSegmentNumber"))
                )
    texts = {concept(child): child for child in below}
    uid, name = texts.get(TRACKING_UID), texts.get(TRACKING_ID)
    return Group(
        n,
        text(uid, "UID") if uid is not None else "",
        text(name, "TextValue") if name is not None else "",
        any(concept(one) == ALGORITHM_NAME for one in all_items(item)),
        tuple(num_of(child) for child in below if is_num(child)),
        tuple(segments),
    )


def free_nums(report: Dataset) -> list[Num]:
    """Numbers that stand outside any group and outside the library of images."""
    return [num_of(item) for item in _outside_groups(report) if is_num(item)]


_IMAGE_LIBRARY: Pair = ("111028", "DCM")


def _outside_groups(item: Dataset) -> list[Dataset]:
    found = []
    for child in children(item):
        if concept(child) in (MEASUREMENT_GROUP, _IMAGE_LIBRARY):
            continue
        found.append(child)
        if not is_num(child):
            found += _outside_groups(child)
    return found


def graphic_points(item: Dataset, dimensions: int) -> list[tuple[float, ...]] | None:
    """The points of a SCOORD (2) or SCOORD3D (3); None where they are no whole points."""
    flat = numbers(item, "GraphicData")
    if flat is None or len(flat) % dimensions:
        return None
    return [flat[n : n + dimensions] for n in range(0, len(flat), dimensions)]
