"""Where in a picture the evidence for an answer lies: by class activation, or by covering parts (model-free).

Neither says why: a map shows what moved the answer, which may be a letter or the bed as well as the lung.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from overread.errors import UsageError
from overread.models.linear import LinearHead

LEAST_CLASSES = 2


def contrast(head: LinearHead, name: str) -> tuple[NDArray[np.float64], float]:
    """(feature,) weights and bias of one class less the mean of its rivals'; what all classes share says nothing.

    Raises
    ------
    UsageError
        The head has no such class, or only one.
    """
    if name not in head.classes or len(head.classes) < LEAST_CLASSES:
        raise UsageError(f"the head has no class {name!r} among others", way_out=f"It has {', '.join(head.classes)}.")
    place = head.classes.index(name)
    weight, bias = head.weight.astype(np.float64), head.bias.astype(np.float64)
    rivals = np.delete(weight, place, axis=0).mean(axis=0)
    return weight[place] - rivals, float(bias[place] - np.delete(bias, place).mean())


def class_activation(head: LinearHead, maps: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    """What each cell of the last feature map says for one class against its rivals, in logits.

    Parameters
    ----------
    maps : (copy, feature, row, column) float32
        The feature map whose mean over rows and columns the head takes.

    Returns
    -------
    (copy, row, column) float32
        Positive speaks for the class. Exact: the mean over the cells is the logit of the class less the mean logit of
        its rivals; the bias is shared by the cells alike.

    Raises
    ------
    UsageError
        The maps do not fit the head, or the head has no such class.

    Notes
    -----
    Zhou et al. 2016, CAM; with a linear head on pooled features it is Grad-CAM (Selvaraju et al. 2017) without the
    clipping at 0, which would hide what speaks against.
    """
    if maps.ndim != 4 or maps.shape[1] != head.weight.shape[1]:
        raise UsageError(f"feature maps are {maps.shape}, expected (copy, {head.weight.shape[1]}, row, column)")
    weight, bias = contrast(head, name)
    cells: NDArray[np.float64] = np.einsum("f,nfrc->nrc", weight, maps.astype(np.float64)) + bias
    return cells.astype(np.float32)


def occlusion(
    score: Callable[[NDArray[np.float32]], NDArray[np.floating]],
    picture: NDArray[np.float32],
    *,
    patch: int,
    step: int,
    fill: float | None = None,
) -> NDArray[np.float32]:
    """How much a score falls when a square of the picture is covered; needs no look into the model.

    Parameters
    ----------
    score : callable
        (n, row, column) float32 pictures to (n,) scores.
    picture : (row, column) float32
    patch, step : int
        Side of the square and the way from one to the next, pixels.
    fill : float or None
        What covers; None takes the mean of the picture.

    Returns
    -------
    (row, column) float32
        Mean fall over the squares that cover a pixel, in units of the score; positive spoke for it.

    Raises
    ------
    UsageError
        `patch` or `step` do not fit the picture, or would leave pixels uncovered.

    Notes
    -----
    Zeiler and Fergus 2014.
    """
    if picture.ndim != 2 or not 0 < step <= patch <= min(picture.shape):
        raise UsageError(f"patch {patch} and step {step} do not fit a picture of {picture.shape}, 0 < step <= patch")
    tone = np.float32(picture.mean() if fill is None else fill)
    whole = float(score(picture[None])[0])
    fall, times = np.zeros(picture.shape), np.zeros(picture.shape)
    for top in _starts(picture.shape[0], patch, step):
        lefts = _starts(picture.shape[1], patch, step)
        covered = np.repeat(picture[None], len(lefts), axis=0)
        for one, left in zip(covered, lefts, strict=True):
            one[top : top + patch, left : left + patch] = tone
        for left, value in zip(lefts, score(covered), strict=True):
            fall[top : top + patch, left : left + patch] += whole - float(value)
            times[top : top + patch, left : left + patch] += 1
    return np.asarray((fall / times).astype(np.float32))


def _starts(length: int, patch: int, step: int) -> list[int]:
    """First pixels of squares, the last one flush with the end."""
    return sorted({*range(0, length - patch + 1, step), length - patch})
