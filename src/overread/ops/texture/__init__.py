"""Texture: gray-gradient and grey co-occurrence, and the 61 voxel features of Han & Xu 2021, section 2.3."""

from overread.ops.texture.cooccurrence import (
    CO_OCCURRENCE,
    GRAY_GRADIENT,
    MAPS,
    THIRTEEN,
    co_occurrence_features,
    co_occurrence_maps,
    gray_gradient_features,
    to_levels,
)
from overread.ops.texture.voxel_features import FEATURES, RoughShape, gradient_per_mm, voxel_features

__all__ = [
    "CO_OCCURRENCE",
    "FEATURES",
    "GRAY_GRADIENT",
    "MAPS",
    "THIRTEEN",
    "RoughShape",
    "co_occurrence_features",
    "co_occurrence_maps",
    "gradient_per_mm",
    "gray_gradient_features",
    "to_levels",
    "voxel_features",
]
