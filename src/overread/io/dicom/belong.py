"""Whether the files of one series belong together: patient, shape, spacing, plane and UIDs. No places."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable

from overread.geometry import Fault, Severity
from overread.io.dicom.header import Header, Shared

COSINE_AGREES, COSINE_LIMIT = 1e-4, 1e-3
"""Slices whose direction cosines differ by less are parallel; up to the limit they load with a warning."""
SPACING_AGREES = 1e-4
THICKNESS_AGREES = 0.05
_UID = re.compile(r"[0-9.]{1,64}")
Kinds = list[tuple[Shared, list[Header]]]
"""The headers of a series by what they share."""


_MUST_AGREE: tuple[tuple[str, str, str, Callable[[Shared], tuple[float, ...] | str]], ...] = (
    ("mixed_patients", "patient", "", lambda s: str(s.patient_key)),
    ("mixed_modality", "modality", "", lambda s: s.modality),
    ("mixed_frame_of_reference", "frame of reference", "", lambda s: s.frame_of_reference_uid),
    ("mixed_shape", "size", " pixels", lambda s: (float(s.rows), float(s.columns))),
    ("mixed_spacing", "pixel spacing", " mm", lambda s: s.spacing_mm),
    ("mixed_orientation", "orientation", "", lambda s: s.orientation),
)


def disagreements(kinds: Kinds, names: dict[int, str]) -> list[Fault]:
    """Fatal faults for files of another patient, modality, place, shape, spacing or plane; warnings for less.

    `names` maps the id of a header to the name of its file.
    """
    faults: list[Fault] = []
    for code, words, unit, value in _MUST_AGREE:
        faults += _disagreement(code, words, unit, [(value(s), m) for s, m in kinds], names)
    return faults + _wobble(kinds, names) + _thickness(kinds, names)


def _wobble(kinds: Kinds, names: dict[int, str]) -> list[Fault]:
    """A warning for slices that are not quite parallel: by rounding, or since the patient was turned a little."""
    usual = max(kinds, key=lambda kind: len(kind[1]))[0]
    extent_mm = max(usual.rows * usual.spacing_mm[0], usual.columns * usual.spacing_mm[1])
    odd: list[Header] = []
    worst = 0.0
    for shared, members in kinds:
        off = max(abs(a - b) for a, b in zip(shared.orientation, usual.orientation, strict=True))
        if COSINE_AGREES < off <= COSINE_LIMIT:
            odd += members
            worst = max(worst, off * extent_mm)
    if not odd:
        return []
    message = f"{len(odd)} slices are not quite parallel to the others, by up to {worst:.2f} mm over the picture"
    return [Fault("not_parallel", Severity.WARNING, message, worst, tuple(sorted(names[id(h)] for h in odd)))]


def _thickness(kinds: Kinds, names: dict[int, str]) -> list[Fault]:
    """A warning for slices of another thickness: each shows a mean over another depth."""
    told = [(shared.slice_thickness_mm, members) for shared, members in kinds if shared.slice_thickness_mm > 0]
    counts: Counter[float] = Counter()
    for mm, members in told:
        counts[mm] += len(members)
    if not counts:
        return []
    usual = counts.most_common(1)[0][0]
    odd = [(mm, members) for mm, members in told if not math.isclose(mm, usual, rel_tol=THICKNESS_AGREES)]
    if not odd:
        return []
    files = tuple(sorted(names[id(header)] for _, members in odd for header in members))
    worst = max((mm for mm, _ in odd), key=lambda mm: abs(mm - usual))
    message = f"{len(files)} slices are of another thickness, {worst:.2f} mm against {usual:.2f} mm of most"
    return [Fault("thickness_varies", Severity.WARNING, message, abs(worst - usual), files)]


def repeated(group: list[Header]) -> list[Header]:
    """Files whose SOP instance UID an earlier file at another place has; evidence cannot point to them alone."""
    first: dict[tuple[str, int], Header] = {}
    for header in group:
        first.setdefault((header.sop_uid, header.frame_number), header)
    named = [header for header in group if header.sop_uid]
    return [h for h in named if first[h.sop_uid, h.frame_number].position_lps != h.position_lps]


def nameless(group: list[Header]) -> list[Header]:
    """Files that nothing can point to: a UID is absent or not made of digits and points."""
    series = (group[0].shared.study_uid, group[0].shared.series_uid)  # the same in all: files are grouped by them
    if not all(map(_UID.fullmatch, series)):
        return group
    return [header for header in group if not _UID.fullmatch(header.sop_uid)]


def _disagreement(
    code: str,
    words: str,
    unit: str,
    kinds: list[tuple[tuple[float, ...] | str, list[Header]]],
    names: dict[int, str],
) -> list[Fault]:
    """A fault naming the files whose value differs from that of most files."""
    counts = Counter({value: 0 for value, _ in kinds})
    for value, members in kinds:
        counts[value] += len(members)
    usual = counts.most_common(1)[0][0]
    odd = [(value, members) for value, members in kinds if not _agree(code, value, usual)]
    if not odd:
        return []
    files = tuple(sorted(names[id(header)] for _, members in odd for header in members))
    total = sum(counts.values())
    if code == "mixed_patients":
        text = f"files of different patients carry one series UID ({len(files)} of {total} are not of the same patient)"
    else:
        text = f"{len(files)} of {total} files have another {words}: {_say(odd[0][0])}{unit}, not {_say(usual)}{unit}"
    return [Fault(code, Severity.FATAL, text, None, files)]


def _agree(code: str, value: tuple[float, ...] | str, usual: tuple[float, ...] | str) -> bool:
    if isinstance(value, str) or isinstance(usual, str):
        return value == usual
    if code == "mixed_orientation":
        return max(abs(a - b) for a, b in zip(value, usual, strict=True)) <= COSINE_LIMIT
    return all(math.isclose(a, b, rel_tol=SPACING_AGREES) for a, b in zip(value, usual, strict=True))


def _say(value: tuple[float, ...] | str) -> str:
    if isinstance(value, str):
        return value or "none"
    return " x ".join(f"{number:g}" for number in value)
