"""Several networks that answer the same question: their mean, and how far they disagree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from overread.errors import UsageError
from overread.models.tiles import Run


def mean_and_sd(
    networks: Sequence[Run], images: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and between-network standard deviation (n - 1) of the answers to one input.

    Parameters
    ----------
    networks : sequence of open networks
        At least two: how far one network is from itself says nothing.
    images : (n, channel, ...) float32

    Returns
    -------
    (n, channel out, ...) float32, twice
        The spread between networks is one part of the uncertainty only: they may all be wrong together.

    Raises
    ------
    UsageError
        Fewer than two networks, or answers of different shapes.
    """
    if len(networks) < 2:
        raise UsageError(f"an ensemble needs 2 networks or more, got {len(networks)}")
    answers = [network(images) for network in networks]
    shapes = {answer.shape for answer in answers}
    if len(shapes) > 1:
        raise UsageError(f"the networks answer in different shapes: {', '.join(map(str, sorted(shapes)))}")
    mean = sum(answer.astype(np.float64) for answer in answers) / len(answers)
    squares = sum((answer.astype(np.float64) - mean) ** 2 for answer in answers)
    return np.asarray(mean, np.float32), np.sqrt(np.asarray(squares) / (len(answers) - 1)).astype(np.float32)
