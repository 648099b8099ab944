"""The phantom of this task: one chest with a nodule of each kind and attachment."""

from __future__ import annotations

from overread.phantoms import Phantom
from overread.phantoms.chest import Wanted, chest

NODULES = (
    Wanted(8.0, "solid", "isolated", "smooth"),
    Wanted(12.0, "solid", "juxtavascular", "lobulated"),
    Wanted(20.0, "solid", "juxtapleural", "spiculated"),
    Wanted(14.0, "part_solid", "isolated", "lobulated"),
    Wanted(18.0, "ground_glass", "isolated", "smooth"),
    Wanted(6.0, "calcified", "isolated", "smooth"),
)


def example_chest(seed: int) -> Phantom:
    """A whole chest, about 115 slices of 2.5 mm with 0.9 mm pixels; the same seed gives the same bytes."""
    return chest(seed, nodules=NODULES, spacing_mm=(2.5, 0.9, 0.9), matrix=384, noise_hu=25.0)
