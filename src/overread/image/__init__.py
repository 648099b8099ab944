"""Images with their place in the patient: volumes, label maps, radiographs; where they came from; display windows."""

from overread.image.calibration import NO_SCALE, Calibration, PixelScale
from overread.image.projection import Frames, PictureMask, Radiograph, Region
from overread.image.source import Source, SourceFrame
from overread.image.volume import Intensity, LabelMap, Volume
from overread.image.window import Window, WindowFunction

Image = Volume | Radiograph | Frames
"""Whatever a series becomes."""

__all__ = [
    "NO_SCALE",
    "Calibration",
    "Frames",
    "Image",
    "Intensity",
    "LabelMap",
    "PictureMask",
    "PixelScale",
    "Radiograph",
    "Region",
    "Source",
    "SourceFrame",
    "Volume",
    "Window",
    "WindowFunction",
]
