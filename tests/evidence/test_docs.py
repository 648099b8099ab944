"""The pages about results say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from overread.evidence import SCHEMA, write

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_every_field_of_the_schema_is_explained():
    text = (DOCS / "reference" / "result-schema.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", text))
    assert set(SCHEMA["properties"]) <= named
    assert set(SCHEMA["$defs"]["finding"]["properties"]) <= named
    assert set(SCHEMA["$defs"]["measurement"]["properties"]) <= named


def test_the_program_in_read_a_result_runs(case, tmp_path, monkeypatch, capsys):
    text = (DOCS / "how-to" / "read-a-result.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    write(case.reading, case.image, tmp_path / "out")
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "read-a-result.md", "exec"), {})  # noqa: S102  (our own page)
    assert "1 volume 1234.5678901234 mm3 {'low': 1100.1, 'high': 1400.7, 'coverage': 0.95}" in capsys.readouterr().out
