"""Zip archives: read like the folder they hold, and refused with the cause where they may do harm."""

import errno
import os
import struct
import zipfile

import numpy as np
import pytest

from overread.errors import DamagedFileError, InputError, NothingReadableError, ResourceError, UnsupportedFormatError
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
    with pytest.raises(DamagedFileError, match="archive is damaged"):
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


def test_damaged_entry(archive):
    raw = bytearray(archive.read_bytes())
    raw[200:260] = bytes(60)
    archive.write_bytes(raw)
    with pytest.raises(DamagedFileError, match="archive is damaged"):
        open_study(archive)


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOSPC, ResourceError), (errno.EACCES, InputError)], ids=["full", "locked"]
)
def test_fault_of_the_disk_is_not_called_damage(number, kind, archive, monkeypatch):
    def refuse(opened, entry, target):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("overread.io.archive._write", refuse)
    with pytest.raises(kind, match=f"cannot be unpacked .{os.strerror(number)}"):
        open_study(archive)


def test_archive_without_images(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr("readme.txt", "hello")
    with pytest.raises(NothingReadableError, match="not an image"):
        open_study(tmp_path / "a.zip")


def test_archive_beside_a_series_is_reported(archive, writer):
    archive.rename(writer.folder / "more.zip")
    study = open_study(writer.folder)
    assert [series.n_files for series in study.series] == [8]
    assert "open it by itself" in study.skipped[0].reason


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
