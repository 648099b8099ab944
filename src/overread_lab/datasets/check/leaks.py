"""Whether a patient can be on both sides of a split: torn groups, one picture under two groups, pictures alike.

Names of groups are not shown: they may be IDs of patients. Cases are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from overread_lab.datasets.check.look import Seen
from overread_lab.datasets.check.report import Level, Remark
from overread_lab.datasets.check.similar import near_pairs
from overread_lab.datasets.manifest import Case
from overread_lab.datasets.sets import torn_groups

MIRRORED_SHARE = 0.6
"""A head is nearly its own mirror image: at 40 bits, 4 pairs of other patients among 282 slices were called alike."""


def leaks_of_names(cases: Sequence[Case]) -> list[Remark]:
    """Groups in several folds, groups whose names differ by case or blanks only, one file under two groups."""
    remarks = []
    for group, folds in sorted(torn_groups(cases).items()):
        message = f"a group lies in folds {', '.join(map(str, folds))}: its patient is trained and tested on"
        remarks.append(Remark(Level.ERROR, "group_torn", message, _of_groups(cases, {group})))
    spelt: dict[str, set[str]] = defaultdict(set)
    files: dict[str, set[str]] = defaultdict(set)
    for case in cases:
        spelt["".join(case.group.split()).casefold()].add(case.group)
        if case.image is not None:
            files[str(case.image)].add(case.group)
    for groups in spelt.values():
        if len(groups) > 1:
            message = f"{len(groups)} groups may be one patient: their names differ by case or blanks only"
            remarks.append(Remark(Level.WARNING, "group_spelt_differently", message, _of_groups(cases, groups)))
    for file, groups in files.items():
        if len(groups) > 1:
            sharing = tuple(case.case for case in cases if str(case.image) == file)
            message = f"one image stands under {len(groups)} groups"
            remarks.append(Remark(Level.ERROR, "image_of_two_groups", message, sharing))
    return remarks


def leaks_of_pixels(seen: Sequence[Seen], within: int) -> list[Remark]:
    """Images of different groups with equal pixels, or that look alike in their middle picture."""
    remarks = []
    equal: dict[str, list[Seen]] = defaultdict(list)
    for one in seen:
        equal[one.digest].append(one)
    for same in equal.values():
        if len({one.case.group for one in same}) > 1:
            cases = tuple(one.case.case for one in same)
            message = f"{len(same)} images of different groups have exactly the same pixels{_across(same)}"
            remarks.append(Remark(Level.ERROR, "same_pixels", message, cases))
    return remarks + _alike([one for one in seen if one.bits is not None], within)


def _alike(seen: Sequence[Seen], within: int) -> list[Remark]:
    """Pairs that look alike, as they are or with one of them mirrored; or how near the nearest pair is."""
    if not seen:
        return []
    remarks = []
    bits = np.stack([one.bits for one in seen if one.bits is not None])
    mirrored = np.stack([one.mirrored for one in seen if one.mirrored is not None])
    groups = [one.case.group for one in seen]
    plain = near_pairs(bits, groups, within)
    turned = near_pairs(bits, groups, round(within * MIRRORED_SHARE), mirrored)
    known = {(i, j) for i, j, _ in plain.pairs}
    found = [(pair, "") for pair in plain.pairs]
    found += [(pair, ", one of them mirrored") for pair in turned.pairs if pair[:2] not in known]
    for (i, j, distance), how in found:
        pair = seen[i], seen[j]
        if pair[0].digest != pair[1].digest:
            message = (
                f"two images of different groups look alike{how}: {distance} of {bits.shape[1]} bits apart"
                f"{_across(pair)}; look whether they are one patient"
            )
            remarks.append(Remark(Level.WARNING, "looks_alike", message, (pair[0].case.case, pair[1].case.case)))
    if plain.nearest is not None and not found:
        message = f"the nearest two images of different groups are {plain.nearest} of {bits.shape[1]} bits apart"
        remarks.append(Remark(Level.NOTE, "nearest_images", message))
    return remarks


def _across(seen: Sequence[Seen]) -> str:
    folds = sorted({one.case.fold for one in seen})
    return f", in folds {' and '.join(map(str, folds))}" if len(folds) > 1 else ", in one fold"


def _of_groups(cases: Sequence[Case], groups: set[str]) -> tuple[str, ...]:
    return tuple(case.case for case in cases if case.group in groups)
