"""Damage that decoders pass over in silence is found."""

import gzip

import imagecodecs
import nibabel
import numpy as np
import pydicom
import pytest

from overread.errors import DamagedFileError
from overread.geometry import axial_grid
from overread.image import Intensity, Volume
from overread.io import open_study
from overread.io.dicom.codecs import decode_into
from overread.phantoms.dicom_series import Transfer, write_series


@pytest.fixture
def volume():
    rng = np.random.default_rng(4)
    grid = axial_grid((5, 24, 20), spacing_mm=(2.5, 0.8, 0.7))
    return Volume(rng.integers(-900, 900, grid.shape).astype(np.int16), grid, Intensity.HU)


def test_rle_segment_that_decodes_short(volume, tmp_path):
    files = write_series(volume, tmp_path / "scan", seed=1, transfer_syntax=Transfer.RLE)
    dataset = pydicom.dcmread(files[2])
    frame = next(iter(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=1)))
    second = int.from_bytes(frame[8:12], "little")
    cut = bytearray(frame)
    cut[second - 40 : second] = b"\x80" * 40  # 128 is "no operation": the first segment ends early
    dataset.PixelData = pydicom.encaps.encapsulate([bytes(cut)])
    dataset.save_as(files[2])
    with pytest.raises(DamagedFileError, match="fewer bytes"):
        open_study(tmp_path / "scan").series[0].load()


def test_more_pixels_than_rows_and_columns(volume, tmp_path):
    files = write_series(volume, tmp_path / "scan", seed=1)
    for file in files:
        dataset = pydicom.dcmread(file)
        dataset.Rows = 20
        dataset.save_as(file)
    verdict = open_study(tmp_path / "scan").series[0].verdict
    assert verdict.status == "unsound"
    assert verdict.has("too_many_pixels")


def test_checksum_of_a_compressed_nifti(volume, tmp_path):
    path = tmp_path / "scan.nii.gz"
    nibabel.save(nibabel.Nifti1Image(volume.array.T, np.eye(4)), path)
    damaged = bytearray(gzip.decompress(path.read_bytes()))
    compressed = bytearray(gzip.compress(bytes(damaged)))
    compressed[-8] ^= 0xFF  # the checksum alone: every voxel still reads
    path.write_bytes(bytes(compressed))
    with pytest.raises(DamagedFileError, match="damaged"):
        open_study(path).series[0].load(intensity=Intensity.HU)


@pytest.mark.parametrize("encode", ["ljpeg_encode", "jpegls_encode", "jpeg8_encode"])
@pytest.mark.parametrize("lost", [3, 40, 52, 400])
def test_jpeg_pictures_without_an_end(encode, lost):
    """A whole fragment whose picture is cut short: grey pixels by libjpeg, an endless loop in CharLS 2."""
    uid = {"ljpeg_encode": "57", "jpegls_encode": "80", "jpeg8_encode": "50"}[encode]
    kind = np.uint8 if uid == "50" else np.uint16
    plane = (100 + np.cumsum(np.random.default_rng(0).integers(-9, 10, (64, 64)), 1)).clip(0, 255).astype(kind)
    coded = bytes(getattr(imagecodecs, encode)(plane))
    out = np.empty_like(plane)
    decode_into(f"1.2.840.10008.1.2.4.{uid}", pydicom.encaps.encapsulate([coded]), out, "a.dcm")
    with pytest.raises(DamagedFileError, match="no end"):
        decode_into(f"1.2.840.10008.1.2.4.{uid}", pydicom.encaps.encapsulate([coded[:-lost]]), out, "a.dcm")
