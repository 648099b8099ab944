"""findings.csv: one row a finding, a fixed set of leading columns, then five columns for each measurement."""

from __future__ import annotations

import csv
import io
import math

from overread.findings import Finding, Measurement, Reading

NAME = "findings.csv"
LEADING = (
    "number",
    "label",
    "x_mm",
    "y_mm",
    "z_mm",
    "frame",
    "row_px",
    "column_px",
    "laterality",
    "site",
    "tracking_uid",
    "score",
    "caveats",
)
_SUFFIX = {
    "1": "",
    "%": "_percent",
    "[hnsf'U]": "_hu",
    "[hnsf'U]/mm": "_hu_per_mm",
    "/mm": "_per_mm",
    "{nodules}": "_count",
}


def column_of(m: Measurement) -> str:
    """Column of a value: the name of the measurement and its unit, such as `volume_mm3`."""
    return m.name + _SUFFIX.get(m.unit, f"_{m.unit.lower()}")


def _number(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else repr(float(value))


def _cells(m: Measurement) -> dict[str, str]:
    column, interval = column_of(m), m.interval
    return {
        column: _number(m.value),
        f"{column}_low": _number(interval.low if interval else None),
        f"{column}_high": _number(interval.high if interval else None),
        f"{column}_coverage": _number(interval.coverage if interval else None),
        f"{m.name}_quality": " ".join(m.quality.words()),
    }


def _row(finding: Finding) -> dict[str, str]:
    x, y, z = finding.point_lps or (None, None, None)
    row_px, column_px = finding.region.centre_rc if finding.region else (None, None)
    row = {
        "number": str(finding.number),
        "label": finding.label,
        "x_mm": _number(x),
        "y_mm": _number(y),
        "z_mm": _number(z),
        "frame": str(finding.region.frame_index + 1) if finding.region else "",
        "row_px": _number(row_px),
        "column_px": _number(column_px),
        "laterality": finding.laterality.value if finding.laterality else "",
        "site": finding.site_text or (finding.site.meaning if finding.site else ""),
        "tracking_uid": finding.tracking_uid,
        "score": _number(finding.score),
        "caveats": "; ".join(finding.caveats),
    }
    for d in finding.descriptors:
        row[d.name] = d.value
        row[f"{d.name}_also"] = "; ".join(d.also)
    for m in (*([finding.probability] if finding.probability else []), *finding.measurements):
        row |= _cells(m)
    return row


def findings_csv(reading: Reading) -> bytes:
    """The table as UTF-8 with a header row; an empty cell is a value that is not known, never a zero.

    Columns after `LEADING` are those of the findings, in their order; with no finding only the header is there.
    """
    rows = [_row(finding) for finding in reading.findings]
    columns = list(LEADING)
    for row in rows:
        columns += [name for name in row if name not in columns]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
