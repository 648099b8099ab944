"""Images with their place in the patient: volumes, label maps, radiographs; where they came from; display windows."""

from overread.image.source import Source, SourceFrame
from overread.image.volume import Intensity, LabelMap, Volume
from overread.image.window import Window

__all__ = ["Intensity", "LabelMap", "Source", "SourceFrame", "Volume", "Window"]
