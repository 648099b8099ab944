"""All checks of one structured report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from pydicom.dataset import Dataset

from overread.evidence.check.duties import check_equipment, check_found, check_identity
from overread.evidence.check.items import all_items, first, numbers, references, sequence, text
from overread.evidence.check.remarks import Recomputed, Remark, error, note, warning
from overread.evidence.check.seg_check import CheckedSeg
from overread.evidence.check.sizes import SegmentSize
from overread.evidence.check.sources import Sources, SourceSeries
from overread.evidence.check.sr_numbers import IS_LENGTH_OF_SEGMENT, check_num, in_unit_of_kind, is_volume
from overread.evidence.check.sr_tree import LOWER, UPPER, Group, Num, free_nums, graphic_points, groups_of

VOLUME_AGREES = 0.05
"""Share by which a volume without an interval may differ from that of its pixels: boundaries run through pixels."""
VOLUME_IS_ANOTHER = 0.5
_POINTS = {"POINT": (1, 1), "CIRCLE": (2, 2), "ELLIPSE": (4, 4), "MULTIPOINT": (1, None), "POLYLINE": (2, None)}


@dataclass(frozen=True, slots=True)
class CheckedReport:
    """A report with its remarks."""

    summary: str
    remarks: tuple[Remark, ...]
    recomputed: tuple[Recomputed, ...] = field(default=())


def check_report(report: Dataset, sources: Sources, segs: Mapping[str, CheckedSeg]) -> CheckedReport:
    """Check a report against the images and Segmentations at hand.

    Parameters
    ----------
    segs : mapping
        SOP Instance UID to each Segmentation that is checked with it.
    """
    named = {text(item, "ReferencedSOPInstanceUID") for item in references(report)}
    images = [sources.images[uid] for uid in sorted(named) if uid in sources.images]
    groups = groups_of(report)
    remarks = [*check_identity(report, images, sources), *check_equipment(report)]
    remarks += check_found(named, sources, set(segs))
    remarks += _evidence(report)
    remarks += _template(report, groups)
    recomputed: list[Recomputed] = []
    for group in groups:
        part = f"group {group.number}" + (f" ({group.tracking_id})" if group.tracking_id else "")
        remarks += _group(group, part)
        for num in group.nums:
            remarks += check_num(num, part)
        found, numbers_of = _against_segments(group, part, segs)
        remarks += found
        recomputed += numbers_of
    for num in free_nums(report):
        remarks += check_num(num, "outside groups")
    remarks += _regions(report, sources)
    count = sum(len(group.nums) for group in groups)
    summary = f"{len(groups)} measurement group{'s' * (len(groups) != 1)}, {count} number{'s' * (count != 1)}"
    return CheckedReport(summary, tuple(remarks), tuple(recomputed))


def _template(report: Dataset, groups: list[Group]) -> Iterator[Remark]:
    item = first(report, "ContentTemplateSequence")
    template = text(item, "TemplateIdentifier") if item is not None else ""
    if template != "1500":
        said = f"it follows template {template}" if template else "it does not say which template it follows"
        yield note("not_tid_1500", f"{said}, not TID 1500: references, numbers and duties were checked")
    elif not groups:
        yield warning("no_groups", "it is a TID 1500 report without a measurement group")
    uids = [group.tracking_uid for group in groups if group.tracking_uid]
    if len(set(uids)) < len(uids):
        yield error("tracking_uid_twice", "two groups have the same Tracking UID")


def _group(group: Group, part: str) -> Iterator[Remark]:
    if not group.tracking_uid:
        yield warning("no_tracking_uid", "it has no Tracking UID, so nothing can follow the finding", part)
    if not group.has_algorithm:
        yield note("no_algorithm", "it names no algorithm (TID 4019)", part)


def _evidence(report: Dataset) -> Iterator[Remark]:
    """Every instance that the content names is listed as evidence (PS3.3 A.35)."""
    listed: set[str] = set()
    for keyword in ("CurrentRequestedProcedureEvidenceSequence", "PertinentOtherEvidenceSequence"):
        for study in sequence(report, keyword):
            for series in sequence(study, "ReferencedSeriesSequence"):
                listed |= {text(one, "ReferencedSOPInstanceUID") for one in sequence(series, "ReferencedSOPSequence")}
    named = {
        text(reference, "ReferencedSOPInstanceUID")
        for item in all_items(report)
        for reference in sequence(item, "ReferencedSOPSequence")
    }
    if missing := named - listed - {""}:
        yield error("not_in_evidence", f"it refers to {len(missing)} objects that it does not list as its evidence")


def _against_segments(group: Group, part: str, segs: Mapping[str, CheckedSeg]) -> tuple[list[Remark], list[Recomputed]]:
    remarks: list[Remark] = []
    recomputed: list[Recomputed] = []
    for uid, said in group.segments:
        checked = segs.get(uid)
        if checked is None:
            continue  # said once, with all other references
        if said is None and len(checked.seg.declared) != 1:
            remarks.append(error("no_segment_number", "it names a Segmentation without saying which segment", part))
            continue
        segment = next(iter(checked.seg.declared)) if said is None else said
        if segment not in checked.seg.declared:
            remarks.append(error("segment_missing", f"it refers to segment {segment}, which is not there", part))
            continue
        theirs = checked.tracking_uid(segment)
        if theirs and group.tracking_uid and theirs != group.tracking_uid:
            remarks.append(error("tracking_uid_differs", "its Tracking UID is not that of its segment", part))
        size = checked.sizes.get(segment)
        if size is None:
            if checked.seg.readable:
                remarks.append(error("segment_empty", "no pixel belongs to the segment that it measures", part))
            continue
        for num in group.nums:
            remarks += _number_against(num, size, part, recomputed)
    return remarks, recomputed


def _number_against(num: Num, size: SegmentSize, part: str, recomputed: list[Recomputed]) -> Iterator[Remark]:
    stated = in_unit_of_kind(num)
    if stated is None:
        return
    if is_volume(num) and size.volume_mm3 is not None:
        recomputed.append(Recomputed(part, num.meaning, stated, size.volume_mm3, "mm3"))
        yield from _volume(num, stated, size.volume_mm3, part)
    elif num.name in IS_LENGTH_OF_SEGMENT and size.reach_mm is not None and stated > size.reach_mm:
        words = f"{num.meaning} is {stated:.4g} mm, and no line in its segment is longer than {size.reach_mm:.4g} mm"
        yield error("length_differs", words, part)


def _volume(num: Num, stated: float, pixels: float, part: str) -> Iterator[Remark]:
    low, high = _interval(num, stated)
    words = f"{num.meaning} is {stated:.5g} mm3, and the pixels of its segment give {pixels:.5g} mm3"
    if low is not None and high is not None:
        if low <= pixels <= high:
            return
        outside = f"{words}, outside its interval of {low:.5g} to {high:.5g}"
        if low - VOLUME_AGREES * pixels <= pixels <= high + VOLUME_AGREES * pixels:
            yield note("volume_beside_interval", f"{outside} by less than whole pixels can tell", part)
        else:
            yield error("volume_differs", outside, part)
        return
    share = abs(stated - pixels) / pixels
    if share > VOLUME_IS_ANOTHER:
        yield error("volume_differs", words, part)
    elif share > VOLUME_AGREES:
        yield warning("volume_differs", words, part)


def _interval(num: Num, stated: float) -> tuple[float | None, float | None]:
    """Limits in the unit of `stated`; a distance without a unit has that of its value."""
    factor = stated / num.value if num.value else 1.0
    by_name = {one.name: one.value for one in num.properties if one.value is not None and not one.unreadable}
    lower, upper = by_name.get(LOWER), by_name.get(UPPER)
    return (
        None if lower is None else stated - lower * factor,
        None if upper is None else stated + upper * factor,
    )


def _regions(report: Dataset, sources: Sources) -> Iterator[Remark]:
    for item in all_items(report):
        kind = text(item, "ValueType")
        if kind == "SCOORD":
            yield from _region(item, sources)
        elif kind == "SCOORD3D":
            yield from _region_3d(item, sources)
        elif kind == "IMAGE":
            yield from _image(item, sources)


def _image(item: Dataset, sources: Sources) -> Iterator[Remark]:
    for reference in sequence(item, "ReferencedSOPSequence"):
        image = sources.images.get(text(reference, "ReferencedSOPInstanceUID"))
        if image is None:
            continue
        if text(reference, "ReferencedSOPClassUID") != image.sop_class_uid:
            yield error("class_differs", "it says another SOP class of an image than the image does")
        frames = numbers(reference, "ReferencedFrameNumber") or ()
        if beyond := [int(f) for f in frames if int(f) not in image.frames]:
            yield error("frame_missing", f"it refers to frame {beyond[0]} of an image of {len(image.frames)} frames")


def _region(item: Dataset, sources: Sources) -> Iterator[Remark]:
    graphic = text(item, "GraphicType")
    points = graphic_points(item, 2)
    least, most = _POINTS.get(graphic, (0, 0))
    if points is None or graphic not in _POINTS or len(points) < least or (most is not None and len(points) > most):
        count = "no" if points is None else len(points)
        yield error("region_broken", f"a region on an image is a {graphic or 'graphic without type'} of {count} points")
        return
    for child in sequence(item, "ContentSequence"):
        for reference in sequence(child, "ReferencedSOPSequence"):
            image = sources.images.get(text(reference, "ReferencedSOPInstanceUID"))
            if image is None or not image.frames:
                continue
            rows, columns = next(iter(image.frames.values())).shape
            if any(not (0 <= column <= columns and 0 <= row <= rows) for column, row in points):
                yield error("region_outside", f"a region leaves its image of {columns} x {rows} pixels")


def _region_3d(item: Dataset, sources: Sources) -> Iterator[Remark]:
    points = graphic_points(item, 3)
    if not points:
        yield error("region_broken", "a region in the patient has no whole points")
        return
    uid = text(item, "ReferencedFrameOfReferenceUID")
    fitting = [one for one in sources.series if one.frame_of_reference_uid == uid and len(one.placed)]
    if not fitting:
        if any(len(one.placed) for one in sources.series):
            yield error("frame_of_reference_differs", "a region lies in a Frame of Reference that no image here has")
        return
    if not any(_inside(np.array(points), one) for one in fitting):
        yield error("region_outside", "a region in the patient lies outside the images of its Frame of Reference")


def _inside(points: np.ndarray[tuple[int, int], np.dtype[np.float64]], series: SourceSeries) -> bool:
    """Whether the points are within a slice of the box around the frames."""
    frame = series.placed[0]
    rows, columns = frame.shape
    along = np.array(frame.row_lps) * frame.spacing_mm[1] * columns
    down = np.array(frame.column_lps) * frame.spacing_mm[0] * rows
    corners = np.concatenate([series.positions + a * along + d * down for a in (0, 1) for d in (0, 1)])
    margin = float(series.widths_mm.max())
    return bool(((points >= corners.min(axis=0) - margin) & (points <= corners.max(axis=0) + margin)).all())
