"""Files that are no image for us are named; a fault of the file is not taken for one of the disk."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from pydicom.data import get_testdata_file

from overread.errors import DamagedFileError, NothingReadableError, UnsupportedFormatError
from overread.io import open_study


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x89HDF\r\n\x1a\n" + bytes(400), "HDF5"),
        (gzip.compress(bytes(128) + b"DICM" + bytes(400)), "DICOM file packed with gzip: unpack"),
        (gzip.compress(b"something else" * 40), "holds no NIfTI image"),
        (gzip.compress(b"\0\0\0\x01\0\0\0\x10" + bytes(300)), "MGH image"),
        (b"# === DATA DESCRIPTION FILE ====\n", "Philips PAR"),
        (b"\0\0\0\x20ftypheic" + bytes(400), "a HEIC or AVIF picture: save it as PNG"),
        (b"BMI and age, a table\n" * 20, "(text)"),
        (b"hello " * 80, "(text)"),
        (b"\x07" * 500, "not an image that overread knows"),
    ],
    ids=[
        "hdf5",
        "packed-dicom",
        "packed-text",
        "packed-mgh",
        "par",
        "heic",
        "begins-like-bmp",
        "text",
        "unknown",
    ],
)
def test_other_kinds_are_named(tmp_path, data, words):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(NothingReadableError) as caught:
        open_study(tmp_path / "a")
    assert words in caught.value.what


def test_a_nifti_header_without_its_voxels_is_named(tmp_path):
    head = bytearray(348)
    head[:4], head[344:348] = (348).to_bytes(4, "little"), b"ni1\0"
    (tmp_path / "a.hdr").write_bytes(head)
    with pytest.raises(UnsupportedFormatError, match=r"another file \(\.img\)"):
        open_study(tmp_path)


@pytest.mark.parametrize("keep", [100, 150])
def test_pictures_and_gzip_cut_short_are_damaged_not_locked(tmp_path, keep):
    path = tmp_path / "a.nii.gz"
    packed = gzip.compress(bytes(344) + b"n+1\0" + np.random.default_rng(0).bytes(4000))
    path.write_bytes(packed[:keep] + bytes(9))
    with pytest.raises(DamagedFileError):
        open_study(path)


def test_a_big_endian_index_is_named_by_its_meta_information():
    path = get_testdata_file("dicomdirtests/DICOMDIR-bigEnd", download=False)
    with pytest.raises(NothingReadableError, match="a DICOMDIR index"):
        open_study(path)
