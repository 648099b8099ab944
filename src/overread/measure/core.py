"""Part-solid nodules: find the solid core inside ground glass, and take it out so that the rim can be measured."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage as ndi
from scipy.special import ndtr

from overread.measure.patch import Bool, Float, Patch, Scanner, refine
from overread.measure.regions import component_of
from overread.measure.segment import Levels, Segment

CALM_MM = 0.5
RIMS_MM = ((1.5, 2.3), (0.9, 1.5))
"""Where ground glass is looked for, mm outside the 50 % surface of a core: first clear of the core's own blur."""
LEAST_RIM_HU = 90.0
LEAST_CORE_MM3 = 8.0


@dataclass(frozen=True, slots=True, eq=False)
class Core:
    """A solid core on the refined grid of the wide patch.

    Parameters
    ----------
    share : (slice, row, column) float32
        Share of each fine voxel inside the core.
    density_hu, rim_hu : float
        Of the core, and of the ground glass around it.
    """

    share: Float
    density_hu: float
    rim_hu: float

    def volume_mm3(self, patch: Patch) -> float:
        """Volume of the core."""
        return float(self.share.sum(dtype=np.float64)) * patch.fine_voxel_mm3

    def taken_out(self, patch: Patch, scanner: Scanner) -> Patch:
        """The patch as it would be if the core were ground glass too."""
        coarse = patch.coarse - np.float32(self.density_hu - self.rim_hu) * scanner.picture(self.share, patch)
        return replace(patch, coarse=coarse, fine=refine(coarse, patch.factor))

    def within(self, wide: Patch, near: Patch) -> Core:
        """The core on the refined grid of a patch inside the wide one."""
        return replace(self, share=np.ascontiguousarray(self.share[wide.fine_box(near)]))


def find_core(
    wide: Patch, segment: Segment, levels: Levels, density_hu: float, *, solid_hu: float, blur_mm: float
) -> Core | None:
    """A solid core with ground glass around it, or None.

    The segment is either the core alone (it is dense, and 1.5-2.3 mm outside it most of the space is denser than
    lung), or the whole nodule with a denser part inside.
    """
    near = segment.patch
    calm = np.asarray(ndi.gaussian_filter(near.fine, [CALM_MM / s for s in near.fine_mm]))
    box = wide.fine_box(near)
    if density_hu > solid_hu:
        rim_hu = _rim_hu(calm, segment, levels, density_hu, blur_mm)
        if rim_hu is None:
            return None
        # the fit took the ground glass for blur and its density is off: what is seen deep inside counts
        depth = float(-segment.distance.mm[segment.inside].min())
        core_hu = float(np.median(calm[segment.inside & (segment.distance.mm < -min(1.2, 0.6 * depth))]))
        part = segment.inside & (calm > (core_hu + rim_hu) / 2)
    else:
        rim_hu, core_hu = density_hu, max(40.0, float(np.percentile(calm[segment.inside], 99.5)))
        part = _largest(segment.inside & (segment.distance.mm < -0.5) & (calm > (rim_hu + core_hu) / 2))
    if core_hu - rim_hu < 150.0 or float(np.count_nonzero(part)) * near.fine_voxel_mm3 < LEAST_CORE_MM3:
        return None
    slope = (core_hu - rim_hu) / 1.6  # HU per mm across a blurred edge
    share = np.clip(0.5 + (calm - (core_hu + rim_hu) / 2) / np.float32(slope * np.mean(near.fine_mm)), 0, 1)
    share *= ndi.binary_dilation(part, iterations=2)
    whole = np.zeros(wide.fine.shape, dtype=np.float32)
    whole[box] = share
    return Core(whole, core_hu, rim_hu)


def _rim_hu(calm: Float, segment: Segment, levels: Levels, density_hu: float, blur_mm: float) -> float | None:
    """Density of what surrounds a dense core on most sides, or None where that is lung."""
    contrast = density_hu - levels.background_hu
    for low, high in RIMS_MM:
        rim = segment.own & (segment.distance.mm > low) & (segment.distance.mm < high)
        if np.count_nonzero(rim) < 200:
            return None
        leak = contrast * float(ndtr(-(low + high) / 2 / blur_mm))
        over = calm[rim] - levels.background_hu - leak
        doubt = max(LEAST_RIM_HU, 0.75 * levels.background_sd_hu)
        if np.median(over) > doubt and np.percentile(over, 30) > 0.5 * doubt:
            return levels.background_hu + float(np.median(over))
    return None


def _largest(part: Bool) -> Bool:
    """The largest connected component."""
    labels, count = ndi.label(part)
    if not count:
        return part
    best = int(np.argmax(np.bincount(labels.ravel())[1:])) + 1
    where = np.argwhere(labels == best)[0]
    return component_of(part, tuple(int(n) for n in where))
