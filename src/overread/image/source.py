"""Where an image came from: files, UIDs and the place of each frame. No patient's name, identifier or birth date."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """One 2-D frame of the files an image was made from.

    Parameters
    ----------
    frame_number : int
        Counts from 1 inside a multi-frame object; 1 for a single-frame object.
    position_lps, row_lps, column_lps : (x, y, z)
        Centre of the first pixel in mm; unit vectors along increasing column index (a row) and row index (a column).
    spacing_mm : (row, column)
        Distance between the centres of neighbouring rows and of neighbouring columns.
    shape : (rows, columns)
    """

    path: Path
    sop_class_uid: str
    sop_uid: str
    frame_number: int
    position_lps: tuple[float, float, float]
    row_lps: tuple[float, float, float]
    column_lps: tuple[float, float, float]
    spacing_mm: tuple[float, float]
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Source:
    """The files behind an image.

    Parameters
    ----------
    kind : str
        "dicom", "nifti", "nrrd", "metaimage", "picture", "video" or "array".
    root : Path or None
        What the user opened.
    paths : tuple of Path
        Every file used, in slice order of the image where there is one file a slice.
    frames : tuple of SourceFrame
        DICOM frames; frame n made slice n of the image unless the verdict says `repaired`.
    facts : dict
        Non-identifying header facts that tasks and reports use: "manufacturer", "model", "kernel", "kvp",
        "slice_thickness_mm", "body_part", "patient_position", "study_date", "series_description", "transfer_syntax".
    """

    kind: str
    root: Path | None = None
    paths: tuple[Path, ...] = ()
    study_uid: str = ""
    series_uid: str = ""
    frame_of_reference_uid: str = ""
    modality: str = ""
    frames: tuple[SourceFrame, ...] = ()
    facts: dict[str, str | float] = field(default_factory=dict)
