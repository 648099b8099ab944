"""How results look on a terminal: plain words, aligned tables, the unit beside the number."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

import click

from overread.findings import Finding, Measurement, Reading
from overread.units import UNITS

DISCLAIMER = "Research use only, not a diagnosis."


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table on standard output; columns as wide as they need, numbers to the right."""
    from rich.console import Console  # noqa: PLC0415  (only when it prints)
    from rich.table import Table  # noqa: PLC0415

    grid = Table(box=None, pad_edge=False, header_style="bold")
    for column, name in enumerate(head):
        numeric = bool(rows) and all(not row[column] or row[column].lstrip("-<")[:1].isdigit() for row in rows)
        grid.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        grid.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False).print(grid)


def number(value: float) -> str:
    """Three significant digits, never in powers of ten for sizes people read; "-" for NaN."""
    if math.isnan(value):
        return "-"
    digits = 0 if value == 0 else max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f}"


def with_interval(measurement: Measurement) -> str:
    """Such as "412 (371-458) mm³", or the reason why there is no number."""
    if math.isnan(measurement.value):
        return f"not measurable: {measurement.method}"
    unit = UNITS[measurement.unit].display
    text = number(measurement.value)
    if measurement.interval is not None:
        text += f" ({number(measurement.interval.low)} to {number(measurement.interval.high)})"
    return f"{text} {unit}".rstrip()


def reading(result: Reading) -> None:
    """Print the reading for people."""
    click.echo(f"{result.title}  (geometry {result.verdict.sentence()})")
    if not result.assessable:
        click.echo("not assessable: " + "; ".join(reason.text for reason in result.reasons))
    elif result.findings and result.seeks_findings:
        findings(result.findings)
    elif result.seeks_findings:
        click.echo("no finding")
    elif result.findings:
        structures(result.findings)
    for label in result.labels:
        doubt = f" (cannot exclude {' or '.join(label.also).replace('_', ' ')})" if label.also else ""
        click.echo(f"{label.name.replace('_', ' ')}: {label.text}{'' if label.text.endswith('.') else doubt}")
    for m in result.measurements:
        click.echo(f"{m.name.replace('_', ' ')}: {with_interval(m)}")
    for caveat in result.caveats:
        click.echo(f"note: {caveat}")
    click.echo(DISCLAIMER)


def structures(found: Sequence[Finding]) -> None:
    """Print one line for each structure that was outlined: what it is, and what was measured of it."""
    for one in found:
        numbers = ", ".join(f"{m.name.replace('_', ' ')} {with_interval(m)}" for m in one.measurements)
        click.echo(f"{one.number} {one.label}{': ' if numbers else ''}{numbers}")


def findings(found: Sequence[Finding]) -> None:
    """Print one line a finding: place, type, diameter and volume with 95 % intervals, categories."""
    rows = [
        [
            str(one.number),
            one.site_text,
            _descriptor(one, "type"),
            _measured(one, "mean_diameter"),
            _measured(one, "volume"),
            _descriptor(one, "lung_rads_2022"),
            "" if one.score is None else f"{one.score:.2f}",
        ]
        for one in found
    ]
    table(["", "place", "type", "mean diameter (95 %)", "volume (95 %)", "Lung-RADS", "score"], rows)


def _descriptor(finding: Finding, name: str) -> str:
    found = next((d for d in finding.descriptors if d.name == name), None)
    if found is None:
        return ""
    words = found.value.replace("_", "-")
    return f"{words}, cannot exclude {' or '.join(found.also)}" if found.also else words


def _measured(finding: Finding, name: str) -> str:
    return next((with_interval(m) for m in finding.measurements if m.name == name), "")
