"""Films of simulated chests: a ball of known size and density projects to what arithmetic says."""

import shutil
import subprocess

import numpy as np
import pytest

from overread.errors import UsageError
from overread.geometry import axial_grid
from overread.image import Intensity, Volume
from overread.phantoms.dicom_film import write_film
from overread.phantoms.film import WATER_PER_MM, chest_film, project


def test_a_ball_of_water_projects_to_its_chords():
    grid = axial_grid((61, 61, 61), spacing_mm=(1.0, 1.0, 1.0), origin_lps=(-30.0, -30.0, -30.0))
    k, j, i = np.indices(grid.shape) - 30
    hu = np.where(k**2 + j**2 + i**2 <= 20**2, 0, -1000).astype(np.int16)
    for axis in (1, 2):
        paths = project(Volume(hu, grid, Intensity.HU), axis)
        assert paths[30, 30] == pytest.approx(41 * WATER_PER_MM)
        assert paths[30, 42] == pytest.approx(33 * WATER_PER_MM)  # chord of 2 * sqrt(20^2 - 12^2), both ends counted
        assert paths[0, 0] == 0


@pytest.fixture(scope="module")
def film():
    return chest_film(4)


def test_lungs_are_dark_beside_the_middle_and_the_same_seed_gives_the_same_film(film):
    array = film.radiograph.array
    rows = slice(array.shape[0] // 3, array.shape[0] // 2)
    columns = array.shape[1]
    lungs = [array[rows, columns * a // 100 : columns * b // 100].mean() for a, b in ((25, 40), (60, 75))]
    assert max(lungs) < 0.8 * array[rows, columns * 48 // 100 : columns * 52 // 100].mean()
    assert array.max() == 4095
    np.testing.assert_array_equal(array, chest_film(4).radiograph.array)
    with pytest.raises(UsageError, match="unknown view"):
        chest_film(4, view="oblique")


def test_the_file_is_the_same_each_time_and_valid(film, tmp_path):
    one, two = write_film(film, tmp_path / "a"), write_film(film, tmp_path / "b")
    assert one.read_bytes() == two.read_bytes()
    if shutil.which("dciodvfy") is None:
        pytest.skip("dicom3tools is not installed")
    done = subprocess.run(["dciodvfy", "-new", str(one)], capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if line.startswith("Error")] == []
    assert done.returncode == 0
