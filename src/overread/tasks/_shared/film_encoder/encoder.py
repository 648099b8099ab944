"""The encoder of films: EfficientNet-Lite0 as trained on ImageNet, up to its pooled features. Nothing was learned here.

Made by `python -m overread_lab.recipes.film_encoder`; the weights are under the Apache licence 2.0.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.models import Network
from overread.ops.film import harmonise, variants
from overread.runtime import Runtime

SIDE = 224
FEATURES = 1280
ENCODER_SHA256 = "9ba8c6d596c75822627c55d3d3d81022c728543860668ec2a542c948646636d8"


def open_encoder(runtime: Runtime) -> Network:
    """The shipped encoder, (n, 1, 224, 224) to (n, 1280); `IntegrityError` where the file was changed."""
    return Network.open(Path(str(files(__package__) / "encoder.onnx")), sha256=ENCODER_SHA256, runtime=runtime)


def film_features(film: NDArray[np.generic], encoder: Network) -> NDArray[np.float32]:
    """(variant, 1280) features of the copies of a film that are looked at."""
    return encoder(variants(harmonise(film), SIDE))
