"""Every fault code in the source is explained on its reference page, and the page names no code that is not there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "reference" / "geometry-verdict.md"


def codes_in_source():
    """First arguments of Fault(...) and of_files(...), and the codes of the table of what must agree."""
    found = set()
    for folder in ("io", "geometry"):
        for path in (REPOSITORY / "src" / "overread" / folder).rglob("*.py"):
            tree = ast.parse(path.read_text())
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Fault", "of_files"):
                    first = node.args[0]
                    found |= {first.value} if isinstance(first, ast.Constant) else set()
            found |= set(re.findall(r'"(mixed_\w+)"', path.read_text()))
    return found


def test_page_and_source_name_the_same_codes():
    on_page = set(re.findall(r"`([a-z]+(?:_[a-z]+)+|lossy|calibration)`", PAGE.read_text()))
    not_codes = {"interpolated_slices", "interpolated_share", "interpolated_ml", "spacing_mm"}
    not_codes |= {"largest_interpolated_gap_mm", "max_shift_mm", "largest_volume_error_percent"}
    assert on_page - not_codes == codes_in_source()
