"""The hippocampus task: from an MR region to a Reading. Outlining is in `segment`, what was learned in `model`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from time import perf_counter

import numpy as np

from overread.cards import TaskCard, read_card
from overread.findings import (
    Descriptor,
    Finding,
    Interval,
    Measurement,
    Provenance,
    Quality,
    Reading,
    Reason,
    Scope,
    ScopeAnswer,
)
from overread.findings.codes import ANATOMICAL_STRUCTURE, HIPPOCAMPUS
from overread.findings.identity import digest_uid
from overread.geometry import Grid
from overread.image import Image, LabelMap, Source, Volume, Window
from overread.phantoms import Phantom
from overread.runtime import Progress, Runtime
from overread.tasks._shared.provenance import provenance_of
from overread.tasks.brain_mr_hippocampus.model import Model, read_model
from overread.tasks.brain_mr_hippocampus.plan import HippocampusPlan
from overread.tasks.brain_mr_hippocampus.prepare import prepare, sample
from overread.tasks.brain_mr_hippocampus.scope import scope_of_headers, scope_of_image
from overread.tasks.brain_mr_hippocampus.segment import Segmented, segment

NAME = "brain_mr_hippocampus"
TITLE = "Volume of the hippocampus on MR"
WEIGHTS = "model.npz"
HERE = Path(__file__).parent
PARTS = {1: "anterior", 2: "posterior"}
LIMITS = (
    "Learned from regions that were cut out round one hippocampus; a whole head must be cut first.",
    "The side of the head is not told: left and right are judged only as alike or mirrored to the training images.",
    "The border between anterior and posterior is one coronal plane of the image, as in the training outlines.",
)
WORDS = {
    "match": "the mean image matches this region poorly",
    "local_match": "the mean image could not be bent onto this region well",
    "agreement": "the outline differs much from where the hippocampus usually lies",
    "log_volume": "the outlined volume is unusual",
    "hand": "the region and its mirror image match nearly alike",
}


@dataclass(frozen=True, slots=True)
class BrainMrHippocampus:
    """Outlines one hippocampus in an MR region and measures its anterior and posterior part.

    Notes
    -----
    Place prior after affine and deformable alignment, 61 features of Han & Xu 2021 (section 2.3) and a support vector
    machine, cut free of what clings to it; `docs/decisions/0015-hippocampus.md` says why each step is as it is.
    """

    plan: HippocampusPlan = field(default_factory=HippocampusPlan)

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
        """MR, 0.4 to 1.6 mm each way, 24 to 90 mm along each axis."""
        return scope_of_headers(source, shape, spacing_mm)

    def accepts(self, image: Image) -> Scope:
        """As `suits`, and finite values that are not all alike."""
        return scope_of_image(image)

    def simulate(self, seed: int) -> Phantom:
        """A bent copy of the mean image, with its volumes."""
        from overread.tasks.brain_mr_hippocampus.example import example_region  # noqa: PLC0415

        return example_region(shipped_model().atlas, seed)[0]

    def read(self, image: Image, runtime: Runtime, progress: Progress) -> Reading:
        """Place, outline, part, measure."""
        scope = self.accepts(image)
        if scope.answer is ScopeAnswer.NO or not isinstance(image, Volume):
            return self._refusal(image, scope.reasons, scope)
        began = perf_counter()
        progress("place", 0.0)
        with runtime.hold_library_threads():
            region = prepare(image, self.plan)
            found = segment(region.values, shipped_model(), self.plan, runtime)
        if found.refusals:
            reasons = tuple(Reason(f"poor_{name}", WORDS[name]) for name in found.refusals)
            return self._refusal(image, reasons, Scope(ScopeAnswer.NO, reasons))
        progress("measure", 0.7)
        labels = _onto(found.labels, region.grid, image.grid)
        findings, whole = _findings(labels, image, shipped_model())
        return Reading(
            provenance=self._provenance(),
            title=TITLE,
            assessable=True,
            scope=scope,
            source=image.source,
            verdict=image.verdict,
            findings=findings,
            measurements=(whole,),
            labels=(_hand(found),),
            seeks_findings=False,
            segments=labels,
            windows=_windows(image),
            caveats=(*(WORDS[name] for name in found.doubts), *_border(labels), *LIMITS),
            seconds={"all": perf_counter() - began},
        )

    def _refusal(self, image: Image, reasons: tuple[Reason, ...], scope: Scope) -> Reading:
        return Reading(
            provenance=self._provenance(),
            title=TITLE,
            assessable=False,
            scope=scope,
            source=image.source,
            verdict=image.verdict,
            reasons=reasons,
            windows=_windows(image),
        )

    def _provenance(self) -> Provenance:
        return provenance_of(_card(), asdict(self.plan), libraries=("scipy",))


@cache
def _card() -> TaskCard:
    return read_card(HERE / "card.toml")


@cache
def shipped_model() -> Model:
    """The model of the card; raises `IntegrityError` where the file is another."""
    return read_model(HERE / WEIGHTS, sha256=_card().weights[WEIGHTS])


def _windows(image: Image) -> tuple[Window, ...]:
    if image.windows or not isinstance(image, Volume):
        return image.windows
    values = image.array.astype(np.float32)
    values = values[np.isfinite(values)]
    low, high = np.percentile(values, (1, 99)) if values.size else (0.0, 0.0)
    return (Window(float(low + high) / 2, max(float(high - low), 2.0), "1st to 99th percentile"),)


def _onto(labels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], grid: Grid, wanted: Grid) -> LabelMap:
    """Labels of the 1 mm grid on the grid of the image: the part with the larger share of a voxel, from one half on."""
    anterior, whole = (sample(part.astype(np.float32), wanted, grid) for part in (labels == 1, labels > 0))
    inside = whole >= 0.5
    array = np.where(inside, np.where(anterior >= whole / 2, 1, 2), 0).astype(np.uint8)
    return LabelMap(array, wanted, {number: f"{name} hippocampus" for number, name in PARTS.items()})


def _findings(labels: LabelMap, image: Volume, model: Model) -> tuple[tuple[Finding, ...], Measurement]:
    quality = Quality.TOUCHES_BORDER if _touches(labels) else Quality.NONE
    findings = []
    for number, name in PARTS.items():
        if not (labels.array == number).any():
            continue
        x, y, z = (float(c) for c in labels.centroid_lps(number))
        findings.append(
            Finding(
                number=number,
                kind=HIPPOCAMPUS,
                category=ANATOMICAL_STRUCTURE,
                label=f"{name} hippocampus",
                tracking_uid=digest_uid(image.source.series_uid, NAME, name, f"{x:.2f}", f"{y:.2f}", f"{z:.2f}"),
                point_lps=(x, y, z),
                site=HIPPOCAMPUS,
                site_text=f"hippocampus, {'head' if number == 1 else 'body and tail'}",
                measurements=(_volume("volume", labels.volume_mm3(number), model, name, quality),),
            )
        )
    total = sum(labels.volume_mm3(number) for number in PARTS)
    return tuple(findings), _volume("hippocampus_volume", total, model, "whole", quality)


def _volume(name: str, volume_mm3: float, model: Model, part: str, quality: Quality) -> Measurement:
    value = volume_mm3 / 1000
    method = (
        f"voxel count; interval: split conformal on {model.calibration_cases} left-out training cases, against outlines"
        " drawn by hand"
    )
    interval = Interval(*model.limits(part, value), model.coverage)
    return Measurement(name, value, "mL", interval, method, quality)


def _touches(labels: LabelMap) -> bool:
    inside = labels.array > 0
    return any(bool(np.take(inside, end, axis=axis).any()) for axis in range(3) for end in (0, -1))


def _border(labels: LabelMap) -> tuple[str, ...]:
    return ("the outline reaches the edge of the region: volumes are lower bounds",) if _touches(labels) else ()


def _hand(found: Segmented) -> Descriptor:
    placed = found.placed
    value = "mirrored" if placed.mirrored else "as_training"
    words = "the mirror image of this region matches" if placed.mirrored else "this region matches as it is"
    return Descriptor(
        "hand", value, f"{words} (correlation {placed.match:.2f}, the other hand {placed.other_hand:.2f})"
    )


TASK = BrainMrHippocampus()
