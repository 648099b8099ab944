"""A reading: everything a task says about one image, a refusal included."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.findings.codes import Code
from overread.findings.finding import Descriptor, Finding
from overread.findings.measurement import Measurement
from overread.findings.region import ImageRegion
from overread.geometry import Verdict
from overread.image import LabelMap, PictureMask, Source, Window


class ScopeAnswer(StrEnum):
    """Whether a task answers for an image."""

    YES = "yes"
    DOUBTFUL = "doubtful"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Reason:
    """A coded reason: stable `code` such as "not_ct", and a sentence."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Scope:
    """Answer of `Task.accepts`."""

    answer: ScopeAnswer
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made a reading. Thread count and clock are not part of it: they must not change a byte.

    Parameters
    ----------
    versions : dict
        overread and the libraries that touch pixels.
    plan : dict
        Every parameter of the task as plain values.
    weights : dict
        File name to SHA-256 of each weight file.
    device_uid : str
        Changes whenever task, plan or weights change (IHE AI Results).
    """

    task: str
    task_version: str
    versions: dict[str, str] = field(default_factory=dict)
    plan: dict[str, object] = field(default_factory=dict)
    weights: dict[str, str] = field(default_factory=dict)
    device_uid: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ProbabilityMap:
    """How probable it is for each voxel to belong to something.

    Parameters
    ----------
    array : (slice, row, column) float, 0 to 1
        On the grid of the volume that was read.
    kind : Code
        What it is the probability of.
    label : str
        The same in words.
    """

    array: NDArray[np.floating[Any]]
    kind: Code
    label: str
    tracking_uid: str
    category: Code | None = None
    site: Code | None = None


@dataclass(frozen=True, slots=True, eq=False)
class EvidenceMap:
    """Where in a picture the evidence for an answer lies; not why, and no measurement.

    Parameters
    ----------
    array : (row, column) float32, logits
        On the pixels of the picture; positive speaks for the answer, negative against it.
    question, label : str
        Name of the descriptor that it belongs to, and the answer in words.
    method : str
        How it was made.
    """

    array: NDArray[np.float32]
    question: str
    label: str
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a task says about one image.

    Parameters
    ----------
    assessable : bool
        False is a refusal: `reasons` say why, `findings` is empty, and it is written all the same.
    seeks_findings : bool
        False where the task answers for the image as a whole, so that "no finding" would say nothing.
    segments : LabelMap, PictureMask or None
        Label n is the segment of finding n, on the grid of the volume or the pixels of the picture.
    probability : ProbabilityMap or None
        Of a volume; becomes a fractional segmentation.
    marks : tuple of ImageRegion
        Lines and outlines in a picture that belong to the image-level measurement of their name.
    evidence_maps : tuple of EvidenceMap
        Of a single picture; drawn in the report and the overlay, part of no object for other programs.
    windows : tuple of Window
        Display windows for pictures, first is the default.
    seconds : dict
        Stage to wall seconds; kept out of files that must be equal from run to run.
    """

    provenance: Provenance
    title: str
    assessable: bool
    scope: Scope
    source: Source
    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    findings: tuple[Finding, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    labels: tuple[Descriptor, ...] = ()
    seeks_findings: bool = True
    segments: LabelMap | PictureMask | None = None
    probability: ProbabilityMap | None = None
    marks: tuple[ImageRegion, ...] = ()
    evidence_maps: tuple[EvidenceMap, ...] = ()
    windows: tuple[Window, ...] = ()
    caveats: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
