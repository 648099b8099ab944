"""Enhanced multi-frame objects opened up: one header a frame, from the functional groups. No pixels, no judgement."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import pydicom
from pydicom.dataset import Dataset

from overread.errors import DamagedFileError, OverreadError
from overread.io.dicom.header import Header, Shared
from overread.io.quiet import quiet


@dataclass(frozen=True, slots=True)
class _Frame:
    header: Header
    traits: dict[str, str]


def expand(header: Header) -> list[Header]:
    """One header a frame, each with its own place, spacing and rescale; empty where frames have no place.

    Frames that share a place are told apart into stacks by what differs between them (orientation, stack, frame type,
    echo time, b-value, time): `Shared.stack` names each stack in words.

    Raises
    ------
    DamagedFileError
        The functional groups cannot be read or are fewer than the frames.
    """
    with quiet("pydicom"):
        try:
            dataset = pydicom.dcmread(header.path, stop_before_pixels=True, force=True)
            frames = _frames(header, dataset)
        except OverreadError:
            raise
        except Exception as error:  # noqa: BLE001  (pydicom raises many kinds on damaged values)
            raise DamagedFileError(
                f"the functional groups of its frames cannot be read ({type(error).__name__})",
                where=header.path,
                way_out="Copy or send the file again.",
            ) from None
    return _stacked(frames)


def _frames(header: Header, dataset: Dataset) -> list[_Frame]:
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence", None)
    if not per_frame:
        return []
    count = max(1, header.shared.frames)
    if len(per_frame) != count:
        raise DamagedFileError(
            f"it has {count} frames but functional groups for {len(per_frame)}",
            where=header.path,
            way_out="Copy or send the file again.",
        )
    common = dataset.get("SharedFunctionalGroupsSequence", None)
    shared_groups = common[0] if common else Dataset()
    made: dict[tuple[Any, ...], Shared] = {}
    frames = []
    for n, groups in enumerate(per_frame, start=1):
        look = _Look(groups, shared_groups)
        position = look.numbers("PlanePositionSequence", "ImagePositionPatient")
        if len(position) != 3:
            return []
        told = _shared_of(header.shared, look)
        key = (told.orientation, told.spacing_mm, told.slice_thickness_mm, told.slope, told.intercept, told.windows)
        shared = made.setdefault(key, told)
        one = header._replace(shared=shared, position_lps=position, frame_number=n)
        frames.append(_Frame(one, _traits(look)))
    return frames


def frame_values(dataset: Dataset, index: int) -> Dataset:
    """The header with the rescale and windows of frame `index` (from 0) in place of its own, where groups have them."""
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence", None)
    common = dataset.get("SharedFunctionalGroupsSequence", None)
    if not per_frame and not common:
        return dataset
    own = per_frame[index] if per_frame and index < len(per_frame) else Dataset()
    look = _Look(own, common[0] if common else Dataset())
    told = copy(dataset)
    for group, names in (
        ("PixelValueTransformationSequence", ("RescaleSlope", "RescaleIntercept")),
        ("FrameVOILUTSequence", ("WindowCenter", "WindowWidth")),
    ):
        for name in names:
            if (value := look.value(group, name)) is not None:
                setattr(told, name, value)
    return told


class _Look:
    """An attribute of a functional group of one frame: its own, else the shared one."""

    def __init__(self, own: Dataset, shared: Dataset) -> None:
        self._own, self._shared = own, shared

    def value(self, group: str, name: str) -> Any:
        for groups in (self._own, self._shared):
            items = groups.get(group, None)
            if items and items[0].get(name, None) is not None:
                return items[0].get(name)
        return None

    def numbers(self, group: str, name: str) -> tuple[float, ...]:
        value = self.value(group, name)
        if value is None or value == "":
            return ()
        many = value if hasattr(value, "__len__") and not isinstance(value, str) else (value,)
        return tuple(float(one) for one in many)

    def text(self, group: str, name: str) -> str:
        value = self.value(group, name)
        if value is None:
            return ""
        return str(value) if isinstance(value, (str, int, float)) else "\\".join(str(one) for one in value)


def _shared_of(shared: Shared, look: _Look) -> Shared:
    """What a frame says of itself takes the place of what the object says."""
    thickness = look.numbers("PixelMeasuresSequence", "SliceThickness")
    slope = look.numbers("PixelValueTransformationSequence", "RescaleSlope")
    intercept = look.numbers("PixelValueTransformationSequence", "RescaleIntercept")
    centers = look.numbers("FrameVOILUTSequence", "WindowCenter")
    widths = look.numbers("FrameVOILUTSequence", "WindowWidth")
    return replace(
        shared,
        orientation=look.numbers("PlaneOrientationSequence", "ImageOrientationPatient") or shared.orientation,
        spacing_mm=look.numbers("PixelMeasuresSequence", "PixelSpacing") or shared.spacing_mm,
        slice_thickness_mm=thickness[0] if thickness else shared.slice_thickness_mm,
        slope=slope[0] if slope else shared.slope,
        intercept=intercept[0] if intercept else shared.intercept,
        has_rescale=bool(slope and intercept) or shared.has_rescale,
        rescale_type=look.text("PixelValueTransformationSequence", "RescaleType") or shared.rescale_type,
        windows=tuple(zip(centers, widths, strict=False)) or shared.windows,
    )


_TRAITS: tuple[tuple[str, str, str], ...] = (
    ("stack", "FrameContentSequence", "StackID"),
    ("frame type", "MRImageFrameTypeSequence", "FrameType"),
    ("frame type", "CTImageFrameTypeSequence", "FrameType"),
    ("frame type", "PETFrameTypeSequence", "FrameType"),
    ("echo time, ms", "MREchoSequence", "EffectiveEchoTime"),
    ("b-value, s/mm2", "MRDiffusionSequence", "DiffusionBValue"),
    ("delay, ms", "CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"),
    ("time", "FrameContentSequence", "TemporalPositionIndex"),
    ("acquisition", "FrameContentSequence", "FrameAcquisitionNumber"),
)
"""What tells stacks of one object apart, tried in this order: (words, group, attribute)."""


def _traits(look: _Look) -> dict[str, str]:
    traits: dict[str, str] = {}
    for words, group, name in _TRAITS:
        if text := look.text(group, name):
            traits.setdefault(words, text)
    return traits


def _stacked(frames: list[_Frame]) -> list[Header]:
    """Headers with `Shared.stack` set: by orientation, then by each trait until no place occurs twice."""
    groups = _split(frames, lambda frame: tuple(round(v, 3) for v in frame.header.shared.orientation))
    used: list[str] = []
    for words in dict.fromkeys(words for words, _, _ in _TRAITS):
        if all(_distinct(group) for group in groups):
            break
        finer = [part for group in groups for part in _split(group, lambda f, w=words: f.traits.get(w, ""))]
        if len(finer) > len(groups):
            groups, used = finer, [*used, words]
    headers = []
    for number, group in enumerate(groups, start=1):
        name = ""
        if len(groups) > 1:
            told = [f"{words} {group[0].traits[words]}" for words in used if words in group[0].traits]
            name = ", ".join([f"part {number} of {len(groups)}", *told])
        renamed: dict[int, Shared] = {}
        for frame in group:
            shared = frame.header.shared
            if id(shared) not in renamed:
                renamed[id(shared)] = replace(shared, stack=name, stack_number=number) if name else shared
            headers.append(frame.header._replace(shared=renamed[id(shared)]))
    return headers


def _split(frames: Iterable[_Frame], key: Callable[..., Any]) -> list[list[_Frame]]:
    groups: dict[Any, list[_Frame]] = {}
    for frame in frames:
        groups.setdefault(key(frame), []).append(frame)
    return list(groups.values())


def _distinct(frames: list[_Frame]) -> bool:
    places = {tuple(round(v, 2) for v in frame.header.position_lps) for frame in frames}
    return len(places) == len(frames) or any(math.isnan(v) for place in places for v in place)
