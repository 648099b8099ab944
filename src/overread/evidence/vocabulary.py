"""What each measurement and descriptor is called: for people, and as a DICOM concept. One table for all writers.

A name that is not in a table still gets written: its words become the title, and it gets a private code.
"""

from __future__ import annotations

import unicodedata
import zlib
from dataclasses import dataclass

from overread.findings import Code

PRIVATE = "99OVERREAD"
"""Coding scheme designator of concepts for which no standard code was found."""

MEAN = Code("373098007", "SCT", "Mean")


@dataclass(frozen=True, slots=True)
class Term:
    """How a measurement or descriptor is named.

    `title` and `help` are for people, `code` is the concept of the DICOM SR, `derivation` its statistic if any.
    """

    title: str
    help: str
    code: Code
    derivation: Code | None = None


def _own(value: str, meaning: str) -> Code:
    return Code(value, PRIVATE, meaning)


_VOLUME = Code("118565006", "SCT", "Volume")
_LONG = Code("103339001", "SCT", "Long Axis")
_SHORT = Code("103340004", "SCT", "Short Axis")
_AREA = Code("42798000", "SCT", "Area")
_ATTENUATION = Code("112031", "DCM", "Attenuation Coefficient")
_PROBABILITY = Code("122157", "DCM", "Probability")

MEASUREMENTS: dict[str, Term] = {
    "volume": Term("Volume", "Volume inside the 50 % boundary.", _VOLUME),
    "hippocampus_volume": Term(
        "Volume of the hippocampus", "Anterior and posterior part together, as outlined.", _VOLUME
    ),
    "reader_comparable_volume": Term(
        "Volume, as readers outline it",
        "What radiologists outlining this lesion by hand would be expected to get; it includes how they differ.",
        _own("READER_VOLUME", "Reader-comparable volume"),
    ),
    "effective_diameter": Term(
        "Effective diameter",
        "Diameter of the ball that has this volume.",
        _own("EFF_DIAMETER", "Effective diameter"),
    ),
    "long_axis": Term("Long axis", "Longest diameter on the axial section where it is greatest.", _LONG),
    "short_axis": Term("Short axis", "Longest diameter at right angles to the long axis, same section.", _SHORT),
    "mean_diameter": Term(
        "Mean diameter",
        "Mean of long and short axis; the size that the Fleischner and Lung-RADS tables use.",
        _own("MEAN_DIAMETER", "Mean of long and short axis"),
    ),
    "long_axis_3d": Term(
        "Long axis in 3-D", "Longest diameter in any direction.", _own("LONG_AXIS_3D", "Long axis in 3-D")
    ),
    "short_axis_3d": Term(
        "Short axis in 3-D",
        "Smallest diameter at right angles to the long axis in 3-D.",
        _own("SHORT_AXIS_3D", "Short axis in 3-D"),
    ),
    "solid_long_axis": Term(
        "Long axis of the solid part",
        "Longest diameter of the solid component on an axial section.",
        _own("SOLID_LONG_AXIS", "Long axis of the solid component"),
    ),
    "largest_section_area": Term("Largest section", "Largest area on any axial section.", _AREA),
    "mean_density": Term("Mean density", "Mean CT value inside the boundary.", _ATTENUATION, MEAN),
    "mass": Term("Mass", "Volume times density; 0 HU counts as 1 mg/mm³.", _own("MASS", "Mass")),
    "edge_gradient": Term(
        "Edge gradient", "How fast the CT value falls across the boundary.", _own("EDGE_GRADIENT", "Edge gradient")
    ),
    "edge_acutance": Term(
        "Edge acutance", "Edge sharpness relative to the contrast.", _own("EDGE_ACUTANCE", "Edge acutance")
    ),
    "lobulation": Term("Lobulation", "How much the outline bulges in lobes.", _own("LOBULATION", "Lobulation")),
    "spiculation": Term("Spiculation", "How much the outline runs out in spikes.", _own("SPICULATION", "Spiculation")),
    "probability": Term("Probability", "Calibrated probability that this finding is real.", _PROBABILITY),
    "cardiothoracic_ratio": Term(
        "Cardiothoracic ratio",
        "Width of the heart by that of the chest, on an adult's frontal film.",
        _own("CTR", "Cardiothoracic ratio"),
    ),
    "triage_abnormal": Term(
        "Abnormal finding",
        "Probability of any abnormal finding, as learned from public films; trust it only with a site file.",
        _own("TRIAGE_ABNORMAL", "Probability of an abnormal finding"),
    ),
    "triage_normal": Term(
        "No abnormal finding",
        "One less the probability of an abnormal finding.",
        _own("TRIAGE_NORMAL", "Probability of no abnormal finding"),
    ),
    "triage_control_frame": Term(
        "Abnormal, by the outer frame alone",
        "What a control says that sees the outer 12 % of the film: a shortcut would show here.",
        _own("CONTROL_FRAME", "Control: outer frame of the film alone"),
    ),
    "triage_control_thumbnail": Term(
        "Abnormal, by 16 x 16 pixels alone",
        "What a control says that sees 16 x 16 pixels of the film: a shortcut would show here.",
        _own("CONTROL_16X16", "Control: 16 x 16 pixels of the film alone"),
    ),
    "score": Term(
        "Detector score",
        "Rank of the finding in [0, 1]; not a probability.",
        _own("SCORE", "Detector score, not a probability"),
    ),
}

DESCRIPTORS: dict[str, Term] = {
    "type": Term("Type", "", _own("TYPE", "Type of finding")),
    "attachment": Term("Attachment", "", _own("ATTACHMENT", "Attachment")),
    "location": Term("Location", "", _own("LOCATION", "Location")),
    "fleischner_2017": Term("Fleischner 2017", "", _own("FLEISCHNER_2017", "Fleischner Society 2017 recommendation")),
    "lung_rads_2022": Term("Lung-RADS 2022", "", Code("RID50134", "RADLEX", "Lung-RADS assessment")),
}

COVERAGE = _own("COVERAGE", "Coverage level of measurement interval")
UPPER = Code("371886008", "SCT", "+, range of upper measurement uncertainty")
LOWER = Code("371885007", "SCT", "-, range of lower measurement uncertainty")
NOT_MEASURED = Code("114006", "DCM", "Measurement failure")
ASSESSABLE = _own("ASSESSABLE", "Assessable")
REASON = _own("REASON", "Reason why not assessable")
SCOPE_REASON = _own("SCOPE_REASON", "Doubt about the scope")
CAVEAT = _own("CAVEAT", "Caveat")
GEOMETRY = _own("GEOMETRY", "Geometry verdict")


def private_code(name: str) -> str:
    """A private code value of at most 16 characters for any name; a long name keeps 10 and gets a check sum."""
    plain = "".join(c if c.isalnum() else "_" for c in ascii_text(name).upper()).strip("_") or "UNNAMED"
    return plain if len(plain) <= 16 else f"{plain[:10]}_{zlib.crc32(name.encode()) & 0xFFFFF:05X}"


def _unlisted(name: str) -> Term:
    title = name.replace("_", " ").strip().capitalize() or name
    return Term(title, "", _own(private_code(name), ascii_text(title)[:64]))


def measurement_term(name: str) -> Term:
    """Words and code of a measurement; a limit of a site's calibration is named after what it limits."""
    known = MEASUREMENTS.get(name)
    if known is not None:
        return known
    limited = name.removesuffix("_at_least").removesuffix("_at_most")
    if limited == name:
        return _unlisted(name)
    title = f"{measurement_term(limited).title}, {name.removeprefix(limited).strip('_').replace('_', ' ')}"
    words = "Venn-Abers limit of this probability by the site's own cases; not a 95 % interval."
    return Term(title, words, _own(private_code(name), ascii_text(title)[:64]))


def descriptor_term(name: str) -> Term:
    """Words and code of a descriptor."""
    return DESCRIPTORS.get(name) or _unlisted(name)


def ascii_text(text: str) -> str:
    """`text` in plain ASCII: DICOM results inherit the source's character set, and not every viewer heeds it."""
    for there, here in (("–", "-"), ("—", "-"), ("±", "+/-"), ("µ", "u"), ("≥", ">="), ("≤", "<="), ("×", "x")):
        text = text.replace(there, here)
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
