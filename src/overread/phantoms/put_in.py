"""Blend an analytic nodule into a scan that exists, real or simulated. Where to put it is the caller's choice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.errors import UsageError
from overread.geometry import Grid
from overread.image import Intensity, Volume
from overread.phantoms.nodule import Kind, Surface, occupancy
from overread.phantoms.nodule_block import SOFT_HU, Attachment, Nodule, draw_nodule
from overread.phantoms.phantom import Planted
from overread.phantoms.scanner import Oversampling, Scanner, noise, see
from overread.phantoms.scene import Box, Point

_MARGIN_MM = 6.0


def put_in(
    volume: Volume,
    rng: np.random.Generator,
    *,
    at_lps: Point,
    diameter_mm: float,
    kind: Kind = "solid",
    shape: Surface = "smooth",
    attachment: Attachment = "isolated",
    thickness_mm: float | None = None,
    fwhm_mm: float = 1.1,
    number: int = 1,
    lung: NDArray[np.bool_] | None = None,
) -> tuple[Volume, Planted]:
    """A copy of `volume` with one nodule more.

    The nodule takes the place of the air: out = background + a (hu - lung) f, with a = its occupancy after the
    scanner's blur and f = the share of air in the background, (40 - background) / (40 - lung) held in 0..1.2. So
    vessels and chest wall keep their HU. Noise of the local sd and a CT spectrum replaces the background's own noise
    where that is damped.

    Parameters
    ----------
    volume : Volume
        CT in HU; any orientation.
    at_lps : (x, y, z)
        Where the shape's origin goes, mm.
    attachment : str
        Recorded as it is given: the caller chose the place.
    thickness_mm : float, optional
        Slice thickness of the scan; by default what its source says, else the slice spacing.
    lung : (slice, row, column) bool, optional
        The true lung with its vessels: only occupancy inside it counts as nodule. Without it the whole body counts.

    Returns
    -------
    Volume, Planted
        The truths are those of `Nodule.truths`; with `lung`, volume, effective diameter and mass are of the part
        inside it and `lung_share` says how much that is.

    Raises
    ------
    UsageError
        The image is not CT in HU, or the point lies outside it.
    """
    if volume.intensity is not Intensity.HU:
        raise UsageError(f"a nodule in HU cannot go into an image in {volume.intensity.value}")
    index = volume.grid.to_index(at_lps)
    if (index < 0).any() or (index > np.array(volume.grid.shape) - 1).any():
        raise UsageError(f"the point {at_lps} mm lies outside the image")
    nodule = draw_nodule(rng, diameter_mm=diameter_mm, kind=kind, surface=shape)
    stated = volume.source.facts.get("slice_thickness_mm")
    thickness = thickness_mm or (float(stated) if stated else volume.grid.slice_gap_mm)
    scanner = Scanner(thickness_mm=thickness, fwhm_mm=fwhm_mm, noise_hu=0.0)
    box = _box_around(volume.grid, nodule, at_lps)
    background = volume.array[box].astype(np.float32)
    lung_hu = _local_lung_hu(background)
    fill, whole = _seen_fill(volume.grid, box, nodule, at_lps, lung_hu=lung_hu, scanner=scanner)
    air = np.clip((SOFT_HU - background) / (SOFT_HU - lung_hu), 0, 1.2)
    kept = np.clip(1 - fill / (SOFT_HU - lung_hu), 0, 1)  # how much of the background's own noise is left
    size = (background.shape[0], background.shape[1], background.shape[2])
    fresh = noise(rng, size, spacing_mm=volume.grid.spacing_mm, scanner=replace(scanner, noise_hu=1.0))
    out = background + fill * air
    out += fresh * np.float32(noise_sd(background, volume.grid, scanner)) * np.sqrt(1 - kept**2) * (air > 0.5)
    array = volume.array.copy()
    array[box] = np.clip(np.rint(out), -1024, 3071) if array.dtype.kind == "i" else out
    truths = nodule.truths()
    shift = [truths.pop(f"centroid_{axis}_mm") for axis in "xyz"]
    if lung is not None:
        share = float((whole * lung[box]).sum(dtype=np.float64) / max(float(whole.sum(dtype=np.float64)), 1e-9))
        truths |= {"volume_mm3": truths["volume_mm3"] * share, "mass_mg": truths["mass_mg"] * share,
                   "effective_diameter_mm": truths["effective_diameter_mm"] * share ** (1 / 3),
                   "lung_share": share}  # fmt: skip
    centre = (at_lps[0] + shift[0], at_lps[1] + shift[1], at_lps[2] + shift[2])
    return replace(volume, array=array), Planted(number, kind, attachment, centre, truths)


def noise_sd(image_hu: NDArray[np.float32], grid: Grid, scanner: Scanner) -> float:
    """Standard deviation of CT noise in a patch, HU, from its calmest parts.

    High-pass in plane, local sd in 7 x 7 windows, lower quartile; scaled by what the same estimate gives on unit
    noise of the scanner's spectrum, so that blur and correlation cancel.
    """
    unit = noise(
        np.random.default_rng(0), (4, 64, 64), spacing_mm=grid.spacing_mm, scanner=replace(scanner, noise_hu=1.0)
    )
    return _calm_sd(image_hu) / _calm_sd(unit)


def _calm_sd(image: NDArray[np.float32]) -> float:
    high = image - ndi.gaussian_filter(image, (0, 1.0, 1.0))
    variance = ndi.uniform_filter(high * high, (1, 7, 7))
    return float(np.sqrt(np.percentile(variance, 25)))


def _local_lung_hu(background: NDArray[np.float32]) -> float:
    """Median of the aerated voxels of a patch; -850 HU where there are hardly any."""
    aerated = background[(background < -600) & (background > -990)]
    return float(np.median(aerated)) if aerated.size > 0.05 * background.size else -850.0


def _box_around(grid: Grid, nodule: Nodule, at_lps: Point) -> Box:
    """The voxels that the nodule and its blur can reach, and some background for the noise."""
    inverse = np.linalg.inv(grid.affine_lps[:3, :3])
    half = np.linalg.norm(inverse, axis=1) * (nodule.shape.reach_mm() + _MARGIN_MM) + 2
    centre = grid.to_index(at_lps)
    low = np.clip(np.floor(centre - half), 0, grid.shape).astype(int)
    high = np.clip(np.ceil(centre + half) + 1, 0, grid.shape).astype(int)
    return slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1])), slice(int(low[2]), int(high[2]))


def _seen_fill(
    grid: Grid, box: Box, nodule: Nodule, at_lps: Point, *, lung_hu: float, scanner: Scanner
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """HU that the nodule adds to pure lung as the scanner sees it, and its blurred occupancy; both shaped as `box`."""
    spacing = grid.spacing_mm
    over = Oversampling(*(max(1, int(np.ceil(s / limit))) for s, limit in zip(spacing, (0.6, 0.45, 0.45), strict=True)))
    factors = np.array(over.factors)
    start = np.array([s.start for s in box])
    shape = [(s.stop - s.start) * int(n) for s, n in zip(box, factors, strict=True)]
    affine = grid.affine_lps.copy()
    affine[:3, :3] = affine[:3, :3] / factors
    affine[:3, 3] = grid.to_lps(start - 0.5 + 0.5 / factors)
    fine = Grid((shape[0], shape[1], shape[2]), affine)
    body = np.zeros(fine.shape, dtype=np.float32)
    where, share = occupancy(nodule.shape, at_lps, fine)
    body[where] = share
    fill = body * np.float32(nodule.hu - lung_hu)
    if nodule.core is not None:
        x, y, z = (c + o for c, o in zip(at_lps, nodule.core_offset_mm, strict=True))
        where, share = occupancy(nodule.core, (x, y, z), fine)
        fill[where] += share * np.float32(nodule.core_hu - nodule.hu)
    seen = [see(a, spacing_mm=spacing, oversampling=over, scanner=scanner) for a in (fill, body)]
    return seen[0], seen[1]
