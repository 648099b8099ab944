"""The fuzzer of `benchmarks/fuzz_reader.py`: a short run each time, 20,000 cases when slow tests are asked for."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / "benchmarks" / "fuzz_reader.py"
ONCE_FAILED: tuple[int, ...] = (7,)
"""Numbers of cases that once failed; a case is its number as long as the script and its seeds stay."""


def _script():
    spec = importlib.util.spec_from_file_location("fuzz_reader_script", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


fuzz = _script()


@pytest.mark.parametrize("first", range(1_000_000, 1_001_000, 100))
@pytest.mark.filterwarnings("ignore")  # of pillow and pydicom, which the command line does not show either
def test_a_changed_file_gives_an_image_or_an_error_of_our_own(first):
    found = fuzz.run_cases(first, 100)
    assert not found["bugs"]
    assert sum(found["said"].values()) == 100


@pytest.mark.parametrize("seed", fuzz.SEEDS)
def test_each_seed_is_changed_into_something_else(seed):
    sound = fuzz.seed_file(seed)
    cases = [fuzz.case_bytes(number) for number in range(600)]
    changed = [data for name, data in cases if name == seed]
    assert changed
    assert any(data != sound.data for data in changed)
    assert fuzz.case_bytes(7) == fuzz.case_bytes(7)


@pytest.mark.parametrize("number", ONCE_FAILED)
def test_a_case_that_once_failed(number, tmp_path):
    assert not fuzz.run_case(number, tmp_path)[0].startswith("BUG")


@pytest.mark.slow
def test_twenty_thousand_changed_files():
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "20000 cases" in done.stdout
    assert ", 0 faults" in done.stdout
