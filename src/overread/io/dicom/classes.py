"""Plain words for the kinds of DICOM objects that are no image to analyse."""

from __future__ import annotations

DIRECTORY_CLASS = "1.2.840.10008.1.3.10"
_CLASSES = {
    DIRECTORY_CLASS: "a DICOMDIR index",
    "1.2.840.10008.5.1.4.1.1.66.4": "a segmentation (SEG)",
    "1.2.840.10008.5.1.4.1.1.66.7": "a label map segmentation (SEG)",
    "1.2.840.10008.5.1.4.1.1.66.5": "a surface segmentation",
    "1.2.840.10008.5.1.4.1.1.30": "a parametric map",
    "1.2.840.10008.5.1.4.1.1.66": "raw data",
    "1.2.840.10008.5.1.4.1.1.66.1": "a spatial registration",
    "1.2.840.10008.5.1.4.1.1.481.3": "a radiotherapy structure set",
    "1.2.840.10008.5.1.4.1.1.481.2": "a radiotherapy dose",
    "1.2.840.10008.5.1.4.1.1.481.5": "a radiotherapy plan",
    "1.2.840.10008.5.1.4.1.1.88.59": "a key object selection",
    "1.2.840.10008.5.1.4.1.1.104.1": "an encapsulated PDF",
    "1.2.840.10008.5.1.4.1.1.104.2": "an encapsulated document",
}


def describe_class(sop_class_uid: str, modality: str) -> str:
    """Plain words for what a DICOM object is; with an article."""
    if sop_class_uid in _CLASSES:
        return _CLASSES[sop_class_uid]
    if sop_class_uid.startswith("1.2.840.10008.5.1.4.1.1.88."):
        return "a structured report (SR)"
    if sop_class_uid.startswith("1.2.840.10008.5.1.4.1.1.11."):
        return "a presentation state"
    return f"a DICOM object without pixels ({modality or 'no modality'}, class {sop_class_uid or 'unknown'})"


def is_derived_object(sop_class_uid: str) -> bool:
    """Whether the object has pixels but is not an image to analyse (SEG, parametric map, dose)."""
    return sop_class_uid in _CLASSES
