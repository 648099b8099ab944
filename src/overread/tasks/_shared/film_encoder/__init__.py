"""What tasks on projection films share: the encoder, its features, and where they come from."""

from overread.tasks._shared.film_encoder.encoder import (
    ENCODER_SHA256,
    LAST_MAP,
    MAP_METHOD,
    SIDE,
    Look,
    evidence_map,
    features_of,
    film_features,
    look_at,
    open_encoder,
)

__all__ = [
    "ENCODER_SHA256",
    "LAST_MAP",
    "MAP_METHOD",
    "SIDE",
    "Look",
    "evidence_map",
    "features_of",
    "film_features",
    "look_at",
    "open_encoder",
]
