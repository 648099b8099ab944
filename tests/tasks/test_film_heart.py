"""Lung fields and cardiothoracic ratio in a reading of a simulated film."""

import numpy as np
import pytest

import overread
from overread.findings import Laterality, Quality
from overread.image import Radiograph
from overread.ops.film_heart import HeartAndChest
from overread.ops.film_lungs import FilmLungs
from overread.ops.film_mirror import NUMBERS, half_differences
from overread.phantoms.film import chest_film
from overread.runtime import Runtime, silent
from overread.tasks import find_task
from overread.tasks.chest_xray_view.heart import Heart, heart_of


@pytest.fixture(scope="module")
def phantom():
    return chest_film(2)


@pytest.fixture(scope="module")
def reading(phantom):
    return find_task("chest_xray_view").read(phantom.radiograph, Runtime(1), silent)


def test_the_ratio_holds_the_truth_of_the_phantom(phantom, reading):
    found = next(m for m in reading.measurements if m.name == "cardiothoracic_ratio")
    assert found.interval.low <= phantom.settings["heart_to_chest"] <= found.interval.high
    assert found.interval.high - found.interval.low < 0.2
    assert [mark.name for mark in reading.marks] == ["cardiothoracic_ratio"] * 2


def test_both_lungs_are_outlined_on_the_patients_sides(reading):
    right, left = reading.findings
    assert (right.label, right.laterality) == ("right lung", Laterality.RIGHT)
    assert right.region.points_rc[0][1] < left.region.points_rc[0][1]  # the patient's right is left in the picture
    assert set(reading.segments.names.values()) == {"right lung", "left lung"}
    assert reading.seeks_findings is False


@pytest.mark.parametrize(("last", "quality"), [(60.0, Quality.NONE), (90.0, Quality.EXTRAPOLATED)])
def test_a_ratio_beyond_those_that_were_checked_says_so(last, quality):
    nothing = np.zeros((50, 100), bool)
    widths = HeartAndChest(((20.0, 10.0), (20.0, last)), ((25.0, 0.0), (25.0, 100.0)))
    assert Heart(FilmLungs(nothing, nothing), widths).measurement.quality is quality


def test_what_cannot_be_measured_says_so():
    nothing = np.zeros((50, 50), bool)
    heart = Heart(FilmLungs(nothing, nothing), None)
    assert heart.measurement.quality is Quality.NOT_MEASURABLE
    assert heart.marks == ()
    assert heart.mask is None
    assert heart.structures("uid") == ()


def test_segments_and_ratio_are_written_and_sound(phantom, tmp_path):
    simulated = overread.simulate("chest_xray_view", tmp_path / "film", seed=2)
    analysis = overread.analyze(simulated.series, task="chest_xray_view")
    assert isinstance(analysis.image, Radiograph)
    analysis.save(tmp_path / "out")
    assert (tmp_path / "out" / "seg.dcm").is_file()
    assert overread.validate(tmp_path / "out", against=simulated.series).sound
    assert "Cardiothoracic ratio" in (tmp_path / "out" / "report.html").read_text()


def test_the_heart_of_a_mirrored_film_lies_on_the_other_side(phantom):
    """What the head is asked of a film and of its mirror image is opposite."""
    film = phantom.radiograph
    other = Radiograph(np.ascontiguousarray(film.array[:, ::-1]))
    one, two = (half_differences(image.array, heart_of(image, Runtime(1)).lungs) for image in (film, other))
    assert one.shape == two.shape == (NUMBERS,)
    assert np.corrcoef(one, two)[0, 1] < -0.7  # the lungs of the two are found apart
    lungs = heart_of(film, Runtime(1)).lungs
    turned = FilmLungs(lungs.left[:, ::-1], lungs.right[:, ::-1])
    np.testing.assert_allclose(half_differences(other.array, turned), -one, atol=0.05)
    assert half_differences(film.array, FilmLungs(*(np.zeros(film.array.shape, bool),) * 2)) is None


def test_a_reading_says_whether_it_may_be_mirrored(reading):
    (label,) = (d for d in reading.labels if d.name == "mirrored")
    assert label.value in ("no", "perhaps")
    assert (label.value == "perhaps") == any("may be mirrored" in caveat for caveat in reading.caveats)
