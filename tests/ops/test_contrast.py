"""Contrast to noise: the worked example, the bound of the union reading, HX's own table, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from overread.errors import UsageError
from overread.ops.contrast import ContrastCase, ContrastStudy, ContrastToNoise, compare_contrast, contrast_to_noise


def regions(inside, background):
    image = np.array([*inside, *background], float)
    first = np.arange(image.size) < len(inside)
    return image, first, ~first


def test_worked_example_in_all_readings():
    found = contrast_to_noise(*regions([10, 12, 14] * 10, [4, 6, 8] * 10))
    assert found.difference == 6
    assert (found.rms, found.sum, found.background, found.union) == pytest.approx(
        (3.674, 2.598, 3.674, 1.757), abs=5e-4
    )


def test_union_follows_from_rms_and_stays_below_two():
    rng = np.random.default_rng(2)
    for distance in (0.1, 1.0, 5.0, 50.0):
        found = contrast_to_noise(*regions(rng.normal(distance, 1, 400), rng.normal(0, 2, 400)))
        assert found.union == pytest.approx(found.rms / math.sqrt(1 + found.rms**2 / 4), rel=1e-12)
        assert found.union < 2
        assert found.sum == pytest.approx(found.rms / math.sqrt(2), rel=1e-12)


def test_gain_over_the_best_alternative_of_the_paper():
    values = {"a": 1.50296, "b": 1.53246, "ours": 1.96304}
    study = ContrastStudy({name: (ContrastToNoise(1, v, v, v, v),) for name, v in values.items()})
    assert study.gain_over_best("ours")[0] == pytest.approx(0.281, abs=5e-4)
    with pytest.raises(UsageError, match="Methods: a, b, ours"):
        study.of("c")
    with pytest.raises(UsageError, match="another method"):
        ContrastStudy({"a": study.values["a"]}).gain_over_best("a")


def test_methods_are_compared_case_by_case():
    rng = np.random.default_rng(1)
    cases = [ContrastCase(*regions(rng.normal(3, 1, 90), rng.normal(0, 1, 90))) for _ in range(3)]
    study = compare_contrast(cases, {"as is": lambda image: image, "halved": lambda image: image / 2})
    np.testing.assert_allclose(study.gain_over_best("halved"), 0, atol=1e-12)
    assert (study.of("as is") != study.of("as is")[0]).any()
    with pytest.raises(UsageError, match="do not fit"):
        compare_contrast(cases, {"shorter": lambda image: image[1:]})
    with pytest.raises(UsageError, match="0 methods on 3 cases"):
        compare_contrast(cases, {})


def test_regions_without_noise():
    assert contrast_to_noise(*regions([2] * 20, [1] * 20)).rms == math.inf
    assert contrast_to_noise(*regions([2] * 20, [2] * 20)).rms == 0


@pytest.mark.parametrize(
    ("inside", "background", "words"),
    [([1] * 19, [0] * 20, "19 and 20"), ([np.nan] * 20, [0] * 20, "not finite"), ([], [0] * 20, "0 and 20")],
)
def test_regions_that_say_too_little_are_refused(inside, background, words):
    with pytest.raises(UsageError, match=words):
        contrast_to_noise(*regions(inside, background))


def test_overlap_is_refused():
    image, first, _ = regions([1] * 20, [0] * 20)
    with pytest.raises(UsageError, match="overlap"):
        contrast_to_noise(image, first, first)
