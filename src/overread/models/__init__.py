"""Learned models as data: arrays in a file with a digest, evaluated without the library that fitted them."""

from overread.models.forest import Forest, read_forests, write_forests

__all__ = ["Forest", "read_forests", "write_forests"]
