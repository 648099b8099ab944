"""What the nodule task accepts, doubts and refuses."""

import numpy as np
import pytest

from overread.findings import ScopeAnswer
from overread.geometry import axial_grid
from overread.image import Intensity, Source, Volume
from overread.tasks.chest_ct_nodule.scope import scope_of_headers, scope_of_image

CT = Source(kind="dicom", modality="CT")


def chest_like(fill=-850, shape=(40, 32, 36), spacing_mm=(2.5, 0.7, 0.8), source=CT, intensity=Intensity.HU):
    image = np.full(shape, 40, np.int16)
    image[:, 4:20, 5:25] = fill
    return Volume(image, axial_grid(shape, spacing_mm=spacing_mm), intensity, source)


def codes(scope):
    return [reason.code for reason in scope.reasons]


def test_chest_ct_is_accepted():
    assert scope_of_image(chest_like()).answer is ScopeAnswer.YES


@pytest.mark.parametrize(
    ("image", "code"),
    [
        (chest_like(source=Source(kind="dicom", modality="MR")), "not_ct"),
        (chest_like(source=Source(kind="picture")), "picture"),
        (chest_like(intensity=Intensity.ARBITRARY, source=Source(kind="nifti")), "unit_unknown"),
        (chest_like(fill=30), "no_air"),
        (chest_like(shape=(8, 32, 36)), "too_short"),
        (chest_like(spacing_mm=(7.5, 0.7, 0.8)), "coarse"),
        (chest_like(spacing_mm=(2.5, 0.7, 1.5)), "coarse"),
    ],
)
def test_refusals_are_coded(image, code):
    scope = scope_of_image(image)
    assert scope.answer is ScopeAnswer.NO
    assert code in codes(scope)
    assert all(reason.text for reason in scope.reasons)


def test_not_a_number_is_refused():
    image = chest_like()
    array = image.array.astype(np.float32)
    array[0, 0, 0] = np.nan
    scope = scope_of_image(Volume(array, image.grid, image.intensity, image.source))
    assert codes(scope) == ["not_finite"]


def test_thick_slices_are_doubtful():
    scope = scope_of_image(chest_like(spacing_mm=(5.0, 0.7, 0.8)))
    assert scope.answer is ScopeAnswer.DOUBTFUL
    assert codes(scope) == ["thick_slices"]


def test_other_body_part_is_doubtful():
    source = Source(kind="dicom", modality="CT", facts={"body_part": "HEAD"})
    assert codes(scope_of_headers(source, (100, 512, 512), (2.5, 0.7, 0.7))) == ["body_part"]


def test_unknown_spacing_is_refused():
    assert codes(scope_of_headers(CT, (100, 512, 512), None)) == ["no_spacing"]
