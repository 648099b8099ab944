"""The real cases as their README describes them."""

from __future__ import annotations

import numpy as np
import pytest

from overread.errors import NothingReadableError
from overread_lab.datasets.chest_ct import CASES, read_case, read_lesions


def test_lesions_are_where_the_published_record_says(shared_data):
    case = CASES[0]
    volume = read_case(shared_data, case)
    assert volume.grid.shape == (133, 512, 512)
    lesion = read_lesions(shared_data, case, volume.grid)[0]
    assert lesion.readers == 4
    # LUNA16 record of LIDC-IDRI-0001: centre in mm LPS and diameter
    assert np.linalg.norm(lesion.point_lps - (56.2084, 86.3434, -115.8676)) < 1.5
    assert lesion.diameter_mm == pytest.approx(23.35, abs=1)


def test_missing_data_say_so(tmp_path):
    with pytest.raises(NothingReadableError, match="LIDC-IDRI"):
        read_case(tmp_path, CASES[0])
