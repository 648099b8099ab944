"""Mean and spread of networks with known answers."""

import numpy as np
import pytest

from overread.errors import UsageError
from overread.models import mean_and_sd


def test_mean_and_spread_by_hand():
    image = np.ones((1, 1, 2, 2), np.float32)
    mean, sd = mean_and_sd([lambda x: x * 1, lambda x: x * 2, lambda x: x * 6], image)
    np.testing.assert_allclose(mean, 3 * image)
    np.testing.assert_allclose(sd, np.sqrt((4 + 1 + 9) / 2) * image, rtol=1e-6)
    assert mean.dtype == sd.dtype == np.float32


def test_one_network_has_no_spread():
    with pytest.raises(UsageError, match="2 networks or more, got 1"):
        mean_and_sd([lambda x: x], np.ones((1, 1), np.float32))


def test_answers_of_different_shapes_are_refused():
    with pytest.raises(UsageError, match="different shapes"):
        mean_and_sd([lambda x: x, lambda x: x[:, :, :1]], np.ones((1, 1, 2, 2), np.float32))
