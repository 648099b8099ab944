"""DICOM objects that are no slice of a stack: X-ray, ultrasound, colour, clips. Brighter is larger in what comes out.

The order of what happens to a sample is fixed here, once: unused bits away; palette or YBR to RGB; or modality LUT or
rescale, then MONOCHROME1 turned over. Windows and the VOI LUT are turned with the values and stay for display.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut, apply_modality_lut, convert_color_space

from overread.geometry import Fault, Policy, Severity, Verdict
from overread.geometry.stack import verdict_of
from overread.image import Frames, Intensity, PixelScale, Radiograph, Source, SourceFrame, Window
from overread.io.dicom.codecs import CODECS
from overread.io.dicom.enhanced import frame_values
from overread.io.dicom.fallback import understood
from overread.io.dicom.header import Header
from overread.io.dicom.pixels import stored_dtype, without_unused_bits
from overread.io.dicom.scale import regions_of, scale_of
from overread.io.dicom.series import is_cut_short
from overread.io.dicom.stored import gives_rgb, read_samples
from overread.io.memory import require_memory
from overread.io.word import SpacingWord, refuse_word
from overread.runtime import Progress, Runtime

_NOWHERE = (math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class OpenedPicture:
    """One object; its full header is read when first asked for."""

    header: Header
    root: Path
    faults: tuple[Fault, ...] = ()

    @cached_property
    def dataset(self) -> Dataset:
        """The header by pydicom, without pixels."""
        with understood(self.header.path):
            return pydicom.dcmread(self.header.path, stop_before_pixels=True, force=True)

    @property
    def frames(self) -> int:
        """Number of frames."""
        return max(1, self.header.shared.frames)

    @cached_property
    def scale(self) -> PixelScale:
        """Millimetres of a pixel, with their evidence."""
        with understood(self.header.path):
            return scale_of(self.dataset)

    def verdict(self, policy: Policy = Policy.STRICT) -> Verdict:
        """A picture has no stack to judge: what it is, whether it lost detail, what its millimetres are worth."""
        shared = self.header.shared
        faults = list(self.faults)
        if is_cut_short(self.header):
            faults.append(Fault("truncated_file", Severity.FATAL, "the file ends inside its pixels"))
        codec = CODECS.get(shared.transfer_syntax)
        if shared.lossy or (codec is not None and codec.lossy):
            faults.append(Fault("lossy", Severity.WARNING, "the picture was compressed with loss"))
        words = f"lengths: {self.scale.calibration.value} ({self.scale.words})"
        faults.append(Fault("calibration", Severity.NOTE, words))
        return verdict_of(faults, policy, {"frames": self.frames})

    def source(self) -> Source:
        """Where the picture comes from; its frames have no place in the patient."""
        shared, header = self.header.shared, self.header
        spacing, path = self.scale.spacing_mm or (math.nan, math.nan), Path(header.path)
        frames = tuple(
            SourceFrame(
                path, shared.sop_class_uid, header.sop_uid, n + 1, _NOWHERE, _NOWHERE, _NOWHERE,
                spacing, (shared.rows, shared.columns),
            )
            for n in range(self.frames)
        )  # fmt: skip
        return Source(
            kind="dicom",
            root=self.root,
            paths=(path,),
            study_uid=shared.study_uid,
            series_uid=shared.series_uid,
            frame_of_reference_uid=shared.frame_of_reference_uid,
            modality=shared.modality,
            frames=frames,
            facts=dict(shared.facts),
        )

    def load(
        self,
        policy: Policy,
        runtime: Runtime | None,
        progress: Progress,
        intensity: Intensity | None,
        spacing_mm: SpacingWord | None,
    ) -> Radiograph | Frames:
        """The picture, or the clip if there are several frames."""
        refuse_word(intensity, spacing_mm, str(self.root))
        if self.frames == 1:
            picture = self.picture(0, policy, runtime)
            progress("read", 1.0)
            return picture
        shared = self.header.shared
        self._require_memory(self.frames, runtime)
        with understood(self.header.path):
            displays = self._displays()
            stored = stored_dtype(shared)
            dtype = np.dtype(np.uint8) if self._is_colour else stored
            if not self._is_colour and any(display.changes for display in displays):
                dtype = np.dtype(np.float32)
            array = np.empty((self.frames, shared.rows, shared.columns, *((3,) if self._is_colour else ())), dtype)
            for n, display in enumerate(displays):
                array[n] = self._frame(n, display)
                progress("read", (n + 1) / self.frames)
            first = displays[0]
            return Frames(
                array, self.scale, Intensity.ARBITRARY, self.source(), self.verdict(policy), first.windows,
                first.voi_lut, _times(self.dataset, self.frames), regions_of(self.dataset),
            )  # fmt: skip

    def picture(self, index: int, policy: Policy = Policy.STRICT, runtime: Runtime | None = None) -> Radiograph:
        """Frame `index` (from 0) alone; raises as `load`."""
        self._require_memory(1, runtime)
        with understood(self.header.path):
            display = _Display.of(frame_values(self.dataset, index))
            return Radiograph(
                self._frame(index, display), self.scale, Intensity.ARBITRARY, self.source(), self.verdict(policy),
                display.windows, display.voi_lut, regions_of(self.dataset),
            )  # fmt: skip

    def _require_memory(self, frames: int, runtime: Runtime | None) -> None:
        shared = self.header.shared
        need = (frames + 2) * shared.rows * shared.columns * shared.samples * 4  # the array, and two frames beside it
        require_memory(need, runtime or Runtime(), self.header.path)

    @property
    def _is_colour(self) -> bool:
        return self.header.shared.samples > 1 or self.header.shared.photometric == "PALETTE COLOR"

    def _displays(self) -> list[_Display]:
        """How each frame becomes values; one for all where frames say nothing of their own."""
        if "PerFrameFunctionalGroupsSequence" not in self.dataset:
            return [_Display.of(frame_values(self.dataset, 0))] * self.frames
        return [_Display.of(frame_values(self.dataset, n)) for n in range(self.frames)]

    def _frame(self, n: int, display: _Display) -> NDArray[Any]:
        shared, dataset = self.header.shared, self.dataset
        planar = int(dataset.get("PlanarConfiguration", 0) or 0) == 1
        stored = without_unused_bits(shared, read_samples(self.header._replace(frame_number=n + 1), planar))
        if shared.photometric == "PALETTE COLOR":
            return _to_8_bits(apply_color_lut(stored, dataset), _palette_bits(dataset))
        if shared.samples > 1:
            if shared.photometric in ("YBR_FULL", "YBR_FULL_422") and not gives_rgb(shared.transfer_syntax):
                stored = convert_color_space(stored, "YBR_FULL", "RGB")
            return _to_8_bits(stored, shared.bits_stored)
        return display.values(stored)


@dataclass(frozen=True, slots=True, eq=False)
class _Display:
    """How stored grey values become values, and what shows them, in those values.

    `turn` is the sum of the lowest and highest possible value of a MONOCHROME1 picture: v becomes turn - v.
    """

    dataset: Dataset
    changes: bool
    turn: float | None
    windows: tuple[Window, ...]
    voi_lut: tuple[int, NDArray[np.float32]] | None

    @classmethod
    def of(cls, dataset: Dataset) -> _Display:
        changes = "ModalityLUTSequence" in dataset or _rescale(dataset) != (1.0, 0.0)
        ends = _possible_values(dataset)
        turned = dataset.get("PhotometricInterpretation", "") == "MONOCHROME1"
        plain = cls(dataset, changes, sum(ends) if turned else None, _windows(dataset), _voi_lut(dataset))
        return plain._turned() if turned else plain

    def _turned(self) -> _Display:
        turn = self.turn or 0.0
        windows = tuple(replace(w, center=turn - w.center + 1) for w in self.windows)  # mirrored about center - 0.5
        lut = None
        if self.voi_lut is not None:
            first, table = self.voi_lut
            lut = (round(turn) - first - len(table) + 1, (1 - table[::-1]).astype(np.float32))
        return replace(self, windows=windows, voi_lut=lut)

    def values(self, stored: NDArray[Any]) -> NDArray[Any]:
        """(row, column) stored values to values: the stored type where nothing changes them, else float32."""
        values = apply_modality_lut(stored, self.dataset).astype(np.float32) if self.changes else stored
        if self.turn is None:
            return values
        if values.dtype == np.float32:
            return np.float32(self.turn) - values
        return (round(self.turn) - values.astype(np.int64)).astype(values.dtype)


def _rescale(dataset: Dataset) -> tuple[float, float]:
    slope, intercept = dataset.get("RescaleSlope", None), dataset.get("RescaleIntercept", None)
    return (1.0 if slope is None else float(slope), 0.0 if intercept is None else float(intercept))


def _possible_values(dataset: Dataset) -> tuple[float, float]:
    """Lowest and highest value that Bits Stored, or the modality LUT, allow."""
    if "ModalityLUTSequence" in dataset:
        bits = int(dataset.ModalityLUTSequence[0].LUTDescriptor[2])
        return 0.0, float(2**bits - 1)
    bits = int(dataset.BitsStored)
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if dataset.get("PixelRepresentation", 0) else (0, 2**bits - 1)
    slope, intercept = _rescale(dataset)
    return float(low * slope + intercept), float(high * slope + intercept)


def _windows(dataset: Dataset) -> tuple[Window, ...]:
    centers, widths = (_numbers(dataset.get(name, None)) for name in ("WindowCenter", "WindowWidth"))
    return tuple(
        Window(center, width)
        for center, width in zip(centers, widths, strict=False)
        if width > 1 and math.isfinite(center) and math.isfinite(width)
    )


def _numbers(value: Any) -> list[float]:
    if value is None or value == "":
        return []
    many = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return [float(one) for one in many]


def _voi_lut(dataset: Dataset) -> tuple[int, NDArray[np.float32]] | None:
    """The first table of the VOI LUT Sequence (PS3.3 C.11.2.1.1), scaled to 0..1."""
    items = dataset.get("VOILUTSequence", None)
    if not items:
        return None
    count, first, bits = (int(one) for one in items[0].LUTDescriptor)
    count = count or 65536
    data = items[0].LUTData
    if isinstance(data, bytes):
        data = np.frombuffer(data, "<u2" if len(data) >= 2 * count else "u1")
    table = np.asarray(data, np.float32)[:count] / np.float32(2**bits - 1)
    if len(table) < count:
        raise ValueError("the VOI LUT is shorter than it says")
    if first >= 32768 and dataset.get("PixelRepresentation", 0):
        first -= 65536
    return first, table


def _palette_bits(dataset: Dataset) -> int:
    return int(dataset.RedPaletteColorLookupTableDescriptor[2])


def _to_8_bits(rgb: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    out: NDArray[np.uint8] = (rgb >> max(0, bits - 8)).astype(np.uint8) if bits > 8 else rgb.astype(np.uint8)
    return out


def _times(dataset: Dataset, frames: int) -> NDArray[np.float64] | None:
    """Seconds from the first frame on, by Frame Time Vector, Frame Time or rate; None where nothing says it."""
    if frames == 1:
        return None
    vector = _numbers(dataset.get("FrameTimeVector", None))
    if len(vector) == frames:
        return np.cumsum([0.0, *vector[1:]]) / 1000
    step_ms = (_numbers(dataset.get("FrameTime", None)) or [0.0])[0]
    if not step_ms > 0:
        rates = [*_numbers(dataset.get("CineRate", None)), *_numbers(dataset.get("RecommendedDisplayFrameRate", None))]
        step_ms = next((1000 / rate for rate in rates if rate > 0), 0.0)
    return np.arange(frames) * step_ms / 1000 if step_ms > 0 else None
