"""What every import keeps: all or nothing, nothing dropped in silence, the same bytes twice; and the commands."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from overread.cli.outcome import run
from overread.errors import InputError, NothingReadableError, UsageError
from overread_lab.datasets import ManifestSet, list_sets
from overread_lab.datasets.command import datasets
from overread_lab.datasets.formats import FORMATS, import_set

from .conftest import waves


@pytest.fixture
def busi(tmp_path):
    """Three pictures that can be read and one without a mask."""
    source = tmp_path / "busi"
    mask = np.pad(np.full((8, 8), 255, np.uint8), ((4, 36), (4, 52)))
    for number, label in enumerate(("benign", "malignant", "normal")):
        (source / label).mkdir(parents=True)
        Image.fromarray(waves(number)).save(source / f"{label}/{label} (1).png")
        Image.fromarray(mask * (label != "normal")).save(source / f"{label}/{label} (1)_mask.png")
    Image.fromarray(waves(9)).save(source / "benign/benign (2).png")
    return source


def test_the_same_source_gives_the_same_bytes(busi, tmp_path):
    written = []
    for name in ("one", "two"):
        import_set("busi", busi, tmp_path / name)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        written.append({path.relative_to(tmp_path / name).as_posix(): path.read_bytes() for path in files})
    assert written[0] == written[1]
    assert {"README.md", "left_out.csv", "manifest.csv", "masks/benign_1.png"} <= set(written[0])
    assert b"benign/benign (2).png,it has no mask" in written[0]["left_out.csv"]
    assert written[0]["images/benign_1.png"] == (busi / "benign/benign (1).png").read_bytes()


def test_nothing_is_left_of_an_import_that_fails(busi, tmp_path):
    out = tmp_path / "deep/out"
    for picture in busi.glob("*/*_mask.png"):
        picture.unlink()
    with pytest.raises(NothingReadableError, match=r"it has no mask.*should hold folders benign"):
        import_set("busi", busi, out)
    shutil.rmtree(busi / "normal")
    with pytest.raises(InputError, match="not so for normal"):
        import_set("busi", busi, out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["busi"]


def test_places_that_would_do_harm_are_refused(busi, tmp_path):
    with pytest.raises(UsageError, match="inside its source"):
        import_set("busi", busi, busi / "out")
    (tmp_path / "out").mkdir()
    with pytest.raises(UsageError, match="exists"):
        import_set("busi", busi, tmp_path / "out")
    with pytest.raises(NothingReadableError, match="no such folder"):
        import_set("busi", tmp_path / "gone", tmp_path / "new")
    with pytest.raises(UsageError, match="no format 'lunar'"):
        import_set("lunar", busi, tmp_path / "new")


def test_two_cases_of_one_name_are_not_written_over_each_other(busi, tmp_path):
    for suffix in ("", "_mask"):
        shutil.copy(busi / f"benign/benign (1){suffix}.png", busi / f"benign/benign [1]{suffix}.png")
    report = import_set("busi", busi, tmp_path / "out")
    assert {one.what: one.why for one in report.left_out}["benign [1]"] == "another case has the same name"
    assert report.cases == 3


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_a_folder_of_something_else_is_refused_with_what_is_expected(form, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "notes.txt").write_text("nothing")
    with pytest.raises(InputError) as refused:
        import_set(form.name, source, tmp_path / "out")
    assert refused.value.way_out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "table"),
    [("bcdr", "bcdr_x_outlines.csv"), ("luna16", "annotations.csv"), ("rsna-hemorrhage", "stage_2_train.csv")],
)
def test_a_table_without_its_columns_is_refused(name, table, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / table).write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"columns .* are missing; got a, b"):
        import_set(name, source, tmp_path / "out")


def test_import_and_list_as_commands(busi, tmp_path, capsys):
    out = tmp_path / "sets/busi"
    assert run(datasets, ["import", "busi", str(busi), str(out), "-q"]) == 0
    said = capsys.readouterr().out
    assert f"{out}: 3 cases, 3 groups, 3 masks" in said
    assert "left out: benign/benign (2).png: it has no mask" in said
    assert run(datasets, ["import", "busi", str(busi), str(tmp_path / "sets/again"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["left_out"] == [{"what": "benign/benign (2).png", "why": "it has no mask"}]
    (out / "manifest.csv").write_text("case\n")
    assert run(datasets, ["list", str(tmp_path / "sets"), "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["sets"]
    assert (first["cases"], first["labels"]) == (3, {"benign": 1, "malignant": 1, "normal": 1})
    assert second["cases"] == 0
    assert "columns" in second["problem"]
    assert run(datasets, ["list", str(tmp_path / "gone")]) == 3


def test_every_format_is_listed_and_documented(capsys, tmp_path):
    assert run(datasets, ["list"]) == 0
    said = capsys.readouterr().out
    page = (Path(__file__).parents[3] / "docs/reference/datasets.md").read_text(encoding="utf-8")
    for form in FORMATS:
        assert form.name in said
        assert f"| `{form.name}` |" in page
    assert list_sets(tmp_path) == []


def test_an_imported_set_splits(busi, tmp_path):
    import_set("busi", busi, tmp_path / "out")
    whole = ManifestSet.open(tmp_path / "out")
    for fold in whole.folds:
        split = whole.split(fold)
        assert len(split.train) + len(split.test) == 3
