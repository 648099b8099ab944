"""Manifests: every bad cell is named by line and column, and no split shares a patient."""

import csv
import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.cards import TrainingGroups
from overread.errors import DamagedFileError, InputError, IntegrityError, NothingReadableError, UsageError
from overread_lab.datasets import Case, ManifestSet, Split, fold_of, read_manifest, write_manifest

HEADER = "case,image,mask,label,group,source,fold,note"


def write(folder, *rows, header=HEADER):
    (folder / "manifest.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return folder


def test_cells_become_typed_values(tmp_path):
    folder = write(tmp_path, 'a,i/a.png,m/a.png,cyst,p1,site,3,"one, two",54', header=HEADER + ",age")
    (case,) = read_manifest(folder).cases
    assert case == Case(
        "a", folder / "i/a.png", folder / "m/a.png", "cyst", "p1", "site", 3, "one, two", 2, {"age": "54"}
    )


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ("a,../secret.png,,x,p,s,0,", "line 2, column image.*leaves the folder"),
        ("a,/etc/passwd,,x,p,s,0,", "line 2, column image.*leaves the folder"),
        ("a,C:\\scan.png,,x,p,s,0,", "line 2, column image.*leaves the folder"),
        ("a,i.png,..\\m.png,x,p,s,0,", "line 2, column mask.*leaves the folder"),
        ("a,i.png,,x,,s,0,", "line 2, column group.*is empty"),
        (",i.png,,x,p,s,0,", "line 2, column case.*is empty"),
        ("a,,,x,p,s,0,", "line 2, column image.*is empty"),
        ("a,i.png,,x,p,s,-1,", "line 2, column fold.*whole number"),
        ("a,i.png,,x,p,s,1.0,", "line 2, column fold.*whole number"),
        (f"a,i.png,,x,p,s,{'9' * 5000},", "line 2, column fold.*whole number"),
        (f"a,{'x' * 5000},,x,p,s,0,", "line 2, column image.*5000 characters"),
        ("a,.,,x,p,s,0,", "line 2, column image.*folder of the set itself"),
        ("a,i.png,,x,p,s,²,", "line 2, column fold.*whole number"),
        ("a,i.png,,x,p,s,0,one, two", "line 2.*9 cells, expected 8"),
        ("a,i.png,,x,p,s", "line 2.*6 cells, expected 8"),
        ("a,i.png,,x,p,s,0,\na,j.png,,x,p,s,0,", "line 3, column case.*line 2"),
        ("a,i.png,,x,p,s,0,\nb,j.png,,x,p,s,,", "line 3, column fold.*is empty, but other rows"),
    ],
)
def test_bad_cell_is_named(tmp_path, row, place):
    with pytest.raises(DamagedFileError, match=place):
        read_manifest(write(tmp_path, row))


@pytest.mark.parametrize("header", ["case,image,mask,label,source,fold,note", HEADER + ",case", ""])
def test_bad_header_is_named(tmp_path, header):
    with pytest.raises(DamagedFileError, match=r"line 1"):
        read_manifest(write(tmp_path, "a,i.png,,x,p,s,0,", header=header))


def test_link_that_leaves_the_folder_is_refused(tmp_path):
    inside = tmp_path / "set"
    inside.mkdir()
    (tmp_path / "outside.png").write_bytes(b"x")
    (inside / "link.png").symlink_to(tmp_path / "outside.png")
    with pytest.raises(DamagedFileError, match="leaves the folder"):
        read_manifest(write(inside, "a,link.png,,x,p,s,0,"))


def test_nothing_and_no_text_are_said(tmp_path):
    with pytest.raises(NothingReadableError, match=r"no manifest\.csv"):
        read_manifest(tmp_path)
    with pytest.raises(NothingReadableError, match="lists no case"):
        read_manifest(write(tmp_path))
    (tmp_path / "manifest.csv").write_bytes(HEADER.encode() + b"\na,\xff\xfe,,,p,,0,\n")
    with pytest.raises(InputError, match="UTF-8"):
        read_manifest(tmp_path)
    with pytest.raises(DamagedFileError, match="comma-separated"):
        read_manifest(write(tmp_path, '"a"b,i.png,,x,p,s,0,'))


def test_sets_without_folds_get_them_from_the_patient(tmp_path):
    cases = read_manifest(write(tmp_path, "a,i.png,,x,p1,s,,", "b,j.png,,x,p1,s,,")).cases
    expected = int.from_bytes(hashlib.sha256(b"p1").digest(), "big") % 5
    assert [case.fold for case in cases] == [expected, expected]
    no_column = read_manifest(write(tmp_path, "a,i.png,,x,p1,s,", header=HEADER.replace("fold,", "")))
    assert not no_column.folds_given
    assert no_column.cases[0].fold == expected


@pytest.mark.parametrize("name", ["chest_xray", "hippocampus_mr", "spine_mr", "head_ct", "lung_tumor_ct"])
def test_published_folds_are_those_of_the_hash(name, shared_data):
    if not (shared_data / name).is_dir():
        pytest.skip(f"{name} is not there")
    opened = ManifestSet.open(shared_data / name)
    assert all(case.fold == fold_of(case.group) for case in opened.cases)


def test_a_torn_patient_cannot_be_opened_or_split(tmp_path):
    with pytest.raises(IntegrityError, match=r"1 groups lie in several folds, such as that of case 'a' in 0, 3"):
        ManifestSet.open(write(tmp_path, "a,i.png,,x,p,s,0,", "b,j.png,,x,p,s,3,"))
    one = Case("a", tmp_path / "a", None, "x", "p", "s", 0, "")
    with pytest.raises(IntegrityError, match="in both parts, such as that of case 'a'"):
        Split((one,), (one,))


names = st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=30)


@given(groups=names)
def test_no_split_shares_a_patient_and_none_is_lost(groups):
    cases = tuple(Case(f"c{n}", Path("i"), None, "", g, "", fold_of(g), "") for n, g in enumerate(groups))
    whole = ManifestSet(Path(), cases)
    if len(whole.folds) < 2:
        return
    tested = []
    for fold in whole.folds:
        split = whole.split(fold)
        assert not {c.group for c in split.train} & {c.group for c in split.test}
        assert len(split.train) + len(split.test) == len(cases)
        tested += split.test
    assert sorted(c.case for c in tested) == sorted(c.case for c in cases)


def test_a_fold_that_is_not_there_is_refused(tmp_path):
    whole = ManifestSet.open(write(tmp_path, "a,i.png,,x,p,s,0,", "b,j.png,,x,q,s,1,"))
    with pytest.raises(UsageError, match="fold 4 cannot be split off; the set has 0, 1"):
        whole.split(4)
    with pytest.raises(UsageError, match="cannot be split off"):
        ManifestSet.open(write(tmp_path, "a,i.png,,x,p,s,0,")).split(0)


def test_a_card_tells_its_training_patients_and_no_others(tmp_path):
    trained = ManifestSet.open(write(tmp_path, "a,i.png,,x,p1,s,0,", "b,j.png,,x,p2,s,1,"))
    card = trained.hashed_groups("salt")
    assert card.groups_sha256 == {hashlib.sha256(f"salt|{g}".encode()).hexdigest() for g in ("p1", "p2")}
    other = ManifestSet.open(write(tmp_path, "a,i.png,,x,p2,s,0,", "b,j.png,,x,p3,s,1,"))
    assert other.known_groups(card) == ("p2",)
    assert other.known_groups(TrainingGroups("another", card.groups_sha256)) == ()


def test_what_is_written_reads_back(tmp_path):
    cases = (
        Case("a", tmp_path / "i/a.png", None, 'x "y", z', "p", "s", 0, "né\nline", 2, {"age": "3"}),
        Case("b", tmp_path / "i/b.png", tmp_path / "m/b.png", "", "q", "", 1, "", 4, {"age": ""}),
    )
    write_manifest(tmp_path, cases)
    read = read_manifest(tmp_path).cases
    assert [(c.case, c.image, c.mask, c.label, c.group, c.fold, c.note, c.extra) for c in read] == [
        (c.case, c.image, c.mask, c.label, c.group, c.fold, c.note, c.extra) for c in cases
    ]
    with (tmp_path / "manifest.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv.reader(file)) == [*HEADER.split(","), "age"]
