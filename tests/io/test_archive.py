"""Zip archives: read like the folder they hold, and refused with the cause where they may do harm."""

import errno
import os
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from overread import analyze
from overread.errors import (
    DamagedFileError,
    GeometryError,
    InputError,
    NothingReadableError,
    ResourceError,
    UnsupportedFormatError,
)
from overread.image import Radiograph
from overread.io import open_study


@pytest.fixture
def archive(writer, stored, tmp_path):
    """The series in an archive, in a folder, under another name than .zip."""
    paths = writer.write(stored)
    with zipfile.ZipFile(tmp_path / "study.bin", "w", zipfile.ZIP_DEFLATED) as out:
        for path in paths:
            out.write(path, f"deep/er/{path.name}")
    return tmp_path / "study.bin"


def test_archive_reads_like_its_folder(archive, writer):
    study = open_study(archive)
    folder = open_study(writer.folder)
    assert study.root == archive
    assert np.array_equal(study.series[0].load().array, folder.series[0].load().array)
    assert str(study.series[0].source.paths[0]).endswith("deep/er/000.dcm")


def test_series_outlives_the_study(archive):
    assert open_study(archive).series[0].load().array.shape == (8, 24, 20)


@pytest.mark.parametrize("name", ["../evil.dcm", "/etc/evil", "a/../../evil", "C:/evil", "..\\evil"])
def test_entry_that_leads_outside_is_named_and_refused(name, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr(name, "x")
    with pytest.raises(InputError, match="leads outside") as caught:
        open_study(tmp_path / "a.zip")
    assert "evil" in str(caught.value)
    assert not (tmp_path / "evil.dcm").exists()


def test_bomb_is_refused_unopened(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("zeros", bytes(300 * 2**20))
    with pytest.raises(ResourceError, match="as bombs do"):
        open_study(tmp_path / "a.zip")


def test_entry_longer_than_it_says(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("one", b"y" * 1000)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(struct.pack("<II", 1000, 1000), struct.pack("<II", 1000, 10)))
    with pytest.raises(DamagedFileError, match="one: the entry is damaged inside the archive"):
        open_study(path)


def test_password_is_named(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("one.dcm", b"y" * 100)
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(raw)
    with pytest.raises(UnsupportedFormatError, match="needs a password"):
        open_study(path)


def test_link_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        entry = zipfile.ZipInfo("link")
        entry.external_attr = 0o120777 << 16
        out.writestr(entry, "/etc/passwd")
    with pytest.raises(InputError, match="holds a link"):
        open_study(tmp_path / "a.zip")


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_cut_short(archive, cut):
    raw = archive.read_bytes()
    archive.write_bytes(raw[: int(cut * len(raw))])
    with pytest.raises(DamagedFileError, match="archive is damaged"):
        open_study(archive)


def damage_first_entry(archive):
    raw = bytearray(archive.read_bytes())
    raw[200:260] = bytes(60)
    archive.write_bytes(raw)


def test_a_damaged_entry_costs_itself_alone(archive, stored):
    damage_first_entry(archive)
    study = open_study(archive)
    (lost,) = study.skipped
    assert (lost.path, lost.kind) == (archive / "deep" / "er" / "000.dcm", "damaged")
    assert "damaged inside the archive" in lost.reason
    (series,) = study.series
    (fault,) = [one for one in series.verdict.faults if one.code != "anisotropic_pixels"]
    assert (fault.code, fault.files) == ("unreadable_files", ("deep/er/000.dcm",))
    assert np.array_equal(series.load().array, stored[1:] - 1024)


def test_an_entry_that_occurs_twice(archive, recwarn):
    with zipfile.ZipFile(archive, "a") as out:
        out.writestr("deep/er/003.dcm", b"other")
    recwarn.clear()
    study = open_study(archive)
    assert [one.path.name for one in study.skipped] == ["003.dcm"]
    assert "several entries of this name" in study.skipped[0].reason
    assert study.series[0].n_files == 8


def test_an_entry_packed_in_another_way(archive):
    raw = bytearray(archive.read_bytes())
    for mark, at in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        start = raw.index(mark) + at
        raw[start : start + 2] = struct.pack("<H", 97)
    archive.write_bytes(raw)
    study = open_study(archive)
    assert [(one.path.name, one.kind) for one in study.skipped] == [("000.dcm", "unsupported")]


def all_texts(error):
    return " ".join((str(error), error.what, error.where, error.way_out, *map(str, error.args)))


def test_no_message_shows_the_private_folder(writer, stored, tmp_path):
    """Whatever is wrong inside, the archive is named."""
    paths = writer.write(stored)
    paths[2].write_bytes(paths[2].read_bytes()[:-100])
    path = tmp_path / "scans.zip"
    with zipfile.ZipFile(path, "w") as out:
        for one in paths[1:]:
            out.write(one, f"deep/{one.name}")
        out.write(paths[0], "deep/000.dcm")
        out.writestr("note.txt", "hello")
    study = open_study(path)
    series = study.series[0]
    private = str(series.source.root)
    assert private not in str(path)
    assert [one.path for one in study.skipped] == [path / "note.txt"]
    with pytest.raises(DamagedFileError) as caught:
        series.load()
    assert private not in all_texts(caught.value)
    assert str(path) in all_texts(caught.value)
    Path(series.source.paths[0]).unlink()
    with pytest.raises(InputError) as caught:
        series.load(policy="repair")
    assert private not in all_texts(caught.value)
    assert f"{path}/deep/000.dcm" in all_texts(caught.value)
    with pytest.raises(GeometryError) as caught:
        replace(series, opened=_Gives(study.series[0])).load_volume()
    assert private not in all_texts(caught.value)


def test_no_message_of_a_run_shows_the_private_folder(writer, stored, tmp_path):
    paths = writer.write(stored)
    path = tmp_path / "scans.zip"
    with zipfile.ZipFile(path, "w") as out:
        for one in paths[:3] + paths[5:]:
            out.write(one, one.name)
    study = open_study(path)
    for source in (path, study, study.series[0]):
        with pytest.raises(GeometryError, match="missing") as caught:
            analyze(source)
        assert "overread-" not in all_texts(caught.value)
        assert str(path) in all_texts(caught.value)


class _Gives:
    """A series that loads as a picture."""

    def __init__(self, series):
        self.series = series

    def load(self, *words):
        return Radiograph(np.zeros((2, 2), np.uint8))


def test_nothing_readable_inside_names_the_member(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("in/one.txt", "hello")
        out.writestr("in/two.txt", "hello")
    with pytest.raises(NothingReadableError, match=r"the first: one\.txt: not an image") as caught:
        open_study(path)
    assert caught.value.where == str(path)
    assert "overread-" not in all_texts(caught.value)


@pytest.mark.parametrize("outer", ["folder", "zip"])
def test_an_archive_inside_is_named_with_what_to_do(outer, archive, writer, tmp_path):
    if outer == "folder":
        archive.rename(writer.folder / "inner.zip")
        study, expected = open_study(writer.folder), writer.folder / "inner.zip"
    else:
        with zipfile.ZipFile(tmp_path / "outer.zip", "w") as out:
            out.write(archive, "inner.zip")
            out.write(next(writer.folder.iterdir()), "one.dcm")
        study, expected = open_study(tmp_path / "outer.zip"), tmp_path / "outer.zip" / "inner.zip"
    assert [(one.path, one.reason) for one in study.skipped] == [
        (expected, "a zip archive inside what was opened: unpack it, then open its folder")
    ]


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOSPC, ResourceError), (errno.EACCES, InputError)], ids=["full", "locked"]
)
def test_fault_of_the_disk_is_not_called_damage(number, kind, archive, monkeypatch):
    def refuse(opened, entry, target):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("overread.io.door.archive._write", refuse)
    with pytest.raises(kind, match=f"cannot be unpacked .{os.strerror(number)}"):
        open_study(archive)


def test_archive_without_images(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr("readme.txt", "hello")
    with pytest.raises(NothingReadableError, match="not an image"):
        open_study(tmp_path / "a.zip")


def test_results_of_ours_are_not_read_again(writer, stored):
    writer.write(stored)
    results = writer.folder / "results"
    results.mkdir()
    for name in ("result.json", "manifest.json", "findings.csv"):
        (results / name).write_text("{}")
    (results / "000.dcm").write_bytes((writer.folder / "000.dcm").read_bytes())
    study = open_study(writer.folder)
    assert study.series[0].n_files == 8
    assert [one.reason for one in study.skipped] == ["results of overread, not images"]


def test_an_entry_without_a_name(archive):
    blob = archive.read_bytes()
    start = blob.rindex(b"PK\1\2")  # the last record of the central directory
    archive.write_bytes(blob[: start + 46] + b"\0" + blob[start + 47 :])  # Python ends a name at its first zero
    with pytest.raises(DamagedFileError, match="archive is damaged"):
        open_study(archive)
