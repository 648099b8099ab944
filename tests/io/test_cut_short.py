"""Compressed files that end inside their pixels are found when they are opened, by their last bytes."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.encaps import encapsulate

from overread.errors import DamagedFileError
from overread.geometry import Policy
from overread.io import open_study
from overread.runtime import Runtime

RLE, JPEGLS, J2K = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"
DELIMITER = bytes.fromhex("feffdde000000000")


@pytest.fixture(params=[RLE, JPEGLS, J2K])
def paths(request, writer, stored):
    """Eight files of compressed pixels that end with their delimiter."""
    writer.syntax = request.param
    paths = writer.write(stored)
    assert all(path.read_bytes().endswith(DELIMITER) for path in paths)
    return paths


def codes(verdict):
    return {fault.code for fault in verdict.faults}


@pytest.mark.parametrize("policy", list(Policy))
@pytest.mark.parametrize("cut", [9, 30, 200])
def test_said_at_the_door_and_left_out_by_a_repair(paths, stored, cut, policy):
    paths[3].write_bytes(paths[3].read_bytes()[:-cut])
    series = open_study(paths[0].parent).only()
    (fault,) = [fault for fault in series.verdict.faults if fault.code == "truncated_file"]
    assert fault.files == ("003.dcm",)
    if policy is Policy.STRICT:
        with pytest.raises(DamagedFileError, match="1 of 8 files end inside their pixels"):
            series.load(runtime=Runtime(2))
        return
    volume = series.load(policy=policy)
    assert len(volume.source.paths) == 7
    np.testing.assert_array_equal(volume.array[2], stored[2] - 1024)


def test_without_fragments(paths):
    raw = paths[3].read_bytes()
    start = raw.index(bytes.fromhex("e07f1000")) + 12
    paths[3].write_bytes(raw[:start])
    assert "truncated_file" in codes(open_study(paths[0].parent).only().verdict)


def test_whole_pixels_without_the_delimiter_are_read(paths, stored):
    for path in paths:
        path.write_bytes(path.read_bytes()[: -len(DELIMITER)])
    series = open_study(paths[0].parent).only()
    assert series.verdict.status == "sound"
    np.testing.assert_array_equal(series.load().array, stored - 1024)


@pytest.mark.parametrize("padding", [100, 5000])
def test_trailing_padding_behind_the_pixels(paths, stored, padding):
    for path in paths:
        element = bytes.fromhex("fcfffcff") + b"OB\0\0" + padding.to_bytes(4, "little") + bytes(padding)
        path.write_bytes(path.read_bytes() + element)
    series = open_study(paths[0].parent).only()
    assert series.verdict.status == "sound"
    np.testing.assert_array_equal(series.load().array, stored - 1024)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_clip_cut_short_is_said_at_the_door(writer, stored, compressed):
    def as_clip(ds, n):
        ds.NumberOfFrames = 4
        if compressed:
            ds.PixelData = encapsulate([writer.encoders[JPEGLS](plane) for plane in stored[:4]])
        else:
            ds.PixelData = stored[:4].tobytes()
        ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.3.1"

    writer.syntax = JPEGLS if compressed else writer.syntax
    writer.edit = as_clip
    (path,) = writer.write(stored[:1])
    assert open_study(path).only().verdict.status == "sound"
    path.write_bytes(path.read_bytes()[:-100])
    series = open_study(path).only()
    assert series.verdict.sentence() == "unsound: the file ends inside its pixels"
    with pytest.raises(DamagedFileError, match="cut short"):
        series.load()
