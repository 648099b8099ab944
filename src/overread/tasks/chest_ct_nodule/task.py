"""The nodule task: from a CT volume to a Reading. Finding is in `detect`, measuring on the floor below."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from time import perf_counter

import numpy as np

from overread.cards import TaskCard, read_card
from overread.findings import (
    Descriptor,
    Finding,
    Laterality,
    Provenance,
    Reading,
    Scope,
    ScopeAnswer,
)
from overread.findings.codes import ABNORMAL_STRUCTURE, LUNG, NODULE
from overread.findings.identity import digest_uid
from overread.image import Image, LabelMap, Source, Volume
from overread.image.window import LUNG as LUNG_WINDOW
from overread.image.window import PULMONARY_PAPER, SOFT_TISSUE
from overread.measure import NoduleMeasure, NotMeasurable, estimate_edge, measure_nodule
from overread.ops.lung_field import LungField, lung_field
from overread.phantoms import Phantom
from overread.runtime import Progress, Runtime, within
from overread.tasks._shared.axial import axial, turned_back
from overread.tasks._shared.provenance import provenance_of
from overread.tasks.chest_ct_nodule.categories import UNDETERMINED, fleischner_2017, gravest, lung_rads_2022
from overread.tasks.chest_ct_nodule.detect import Candidate, find_nodules
from overread.tasks.chest_ct_nodule.location import LungExtent, lung_extent, side_of, zone_of
from overread.tasks.chest_ct_nodule.plan import NodulePlan
from overread.tasks.chest_ct_nodule.scope import scope_of_headers, scope_of_image

NAME = "chest_ct_nodule"
TITLE = "Lung nodules on chest CT"
SMOOTH_BELOW = 0.15
"""The upper ends of spiculation and lobulation lie below this on a surface that is called smooth."""
LIMITS = (
    "Nodules that touch vessels or pleura have wider intervals: part of their boundary is set by rule.",
    "Lobes are not told apart; the zone is a third of the scanned height of the lung.",
    "Categories are for a first screening scan (Lung-RADS) or an incidental nodule in an adult without known cancer "
    "(Fleischner); they are computed from size and type alone.",
)


@dataclass(frozen=True, slots=True)
class ChestCtNodule:
    """Finds, measures, types and categorises lung nodules on chest CT.

    Notes
    -----
    Stages after Cai et al. 2024 as told by Dong, Xiong and Zhang: identify, verify, search the edge, measure axes,
    volume and the largest section.
    """

    plan: NodulePlan = field(default_factory=NodulePlan)

    @property
    def name(self) -> str:
        """Name on the command line."""
        return NAME

    def card(self) -> TaskCard:
        """For whom, on what, how well."""
        return _card()

    def suits(
        self, source: Source, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float] | None
    ) -> Scope:
        """CT of the chest, at least 30 mm long, spacing up to 5 x 1.2 x 1.2 mm."""
        return scope_of_headers(source, shape, spacing_mm)

    def accepts(self, image: Image) -> Scope:
        """As `suits`, and values in HU with aerated lung among them."""
        return scope_of_image(image)

    def simulate(self, seed: int) -> Phantom:
        """A chest CT phantom with planted nodules."""
        from overread.tasks.chest_ct_nodule.example import example_chest  # noqa: PLC0415  (a reading needs no phantom)

        return example_chest(seed)

    def read(self, image: Image, runtime: Runtime, progress: Progress) -> Reading:
        """Find, verify, measure, type and categorise nodules in a CT volume in HU."""
        scope = self.accepts(image)
        if scope.answer is ScopeAnswer.NO or not isinstance(image, Volume):
            return self._refusal(image, scope)
        with runtime.hold_library_threads():
            reading = self._read(axial(image), scope, runtime, progress)
        if not isinstance(reading.segments, LabelMap):
            return reading
        return replace(reading, segments=turned_back(reading.segments, image.grid))

    def _read(self, image: Volume, scope: Scope, runtime: Runtime, progress: Progress) -> Reading:
        watch = _Watch(progress)
        watch.stage("lungs", 0.0)
        lung = lung_field(image, runtime)
        if not lung.found:
            return self._refusal(image, Scope(ScopeAnswer.NO, lung.reasons))
        watch.stage("find", 0.25)
        found = find_nodules(image, lung, self.plan.detect, runtime, within(progress, 0.25, 0.5))
        candidates = found[: self.plan.most_findings]
        watch.stage("measure", 0.5)
        edge = estimate_edge(image, lung.inside, self.plan.measure)

        def measured(candidate: Candidate) -> NoduleMeasure | NotMeasurable:
            return measure_nodule(
                image, candidate.index_kji, candidate.radius_mm, lung.inside, plan=self.plan.measure, edge=edge
            )

        pairs = list(zip(candidates, runtime.map(measured, candidates), strict=True))
        kept = _distinct([(c, m) for c, m in pairs if isinstance(m, NoduleMeasure) and self._listed(m)])
        lost = [(c, m) for c, m in pairs if isinstance(m, NotMeasurable)]
        watch.stage("describe", 0.95)
        findings, segments = self._findings(image, lung, kept)
        seconds = watch.stop()
        return Reading(
            provenance=self._provenance(),
            title=TITLE,
            assessable=True,
            scope=scope,
            source=image.source,
            verdict=image.verdict,
            findings=findings,
            labels=_summary(findings, self.plan.smallest_mm),
            segments=segments,
            windows=(PULMONARY_PAPER, LUNG_WINDOW, SOFT_TISSUE),
            caveats=(*_caveats(scope, lung, image, lost), *self._left_out(len(found)), *LIMITS),
            seconds=seconds,
        )

    def _left_out(self, found: int) -> tuple[str, ...]:
        if found <= self.plan.most_findings:
            return ()
        return (f"{found - self.plan.most_findings} more places of lower score were not measured",)

    def _listed(self, measure: NoduleMeasure) -> bool:
        return not measure["mean_diameter"].value < self.plan.smallest_mm

    def _findings(
        self, image: Volume, lung: LungField, kept: list[tuple[Candidate, NoduleMeasure]]
    ) -> tuple[tuple[Finding, ...], LabelMap]:
        place = _Place(lung_extent(lung.sides, image.grid), lung, image)
        label_map = np.zeros(image.grid.shape, np.uint8)
        findings = []
        for number, (candidate, measure) in enumerate(kept, start=1):
            box = label_map[measure.box]
            box[measure.inside & (box == 0)] = number
            findings.append(self._finding(number, candidate, measure, place, n_nodules=len(kept)))
        names = {finding.number: f"{finding.label} {finding.number}" for finding in findings}
        return tuple(findings), LabelMap(label_map, image.grid, names)

    def _finding(
        self,
        number: int,
        candidate: Candidate,
        measure: NoduleMeasure,
        place: _Place,
        *,
        n_nodules: int,
    ) -> Finding:
        side, zone = place.of(measure.centre_lps)
        diameter, solid = measure["mean_diameter"], measure["solid_long_axis"]
        mass = diameter.value > self.plan.largest_mm
        return Finding(
            number=number,
            kind=NODULE,
            category=ABNORMAL_STRUCTURE,
            label="lung mass" if mass else "lung nodule",
            point_lps=measure.centre_lps,
            tracking_uid=digest_uid(place.image.source.series_uid, NAME, *(f"{x:.2f}" for x in measure.centre_lps)),
            site=LUNG,
            site_text=_place_words(side, zone),
            laterality=side,
            measurements=measure.measurements,
            descriptors=(
                Descriptor("type", measure.nodule_type, measure.nodule_type.replace("_", "-")),
                Descriptor("attachment", measure.attachment, measure.attachment),
                Descriptor("location", f"{side or 'unknown'} {zone}".strip(), _place_words(side, zone)),
                fleischner_2017(measure.nodule_type, diameter, solid, n_nodules=n_nodules),
                lung_rads_2022(
                    measure.nodule_type, diameter, solid, juxtapleural_smooth=_is_juxtapleural_smooth(measure)
                ),
            ),
            lines=measure.lines,
            score=candidate.score,
        )

    def _refusal(self, image: Image, scope: Scope) -> Reading:
        return Reading(
            provenance=self._provenance(),
            title=TITLE,
            assessable=False,
            scope=scope,
            source=image.source,
            verdict=image.verdict,
            reasons=scope.reasons,
            windows=(PULMONARY_PAPER, LUNG_WINDOW, SOFT_TISSUE),
        )

    def _provenance(self) -> Provenance:
        return provenance_of(_card(), asdict(self.plan), libraries=("scipy",))


@dataclass(frozen=True, slots=True)
class _Place:
    """Names the side and zone of a point."""

    extent: LungExtent
    lung: LungField
    image: Volume

    def of(self, point_lps: tuple[float, float, float]) -> tuple[Laterality | None, str]:
        side = side_of(self.lung.sides, self.image.grid.to_index(point_lps))
        return side, zone_of(self.extent, side, point_lps[2])


@cache
def _card() -> TaskCard:
    return read_card(Path(str(files(__package__) / "card.toml")))


def _caveats(
    scope: Scope, lung: LungField, image: Volume, lost: list[tuple[Candidate, NotMeasurable]]
) -> tuple[str, ...]:
    caveats = [reason.text for reason in scope.reasons]
    if lung.sides[0].any() or lung.sides[-1].any():
        caveats.append("lung reaches the first or last slice: nodules outside the scan are not counted")
    for candidate, why in lost:
        x, y, z = image.grid.to_lps(candidate.index_kji)
        caveats.append(
            f"a suspicious place at ({x:.1f}, {y:.1f}, {z:.1f}) mm (score {candidate.score:.2f}) could not be "
            f"measured and is not listed: {why.reason}"
        )
    return tuple(caveats)


def _distinct(measured: list[tuple[Candidate, NoduleMeasure]]) -> list[tuple[Candidate, NoduleMeasure]]:
    """Best scored first; one whose segment shares half of the smaller with a better one is the same object."""
    kept: list[tuple[Candidate, NoduleMeasure]] = []
    for candidate, measure in measured:
        if not any(_same_object(measure, other) for _, other in kept):
            kept.append((candidate, measure))
    return kept


def _same_object(a: NoduleMeasure, b: NoduleMeasure) -> bool:
    starts = [max(p.start, q.start) for p, q in zip(a.box, b.box, strict=True)]
    stops = [min(p.stop, q.stop) for p, q in zip(a.box, b.box, strict=True)]
    if any(start >= stop for start, stop in zip(starts, stops, strict=True)):
        return False
    common = [slice(start, stop) for start, stop in zip(starts, stops, strict=True)]

    def part(one: NoduleMeasure) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        return one.inside[
            tuple(slice(c.start - o.start, c.stop - o.start) for c, o in zip(common, one.box, strict=True))
        ]

    shared = np.count_nonzero(part(a) & part(b))
    return bool(shared > 0.5 * min(np.count_nonzero(a.inside), np.count_nonzero(b.inside)))


def _place_words(side: Laterality | None, zone: str) -> str:
    lung = "lung, side not certain" if side is None else f"{side.value} lung"
    return f"{lung}, {zone} zone" if zone else lung


def _is_juxtapleural_smooth(measure: NoduleMeasure) -> bool:
    """Lung-RADS 2022 keeps smooth, solid juxtapleural nodules below 10 mm in category 2: only when that is certain."""
    surfaces = (measure["spiculation"], measure["lobulation"])
    smooth = all(one.interval is not None and one.interval.high < SMOOTH_BELOW for one in surfaces)
    return measure.attachment == "juxtapleural" and measure.nodule_type == "solid" and smooth


def _summary(findings: tuple[Finding, ...], smallest_mm: float) -> tuple[Descriptor, ...]:
    if not findings:
        return (Descriptor("nodules", "0", f"no nodule of {smallest_mm:g} mm or more was found"),)
    categories = [finding.descriptor("lung_rads_2022") for finding in findings]
    worst = gravest(categories)
    unknown = sum(one.value == UNDETERMINED for one in categories)
    rest = f"; {unknown} could not be judged" if unknown and worst.value != UNDETERMINED else ""
    return (
        Descriptor("nodules", str(len(findings)), f"{len(findings)} listed"),
        replace(worst, text=f"{worst.text} (highest of all findings{rest})"),
    )


class _Watch:
    """Wall seconds a stage, and progress."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._seconds: dict[str, float] = {}
        self._name, self._began = "", perf_counter()

    def stage(self, name: str, share: float) -> None:
        self.stop()
        self._name, self._began = name, perf_counter()
        self._progress(name, share)

    def stop(self) -> dict[str, float]:
        if self._name:
            self._seconds[self._name] = perf_counter() - self._began
        return self._seconds


TASK = ChestCtNodule()
