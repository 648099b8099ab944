"""Region preparation after Han & Xu 2021, section 2.1: outlines, the region near them, eightfold augmentation."""

from overread.ops.region.dihedral import DIHEDRAL, Turn, eightfold, mean_of_eight
from overread.ops.region.outline import Crossing, mask_of_circle, mask_of_polygon
from overread.ops.region.prepare import Polarity, PreparedRegion, Reason, Rule, disk, otsu, prepare_region

__all__ = [
    "DIHEDRAL",
    "Crossing",
    "Polarity",
    "PreparedRegion",
    "Reason",
    "Rule",
    "Turn",
    "disk",
    "eightfold",
    "mask_of_circle",
    "mask_of_polygon",
    "mean_of_eight",
    "otsu",
    "prepare_region",
]
