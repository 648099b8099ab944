"""Video clips: known frames there and back; without the extra, and damaged, a clear refusal."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from overread import inspect
from overread.errors import DamagedFileError, GeometryError, ResourceError, UnsupportedFormatError, UsageError
from overread.image import Calibration, Frames
from overread.io import middle_picture, open_study
from overread.runtime import Runtime

av = pytest.importorskip("av", reason="the extra 'video' is not installed")
COUNT, ROWS, COLUMNS, RATE = 7, 48, 64, 20


def pictures(*, colour: bool) -> np.ndarray:
    """(frame, row, column, 3): a bright square that moves by 4 columns a frame."""
    frames = np.full((COUNT, ROWS, COLUMNS, 3), 40, np.uint8)
    for n in range(COUNT):
        frames[n, 10:30, 4 * n : 4 * n + 16] = (220, 60, 30) if colour else 200
    return frames


def save(path, frames, codec, pixel_format):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.height, stream.width, stream.pix_fmt = ROWS, COLUMNS, pixel_format
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format", "off"),
    [("a.avi", "ffv1", "bgr0", 0), ("a.mkv", "ffv1", "bgr0", 0), ("a.mp4", "mpeg4", "yuv420p", 40)],
)
def test_frames_come_back(name, codec, pixel_format, off, tmp_path):
    frames = pictures(colour=True)
    save(tmp_path / name, frames, codec, pixel_format)
    (series,) = open_study(tmp_path).series
    assert (series.kind, series.shape) == ("video", (COUNT, ROWS, COLUMNS))
    clip = series.load()
    assert isinstance(clip, Frames)
    assert clip.is_colour
    assert np.median(np.abs(clip.array.astype(int) - frames)) <= 3
    assert np.abs(clip.array.astype(int) - frames).max() <= off or off
    np.testing.assert_allclose(clip.time_s, np.arange(COUNT) / RATE, atol=1e-3)
    assert series.verdict.has("lossy") is (codec == "mpeg4")
    assert series.verdict.has("orientation_unknown")


def test_grey_clips_are_grey_and_have_no_millimetres_without_a_word(tmp_path):
    save(tmp_path / "a.avi", pictures(colour=False), "ffv1", "bgr0")
    (series,) = open_study(tmp_path / "a.avi").series
    clip = series.load()
    assert clip.array.shape == (COUNT, ROWS, COLUMNS)
    with pytest.raises(GeometryError):
        clip.scale.require_mm()
    told = series.load(spacing_mm=(0.2, 0.3))
    assert (told.scale.calibration, told.scale.require_mm()) == (Calibration.CALLER, (0.2, 0.3))
    with pytest.raises(UsageError):
        series.load(spacing_mm=(1.0, 0.2, 0.3))


def test_it_is_listed_and_previewed(tmp_path):
    save(tmp_path / "a.avi", pictures(colour=True), "ffv1", "bgr0")
    study = open_study(tmp_path)
    (row,) = inspect(study)
    assert row.shape == (COUNT, ROWS, COLUMNS)
    assert np.array_equal(middle_picture(study.series[0]).array, pictures(colour=True)[COUNT // 2])


def test_memory_is_asked_for_first(tmp_path):
    save(tmp_path / "a.avi", pictures(colour=True), "ffv1", "bgr0")
    (series,) = open_study(tmp_path).series
    with pytest.raises(ResourceError):
        series.load(runtime=Runtime(1, 1000))


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_a_cut_file_is_damaged(share, tmp_path):
    save(tmp_path / "whole.avi", pictures(colour=True), "ffv1", "bgr0")
    blob = (tmp_path / "whole.avi").read_bytes()
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "a.avi").write_bytes(blob[: int(share * len(blob))])
    with pytest.raises(DamagedFileError, match="video"):
        open_study(tmp_path / "cut").series[0].load()


def test_without_the_extra_it_says_what_to_install(tmp_path, monkeypatch):
    save(tmp_path / "a.mp4", pictures(colour=True), "mpeg4", "yuv420p")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UnsupportedFormatError, match="extra 'video'"):
        open_study(tmp_path / "a.mp4")


@pytest.mark.parametrize("head", [b"\0\0\0\x20ftypisom", b"RIFF\0\0\0\0AVI LIST", b"\x1a\x45\xdf\xa3"])
def test_what_only_begins_like_a_video_is_damaged(head, tmp_path):
    (tmp_path / "a").write_bytes(head + bytes(400))
    with pytest.raises(DamagedFileError, match="video"):
        open_study(tmp_path / "a")
