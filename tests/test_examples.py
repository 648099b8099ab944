"""The examples run."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

import overread

ROOT = Path(__file__).parents[1]


def run(name, *arguments):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, ROOT / "examples" / name, *arguments],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip


def test_folders_that_cannot_be_read_are_named_and_the_table_stays_whole(tmp_path):
    done = run("measure_folders.py", tmp_path, tmp_path / "nowhere")
    assert done.returncode == 7
    assert done.stdout.count("\n") == 1
    assert str(tmp_path / "nowhere") in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_volumes_of_a_folder(tmp_path):
    series = overread.simulate("chest_ct_nodule", tmp_path / "phantom", seed=2).series
    done = run("measure_folders.py", series)
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert rows
    assert all(float(row["low_mm3"]) <= float(row["volume_mm3"]) <= float(row["high_mm3"]) for row in rows)


@pytest.mark.slow
def test_array_in():
    done = run("array_in.py")
    assert done.returncode == 0, done.stderr
    assert "mm (95 %:" in done.stdout
