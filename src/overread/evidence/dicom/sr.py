"""DICOM SR (TID 1500) of a reading: intervals as TID 310 in the parent's unit. Written with highdicom."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import highdicom as hd
import numpy as np
from highdicom.sr import (
    AlgorithmIdentification,
    ContentItem,
    FindingSite,
    MeasurementProperties,
    MeasurementsAndQualitativeEvaluations,
    NumContentItem,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    ReferencedSegment,
    RelationshipTypeValues,
    SourceImageForMeasurementGroup,
    SourceSeriesForSegmentation,
    TextContentItem,
    TrackingIdentifier,
    UIDRefContentItem,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from highdicom.sr import (
    Measurement as Num,
)
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code as DicomCode

from overread.errors import IntegrityError
from overread.evidence import vocabulary as words
from overread.evidence.dicom import identity
from overread.evidence.dicom.headers import SourceHeaders
from overread.evidence.dicom.identity import Stamp
from overread.evidence.dicom.seg import FAMILY, coded, tracking_id
from overread.evidence.dicom.sr_regions import image_region, lines_of
from overread.evidence.result_json import DISCLAIMER
from overread.evidence.vocabulary import ascii_text, descriptor_term, measurement_term
from overread.findings import Code, Descriptor, Finding, ImageRegion, Laterality, Measurement, Reading
from overread.findings.codes import LEFT, NO, RIGHT, YES
from overread.units import require_unit

IMAGE_GROUP = "image"
"""Tracking identifier of the group that speaks of the whole image."""
_COMMENT = Code("121106", "DCM", "Comment")


def _unit(code: str) -> DicomCode:
    return DicomCode(code, "UCUM", require_unit(code).meaning)


def _text(name: Code, value: str) -> TextContentItem:
    return TextContentItem(coded(name), ascii_text(value) or "-", RelationshipTypeValues.CONTAINS)


def _algorithm(
    reading: Reading, parameters: Iterable[str] = (), *, family: DicomCode | None = FAMILY
) -> AlgorithmIdentification:
    """TID 4019; the family is said once a group, not with every number."""
    p = reading.provenance
    return AlgorithmIdentification(
        name=ascii_text(p.task),
        version=p.task_version or "unversioned",
        parameters=[ascii_text(text) for text in parameters] or None,
        family=family,
    )


def _parameters(m: Measurement) -> Iterator[str]:
    """What belongs to a number and has no place of its own in TID 300: any viewer shows these as text."""
    if m.interval is not None:
        yield f"interval_level={m.interval.coverage:g}"
    yield f"{'reason' if math.isnan(m.value) else 'method'}={m.method}"
    for part in m.components:
        yield f"interval_component {part.name}: sd {part.sd:.4g} {'of the logarithm' if part.log_scale else m.unit}"
    for word in m.quality.words():
        yield f"quality={word}"


def _properties(m: Measurement) -> MeasurementProperties | None:
    """TID 310: distances from the value to both limits in the unit of the value; and the coverage level."""
    if m.interval is None:
        return None
    properties = MeasurementProperties()
    pairs = ((words.UPPER, m.interval.high - m.value, m.unit), (words.LOWER, m.value - m.interval.low, m.unit))
    for name, number, unit in (*pairs, (words.COVERAGE, m.interval.coverage, "1")):
        if math.isfinite(number):  # a limit without bound has no number
            properties.append(
                NumContentItem(
                    coded(name), float(number), _unit(unit), relationship_type=RelationshipTypeValues.HAS_PROPERTIES
                )
            )
    return properties


def _num(m: Measurement, reading: Reading, marks: Iterable[ImageRegion] = ()) -> Num:
    """TID 300. A value that could not be measured is 0 with a qualifier here; `_empty_failures` empties it.

    Those of `marks` that bear its name are the coordinates that it was measured on.
    """
    term = measurement_term(m.name)
    failed = math.isnan(m.value)
    return Num(
        coded(term.code),
        0.0 if failed else float(m.value),
        _unit(m.unit),
        qualifier=coded(words.NOT_MEASURED) if failed else None,
        derivation=coded(term.derivation) if term.derivation else None,
        algorithm_id=_algorithm(reading, _parameters(m), family=None),
        properties=_properties(m),
        referenced_coordinates=lines_of(m.name, marks, reading.source) or None,
    )


def _measurements(finding: Finding) -> Iterator[Measurement]:
    yield from finding.measurements
    if finding.probability is not None:
        yield finding.probability
    if finding.score is not None:
        yield Measurement("score", finding.score, "1", None, "detector")


def descriptor_text(d: Descriptor) -> str:
    """A descriptor in one line: its sentence if that begins with the value, else value, doubt and sentence."""
    if d.text.startswith(d.value):
        return ascii_text(d.text)
    also = f", cannot exclude {', '.join(d.also)}" if d.also else ""
    sentence = f" ({d.text})" if d.text and d.text != d.value else ""
    return ascii_text(f"{d.value}{also}{sentence}")


def _append_descriptors(group: Sequence, descriptors: Iterable[Descriptor]) -> None:
    for d in descriptors:
        group[0].ContentSequence.append(_text(descriptor_term(d.name).code, descriptor_text(d)))


def _coded_evaluations(descriptors: Iterable[Descriptor]) -> list[QualitativeEvaluation]:
    pairs = [(descriptor_term(d.name).code, d.code) for d in descriptors if d.code is not None]
    return [QualitativeEvaluation(coded(name), coded(value)) for name, value in pairs]


def _sites(finding: Finding) -> list[FindingSite] | None:
    if finding.site is None:
        return None
    side = {Laterality.LEFT: LEFT, Laterality.RIGHT: RIGHT}.get(finding.laterality) if finding.laterality else None
    return [FindingSite(coded(finding.site), laterality=coded(side) if side else None)]


def _finding_group(
    finding: Finding, reading: Reading, headers: SourceHeaders, seg: Dataset | None, segment: int | None
) -> Sequence:
    """TID 1410 on the region in a picture; TID 1411 on a segment; else TID 1410 on the centre in the patient.

    Without a frame of reference a point in the patient says nothing: TID 1501. Marks of a finding are not written:
    numbers in TID 1410 have no coordinates.
    """
    common = {
        "tracking_identifier": TrackingIdentifier(uid=finding.tracking_uid, identifier=tracking_id(finding)),
        "finding_type": coded(finding.kind),
        "finding_category": coded(finding.category) if finding.category else None,
        "finding_sites": _sites(finding),
        "algorithm_id": _algorithm(reading),
        "measurements": [_num(m, reading) for m in _measurements(finding)] or None,
        "qualitative_evaluations": _coded_evaluations(finding.descriptors) or None,
    }
    if finding.region is not None:  # a segment of the picture, if there is one, has the same Tracking UID
        region = image_region(finding.region, reading.source)
        group = PlanarROIMeasurementsAndQualitativeEvaluations(referenced_region=region, **common)
    elif seg is not None and segment is not None:
        reference = ReferencedSegment(
            seg.SOPClassUID,
            seg.SOPInstanceUID,
            segment_number=segment,
            source_series=SourceSeriesForSegmentation(reading.source.series_uid),
        )
        group = VolumetricROIMeasurementsAndQualitativeEvaluations(referenced_segment=reference, **common)
    elif frame := reading.source.frame_of_reference_uid:
        point = hd.sr.ImageRegion3D(hd.sr.GraphicTypeValues3D.POINT, np.array([finding.point_lps]), frame)
        group = PlanarROIMeasurementsAndQualitativeEvaluations(referenced_region=point, **common)
    else:
        group = MeasurementsAndQualitativeEvaluations(source_images=[_first_image(headers)], **common)
    _append_descriptors(group, finding.descriptors)
    for caveat in finding.caveats:
        group[0].ContentSequence.append(_text(words.CAVEAT, caveat))
    return group


def _first_image(headers: SourceHeaders) -> SourceImageForMeasurementGroup:
    return SourceImageForMeasurementGroup(headers.first.SOPClassUID, headers.first.SOPInstanceUID)


def _image_group(reading: Reading, headers: SourceHeaders, stamp: Stamp) -> Sequence:
    """TID 1501: whether the image could be assessed, why not, and what is said of it as a whole."""
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=stamp.uid("image-group"), identifier=IMAGE_GROUP),
        algorithm_id=_algorithm(reading),
        measurements=[_num(m, reading, reading.marks) for m in reading.measurements] or None,
        qualitative_evaluations=[
            QualitativeEvaluation(coded(words.ASSESSABLE), coded(YES if reading.assessable else NO)),
            *_coded_evaluations(reading.labels),
        ],
        source_images=[_first_image(headers)],
    )
    items: list[ContentItem] = [
        UIDRefContentItem(
            coded(Code("112002", "DCM", "Series Instance UID")),
            reading.source.series_uid,
            RelationshipTypeValues.CONTAINS,
        )
    ]
    if not reading.assessable:
        items += [_text(words.REASON, f"{r.code}: {r.text}") for r in reading.reasons]
    doubts = [r for r in reading.scope.reasons if reading.assessable or r not in reading.reasons]
    items += [_text(words.SCOPE_REASON, f"{r.code}: {r.text}") for r in doubts]
    items.append(_text(words.GEOMETRY, reading.verdict.sentence()))
    items += [_text(words.CAVEAT, caveat) for caveat in reading.caveats]
    items.append(_text(_COMMENT, DISCLAIMER))
    group[0].ContentSequence.extend(items)
    _append_descriptors(group, reading.labels)
    return group


def _nums(item: Dataset) -> Iterator[Dataset]:
    if item.get("ValueType") == "NUM":
        yield item
    for child in item.get("ContentSequence", ()):
        yield from _nums(child)


def _empty_failures(sr: Dataset) -> None:
    """Empty the value of each NUM with a qualifier: highdicom cannot build one without a value.

    A NUM with both would say "0" to most readers, so that none is left is checked here, at the source.
    """
    for item in _nums(sr):
        if "NumericValueQualifierCodeSequence" in item:
            item.MeasuredValueSequence = Sequence([])
    both = [i for i in _nums(sr) if "NumericValueQualifierCodeSequence" in i and len(i.MeasuredValueSequence)]
    if both:
        raise IntegrityError(f"{len(both)} number(s) have both a value and a qualifier", where="sr.dcm")


def build_sr(
    reading: Reading, headers: SourceHeaders, stamp: Stamp, seg: Dataset | None, segments: dict[int, int]
) -> Dataset:
    """The structured report.

    Parameters
    ----------
    seg : Dataset or None
        The Segmentation that the groups refer to.
    segments : dict
        Number of a finding to its segment number there.
    """
    p = reading.provenance
    groups = [_finding_group(f, reading, headers, seg, segments.get(f.number)) for f in reading.findings]
    image_group = _image_group(reading, headers, stamp)
    sr = hd.sr.Comprehensive3DSR(
        evidence=[headers.first] if seg is None else [headers.first, seg],
        content=_report(reading, stamp, [image_group]),
        series_instance_uid=stamp.uid("sr-series"),
        series_number=9102,
        sop_instance_uid=stamp.uid("sr"),
        instance_number=1,
        manufacturer=identity.MANUFACTURER,
        manufacturer_model_name=ascii_text(p.task)[:64],
        software_versions=identity.software_versions(p),
        device_serial_number=identity.serial_number(p),
        series_description=f"overread {ascii_text(p.task)} measurements"[:64],
        is_complete=True,
        is_final=False,
        is_verified=False,
        record_evidence=False,
        contributing_equipment=[identity.equipment(p)],
    )
    # The constructor copies its content twice for accessors that are lost on saving: give it little, the rest after.
    sr.ContentSequence = _report(reading, stamp, [*groups, image_group])[0].ContentSequence
    stamp.settle(sr, "sr")
    identity.declare_private_scheme(sr)
    _empty_failures(sr)
    return sr


def _report(reading: Reading, stamp: Stamp, groups: list[Sequence]) -> Sequence:
    """TID 1500 around measurement groups, observed by this software as a device."""
    device = hd.sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=hd.sr.DeviceObserverIdentifyingAttributes(
            uid=reading.provenance.device_uid or stamp.uid("device"),
            name="overread",
            manufacturer_name=identity.MANUFACTURER,
            model_name=ascii_text(reading.provenance.task),
        ),
    )
    return hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(observer_device_context=device),
        procedure_reported=codes.LN.CTUnspecifiedBodyRegion if reading.source.modality == "CT" else _PROCEDURE,
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )


_PROCEDURE = DicomCode("363679005", "SCT", "Imaging procedure")
