"""Pictures of one series UID parted by plane and size: pilots in three planes, and single pictures that went astray."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from overread.geometry import plane_name
from overread.io.dicom.header import Header

Plane = list[Header]
OTHER_PLANE = 0.05
"""Single-frame slices whose cosines differ by more are of another plane; by less, they are faults of their stack."""
OTHER_FRAME_PLANE = 1e-3
"""The same for frames of one object, whose stacks may differ by a few degrees, as those of discs of the spine do."""
STRAY_SHARE = 0.1


def planes_of(headers: Sequence[Header]) -> tuple[list[Plane], list[Plane]]:
    """Headers parted by plane and size: those that are stacks, and the strays beside them.

    Strays are a tenth of the largest part at most (one picture beside four or more). All stay together where the
    files are of several patients, which nothing may hide, and where no two of many pictures are in one plane, as when
    a detector turns round the patient.
    """
    together: tuple[list[Plane], list[Plane]] = [list(headers)], []
    if len({header.shared.patient_key for header in headers}) > 1:
        return together
    parts = _parts(headers)
    largest = max(map(len, parts))
    if len(parts) == 1 or (largest == 1 and len(parts) > 3):
        return together
    few = max(1, int(STRAY_SHARE * largest)) if largest >= 4 else 0
    return [part for part in parts if len(part) > few], [part for part in parts if len(part) <= few]


def _parts(headers: Sequence[Header]) -> list[Plane]:
    """Parts in the order of their first picture; pictures without a usable plane go with the largest part."""
    parts: list[Plane] = []
    homeless: Plane = []
    of_shared: dict[int, Plane] = {}
    for header in headers:
        part = of_shared.get(id(header.shared))
        if part is None:
            if not _has_plane(header):
                homeless.append(header)
                continue
            part = next((one for one in parts if _is_in(header, one[0])), None)
            if part is None:
                part = []
                parts.append(part)
            of_shared[id(header.shared)] = part
        part.append(header)
    if not parts:
        return [homeless]
    if homeless:
        order = {id(header): n for n, header in enumerate(headers)}
        largest = max(parts, key=len)
        largest[:] = sorted([*largest, *homeless], key=lambda header: order[id(header)])
    return parts


def _has_plane(header: Header) -> bool:
    return len(header.shared.orientation) == 6 and all(map(math.isfinite, header.shared.orientation))


def _is_in(header: Header, first: Header) -> bool:
    one, other = header.shared, first.shared
    if (one.rows, one.columns) != (other.rows, other.columns):
        return False
    limit = OTHER_FRAME_PLANE if one.frames > 1 else OTHER_PLANE
    return max(abs(a - b) for a, b in zip(one.orientation, other.orientation, strict=True)) <= limit


def plane_words(plane: Plane) -> str:
    """Such as "sagittal, 256 x 256"; the size alone where the plane is not usable."""
    shared = plane[0].shared
    size = f"{shared.rows} x {shared.columns}"
    if not _has_plane(plane[0]):
        return size
    row, column = np.reshape(shared.orientation, (2, 3))
    return f"{plane_name(np.cross(row, column))}, {size}"
