"""Windows against the formulas of DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3."""

import math

import numpy as np
import pytest

from overread.errors import UsageError
from overread.image import Window, WindowFunction

VALUES = np.array([-1e6, -100, 0, 39, 39.5, 40, 40.5, 41, 90, 140, 239, 240, 241, 1e6])


def by_the_book(x, center, width, function):
    """One value, as the standard writes it, to 0..255."""
    if function == "SIGMOID":
        return 255 / (1 + math.exp(min(700.0, -4 * (x - center) / width)))
    c, w = (center - 0.5, width - 1) if function == "LINEAR" else (center, width)
    if x <= c - w / 2:
        return 0
    if x > c + w / 2:
        return 255
    return ((x - c) / w + 0.5) * 255


@pytest.mark.parametrize("function", list(WindowFunction))
@pytest.mark.parametrize(("center", "width"), [(40, 400), (0.25, 1.5), (1000, 2)])
def test_every_function(function, center, width):
    shown = Window(center, width, function=function).apply(VALUES)
    expected = [by_the_book(x, center, width, function) for x in VALUES]
    assert np.abs(shown - np.array(expected)).max() <= 0.51
    assert np.all(np.diff(shown.astype(int)) >= 0)


@pytest.mark.parametrize("function", list(WindowFunction))
def test_turned_over_is_the_negative(function):
    window = Window(40, 300, function=function)
    whole = np.arange(-200, 300)
    negative = window.turned_over(100).apply(100 - whole)
    assert np.abs(255 - negative.astype(int) - window.apply(whole)).max() <= 1


@pytest.mark.parametrize(("function", "width"), [("LINEAR", 1), ("LINEAR_EXACT", 0), ("SIGMOID", 0), ("SIGMOID", -1)])
def test_width_that_shows_nothing_is_refused(function, width):
    with pytest.raises(UsageError, match="window width"):
        Window(40, width, function=WindowFunction(function))


def test_not_a_number_is_black():
    for function in WindowFunction:
        assert Window(0, 10, function=function).apply(np.array([np.nan, 5.1])).tolist()[0] == 0
