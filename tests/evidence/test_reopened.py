"""A result folder of ours opened as if it held images says what it is and what to do; its files open alone."""

from __future__ import annotations

import json

import numpy as np
import pytest

from overread.errors import ExitCode, NothingReadableError
from overread.evidence import write
from overread.io import open_study


@pytest.fixture
def results(case, tmp_path):
    write(case.reading, case.image, tmp_path / "out", request={"task": "t", "input": "/images/of the case"})
    return tmp_path / "out"


def test_a_result_folder_says_what_it_is_and_what_to_do(results, case):
    with pytest.raises(NothingReadableError, match="these are results of overread") as caught:
        open_study(results)
    assert case.reading.provenance.task in caught.value.what
    assert caught.value.where == str(results)
    for words in ("report.html", "overread verify", "/images/of the case"):
        assert words in caught.value.way_out
    assert caught.value.exit_code is ExitCode.INPUT


def test_its_mask_can_be_opened_by_name(results, case):
    image = open_study(results / "mask.nii.gz").only().load()
    assert np.array_equal(np.unique(image.array), np.unique(case.reading.segments.array))


def test_below_a_folder_of_images_it_is_left_alone(results, case):
    study = open_study(results.parent)
    assert [one.path for one in study.skipped] == [results]
    assert study.only().n_files == case.image.array.shape[0]


@pytest.mark.parametrize("manifest", ["{}", "[]", "not json", json.dumps({"format": "another"})])
def test_files_of_others_with_these_names_are_no_result(results, manifest):
    (results / "manifest.json").write_text(manifest)
    assert open_study(results).series


def test_a_manifest_without_words(results):
    (results / "manifest.json").write_text(json.dumps({"format": "overread.manifest", "task": 3}))
    with pytest.raises(NothingReadableError, match="a task that it does not name"):
        open_study(results)
