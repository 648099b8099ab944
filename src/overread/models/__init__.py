"""Learned models as files with a digest, evaluated without the library that fitted them: forests and networks."""

from overread.models.ensemble import mean_and_sd
from overread.models.forest import Forest, read_forests, write_forests
from overread.models.network import Network, Port
from overread.models.tiles import Blend, TilePlan, tiled, tiled_bands

__all__ = [
    "Blend",
    "Forest",
    "Network",
    "Port",
    "TilePlan",
    "mean_and_sd",
    "read_forests",
    "tiled",
    "tiled_bands",
    "write_forests",
]
