"""What files with an affine of their own share: faults of the affine, and the way from values to a Volume."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import GeometryError
from overread.geometry import Fault, Grid, Policy, Severity, Verdict
from overread.geometry.stack import verdict_of
from overread.image import Intensity, Source, Volume
from overread.io.files.word import intensity_faults

_SHEAR_NOTED_DEG = 0.05


def affine_faults(affine_lps: NDArray[np.float64]) -> tuple[Fault, ...]:
    """Faults of an affine (k, j, i) -> LPS mm: one that places nothing (fatal), or axes not at right angles."""
    spacing = np.linalg.norm(affine_lps[:3, :3], axis=0)
    if not np.isfinite(affine_lps).all() or abs(np.linalg.det(affine_lps[:3, :3])) < 1e-9 or min(spacing) < 1e-6:
        message = f"its header places no voxels in space: spacing {tuple(spacing.tolist())} mm"
        return (Fault("bad_spacing", Severity.FATAL, message),)
    shear = _shear_deg(affine_lps)
    if shear <= _SHEAR_NOTED_DEG:
        return ()
    message = f"its axes are not at right angles (off by {shear:.2f} degrees)"
    return (Fault("tilted_gantry", Severity.WARNING, message),)


def _shear_deg(affine: NDArray[np.float64]) -> float:
    """How far the three axes are from right angles, degrees."""
    unit = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    cosines = np.abs((unit.T @ unit)[np.triu_indices(3, 1)])
    return float(np.degrees(np.arcsin(np.clip(cosines.max(), 0, 1))))


def not_finite(array: NDArray[Any]) -> list[Fault]:
    """A warning where values are no numbers; any shape."""
    if array.dtype.kind != "f" or not (bad := int(np.count_nonzero(~np.isfinite(array)))):
        return []
    return [Fault("not_finite", Severity.WARNING, f"{bad} values are not a number")]


def require_grid(grid: Grid | None, opened: Verdict, where: str) -> Grid:
    """The grid of a file; `GeometryError` with the cause where its header places no voxels."""
    if grid is None:
        raise GeometryError(opened.faults[0].message, where=where, way_out="Write its header anew.")
    return grid


def placed_volume(
    array: NDArray[np.int16] | NDArray[np.float32],
    grid: Grid,
    source: Source,
    opened: Verdict,
    *,
    policy: Policy,
    intensity: Intensity | None,
) -> Volume:
    """The volume with what its values showed added to the verdict of its header.

    Parameters
    ----------
    array : (slice, row, column)
    opened : Verdict
        Of the header.
    intensity : Intensity or None
        On the caller's word; such files do not say it.
    """
    faults = [*opened.faults, *not_finite(array), *intensity_faults(intensity)]
    return Volume(
        array=array,
        grid=grid,
        intensity=intensity or Intensity.ARBITRARY,
        source=source,
        verdict=verdict_of(faults, policy, opened.facts),
    )
