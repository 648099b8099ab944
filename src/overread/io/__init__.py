"""Files to images: studies, series, intake checks. Opening reads headers only; loading reads pixels."""

from overread.io.door.discover import Skipped
from overread.io.door.opening import open_study
from overread.io.preview import middle_picture
from overread.io.study import Series, Study

__all__ = ["Series", "Skipped", "Study", "middle_picture", "open_study"]
