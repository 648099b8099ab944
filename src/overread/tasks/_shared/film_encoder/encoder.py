"""The encoder of films: EfficientNet-Lite0 as trained on ImageNet, up to its pooled features. Nothing was learned here.

Made by `python -m overread_lab.recipes.film_encoder`; the weights are under the Apache licence 2.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.models import LinearHead, Network, class_activation
from overread.ops.film import Box, harmonise, harmonise_placed, variants
from overread.ops.film_copies import copies_to_film
from overread.runtime import Runtime

SIDE = 224
FEATURES = 1280
ENCODER_SHA256 = "9ba8c6d596c75822627c55d3d3d81022c728543860668ec2a542c948646636d8"
POOLED, LAST_MAP = "features", "hardtanh_32"
"""Values of the file: the pooled features, and the (n, 1280, 7, 7) map whose mean they are."""


MAP_METHOD = "class activation map, 7 x 7 cells, mean over five copies of the film"


def open_encoder(runtime: Runtime, *, with_map: bool = False) -> Network:
    """The shipped encoder, (n, 1, 224, 224) to (n, 1280); `IntegrityError` where the file was changed.

    With `with_map` it has the last feature map as a second output, and its features are the same to the last bit.
    """
    path = Path(str(files(__package__) / "encoder.onnx"))
    return Network.open(path, sha256=ENCODER_SHA256, runtime=runtime, also=(LAST_MAP,) if with_map else ())


def film_features(film: NDArray[np.generic], encoder: Network) -> NDArray[np.float32]:
    """(variant, 1280) features of the copies of a film that are looked at."""
    return features_of(variants(harmonise(film), SIDE), encoder)


def features_of(copies: NDArray[np.float32], encoder: Network) -> NDArray[np.float32]:
    """(n, 1280) features of (n, 1, 224, 224) squares, whether the encoder was opened with its map or not."""
    answer: NDArray[np.float32] = encoder.run({encoder.inputs[0].name: copies})[POOLED]
    return answer


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What the encoder saw of one film.

    Parameters
    ----------
    copies : (variant, 1, 224, 224) float32
        What it looked at.
    features : (variant, 1280) float32
        As from `film_features`.
    maps : (variant, 1280, 7, 7) float32
        Their means over the cells are the features.
    shape, harmonised : (rows, columns)
        Of the film, and of it after `harmonise`.
    box : Box
        The part of the film that is looked at.
    """

    copies: NDArray[np.float32]
    features: NDArray[np.float32]
    maps: NDArray[np.float32]
    shape: tuple[int, int]
    harmonised: tuple[int, int]
    box: Box

    def on_film(self, cells: NDArray[np.float32]) -> NDArray[np.float32]:
        """(row, column) in pixels of the film from (variant, row, column) cells of its copies; 0 beyond `box`."""
        return copies_to_film(cells, SIDE, self.harmonised, self.box, self.shape)


def look_at(film: NDArray[np.generic], encoder: Network) -> Look:
    """Features of a (row, column) film with the maps behind them; `encoder` was opened with its map."""
    plain, box = harmonise_placed(film)
    copies = variants(plain, SIDE)
    answers = encoder.run({encoder.inputs[0].name: copies})
    shape, harmonised = ((int(array.shape[0]), int(array.shape[1])) for array in (film, plain))
    return Look(copies, answers[POOLED], answers[LAST_MAP], shape, harmonised, box)


def evidence_map(look: Look, head: LinearHead, name: str) -> NDArray[np.float32]:
    """(row, column) float32 in pixels of the film: what each place says for a class against its rivals, in logits.

    Positive speaks for the class; 0 beyond what is looked at. It is coarse: seven cells along the longer side.
    """
    return look.on_film(class_activation(head, look.maps, name))
