"""The study of lung fields on drawn films whose lungs are known."""

import csv

import numpy as np
import pytest
from PIL import Image

from overread.ops.film_lungs import FilmLungs, lungs_from_score
from overread_lab.datasets.chest_xray import read_cases
from overread_lab.studies.film_lungs import Row, box_iou, changes, study, summary

ROW, COLUMN = np.mgrid[:100, :120]
LUNGS = sum(((ROW - 50) / 35) ** 2 + ((COLUMN - at) / 20) ** 2 <= 1 for at in (35, 85)) > 0
FILM = np.where(LUNGS, 50, 200).astype(np.uint8)
RIGHT_BOX, LEFT_BOX = (15.0, 15.0, 56.0, 86.0), (65.0, 15.0, 106.0, 86.0)


def test_box_overlap_by_hand():
    inside = np.zeros((10, 10), dtype=bool)
    inside[2:6, 2:6] = True
    assert box_iou(inside, (2, 2, 6, 6)) == 1
    assert box_iou(inside, (4, 2, 8, 6)) == pytest.approx(8 / 24)
    assert box_iou(inside, (7, 7, 9, 9)) == 0
    assert box_iou(np.zeros((10, 10), dtype=bool), (2, 2, 6, 6)) == 0


def test_summary_by_hand():
    rows = [
        Row("dice", "a", "pa", 0.9),
        Row("dice", "a", "ap", 0.4),
        Row("dice", "b", "pa", 0.8),
        Row("x", "b", "pa", 0),
    ]
    found = summary(rows, "dice")
    assert (found["mean"], found["films"], found["patients"]) == (0.7, 3, 2)
    assert found["below_half"] == pytest.approx(1 / 3, abs=1e-4)
    assert summary(rows, "dice", "pa")["mean"] == pytest.approx(0.85)


def test_changed_films_keep_pixels_with_their_truth():
    code = np.arange(1, FILM.size + 1).reshape(FILM.shape)
    for name, (film, truth) in changes(code, LUNGS).items():
        assert film.shape == truth.shape
        assert film.shape != code.shape or "inverted" in name
        if "inverted" not in name:
            assert (truth <= LUNGS.ravel()[film - 1]).all(), name
    assert changes(code, LUNGS)["top 15 % cut off"][0][0, 0] == code[15, 0]


@pytest.fixture
def cases(tmp_path):
    """Two films of two patients in two folds: one with a mask and boxes, one with boxes only."""
    for name, array in (("film", FILM), ("mask", LUNGS.astype(np.uint8))):
        Image.fromarray(array).save(tmp_path / f"{name}.png")
    with (tmp_path / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "image", "mask", "label", "group", "source", "fold"])
        writer.writerow(("a", "film.png", "mask.png", "pa", "g1", "s", 0))
        writer.writerow(("b", "film.png", "", "ap", "g2", "s", 1))
    with (tmp_path / "lung_boxes.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "label", "x0", "y0", "x1", "y1"])
        for case in "ab":
            writer.writerow((case, "right_lung", *RIGHT_BOX))
            writer.writerow((case, "left_lung", *LEFT_BOX))
    return read_cases(tmp_path)


def test_each_film_is_read_by_the_finder_of_its_fold(cases):
    asked = []

    def dark(film):
        asked.append("dark")
        return lungs_from_score((film < 100).astype(float))

    def blind(film):
        asked.append("blind")
        none = np.zeros(film.shape, dtype=bool)
        return FilmLungs(none, none)

    rows = study(cases, {0: dark, 1: blind})
    figures = {row.figure: row.score for row in rows}
    assert figures["dice"] == 1
    assert figures["dice, top 15 % cut off"] == 1
    assert figures["dice, contrast inverted (must fail)"] < 0.6  # the film without its lungs, holes filled
    assert figures["box overlap of the masks themselves, right"] == 1
    assert (figures["box overlap, right"], figures["box overlap, left"]) == (0, 0)
    assert asked == ["dark"] * 6 + ["blind"]
    assert [row.score for row in study(cases, {1: dark})] == [1, 1]
