"""Compiled kernels run where no cache can be written, and lose nothing when the cache goes away."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import overread

CODE = """
import numpy as np
from overread.ops.fractional import EnhancePlan, enhance
print(enhance(np.eye(9), EnhancePlan(order=0.5))[4, 4])
"""


def run(source, cache, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(source), "NUMBA_CACHE_DIR": str(cache), "HOME": str(tmp_path)}
    command = [sys.executable, "-W", "error", "-c", CODE]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def copied_source(tmp_path):
    source = tmp_path / "source"
    shutil.copytree(Path(overread.__file__).parent, source / "overread", ignore=shutil.ignore_patterns("__pycache__"))
    return source


def test_kernel_runs_where_the_cache_is_a_file(copied_source, tmp_path):
    """No folder can be made there by anyone, the superuser included."""
    blocked = tmp_path / "blocked"
    blocked.write_text("not a folder")
    code, out, err = run(copied_source, blocked / "cache", tmp_path)
    assert (code, float(out or "nan")) == (0, 1.625 - 2 * (0.0625 + 0.015625)), err


def test_second_run_takes_the_kernel_from_the_cache(copied_source, tmp_path):
    cache = tmp_path / "cache"
    first, second = (run(copied_source, cache, tmp_path) for _ in range(2))
    assert first == second == (0, first[1], "")
    assert list(cache.rglob("*.nbc"))
