"""One thing a reader would mention."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from overread.errors import UsageError
from overread.findings.codes import Code
from overread.findings.measurement import Measurement
from overread.findings.region import ImageRegion


class Laterality(StrEnum):
    """The patient's side."""

    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A quality in words: `name` such as "type" or "lung_rads_2022"; `value` such as "solid" or "3".

    `also` are the other values that the intervals cannot exclude ("4A"); `text` is the sentence for people.
    """

    name: str
    value: str
    text: str
    also: tuple[str, ...] = ()
    code: Code | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A polyline that belongs to a measurement: `points_lps` are (x, y, z) in mm, LPS."""

    name: str
    points_lps: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding.

    Parameters
    ----------
    number : int
        From 1, in the order of the report; also the label in the segments of the Reading.
    tracking_uid : str
        Follows the finding through SEG and SR.
    point_lps : (x, y, z) or None
        Centre, mm, LPS; None in a picture that has no place in the patient.
    region : ImageRegion or None
        Where it is in such a picture. One of the two is given.
    marks : tuple of ImageRegion
        Lines and outlines in a picture that belong to the measurement of their name.
    score : float or None
        Detector score in [0, 1]; not a probability unless `probability` is given too.
    """

    number: int
    kind: Code
    label: str
    tracking_uid: str
    point_lps: tuple[float, float, float] | None = None
    region: ImageRegion | None = None
    category: Code | None = None
    site: Code | None = None
    site_text: str = ""
    laterality: Laterality | None = None
    measurements: tuple[Measurement, ...] = ()
    descriptors: tuple[Descriptor, ...] = ()
    lines: tuple[Line, ...] = ()
    marks: tuple[ImageRegion, ...] = ()
    score: float | None = None
    probability: Measurement | None = None
    caveats: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.point_lps is None) == (self.region is None):
            raise UsageError(f"finding {self.number} needs a point in the patient or a region in the picture, not both")

    def __getitem__(self, name: str) -> Measurement:
        """The measurement with this name; `UsageError` names those that exist."""
        for measurement in self.measurements:
            if measurement.name == name:
                return measurement
        known = ", ".join(m.name for m in self.measurements)
        raise UsageError(f"finding {self.number} has no measurement {name!r}", way_out=f"It has: {known}.")

    def descriptor(self, name: str) -> Descriptor:
        """The descriptor with this name; `UsageError` names those that exist."""
        for descriptor in self.descriptors:
            if descriptor.name == name:
                return descriptor
        known = ", ".join(d.name for d in self.descriptors)
        raise UsageError(f"finding {self.number} has no descriptor {name!r}", way_out=f"It has: {known}.")
