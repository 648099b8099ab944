"""A simulated MR series is read back as it was made."""

from __future__ import annotations

import numpy as np
import pytest

import overread
from overread.errors import UsageError
from overread.geometry import axial_grid
from overread.image import Intensity, Volume
from overread.phantoms.dicom_mr import write_mr_series


def volume(intensity=Intensity.ARBITRARY, low=0):
    array = np.random.default_rng(1).integers(low, 900, (6, 9, 7)).astype(np.int16)
    return Volume(array, axial_grid((6, 9, 7), spacing_mm=(1.5, 0.8, 0.9), origin_lps=(3, -4, 5)), intensity)


def test_values_place_and_modality_come_back(tmp_path):
    made = volume()
    paths = write_mr_series(made, tmp_path / "mr", seed=4)
    series = overread.open(tmp_path / "mr").series[0]
    image = series.load()
    assert len(paths) == 6
    assert image.source.modality == "MR"
    assert image.intensity is Intensity.ARBITRARY
    np.testing.assert_array_equal(image.array, made.array)
    assert image.grid.same_place(made.grid)
    write_mr_series(made, tmp_path / "again", seed=4)
    assert (tmp_path / "again" / "MR0003.dcm").read_bytes() == paths[2].read_bytes()


def test_what_is_no_mr_is_not_written(tmp_path):
    with pytest.raises(UsageError, match="without a unit"):
        write_mr_series(volume(Intensity.HU), tmp_path / "mr", seed=1)
    with pytest.raises(UsageError, match="do not fit"):
        write_mr_series(volume(low=-50), tmp_path / "mr", seed=1)
