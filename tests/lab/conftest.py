"""A toy task over phantom pictures, installed as a distribution of its own, and sets of such pictures on disk."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # `tests_lab_sets`, which tests of several rooms import


@pytest.fixture(scope="module")
def toy_task(tmp_path_factory):
    """The task of `toy_task.py`, found by its entry point; returns its name."""
    site = tmp_path_factory.mktemp("site")
    info = site / "toy_brightness-1.0.dist-info"
    info.mkdir()
    (site / "toy_brightness.py").write_text((HERE / "toy_task.py").read_text(encoding="utf-8"), encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-brightness\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[overread.tasks]\ntoy_brightness = toy_brightness:TASK\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(site))
        yield "toy_brightness"
    sys.modules.pop("toy_brightness", None)
