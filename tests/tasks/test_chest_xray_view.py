"""View and quality of chest films: refusals with reasons, answers on real films where these are at hand."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

import overread
from overread.findings import ScopeAnswer
from overread.geometry import axial_grid
from overread.image import Frames, Intensity, Radiograph, Source, Volume
from overread.runtime import Runtime, silent
from overread.tasks import find_task
from overread.tasks._shared.film_encoder import film_features, open_encoder
from overread.tasks.chest_xray_view.plan import TURNS, VIEWS

TASK = find_task("chest_xray_view")


def film(seed: int = 1, shape: tuple[int, int] = (300, 260)) -> np.ndarray:
    """Smooth, with two dark fields: enough to be let in."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]] / np.array(shape)[:, None, None]
    picture = 3000 - 1800 * np.exp(-(((rows - 0.5) / 0.3) ** 2) - ((columns - 0.28) / 0.14) ** 2)
    picture -= 1800 * np.exp(-(((rows - 0.5) / 0.3) ** 2) - ((columns - 0.72) / 0.14) ** 2)
    return (picture + rng.normal(0, 30, shape)).clip(0, 4095).astype(np.uint16)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """A frontal film of a simulated chest, written as DICOM."""
    return overread.simulate("chest_xray_view", tmp_path_factory.mktemp("film") / "phantom", seed=2)


def test_a_simulated_film_is_read_from_its_file_as_it_was_made(simulated, tmp_path):
    image = overread.open(simulated.series).series[0].load()
    np.testing.assert_array_equal(image.array, simulated.phantom.radiograph.array)
    again = overread.simulate("chest_xray_view", tmp_path / "again", seed=2)
    assert (again.series / "film.dcm").read_bytes() == (simulated.series / "film.dcm").read_bytes()
    assert json.loads(simulated.truth.read_text())["view"] == "frontal"
    lungs = image.array[150:300]
    assert lungs[:, 120:180].mean() < 0.7 * lungs[:, 225:255].mean()  # air beside the spine


def test_a_simulated_film_is_analysed_and_written(simulated, tmp_path):
    assert overread.analyze(simulated.series).reading.provenance.task == "chest_xray_triage"  # it answers for both
    analysis = overread.analyze(simulated.series, task="chest_xray_view")
    analysis.save(tmp_path / "out")
    assert (tmp_path / "out" / "sr.dcm").is_file()
    assert overread.validate(tmp_path / "out", against=simulated.series).sound


def reasons(image) -> list[str]:
    reading = TASK.read(image, Runtime(1), silent)
    assert reading.assessable is (not reading.reasons)
    return [reason.code for reason in reading.reasons]


@pytest.mark.parametrize(
    ("image", "code"),
    [
        (Radiograph(np.full((200, 200), 7, np.uint16)), "blank"),
        (Radiograph(np.random.default_rng(1).integers(0, 4095, (300, 300), dtype=np.uint16)), "noise"),
        (Radiograph(np.zeros((100, 100, 3), np.uint8)), "colour"),
        (Radiograph(film(shape=(40, 200))), "too_small"),
        (Frames(np.zeros((3, 100, 100), np.uint8)), "not_a_radiograph"),
        (
            Volume(np.zeros((3, 100, 100), np.int16), axial_grid((3, 100, 100), spacing_mm=(1, 1, 1)), Intensity.HU),
            "not_a_radiograph",
        ),
        (Radiograph(film(), source=Source(kind="dicom", modality="US")), "not_a_film"),
    ],
)
def test_what_is_no_chest_film_is_refused_with_its_reason(image, code):
    assert code in reasons(image)


def test_headers_alone_tell_what_suits():
    plain = Source(kind="dicom", modality="DX")
    assert TASK.suits(plain, (1, 2000, 2000), None).answer is ScopeAnswer.YES
    assert TASK.suits(plain, (12, 2000, 2000), None).answer is ScopeAnswer.NO
    assert TASK.suits(Source(kind="dicom", modality="CT"), (100, 512, 512), (1.0, 0.7, 0.7)).answer is ScopeAnswer.NO
    hand = Source(kind="dicom", modality="DX", facts={"body_part": "HAND"})
    assert TASK.suits(hand, (1, 2000, 2000), None).answer is ScopeAnswer.DOUBTFUL


def test_probabilities_sum_to_one_and_answers_do_not_depend_on_threads():
    image = Radiograph(film())
    one, two = (TASK.read(image, Runtime(n), silent) for n in (1, 2))
    assert one.labels == two.labels
    assert one.measurements == two.measurements
    if one.assessable:
        values = {m.name: m.value for m in one.measurements}
        assert set(values) == {f"view_{name}" for name in VIEWS}
        assert sum(values.values()) == pytest.approx(1.0)


def test_the_view_of_the_header_is_shown_but_does_not_enter():
    plain = TASK.read(Radiograph(film()), Runtime(1), silent)
    told = TASK.read(
        Radiograph(film(), source=Source(kind="dicom", modality="DX", facts={"view": "LATERAL"})), Runtime(1), silent
    )
    assert told.measurements == plain.measurements
    if told.assessable:
        assert told.labels[-1].value == "LATERAL"


def test_features_have_the_shape_of_the_encoder():
    assert film_features(film(), open_encoder(Runtime(1))).shape == (5, 1280)


@pytest.fixture(scope="module")
def real(shared_data):
    """Two films of each label and source."""
    folder = shared_data / "chest_xray"
    chosen = {}
    with (folder / "manifest.csv").open() as file:
        for row in csv.DictReader(file):
            chosen.setdefault((row["label"], row["source"]), []).append(folder / row["image"])
    return {key: paths[:2] for key, paths in chosen.items()}


def test_real_films_are_told_apart_and_turned_ones_refused(real):
    """In training as they are: this checks that the shipped files belong together, not how well they do."""
    right, turned, count = 0, 0, 0
    frontal = {"adult_frontal", "bedside"}
    expected = {"lateral": {"lateral"}, "child": {"child"}}
    for (label, _), paths in real.items():
        for path in paths:
            image = overread.open(path).series[0].load()
            reading = TASK.read(image, Runtime(1), silent)
            right += any(d.name == "view" and d.value in expected.get(label, frontal) for d in reading.labels)
            upside_down = Radiograph(np.ascontiguousarray(image.array[::-1, ::-1]))
            turned += "upside_down" in reasons(upside_down)
            count += 1
    assert right >= 0.85 * count
    assert turned >= 0.95 * count
    assert TURNS[2] == "upside_down"
