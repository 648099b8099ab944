"""Video clips of ultrasound and the like, through PyAV (extra `video`). They have no place and no millimetres."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import DamagedFileError, UnsupportedFormatError
from overread.geometry import Fault, Policy, Severity, Verdict
from overread.geometry.stack import verdict_of
from overread.image import NO_SCALE, Frames, Intensity, PixelScale, Radiograph, Source
from overread.io.files.unplaced import callers_scale, unknown_sides
from overread.io.files.word import SpacingWord, intensity_faults, require_lengths
from overread.io.memory import require_memory
from overread.runtime import Progress, Runtime, silent

_LOSSLESS = frozenset(("ffv1", "rawvideo", "huffyuv", "ffvhuff", "utvideo", "png", "qtrle"))


@dataclass(frozen=True, slots=True)
class OpenedVideo:
    """One clip; `frames` were counted in the file, `rate_hz` is what the file says, 0 where it says nothing."""

    path: Path
    root: Path
    frames: int
    rows: int
    columns: int
    codec: str
    rate_hz: float

    @property
    def shape(self) -> tuple[int, int, int]:
        """(frames, rows, columns)."""
        return self.frames, self.rows, self.columns

    def source(self) -> Source:
        """This file."""
        return Source(kind="video", root=self.root, paths=(self.path,))

    def verdict(self, policy: Policy = Policy.STRICT, more: tuple[Fault, ...] = ()) -> Verdict:
        """Its sides are unknown, most codecs lose detail, and nothing says how large a pixel is."""
        faults = [unknown_sides(), *more]
        if self.codec not in _LOSSLESS:
            faults.append(Fault("lossy", Severity.WARNING, f"the video was compressed with loss ({self.codec})"))
        faults.append(Fault("calibration", Severity.NOTE, f"lengths: {NO_SCALE.calibration.value} ({NO_SCALE.words})"))
        return verdict_of(faults, policy, {"frames": self.frames})

    def load(
        self,
        policy: Policy = Policy.STRICT,
        runtime: Runtime | None = None,
        progress: Progress = silent,
        intensity: Intensity | None = None,
        spacing_mm: SpacingWord | None = None,
    ) -> Frames:
        """All frames: grey where every pixel is, else RGB; with lengths if `spacing_mm` is (row, column).

        Raises
        ------
        DamagedFileError
            The file ends early, or a frame does not decode.
        ResourceError, UsageError
            Not enough memory; a spacing that is not two lengths.
        """
        require_lengths(spacing_mm, (2,), str(self.path))
        require_memory(4 * self.frames * self.rows * self.columns, runtime or Runtime(), str(self.path))
        array = np.empty((self.frames, self.rows, self.columns, 3), np.uint8)
        time_s = np.zeros(self.frames)
        count = 0
        for count, (frame, seconds) in enumerate(self._decoded(), start=1):
            if count > self.frames:
                break
            array[count - 1], time_s[count - 1] = frame, seconds
            progress("read", count / self.frames)
        if count != self.frames:
            raise DamagedFileError(
                f"{count} frames decode, expected {self.frames}", where=str(self.path), way_out="Copy it again."
            )
        is_grey = bool((array[..., 0] == array[..., 1]).all() and (array[..., 0] == array[..., 2]).all())
        return Frames(
            np.ascontiguousarray(array[..., 0]) if is_grey else array,
            self._scale(spacing_mm),
            intensity or Intensity.ARBITRARY,
            self.source(),
            self.verdict(policy, tuple(intensity_faults(intensity))),
            time_s=time_s - time_s[0],
        )

    def picture(self, index: int, policy: Policy = Policy.STRICT, runtime: Runtime | None = None) -> Radiograph:
        """Frame `index` (from 0) alone, in RGB."""
        require_memory(4 * self.rows * self.columns, runtime or Runtime(), str(self.path))
        for n, (frame, _) in enumerate(self._decoded()):
            if n == index:
                return Radiograph(frame, NO_SCALE, Intensity.ARBITRARY, self.source(), self.verdict(policy))
        raise DamagedFileError(f"frame {index + 1} does not decode", where=str(self.path), way_out="Copy it again.")

    def _scale(self, spacing_mm: SpacingWord | None) -> PixelScale:
        return NO_SCALE if spacing_mm is None else callers_scale((spacing_mm[0], spacing_mm[1]))

    def _decoded(self) -> Iterator[tuple[NDArray[np.uint8], float]]:
        """(row, column, 3) and seconds of each frame."""
        with _container(self.path) as container:
            for n, frame in enumerate(container.decode(video=0)):
                if (frame.height, frame.width) != (self.rows, self.columns):
                    size = f"{frame.height} x {frame.width} pixels, expected {self.rows} x {self.columns}"
                    raise DamagedFileError(f"frame {n + 1} has {size}", where=str(self.path))
                seconds = n / self.rate_hz if frame.time is None and self.rate_hz else frame.time or 0.0
                yield frame.to_ndarray(format="rgb24"), float(seconds)


def open_video(file: str, root: Path) -> OpenedVideo:
    """Size, number of frames and rate of a clip; frames are counted, not decoded.

    Raises
    ------
    UnsupportedFormatError
        PyAV is not installed, or there is no video stream in the file.
    DamagedFileError
        The file cannot be parsed.
    """
    if importlib.util.find_spec("av") is None:
        raise UnsupportedFormatError(
            "a video, which needs the extra 'video'",
            where=file,
            way_out="Install it: pip install 'overread[video]'; or export the clip as a DICOM multi-frame image.",
        )
    with _container(Path(file)) as container:
        streams = container.streams.video
        if not streams:
            raise UnsupportedFormatError("there is no picture in this video file", where=file)
        stream = streams[0]
        frames = sum(1 for packet in container.demux(stream) if packet.size)
        rows, columns, codec = stream.height, stream.width, stream.codec_context.name
        rate = float(stream.average_rate or 0)
    if not (frames and rows and columns):
        raise DamagedFileError("the video holds no frame", where=file, way_out="Copy or export it again.")
    return OpenedVideo(Path(file), root, frames, rows, columns, codec, rate)


@contextmanager
def _container(path: Path) -> Iterator[Any]:
    """An open file of PyAV, whose errors become ours and whose log stays silent."""
    import av  # noqa: PLC0415  (an extra, and slow to load)

    av.logging.set_level(None)
    try:
        with av.open(str(path)) as container:
            yield container
    except (av.FFmpegError, ValueError, OSError) as error:
        raise DamagedFileError(
            f"the video cannot be read ({type(error).__name__})", where=str(path), way_out="Copy or export it again."
        ) from None
