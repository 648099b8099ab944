"""Alignment of two images of one spacing: affine by correlation, then a smooth displacement by local correlation."""

from overread.ops.register.affine import AffineFit, AffineMap, AffinePlan, correlation_at, fit_affine, look_around
from overread.ops.register.demons import DemonsFit, DemonsPlan, fit_demons, jacobian_determinant

__all__ = [
    "AffineFit",
    "AffineMap",
    "AffinePlan",
    "DemonsFit",
    "DemonsPlan",
    "correlation_at",
    "fit_affine",
    "fit_demons",
    "jacobian_determinant",
    "look_around",
]
