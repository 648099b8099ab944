"""Rules of the house that a linter of imports cannot see."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
HEAVY = {
    "numpy",
    "scipy",
    "pydicom",
    "highdicom",
    "skimage",
    "sklearn",
    "numba",
    "nibabel",
    "imagecodecs",
    "rich",
    "jinja2",
    "PIL",
    "onnxruntime",
}
NETWORK = {"socket", "ssl", "http", "urllib.request", "requests", "urllib3", "ftplib", "smtplib", "asyncio"}


def loaded_by(statement, *arguments):
    """Names of the modules that a fresh interpreter holds after `statement`."""
    code = f"import sys\n{statement}\nimport json; sys.stderr.write('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, cwd=ROOT / "tests"
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_import_loads_the_standard_library_only():
    before, after = loaded_by("pass"), loaded_by("import overread")
    strangers = {name.partition(".")[0] for name in after - before} - set(sys.stdlib_module_names) - {"overread"}
    assert not strangers
    assert not HEAVY & after


def test_help_loads_no_heavy_library():
    run = "sys.argv = ['overread', '--help']\nfrom overread.cli import main\ntry: main()\nexcept SystemExit: pass"
    after = loaded_by(run)
    assert "click" in after  # the command did run
    assert not HEAVY & after


@pytest.mark.parametrize("package", ["overread", "overread_lab"])
def test_types_are_published(package):
    assert (SOURCE / package / "py.typed").exists()


def modules(package):
    paths = sorted((SOURCE / package).rglob("*.py"))
    assert paths
    return paths


def test_only_the_lab_names_torch():
    named = [path for path in modules("overread") if re.search(r"\btorch\b", path.read_text(encoding="utf-8"))]
    assert not named


def test_no_module_asks_for_the_network():
    wanted = re.compile(rf"^\s*(?:import|from)\s+({'|'.join(map(re.escape, sorted(NETWORK)))})\b", re.MULTILINE)
    found = {path: wanted.findall(path.read_text(encoding="utf-8")) for path in modules("overread")}
    assert not {path: names for path, names in found.items() if names}


def test_files_can_be_read_in_one_sitting():
    long = {
        path.name: n
        for path in modules("overread") + modules("overread_lab")
        if (n := path.read_text(encoding="utf-8").count("\n")) > 400
    }
    assert not long


def test_no_drawer_for_odds_and_ends():
    drawers = {"utils", "helpers", "common", "misc", "util", "tools"}
    assert not [path for path in modules("overread") + modules("overread_lab") if path.stem in drawers]


def test_modules_say_what_they_are():
    silent = [
        path
        for path in modules("overread") + modules("overread_lab")
        if '"""' not in path.read_text(encoding="utf-8")[:3]
    ]
    assert not silent
