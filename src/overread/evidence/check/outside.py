"""What other validators say, where they are installed: dciodvfy for every object, dcmtk's dsrdump for reports."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from overread.evidence.check.remarks import Remark, error, note

SECONDS = 120
_VALUES = re.compile(r"<(?!/\w+\([0-9a-fA-F]{4},)[^<>]*>")
"""Values stand in angle brackets as paths of attributes do, such as </PatientName(0010,0010)>; only paths are kept."""
_FALSE_OF_LABEL_MAPS = ("Information Object Not found", "monotonically increasing")
"""dciodvfy of 2022 does not know label maps; these two errors are about that, not about the object."""


def check_outside(path: Path, source: Path | None, *, label_map: bool, report: bool) -> Iterator[Remark]:
    """Errors of dciodvfy that the source image does not have itself, and of dsrdump for a report.

    Parameters
    ----------
    source : Path or None
        An image that the object copies patient and study from: their faults are not those of the object.
    """
    program = shutil.which("dciodvfy")
    if program is None:
        yield note(
            "dciodvfy_not_here", "dciodvfy (Debian package dicom3tools) is not installed: its checks were not made"
        )
    else:
        errors, warnings = _dciodvfy(program, path)
        known = _dciodvfy(program, source)[0] if source is not None and errors else set()
        for line in sorted(errors - known):
            if not (label_map and any(words in line for words in _FALSE_OF_LABEL_MAPS)):
                yield error("dciodvfy", line)
        if warnings:
            yield note(
                "dciodvfy_warnings", f"dciodvfy has {len(warnings)} warning(s), the first: {sorted(warnings)[0]}"
            )
    dsrdump = shutil.which("dsrdump") if report else None
    if dsrdump is not None:
        done = _run([dsrdump, str(path)])
        if done is not None and done.returncode:
            said = [line for line in done.stderr.splitlines() if line.startswith(("E:", "F:"))]
            yield error("dsrdump", _without_values(said[0][3:]) if said else f"dsrdump ends with {done.returncode}")


def _dciodvfy(program: str, path: Path) -> tuple[set[str], set[str]]:
    done = _run([program, "-new", str(path)])
    if done is None:
        return {f"dciodvfy did not end within {SECONDS} s"}, set()
    lines = [_without_values(line) for line in done.stderr.splitlines()]
    errors = {line.removeprefix("Error - ") for line in lines if line.startswith("Error")}
    if done.returncode and not errors:
        errors = {f"dciodvfy ends with {done.returncode}"}
    return errors, {line.removeprefix("Warning - ") for line in lines if line.startswith("Warning")}


def _run(command: list[str]) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(  # noqa: S603  (a validator that the user installed, on a path that the user named)
            command, capture_output=True, check=False, timeout=SECONDS, encoding="utf-8", errors="replace"
        )
    except subprocess.TimeoutExpired:
        return None


def _without_values(line: str) -> str:
    """Values in angle brackets may name the patient."""
    return _VALUES.sub("<...>", line).strip()
