"""What tasks on projection films share: the encoder and its features."""

from overread.tasks._shared.film_encoder.encoder import ENCODER_SHA256, SIDE, film_features, open_encoder

__all__ = ["ENCODER_SHA256", "SIDE", "film_features", "open_encoder"]
