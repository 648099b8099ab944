"""Lungs that are cut off at an edge, on simulated films of which a known part is gone."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from overread.image import Radiograph
from overread.models import read_heads
from overread.ops.film_cut import CELLS, COARSE, NUMBERS, SIDES, cut_numbers, lung_map
from overread.ops.film_lungs import SIZE, bounds
from overread.phantoms.film import chest_film
from overread.runtime import Runtime, silent
from overread.tasks import find_task
from overread.tasks.chest_xray_view.cut import CUT, cut_sides
from overread.tasks.chest_xray_view.heart import lung_finder


@pytest.fixture(scope="module")
def film():
    return chest_film(4).radiograph.array


@pytest.fixture(scope="module")
def cut(film):
    """The film without 15 % of the box around both lungs at each side."""
    box = bounds(lung_finder(1).find(film).both)
    rows, columns = (int(0.15 * n) for n in box.shape)
    return {
        "top": film[box.rows[0] + rows :],
        "bottom": film[: box.rows[1] - rows],
        "left": film[:, box.columns[0] + columns :],
        "right": film[:, : box.columns[1] - columns],
    }


def heads():
    folder = Path(str(files("overread.tasks.chest_xray_view")))
    return read_heads(folder / CUT, sha256=find_task("chest_xray_view").card().weights[CUT])[0]


def answer(film):
    reading = find_task("chest_xray_view").read(Radiograph(np.ascontiguousarray(film)), Runtime(1), silent)
    return next(label for label in reading.labels if label.name == "cut_off"), reading.caveats


def test_whole_lungs_are_not_warned_of(film):
    label, caveats = answer(film)
    assert label.value == "no"
    assert not any("cut off at" in text for text in caveats)


@pytest.mark.parametrize("side", SIDES)
def test_the_side_that_is_cut_is_named(cut, side):
    found = cut_sides(np.ascontiguousarray(cut[side]), lung_finder(1).network, heads())
    assert found == (side,)


def test_a_reading_warns_of_it_first(cut):
    label, caveats = answer(cut["left"])
    assert label.value == "perhaps"
    assert "The lungs may be cut off at the left of the film." in caveats[:2]


def test_a_lateral_is_not_asked():
    lateral = chest_film(3, view="lateral").radiograph
    reading = find_task("chest_xray_view").read(lateral, Runtime(1), silent)
    assert reading.assessable
    assert "cut_off" not in [label.name for label in reading.labels]


def test_numbers_turn_with_the_film():
    """What is told of the top of a film is told of the left of the film turned to the left."""

    def as_bright(square):  # a network that does not know up from down
        return square

    rows, columns = np.mgrid[:256, :256]
    blobs = np.exp(-((rows - 40) ** 2 + (columns - 110) ** 2) / 900) + np.exp(
        -((rows - 190) ** 2 + (columns - 230) ** 2) / 400
    )
    one, two = cut_numbers(blobs, as_bright), cut_numbers(np.rot90(blobs), as_bright)
    each = (NUMBERS - 2 * COARSE**2) // len(SIDES)
    for n, side in enumerate(SIDES):
        turned = SIDES.index({"top": "left", "right": "top", "bottom": "right", "left": "bottom"}[side])
        np.testing.assert_allclose(
            one[n * each : (n + 1) * each], two[turned * each : (turned + 1) * each], atol=0.06, err_msg=side
        )
    assert np.ptp(one) > 0.5


@pytest.mark.parametrize("shape", [(200, 300), (431, 170)])
def test_the_map_covers_the_film_and_nothing_beside_it(shape):
    film = np.full(shape, 0.5, np.float32)
    film[: shape[0] // 2] = 1

    def bright(squares):
        assert squares.shape == (1, 1, SIZE, SIZE)
        return (squares > 0.75).astype(np.float32)

    found = lung_map(film, bright)
    assert found.shape == (CELLS, CELLS)
    np.testing.assert_array_equal(found[: CELLS // 2 - 1], 1)
    np.testing.assert_array_equal(found[CELLS // 2 + 1 :], 0)
