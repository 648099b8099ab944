"""All checks of one Segmentation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydicom.dataset import Dataset

from overread.evidence.check.body import check_body
from overread.evidence.check.duties import check_equipment, check_found, check_identity
from overread.evidence.check.geometry import check_geometry, referenced_images
from overread.evidence.check.items import code_of, first, sequence, text
from overread.evidence.check.remarks import Remark, error, note, warning
from overread.evidence.check.seg_object import SegObject, read_seg_object
from overread.evidence.check.sizes import SegmentSize, segment_sizes
from overread.evidence.check.sources import Sources, SourceSeries


class CheckedSeg:
    """A Segmentation with its remarks and the sizes of its segments, for the reports that refer to it."""

    def __init__(self, path: Path, dataset: Dataset, sources: Sources) -> None:
        self.seg: SegObject = read_seg_object(path, dataset)
        images = referenced_images(self.seg, sources)
        series = images[0].of if images else _named_series(dataset, sources)
        self.sizes: dict[int, SegmentSize] = {}
        self.widths_from = ""
        remarks = [*self.seg.remarks, *check_identity(dataset, images, sources), *check_equipment(dataset)]
        remarks += check_found(_named(self.seg), sources, set())
        if self.seg.readable:
            self.sizes, self.widths_from = segment_sizes(self.seg, series)
            remarks += check_geometry(self.seg, sources, series)
            remarks += check_body(self.seg, series)
        remarks += _segments(self.seg, self.sizes, self.widths_from)
        self.remarks: list[Remark] = remarks

    @property
    def summary(self) -> str:
        """Form, segments and frames in words."""
        segments, frames = len(self.seg.declared), len(self.seg.frames)
        return f"{self.seg.form}, {segments} segment{'s' * (segments != 1)}, {frames} frame{'s' * (frames != 1)}"

    def tracking_uid(self, segment: int) -> str:
        """Empty where the segment has none."""
        item = self.seg.declared.get(segment)
        return text(item, "TrackingUID") if item is not None else ""


def _named(seg: SegObject) -> set[str]:
    named = {uid for frame in seg.frames for uid, _ in frame.derived_from if uid}
    for series in sequence(seg.dataset, "ReferencedSeriesSequence"):
        named |= {text(item, "ReferencedSOPInstanceUID") for item in sequence(series, "ReferencedInstanceSequence")}
    return named - {""}


def _named_series(dataset: Dataset, sources: Sources) -> SourceSeries | None:
    item = first(dataset, "ReferencedSeriesSequence")
    return sources.of_series(text(item, "SeriesInstanceUID")) if item is not None else None


def _segments(seg: SegObject, sizes: dict[int, SegmentSize], widths_from: str) -> Iterator[Remark]:
    if seg.readable and not _named(seg):
        yield warning("no_source", "it does not name the images it was made from")
    for n, item in seg.declared.items():
        part = f"segment {n}"
        if seg.readable and n not in sizes:
            yield warning("empty_segment", "no pixel belongs to it", part)
        for keyword, words in (
            ("SegmentedPropertyCategoryCodeSequence", "property category"),
            ("SegmentedPropertyTypeCodeSequence", "property type"),
        ):
            if not all(code_of(first(item, keyword))):
                yield error("segment_without_code", f"it has no coded {words}: nobody knows what it is", part)
        if not text(item, "SegmentLabel"):
            yield error("segment_without_label", "it has no label", part)
        kind = text(item, "SegmentAlgorithmType")
        if kind not in ("AUTOMATIC", "SEMIAUTOMATIC", "MANUAL"):
            yield error("algorithm_type", f"its algorithm type is {kind or 'missing'}", part)
        elif kind != "MANUAL" and not text(item, "SegmentAlgorithmName"):
            identified = first(item, "SegmentationAlgorithmIdentificationSequence")
            if identified is None or not text(identified, "AlgorithmName"):
                yield error("algorithm_unnamed", f"it is {kind.lower()}, and no algorithm is named", part)
        if bool(text(item, "TrackingUID")) != bool(text(item, "TrackingID")):
            yield error("tracking_half", "it has one of Tracking ID and Tracking UID without the other", part)
    if sizes and any(size.volume_mm3 is None for size in sizes.values()):
        yield note("no_volume", f"volumes are not computed; the width of a slice comes from {widths_from}")
