"""Enhanced multi-frame objects opened up: one header a frame, from the functional groups. No pixels, no judgement."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pydicom
from pydicom.dataset import Dataset

from overread.errors import DamagedFileError
from overread.io.dicom.fallback import understood
from overread.io.dicom.header import Header, Shared


def expand(header: Header) -> list[Header]:
    """One header a frame, each with its own place, spacing, rescale and traits; empty where frames have no place.

    Raises
    ------
    DamagedFileError
        The functional groups cannot be read or are fewer than the frames.
    """
    with understood(header.path):
        dataset = pydicom.dcmread(header.path, stop_before_pixels=True, force=True)
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
        made: dict[Shared, Shared] = {}
        frames = []
        for n, groups in enumerate(per_frame, start=1):
            look = _Look(groups, shared_groups)
            position = look.numbers("PlanePositionSequence", "ImagePositionPatient")
            if len(position) != 3:
                return []
            told = _shared_of(header.shared, look)
            shared = made.setdefault(told, told)
            frames.append(header._replace(shared=shared, position_lps=position, frame_number=n))
        return frames


def frame_values(dataset: Dataset, index: int) -> Dataset:
    """The image pixel group (0028) with rescale and windows of frame `index`, from 0, where the groups have them."""
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence", None)
    common = dataset.get("SharedFunctionalGroupsSequence", None)
    if not per_frame and not common:
        return dataset
    own = per_frame[index] if per_frame and index < len(per_frame) else Dataset()
    look = _Look(own, common[0] if common else Dataset())
    own_values = {
        name: value
        for group, names in (
            ("PixelValueTransformationSequence", ("RescaleSlope", "RescaleIntercept")),
            ("FrameVOILUTSequence", ("WindowCenter", "WindowWidth", "VOILUTFunction")),
        )
        for name in names
        if (value := look.value(group, name)) is not None
    }
    told = Dataset()  # a copy would share its elements with the header, and change them there
    for element in dataset:
        if element.keyword not in own_values and element.tag.group == 0x0028:
            told[element.tag] = element
    told.update(own_values)
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

    def gradient(self) -> tuple[float, ...]:
        """Direction of diffusion weighting, one level deeper than the rest."""
        directions = self.value("MRDiffusionSequence", "DiffusionGradientDirectionSequence")
        found = directions[0].get("DiffusionGradientOrientation", None) if directions else None
        return tuple(float(one) for one in found or ())

    def text(self, group: str, name: str) -> str:
        value = self.value(group, name)
        if value is None:
            return ""
        return str(value) if isinstance(value, (str, int, float)) else "\\".join(str(one) for one in value)


def _shared_of(shared: Shared, look: _Look) -> Shared:
    """What a frame says of itself takes the place of what the object says."""

    def first(group: str, name: str, default: float) -> float:
        return (*look.numbers(group, name), default)[0]

    values = "PixelValueTransformationSequence"
    has_rescale = bool(look.numbers(values, "RescaleSlope") and look.numbers(values, "RescaleIntercept"))
    windows = zip(
        look.numbers("FrameVOILUTSequence", "WindowCenter"),
        look.numbers("FrameVOILUTSequence", "WindowWidth"),
        strict=False,
    )
    frame_type = next((words for group in _FRAME_TYPES if (words := look.text(group, "FrameType"))), "")
    content = "FrameContentSequence"
    return replace(
        shared,
        orientation=look.numbers("PlaneOrientationSequence", "ImageOrientationPatient") or shared.orientation,
        spacing_mm=look.numbers("PixelMeasuresSequence", "PixelSpacing") or shared.spacing_mm,
        slice_thickness_mm=first("PixelMeasuresSequence", "SliceThickness", shared.slice_thickness_mm),
        slope=first(values, "RescaleSlope", shared.slope),
        intercept=first(values, "RescaleIntercept", shared.intercept),
        has_rescale=has_rescale or shared.has_rescale,
        rescale_type=look.text(values, "RescaleType") or shared.rescale_type,
        windows=tuple(windows) or shared.windows,
        window_function=look.text("FrameVOILUTSequence", "VOILUTFunction") or shared.window_function,
        image_type=frame_type or shared.image_type,
        laterality=look.text("FrameAnatomySequence", "FrameLaterality") or shared.laterality,
        stack_id=look.text(content, "StackID"),
        temporal_position=look.text(content, "TemporalPositionIndex") or shared.temporal_position,
        acquisition_number=look.text(content, "FrameAcquisitionNumber") or shared.acquisition_number,
        echo_time_ms=first("MREchoSequence", "EffectiveEchoTime", shared.echo_time_ms),
        b_value=first("MRDiffusionSequence", "DiffusionBValue", shared.b_value),
        gradient=look.gradient() or shared.gradient,
        trigger_time_ms=first(
            "CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime", shared.trigger_time_ms
        ),
    )


_FRAME_TYPES = ("MRImageFrameTypeSequence", "CTImageFrameTypeSequence", "PETFrameTypeSequence")
