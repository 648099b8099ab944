"""The view task: which view a chest radiograph is, and whether it can be read at all."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from overread.cards import TaskCard, read_card
from overread.findings import Descriptor, Measurement, Provenance, Reading, Reason, Scope, ScopeAnswer
from overread.findings.identity import digest_uid
from overread.image import Image, Radiograph, Source
from overread.models import LinearHead, Network, read_heads
from overread.runtime import Progress, Runtime
from overread.tasks._shared.film_encoder import ENCODER_SHA256, film_features, open_encoder
from overread.tasks.chest_xray_view.plan import ViewPlan
from overread.tasks.chest_xray_view.scope import scope_of_headers, scope_of_image

NAME = "chest_xray_view"
TITLE = "View and quality of a chest radiograph"
HEADS = "heads.npz"
UNSURE = "needs_a_reader"
_WORDS = {
    "adult_frontal": "adult, frontal (PA or AP, erect)",
    "bedside": "adult, frontal, bedside (AP supine)",
    "lateral": "lateral",
    "child": "child",
}
_TURNED = {
    "turned_left": "turned by a quarter, its top to the left",
    "turned_right": "turned by a quarter, its top to the right",
    "upside_down": "upside down",
}


@dataclass(frozen=True, slots=True)
class ChestXrayView:
    """Tells adult frontal, bedside, lateral and child films apart; refuses what is turned, inverted or no chest film.

    Notes
    -----
    The question of Cai et al. 2022 as told by Dong, Xiong and Zhang. The view that a header names is shown beside the
    answer and never enters it.
    """

    plan: ViewPlan = field(default_factory=ViewPlan)

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
        """One plain radiograph; millimetres are not needed, a stack of slices is refused."""
        if spacing_mm is not None:
            return Scope(ScopeAnswer.NO, (Reason("not_a_radiograph", "it is a stack of slices, not one radiograph"),))
        return scope_of_headers(source, shape, self.plan)

    def accepts(self, image: Image) -> Scope:
        """As `suits`, and a picture that is neither blank, nor noise, nor in colour."""
        return scope_of_image(image, self.plan)

    def read(self, image: Image, runtime: Runtime, progress: Progress) -> Reading:
        """Quality first, then the view with a probability each; unsure answers are left to a reader."""
        scope = self.accepts(image)
        if scope.answer is ScopeAnswer.NO or not isinstance(image, Radiograph):
            return self._reading(image, scope, reasons=scope.reasons)
        began = perf_counter()
        progress("look", 0.2)
        features = film_features(image.array, _encoder(runtime.threads))
        heads = _heads()
        reasons, quality = self._quality(features, heads)
        seconds = {"look": perf_counter() - began}
        if reasons:
            refused = Scope(ScopeAnswer.NO, reasons)
            return self._reading(image, refused, reasons=reasons, labels=quality, seconds=seconds)
        probabilities = heads["view"].probabilities(features)
        labels = (self._view(probabilities), *quality, *_of_header(image.source))
        numbers = tuple(
            Measurement(f"view_{name}", p, "1", None, "linear head on EfficientNet-Lite0, temperature-scaled")
            for name, p in probabilities.items()
        )
        return self._reading(image, scope, labels=labels, measurements=numbers, seconds=seconds)

    def _quality(
        self, features: NDArray[np.float32], heads: dict[str, LinearHead]
    ) -> tuple[tuple[Reason, ...], tuple[Descriptor, ...]]:
        """Reasons to refuse, and what is said of orientation, tone and side."""
        first = features[:1]
        turn, tone, side = (heads[name].probabilities(first) for name in ("turn", "tone", "side"))
        worst = max(_TURNED, key=lambda name: turn[name])
        reasons = []
        if turn[worst] > self.plan.turned_above:
            reasons.append(Reason(worst, f"the film is {_TURNED[worst]}"))
        if tone["inverted"] > self.plan.inverted_above:
            reasons.append(Reason("inverted", "the film is inverted: bone is dark"))
        is_mirrored = side["mirrored"] > self.plan.mirrored_above
        words = "it may be mirrored: check the side marker" if is_mirrored else "no sign of being mirrored"
        labels = (
            Descriptor("orientation", worst if turn[worst] > self.plan.turned_above else "upright", ""),
            Descriptor("tone", "inverted" if tone["inverted"] > self.plan.inverted_above else "normal", ""),
            Descriptor("side", "perhaps_mirrored" if is_mirrored else "not_mirrored", words),
        )
        return tuple(reasons), labels

    def _view(self, probabilities: dict[str, float]) -> Descriptor:
        best = max(probabilities, key=lambda name: probabilities[name])
        others = tuple(name for name, p in probabilities.items() if name != best and p > 0.1)
        if probabilities[best] < self.plan.sure_above:
            words = f"between {' and '.join(_WORDS[name] for name in (best, *others))}: a reader has to decide"
            return Descriptor("view", UNSURE, words, (best, *others))
        return Descriptor("view", best, _WORDS[best], others)

    def _reading(
        self,
        image: Image,
        scope: Scope,
        *,
        reasons: tuple[Reason, ...] = (),
        labels: tuple[Descriptor, ...] = (),
        measurements: tuple[Measurement, ...] = (),
        seconds: dict[str, float] | None = None,
    ) -> Reading:
        mirrored = any(label.value == "perhaps_mirrored" for label in labels)
        caveats = tuple(reason.text for reason in scope.reasons if not reasons)
        return Reading(
            provenance=self._provenance(),
            title=TITLE,
            assessable=not reasons,
            scope=scope,
            source=image.source,
            verdict=image.verdict,
            reasons=reasons,
            labels=labels,
            measurements=measurements,
            caveats=(*caveats, *(("The film may be mirrored: check the side marker.",) if mirrored else ())),
            seconds=seconds or {},
        )

    def _provenance(self) -> Provenance:
        card, plan = _card(), asdict(self.plan)
        weights = {**card.weights, "film_encoder/encoder.onnx": ENCODER_SHA256}
        return Provenance(
            task=NAME,
            task_version=card.version,
            versions={name: version(name) for name in ("overread", "numpy", "onnxruntime", "pillow")},
            plan=plan,
            weights=weights,
            device_uid=digest_uid("device", NAME, card.version, repr(plan), repr(sorted(weights.items()))),
        )


def _of_header(source: Source) -> tuple[Descriptor, ...]:
    view = str(source.facts.get("view", ""))
    return (Descriptor("view_in_header", view, f"the header says {view}; it was not used"),) if view else ()


@cache
def _card() -> TaskCard:
    return read_card(Path(str(files(__package__) / "card.toml")))


@cache
def _heads() -> dict[str, LinearHead]:
    return read_heads(Path(str(files(__package__) / HEADS)), sha256=_card().weights[HEADS])[0]


@cache
def _encoder(threads: int) -> Network:
    return open_encoder(Runtime(threads))


TASK = ChestXrayView()
