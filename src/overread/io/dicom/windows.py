"""Display windows of DICOM headers: centers and widths with the function that they are for."""

from __future__ import annotations

import math
from collections.abc import Iterable

from overread.image import Window, WindowFunction


def windows_from(pairs: Iterable[tuple[float, float]], function_name: str) -> tuple[Window, ...]:
    """(center, width) pairs for a VOI LUT Function, LINEAR where it is empty; those that show nothing are left out."""
    if not is_window_function(function_name):
        return ()
    function = WindowFunction(function_name or "LINEAR")
    return tuple(
        Window(center, width, function=function)
        for center, width in pairs
        if width > Window.least_width(function) and math.isfinite(center) and math.isfinite(width)
    )


def is_window_function(name: str) -> bool:
    """Whether the standard knows the function; an empty name stands for LINEAR."""
    return not name or name in WindowFunction.__members__
