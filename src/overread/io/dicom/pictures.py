"""DICOM objects that are no slice of a stack: X-ray, ultrasound, colour, clips. Brighter is larger in what comes out.

The order of what happens to a sample is fixed here, once: unused bits away; palette or YBR to RGB; or modality LUT or
rescale, then MONOCHROME1 turned over. Windows and the VOI LUT are turned with the values and stay for display.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut, convert_color_space

from overread.errors import InputError
from overread.geometry import Fault, Policy, Severity, Verdict
from overread.geometry.stack import verdict_of
from overread.image import Frames, Intensity, PixelScale, Radiograph, Source, SourceFrame
from overread.io.dicom.codecs import CODECS
from overread.io.dicom.display import Display, Values, numbers, padding_faults, window_faults
from overread.io.dicom.enhanced import frame_values
from overread.io.dicom.fallback import understood
from overread.io.dicom.header import Header
from overread.io.dicom.pixels import stored_dtype, without_unused_bits
from overread.io.dicom.scale import regions_of, scale_of
from overread.io.dicom.series import is_cut_short
from overread.io.dicom.stored import gives_rgb, read_samples
from overread.io.files.placed import not_finite
from overread.io.files.word import SpacingWord, refuse_word
from overread.io.memory import require_memory
from overread.runtime import Progress, Runtime

_VIEWS = frozenset(
    (
        *("AP", "PA", "LL", "RL", "RLD", "LLD", "RLO", "LLO", "RAO", "LAO", "RPO", "LPO"),
        *("LATERAL", "OBLIQUE", "AXIAL"),
        *("CC", "MLO", "ML", "LM", "LMO", "XCC", "XCCL", "XCCM", "FB", "SIO", "ISO", "CV", "AT"),
    )
)
"""View Position by PS3.3 C.8.1.1 and C.8.11.5, then views of mammography by PS3.16 CID 4014."""
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

    @cached_property
    def view(self) -> str:
        """The view as a defined term (0018,5101), such as "PA"; empty where it is none, since it might be a name."""
        with understood(self.header.path):
            told = str(self.dataset.get("ViewPosition", "") or "").strip().upper()
        return told if told in _VIEWS else ""

    @cached_property
    def instance_number(self) -> int:
        """Its place among the pictures of its series; 0 where it is not said, or the header cannot be read."""
        try:
            with understood(self.header.path):
                return int(self.dataset.get("InstanceNumber", 0) or 0)
        except InputError:  # comes again, and is said, when the verdict is asked for
            return 0

    def numbered(self, number: int, count: int) -> OpenedPicture:
        """The same picture, which says that it is one of several with its series UID."""
        words = f"several pictures share one series UID: this is number {number} of {count}"
        made = replace(self, faults=(*self.faults, Fault("split_series", Severity.NOTE, words)))
        if "dataset" in self.__dict__:
            made.__dict__["dataset"] = self.dataset  # read once
        return made

    def verdict(self, policy: Policy = Policy.STRICT, found: Sequence[Fault] = ()) -> Verdict:
        """A picture has no stack to judge: what it is, whether it lost detail, what its millimetres are worth.

        `found` is what its pixels showed, once it is loaded.
        """
        shared = self.header.shared
        faults = list(self.faults)
        if is_cut_short(self.header):
            faults.append(Fault("truncated_file", Severity.FATAL, "the file ends inside its pixels"))
        codec = CODECS.get(shared.transfer_syntax)
        if shared.lossy or (codec is not None and codec.lossy):
            faults.append(Fault("lossy", Severity.WARNING, "the picture was compressed with loss"))
        with understood(self.header.path):
            faults += window_faults(frame_values(self.dataset, 0))
        faults += found
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
            facts=dict(shared.facts) | ({"view": self.view} if self.view else {}),
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
            if shared.float_bits or (not self._is_colour and any(display.changes for display in displays)):
                dtype = np.dtype(np.float32)
            array = np.empty((self.frames, shared.rows, shared.columns, *((3,) if self._is_colour else ())), dtype)
            padded = 0
            for n, display in enumerate(displays):
                array[n], more = self._frame(n, display)
                padded += more
                progress("read", (n + 1) / self.frames)
            first = displays[0]
            return Frames(
                array, self.scale, Intensity.ARBITRARY, self.source(), self.verdict(policy, _found(array, padded)),
                first.windows, first.voi_lut, _times(self.dataset, self.frames), regions_of(self.dataset),
            )  # fmt: skip

    def picture(self, index: int, policy: Policy = Policy.STRICT, runtime: Runtime | None = None) -> Radiograph:
        """Frame `index` (from 0) alone; raises as `load`."""
        self._require_memory(1, runtime)
        with understood(self.header.path):
            display = Display.of(frame_values(self.dataset, index), self.header.shared)
            array, padded = self._frame(index, display)
            return Radiograph(
                array, self.scale, Intensity.ARBITRARY, self.source(), self.verdict(policy, _found(array, padded)),
                display.windows, display.voi_lut, regions_of(self.dataset),
            )  # fmt: skip

    def _require_memory(self, frames: int, runtime: Runtime | None) -> None:
        shared = self.header.shared
        need = (frames + 2) * shared.rows * shared.columns * shared.samples * 4  # the array, and two frames beside it
        require_memory(need, runtime or Runtime(), self.header.path)

    @property
    def _is_colour(self) -> bool:
        return self.header.shared.samples > 1 or self.header.shared.photometric == "PALETTE COLOR"

    def _displays(self) -> list[Display]:
        """How each frame becomes values; one for all where frames say nothing of their own."""
        if "PerFrameFunctionalGroupsSequence" not in self.dataset:
            return [Display.of(frame_values(self.dataset, 0), self.header.shared)] * self.frames
        return [Display.of(frame_values(self.dataset, n), self.header.shared) for n in range(self.frames)]

    def _frame(self, n: int, display: Display) -> Values:
        shared, dataset = self.header.shared, self.dataset
        planar = int(dataset.get("PlanarConfiguration", 0) or 0) == 1
        stored = read_samples(self.header._replace(frame_number=n + 1), planar)
        if shared.float_bits:
            return display.values(stored.astype(np.float32))
        stored = without_unused_bits(shared, stored)
        if shared.photometric == "PALETTE COLOR":
            return Values(_to_8_bits(apply_color_lut(stored, dataset), _palette_bits(dataset)), 0)
        if shared.samples > 1:
            if shared.photometric in ("YBR_FULL", "YBR_FULL_422") and not gives_rgb(shared.transfer_syntax):
                stored = convert_color_space(stored, "YBR_FULL", "RGB")
            return Values(_to_8_bits(stored, shared.bits_stored), 0)
        return display.values(stored)


def numbered(pictures: Sequence[OpenedPicture], taken: Mapping[str, int]) -> list[tuple[OpenedPicture, int]]:
    """Pictures with their numbers among those of one series UID, by instance number and path; 0 where it is alone.

    `taken` counts stacks of each UID, which have the lower numbers.
    """
    groups: dict[str, list[OpenedPicture]] = defaultdict(list)
    for picture in pictures:
        groups[picture.header.shared.series_uid].append(picture)
    found = []
    for uid, group in groups.items():
        before = taken.get(uid, 0)
        if before + len(group) == 1:
            found.append((group[0], 0))
            continue
        ordered = sorted(group, key=lambda one: (one.instance_number, one.header.path))
        for number, picture in enumerate(ordered, start=before + 1):
            found.append((picture.numbered(number, before + len(group)), number))
    return found


def _found(array: NDArray[Any], padded: int) -> list[Fault]:
    return [*padding_faults(padded), *not_finite(array)]


def _palette_bits(dataset: Dataset) -> int:
    return int(dataset.RedPaletteColorLookupTableDescriptor[2])


def _to_8_bits(rgb: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    out: NDArray[np.uint8] = (rgb >> max(0, bits - 8)).astype(np.uint8) if bits > 8 else rgb.astype(np.uint8)
    return out


def _times(dataset: Dataset, frames: int) -> NDArray[np.float64] | None:
    """Seconds from the first frame on, by Frame Time Vector, Frame Time or rate; None where nothing says it."""
    if frames == 1:
        return None
    vector = numbers(dataset.get("FrameTimeVector", None))
    if len(vector) == frames:
        return np.cumsum([0.0, *vector[1:]]) / 1000
    step_ms = (numbers(dataset.get("FrameTime", None)) or [0.0])[0]
    if not step_ms > 0:
        rates = [*numbers(dataset.get("CineRate", None)), *numbers(dataset.get("RecommendedDisplayFrameRate", None))]
        step_ms = next((1000 / rate for rate in rates if rate > 0), 0.0)
    return np.arange(frames) * step_ms / 1000 if step_ms > 0 else None
