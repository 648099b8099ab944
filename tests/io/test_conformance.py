"""Other projects' test files, one by one, against the recorded table `conformance.toml`.

A row says what overread makes of a file, and whether pydicom and SimpleITK (GDCM) give the same pixels and places; a
row where they do not says why. `python benchmarks/conformance.py --record tests/io/conformance.toml` renews it; the
change is then read line by line.
"""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from overread.errors import GeometryError
from overread.geometry import Policy
from overread.io import open_study

REPOSITORY = Path(__file__).resolve().parents[2]
TABLE = tomllib.loads((Path(__file__).parent / "conformance.toml").read_text())


def _script():
    spec = importlib.util.spec_from_file_location("conformance_script", REPOSITORY / "benchmarks" / "conformance.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


conformance = _script()
SETS = conformance.sets()
FILES = {
    f"{name}/{path.relative_to(at).as_posix()}": path for name, at in SETS.items() for path in conformance.files_of(at)
}
SERIES = {"77654033/CT2": 4, "98892001/CT5N": 5}
PILOTS = {"98892001/CT2N": ["coronal", "sagittal"], "98892003/MR2": ["axial", "coronal", "sagittal"]}
ROTATING = "98892003/MR700"


@pytest.fixture(autouse=True)
def no_words_of_itk():
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.filterwarnings("ignore")  # of pydicom and SimpleITK about the files; ours are errors elsewhere
def test_a_file_is_read_or_refused_as_recorded(name):
    found = conformance.row(FILES[name])
    assert found["result"] in ("read", "refused"), found
    if name not in TABLE:
        pytest.skip("another version of the set than the one recorded")
    recorded = TABLE[name]
    for key in ("result", "kind", "shape", "reason", "spacing_mm", "place"):
        assert found.get(key) == recorded.get(key), key
    for key in ("pydicom", "sitk"):  # what others cannot read depends on their version
        if "cannot" not in found.get(key, "cannot") and "cannot" not in recorded.get(key, "cannot"):
            assert found[key] == recorded[key]


@pytest.mark.parametrize("name", TABLE)
def test_a_difference_is_explained_and_a_refusal_says_why(name):
    line = TABLE[name]
    assert line["result"] != "BUG"
    if conformance.needs_reason(line):
        assert len(line.get("why", "")) > 20
    if line["result"] == "refused":
        assert len(line["reason"]) > 10
        assert not re.search(r"Error|Traceback|None", line["reason"])


@pytest.mark.parametrize("name", ["pydicom", "pydicom-data", "nibabel", "pynetdicom"])
def test_the_set_is_here(name):
    recorded = [row for row in TABLE if row.startswith(f"{name}/")]
    assert len(recorded) > 4
    assert sum(row in FILES for row in recorded) >= 0.8 * len(recorded)


def test_the_set_of_highdicom():
    if "highdicom" not in SETS:
        pytest.skip("highdicom's test files are in its repository only: set OVERREAD_CONFORMANCE to a folder with them")
    assert FILES


def folder_of(below):
    return SETS["pydicom"] / "test_files" / "dicomdirtests" / below


@pytest.mark.parametrize(("below", "slices"), SERIES.items())
def test_a_series_lies_where_simpleitk_puts_it(below, slices):
    image = open_study(folder_of(below)).only().load(policy=Policy.AS_IS)
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames([str(path) for path in image.source.paths])
    theirs = reader.Execute()
    assert image.array.shape[0] == slices
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(theirs), image.array)
    for index in ((0, 0, 0), tuple(n - 1 for n in theirs.GetSize())):
        ours = image.grid.to_lps(np.array(index[::-1]))
        np.testing.assert_allclose(theirs.TransformIndexToPhysicalPoint(index), ours, atol=0.01)


@pytest.mark.parametrize(("below", "planes"), PILOTS.items())
def test_a_pilot_becomes_one_series_a_plane(below, planes):
    series = open_study(folder_of(below)).series
    first = [one for one in series if one.stack_number and one.series_uid == series[0].series_uid]
    assert sorted(one.description.split(", ")[1] for one in first) == planes
    assert all(one.verdict.has("split_series") and not one.verdict.has("mixed_orientation") for one in first)


def test_a_rotating_projection_is_no_volume():
    (series,) = open_study(folder_of(ROTATING)).series
    with pytest.raises(GeometryError, match="another orientation"):
        series.load(policy=Policy.AS_IS)
