"""Laws of tiles: what gives its input back gives the image back, in any order, within any memory that suffices."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from overread.errors import ResourceError, UsageError
from overread.models import Blend, Network, TilePlan, tiled, tiled_bands
from overread.runtime import Runtime

ONE = Runtime(threads=1)
values = st.floats(-3000, 3000, width=32)
images = st.integers(2, 3).flatmap(
    lambda n: hnp.arrays(np.float32, hnp.array_shapes(min_dims=n, max_dims=n, max_side=13), elements=values)
)


@st.composite
def images_and_plans(draw):
    image = draw(images)
    tile = tuple(draw(st.integers(1, 6)) for _ in image.shape)
    return image, TilePlan(tile, draw(st.floats(0, 0.9)), draw(st.floats(0.05, 2)))


@given(images_and_plans())
@settings(max_examples=150, deadline=None)
def test_a_network_that_returns_its_input_gives_the_image_back(drawn):
    image, plan = drawn
    np.testing.assert_allclose(tiled(lambda part: part, image, plan, runtime=ONE)[0], image, rtol=1e-7, atol=8e-9)


@given(images_and_plans())
@settings(max_examples=60, deadline=None)
def test_tiles_cover_every_pixel_and_stay_inside(drawn):
    image, plan = drawn
    for axis, length in enumerate(image.shape):
        starts = plan.starts(axis, length)
        assert starts == sorted(set(starts))
        assert starts[0] == 0
        assert starts[-1] == max(0, length - plan.tile[axis])
        assert all(b - a <= plan.tile[axis] for a, b in itertools.pairwise(starts))


@given(images_and_plans(), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_the_order_of_tiles_changes_no_bit(drawn, seed):
    image, plan = drawn
    image = np.pad(image, [(0, max(0, t - n)) for n, t in zip(image.shape, plan.tile, strict=True)], mode="edge")

    def run(part):  # what depends on the place in the tile, as border effects do
        return part * np.linspace(0.5, 1.5, part.size, dtype=np.float32).reshape(part.shape)

    corners = list(itertools.product(*(plan.starts(axis, n) for axis, n in enumerate(image.shape))))
    np.random.default_rng(seed).shuffle(corners)
    blend = Blend(1, image.shape, plan)
    for corner in map(tuple, corners):
        at = tuple(slice(first, first + n) for first, n in zip(corner, plan.tile, strict=True))
        blend.add(corner, run(image[at][None, None])[0])
    assert blend.take(image.shape[0]).tobytes() == tiled(run, image, plan, runtime=ONE).tobytes()


def test_weights_are_those_of_a_gaussian():
    # One axis, two tiles of 4 that share pixels 2 and 3: weights exp(-x^2/2 / (4/2)^2) at x = .5 and 1.5.
    plan = TilePlan((1, 4), overlap=0.5, sigma=0.5)
    tiles = iter([np.zeros((1, 1, 1, 4), np.float32), np.ones((1, 1, 1, 4), np.float32)])
    found = tiled(lambda part: next(tiles), np.zeros((1, 6), np.float32), plan, runtime=ONE)[0, 0]
    near, far = np.exp(-0.5 * (0.5 / 2) ** 2), np.exp(-0.5 * (1.5 / 2) ** 2)
    np.testing.assert_allclose(found, [0, 0, far / (near + far), near / (near + far), 1, 1], atol=2e-4)


def test_several_channels_in_and_out():
    image = np.random.default_rng(0).random((3, 11, 9)).astype(np.float32)
    found = tiled(lambda part: part[:, ::-1], image, TilePlan((4, 5)), runtime=ONE)
    np.testing.assert_allclose(found, image[::-1], atol=8e-9)


def test_bands_need_the_memory_of_one_layer():
    image, plan = np.zeros((600, 40, 40), np.float32), TilePlan((8, 16, 16))
    layer = Runtime(threads=1, max_memory_bytes=8 * 2 * 8 * 40 * 40)
    bands = [band.shape[1] for _, band in tiled_bands(lambda part: part, image, plan, runtime=layer)]
    assert sum(bands) == 600
    assert max(bands) <= 8
    with pytest.raises(ResourceError, match=r"the whole answer needs 4 MiB.*--max-memory"):
        tiled(lambda part: part, image, plan, runtime=layer)
    with pytest.raises(ResourceError, match="a layer of tiles"):
        tiled(lambda part: part, image, plan, runtime=Runtime(threads=1, max_memory_bytes=1000))


def test_one_tile_of_the_whole_size_is_the_network_itself(convolution_network):
    path, digest, image = convolution_network
    network = Network.open(path, sha256=digest, runtime=ONE)
    found = tiled(network, image[0, 0], TilePlan(image.shape[2:]), runtime=ONE)
    np.testing.assert_allclose(found, network(image)[0], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 2.0**18])
def test_values_that_cannot_be_blended_are_refused(bad):
    with pytest.raises(UsageError, match="no number, or beyond"):
        tiled(lambda part: part + np.float32(bad), np.zeros((4, 4), np.float32), TilePlan((4, 4)), runtime=ONE)


def test_what_no_tile_covers_has_no_mean():
    blend = Blend(1, (4, 8), TilePlan((4, 4)))
    blend.add((0, 0), np.ones((1, 4, 4), np.float32))
    with pytest.raises(UsageError, match="uncovered"):
        blend.take(4)


@pytest.mark.parametrize("shape", [(4,), (2, 3, 4, 5), (0, 4)])
def test_images_of_other_axes_are_refused(shape):
    with pytest.raises(UsageError, match="need a float32 image"):
        tiled(lambda part: part, np.zeros(shape, np.float32), TilePlan((4, 4)), runtime=ONE)


@pytest.mark.parametrize(
    "arguments", [{"tile": (4,)}, {"tile": (0, 4)}, {"tile": (4, 4), "overlap": 1.0}, {"tile": (4, 4), "sigma": 0.0}]
)
def test_impossible_plans_are_refused(arguments):
    with pytest.raises(UsageError):
        TilePlan(**arguments)
