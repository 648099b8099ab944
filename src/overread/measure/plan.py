"""The parameters of measuring a nodule, and what is known about the edges of a scan. Plain data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EdgeModel:
    """What a scan does to a sharp edge, and its noise.

    Parameters
    ----------
    sigma_mm, sigma_sd_mm : float
        In-plane blur (standard deviation of a Gaussian, without the pixel box) and how well it is known.
    slice_width_mm : float
        Full width of the slice profile.
    noise_sd_hu : float
        Per voxel.
    noise_length_mm : float
        Correlation length of the noise (sd of a Gaussian).
    edges : int
        Edges fitted; 0 means that `sigma_mm` is assumed.
    """

    sigma_mm: float
    sigma_sd_mm: float
    slice_width_mm: float
    noise_sd_hu: float
    noise_length_mm: float
    edges: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurePlan:
    """Parameters of `measure_nodule`; part of a result's provenance.

    Parameters
    ----------
    assumed_sigma_mm, assumed_sigma_sd_mm : float
        Blur where a scan has no edge to fit: FWHM 1.1 mm, 0.8-1.4 mm common to chest kernels.
    soft_tissue_hu : (mean, sd)
        Density believed of a solid nodule too small to show a plateau.
    solid_hu, calcified_hu : float
        Solid component and calcification begin above these (HU).
    solid_share, ground_glass_core_mm, calcified_share : float
        Rules of the types: see `types.type_of`.
    smallest_mm, largest_mm : float
        Diameters between which a figure is given at all.
    model_share, model_mm, core_..., vessel_..., corner_doubt, wall_floor_mm, section_..., cut_... : float
        Standard deviations that no formula gives, as shares or mm, set on calibration blocks
        (`python -m overread_lab.studies.nodule_measure --purpose calibrate`), never on the blocks that are evaluated.
    feret_excess : float
        Edge jitter (sds) that the largest of all directions picks up.
    reader_offset_mm, reader_sd_mm, reader_cut_share : float
        How far outside the true surface readers draw, how much they differ, and the least error of their cuts: from
        the 16 outlines of four lesions of LIDC-IDRI-0001 and -0003.
    """

    assumed_sigma_mm: float = 0.47
    assumed_sigma_sd_mm: float = 0.08
    soft_tissue_hu: tuple[float, float] = (40.0, 25.0)
    solid_hu: float = -300.0
    calcified_hu: float = 300.0
    solid_share: float = 0.8
    ground_glass_core_mm: float = 3.0
    calcified_share: float = 0.1
    smallest_mm: float = 2.0
    largest_mm: float = 60.0
    model_share: float = 0.003
    model_mm: float = 0.032
    core_doubt: float = 0.04
    core_at_wall_doubt: float = 0.15
    vessel_cut_mm: float = 0.2
    vessel_doubt: float = 0.25
    vessel_rest: float = 0.01
    corner_doubt: float = 0.28
    wall_floor_mm: float = 0.05
    feret_excess: float = 1.3
    section_mm: float = 0.06
    section_slice: float = 0.5
    section_share: float = 0.012
    cut_mm: float = 0.22
    cut_share: float = 0.015
    reader_offset_mm: float = 0.25
    reader_sd_mm: float = 0.35
    reader_cut_share: float = 0.03
