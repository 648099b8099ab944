"""Tables that others published, as rows of text."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from overread.errors import InputError


def read_table(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Rows of a published csv, cells stripped; raises `InputError` where a column is missing or it is no table."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True, skipinitialspace=True, restval="")
            header = [(name or "").strip() for name in reader.fieldnames or ()]
            missing = [name for name in columns if name not in header]
            if missing:
                raise InputError(
                    f"columns {', '.join(missing)} are missing; got {', '.join(header) or 'nothing'}",
                    where=str(path),
                    way_out="Give the table as it was published.",
                )
            reader.fieldnames = header
            return [{name: cell.strip() for name, cell in row.items() if isinstance(cell, str)} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot be read as a table ({type(error).__name__})", where=str(path)) from error
