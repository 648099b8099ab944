"""Tables of the page in words: measurements, qualities, the line for each finding."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from overread.evidence.page import wording
from overread.evidence.vocabulary import descriptor_term, measurement_term
from overread.findings import Descriptor, Finding, Measurement, Reading
from overread.units import require_unit

_SUMMARY_NUMBERS = ("mean_diameter", "volume", "reader_comparable_volume", "effective_diameter", "long_axis", "area")


def plural(count: int, word: str) -> str:
    """ "1 finding", "2 findings", "no findings"."""
    return f"{count or 'no'} {word}{'' if count == 1 else 's'}"


def answer_of(reading: Reading) -> str:
    """The reading in one line."""
    if not reading.assessable:
        return "Not assessable"
    if not reading.seeks_findings and reading.measurements and any(f.measurements for f in reading.findings):
        whole = reading.measurements[0]  # of structures that were measured, the whole comes first
        limits = f" ({wording.interval_text(whole)})" if whole.interval else ""
        return f"{measurement_term(whole.name).title}: {wording.value_text(whole)}{limits}"
    if not reading.seeks_findings and reading.labels:
        first = reading.labels[0]
        doubt = f", cannot exclude {' or '.join(first.also)}" if first.also else ""
        return f"{descriptor_term(first.name).title}: {first.value}{doubt}".replace("_", " ")
    return plural(len(reading.findings), "finding").capitalize()


def number_table(measurements: Iterable[Measurement], caption: str) -> dict[str, Any] | None:
    """A table of measurements in words; caveats stand beneath it once, under letters. None without measurements."""
    marks: dict[str, str] = {}
    rows = []
    for m in measurements:
        term, unit = measurement_term(m.name), require_unit(m.unit).display
        for caveat in wording.caveats_of(m.quality):
            marks.setdefault(caveat, _letter(len(marks)))
        rows.append(
            {
                "title": term.title,
                "help": term.help,
                "value": wording.value_text(m),
                "interval": f"{wording.interval_text(m)} {unit}".strip() if m.interval else "",
                "coverage": wording.coverage_text(m.interval.coverage) if m.interval else "",
                "marks": ", ".join(marks[caveat] for caveat in wording.caveats_of(m.quality)),
                "method": m.method,
                "parts": wording.parts_text(m),
            }
        )
    caveats = [{"mark": mark, "text": text} for text, mark in marks.items()]
    return {"caption": caption, "rows": rows, "caveats": caveats} if rows else None


def _letter(n: int) -> str:
    return chr(ord("a") + n)


def _rest_of(d: Descriptor) -> str:
    """The sentence of a descriptor without the value and doubt that stand before it anyway."""
    return re.sub(rf"^{re.escape(d.value)}(, cannot exclude [^.]*)?(\. *|$)", "", d.text)


def descriptor_rows(descriptors: Iterable[Descriptor]) -> list[dict[str, str]]:
    """Qualities in words."""
    return [
        {
            "title": descriptor_term(d.name).title,
            "value": d.value.replace("_", " "),
            "also": " or ".join(d.also),
            "text": _rest_of(d),
        }
        for d in descriptors
    ]


def _cell_of_number(finding: Finding, name: str) -> dict[str, str]:
    m = next((m for m in finding.measurements if m.name == name), None)
    if m is None:
        return {"text": "", "small": "", "kind": ""}
    return {"text": wording.value_text(m), "small": wording.interval_text(m), "kind": "limits"}


def _cell_of_descriptor(finding: Finding, name: str) -> dict[str, str]:
    d = next((d for d in finding.descriptors if d.name == name), None)
    if d is None:
        return {"text": "", "small": "", "kind": ""}
    return {
        "text": d.value.replace("_", " "),
        "small": f"cannot exclude {' or '.join(d.also)}" if d.also else "",
        "kind": "",
    }


def summary_table(reading: Reading) -> dict[str, Any]:
    """One line a finding: its place, up to three descriptors and three sizes."""
    present = list(dict.fromkeys(m.name for f in reading.findings for m in f.measurements))
    numbers = [n for n in _SUMMARY_NUMBERS if n in present][:3] or present[:3]
    words = list(dict.fromkeys(d.name for f in reading.findings for d in f.descriptors if d.name != "location"))
    words = sorted(words, key=lambda name: name not in {"type", "lung_rads_2022"})[:3]
    coverages = {m.interval.coverage for f in reading.findings for m in f.measurements if m.interval}
    under = f", {wording.coverage_text(coverages.pop())} intervals beneath" if len(coverages) == 1 else ""
    rows = [
        {
            "number": f.number,
            "label": f.label,
            "place": f.site_text or (f.site.meaning if f.site else ""),
            "cells": [
                *(_cell_of_descriptor(f, name) for name in words),
                *(_cell_of_number(f, name) for name in numbers),
            ],
        }
        for f in reading.findings
    ]
    columns = [descriptor_term(n).title for n in words] + [measurement_term(n).title for n in numbers]
    return {"rows": rows, "columns": columns, "caption": f"{answer_of(reading)}{under}"}


def glossary(reading: Reading) -> list[tuple[str, str]]:
    """What each quantity is, once: on paper it stands here and not in every table."""
    names = dict.fromkeys(m.name for f in reading.findings for m in f.measurements)
    terms = [measurement_term(name) for name in names]
    return [(term.title, term.help) for term in terms if term.help]
