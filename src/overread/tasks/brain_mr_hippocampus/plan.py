"""Every parameter of the task, frozen; written with each result."""

from __future__ import annotations

from dataclasses import dataclass, field

from overread.ops.register import AffinePlan, DemonsPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class HippocampusPlan:
    """Parameters of `brain_mr_hippocampus`.

    Parameters
    ----------
    percentiles : (low, high)
        Of the region; become 0 and 1.
    reach_mm, pitch_mm : float
        How far from "middle on middle", and how densely, shifts are tried.
    starts : int
        The best shifts of each hand from which the alignment is refined.
    band_mm : float
        Voxels nearer than this to the border of the place prior are classified; the rest keeps the prior's answer.
    smooth_sigma_mm : float
        Of the Gaussian over decisions.
    neck_mm : float
        Radius of the ball that cuts off what clings to the hippocampus by a thin neck; 0 cuts nothing.
    """

    percentiles: tuple[float, float] = (1.0, 99.0)
    reach_mm: float = 9.0
    pitch_mm: float = 3.0
    starts: int = 2
    affine: AffinePlan = field(default_factory=AffinePlan)
    demons: DemonsPlan = field(default_factory=lambda: DemonsPlan(window=9, field_sigma=0.7))
    band_mm: float = 3.2
    smooth_sigma_mm: float = 0.7
    neck_mm: float = 1.5
