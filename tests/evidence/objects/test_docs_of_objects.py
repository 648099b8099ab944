"""The page about DICOM objects names what exists, and its program runs."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import numpy as np

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "dicom-objects.md").read_text(encoding="utf-8")


def test_every_builder_and_proof_exists():
    rows = re.findall(r"^\| [^|]+ \| `([\w.]+)` \| `([\w.]+)` \|$", PAGE, re.MULTILINE)
    assert len(rows) == 6
    for name in (name for row in rows for name in row):
        module, _, function = name.rpartition(".")
        assert callable(getattr(importlib.import_module(f"overread.evidence.{module}"), function))


def test_the_program_runs(save_source, monkeypatch, capsys):
    path = save_source(np.zeros((20, 13), np.uint16), "DX")
    path.rename(path.with_name("xray.dcm"))
    monkeypatch.chdir(path.parent)
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(program, "dicom-objects.md", "exec"), {})  # noqa: S102  (our own page)
    assert capsys.readouterr().out == "{1: 30}\n"
