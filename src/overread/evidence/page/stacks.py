"""Any image as a stack for the screen: a volume turned for reading, a picture or clip as it is."""

from __future__ import annotations

from overread.evidence.page.display import Stack, volume_stack
from overread.evidence.segments import voxels_by_label
from overread.findings import Reading
from overread.geometry import axial_grid
from overread.image import Calibration, Frames, Image, PictureMask, PixelScale, Radiograph, Volume

_NOT_IN_THE_PATIENT = (Calibration.DETECTOR, Calibration.NOMINAL, Calibration.UNSAID)


def stack_of(reading: Reading, image: Image) -> Stack:
    """What is drawn of an image; nothing is resampled, colour is shown as its luma."""
    return volume_stack(reading, image) if isinstance(image, Volume) else _picture_stack(reading, image)


def _picture_stack(reading: Reading, image: Radiograph | Frames) -> Stack:
    grey = image.grey()
    array = grey if isinstance(image, Frames) else grey[None]
    spacing = image.scale.spacing_mm or (1.0, 1.0)
    grid = axial_grid((int(array.shape[0]), *array.shape[1:]), spacing_mm=(1.0, *spacing))
    labels = reading.segments.stack if isinstance(reading.segments, PictureMask) else None
    return Stack(
        array,
        labels,
        grid,
        plane="frame" if isinstance(image, Frames) else "picture",
        edges=("", "", "", ""),
        flipped=False,
        where={} if labels is None else voxels_by_label(labels),
        regions={f.number: f.region for f in reading.findings if f.region is not None},
        marks=reading.marks,
        unit=unit_of(image.scale),
        detail_side=max(n * s for n, s in zip(array.shape[1:], spacing, strict=True)) / 4,
        is_volume=False,
    )


def unit_of(scale: PixelScale) -> str:
    """What a length on the picture is in, with a word where it is not in the patient."""
    if scale.spacing_mm is None:
        return "pixels"
    return f"mm ({scale.calibration.value})" if scale.calibration in _NOT_IN_THE_PATIENT else "mm"
