"""The index of a medium names files that are not there; damaged files warn the series they lie beside, no other."""

from __future__ import annotations

import shutil

import pydicom
import pytest
from pydicom.fileset import FileSet

from overread.errors import NothingReadableError
from overread.io import open_study


@pytest.fixture
def medium(writer, stored, tmp_path):
    """A medium with two series of eight slices and its DICOMDIR; the folders of both."""
    files = FileSet()
    for series in ("1", "2"):
        writer.series, writer.folder = series, tmp_path / f"from{series}"
        for path in writer.write(stored):
            dataset = pydicom.dcmread(path)
            dataset.StudyID, dataset.StudyDate, dataset.StudyTime, dataset.AccessionNumber = "1", "20260101", "10", ""
            files.add(dataset)
    files.write(tmp_path / "medium")
    files._stage["t"].cleanup()  # else a ResourceWarning
    assert len(open_study(tmp_path / "medium" / "DICOMDIR").series) == 2
    return tmp_path / "medium"


def codes(series):
    return {fault.code for fault in series.verdict.faults}


def listed(medium, series_number):
    index = pydicom.dcmread(medium / "DICOMDIR")
    uids = {
        ds.SeriesInstanceUID: ds.SeriesNumber
        for ds in map(pydicom.dcmread, [p for p in medium.rglob("*") if p.is_file() and p.name != "DICOMDIR"])
    }
    found, uid = [], ""
    for record in index.DirectoryRecordSequence:
        uid = record.get("SeriesInstanceUID", uid)
        if "ReferencedFileID" in record and uids[uid] == series_number:
            found.append(medium.joinpath(*record.ReferencedFileID))
    return found


@pytest.mark.parametrize("asked", ["", "DICOMDIR"])
def test_all_there(medium, asked):
    study = open_study(medium / asked)
    assert [(one.path.name, one.kind) for one in study.skipped] == [("DICOMDIR", "no_pixels")]
    assert [one.verdict.status for one in study.series] == ["sound", "sound"]


@pytest.mark.parametrize("asked", ["", "DICOMDIR"])
def test_files_that_are_not_there_are_named(medium, asked):
    last = listed(medium, 2)[-2:]
    for path in last:
        path.unlink()
    study = open_study(medium / asked)
    assert {one.path for one in study.skipped if one.kind == "missing"} == set(last)
    first, second = study.series
    assert "missing_files" not in codes(first)
    (fault,) = [fault for fault in second.verdict.faults if fault.code == "missing_files"]
    assert set(fault.files) == {str(path.relative_to(medium)) for path in last}
    assert "lists 2 files of this series" in fault.message


def test_a_series_none_of_which_is_there(medium):
    for path in listed(medium, 1):
        path.unlink()
    study = open_study(medium)
    assert [one.verdict.status for one in study.series] == ["sound"]
    assert sum(one.kind == "missing" for one in study.skipped) == 8


def test_an_index_alone(medium, tmp_path):
    (tmp_path / "alone").mkdir()
    shutil.copy(medium / "DICOMDIR", tmp_path / "alone")
    for path in (tmp_path / "alone", tmp_path / "alone" / "DICOMDIR"):
        with pytest.raises(NothingReadableError, match="lists 16 files that are not there") as caught:
            open_study(path)
        assert "whole medium" in caught.value.way_out


def test_names_as_other_systems_show_them(medium):
    for path in [p for p in medium.rglob("*") if p.is_file() and p.name != "DICOMDIR"]:
        path.rename(path.with_name(path.name.lower() + ";1"))
    assert [one.kind for one in open_study(medium).skipped] == ["no_pixels"]


def test_an_index_that_cannot_be_followed_costs_no_series(medium):
    raw = (medium / "DICOMDIR").read_bytes()
    at = raw.index(b"\x04\0\x20\x12")
    (medium / "DICOMDIR").write_bytes(raw[: at + 12 + 300])
    study = open_study(medium)
    assert len(study.series) == 2
    assert any(one.kind == "damaged" and one.path.name == "DICOMDIR" for one in study.skipped)


def test_records_that_bite_their_tail(medium):
    index = pydicom.dcmread(medium / "DICOMDIR")
    offsets = [record.seq_item_tell for record in index.DirectoryRecordSequence]
    for offset, record in zip(offsets, index.DirectoryRecordSequence, strict=True):
        record.OffsetOfTheNextDirectoryRecord = offset
    index.save_as(medium / "DICOMDIR")
    assert [one.verdict.status for one in open_study(medium).series] == ["sound", "sound"]


def test_a_damaged_file_warns_the_series_it_lies_beside(writer, stored, tmp_path):
    for name in ("a", "b"):
        writer.series, writer.folder = {"a": "1", "b": "2"}[name], tmp_path / "study" / name
        paths = writer.write(stored)
    paths[7].write_bytes(paths[7].read_bytes()[:300])
    one, other = open_study(tmp_path / "study").series
    assert (one.verdict.status, other.verdict.status) == ("sound", "caution")
    assert codes(other) - {"anisotropic_pixels"} == {"unreadable_files"}


def test_a_damaged_file_in_a_folder_of_its_own_warns_all_below_the_next_folder(writer, stored, tmp_path):
    for place in ("x/a", "x/b", "y/c"):
        writer.series, writer.folder = str(ord(place[-1])), tmp_path / place
        paths = writer.write(stored)
    (tmp_path / "x" / "alone").mkdir()
    (tmp_path / "x" / "alone" / "0.dcm").write_bytes(paths[0].read_bytes()[:300])
    statuses = {one.source.paths[0].parent.name: one.verdict.status for one in open_study(tmp_path).series}
    assert statuses == {"a": "caution", "b": "caution", "c": "sound"}
