"""Coded concepts: SNOMED CT (SCT), DICOM (DCM), RadLex (RADLEX) or our own (99OVERREAD)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A concept as DICOM carries it: `value` within `scheme`, and its `meaning` in plain ASCII words."""

    value: str
    scheme: str
    meaning: str


NODULE = Code("27925004", "SCT", "Nodule")
ABNORMAL_STRUCTURE = Code("49755003", "SCT", "Morphologically Abnormal Structure")
LUNG = Code("39607008", "SCT", "Lung structure")
LEFT = Code("7771000", "SCT", "Left")
RIGHT = Code("24028007", "SCT", "Right")
YES = Code("373066001", "SCT", "Yes")
NO = Code("373067005", "SCT", "No")
ANATOMICAL_STRUCTURE = Code("91723000", "SCT", "Anatomical Structure")
HIPPOCAMPUS = Code("5366008", "SCT", "Hippocampus")
