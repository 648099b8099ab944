"""Adaptive fractional differential enhancement after Han & Xu 2021, section 2.2."""

from overread.ops.fractional.adaptive import enhance, noise_sd, order_map, would_clip
from overread.ops.fractional.coefficients import coefficients, mean_gain, noise_gain, template
from overread.ops.fractional.dimension import DimensionMap, dimension_map, grey_range, order_of
from overread.ops.fractional.plan import Despeckle, Diagonal, Domain, EnhancePlan, Mode, Reading

__all__ = [
    "Despeckle",
    "Diagonal",
    "DimensionMap",
    "Domain",
    "EnhancePlan",
    "Mode",
    "Reading",
    "coefficients",
    "dimension_map",
    "enhance",
    "grey_range",
    "mean_gain",
    "noise_gain",
    "noise_sd",
    "order_map",
    "order_of",
    "template",
    "would_clip",
]
