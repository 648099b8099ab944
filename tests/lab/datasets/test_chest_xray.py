"""The films of the set are read as they are at run time, with masks of their size and boxes inside them."""

import pytest

from overread.errors import NothingReadableError
from overread_lab.datasets.chest_xray import SIDES, read_cases, read_grey, read_mask


def test_real_cases_have_masks_of_their_size_and_boxes_inside(shared_data):
    cases = read_cases(shared_data / "chest_xray")
    masked = [case for case in cases if case.mask]
    boxed = [case for case in cases if not case.mask and set(case.boxes) == set(SIDES)]
    assert (len(cases), len(masked)) == (811, 96)
    assert len(boxed) >= 204
    folds = {}
    for case in cases:
        assert folds.setdefault(case.group, case.fold) == case.fold
    for case in masked[::8]:
        film, inside = read_grey(case.image), read_mask(case)
        assert film.shape == inside.shape
        assert 0.05 < inside.mean() < 0.6
    for case in boxed[::16]:
        rows, columns = read_grey(case.image).shape
        x0, y0, x1, y1 = case.boxes["right_lung"]
        assert -2 <= x0 < x1 <= columns + 2
        assert -2 <= y0 < y1 <= rows + 2
        assert x0 + x1 < sum(case.boxes["left_lung"][::2])  # the patient's right is left in the picture


def test_an_absent_set_is_named(tmp_path):
    with pytest.raises(NothingReadableError, match="chest radiographs are not there"):
        read_cases(tmp_path)
