"""The view task: which view a chest radiograph is, and whether it can be read at all."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from time import perf_counter

from overread.cards import TaskCard, read_card
from overread.findings import Descriptor, EvidenceMap, Measurement, Provenance, Reading, Reason, Scope, ScopeAnswer
from overread.image import Image, Radiograph, Source
from overread.models import LinearHead, Network, read_heads, read_subspace
from overread.phantoms import FilmPhantom
from overread.runtime import Progress, Runtime
from overread.tasks._shared.film_encoder import ENCODER_SHA256, Look, look_at, open_encoder
from overread.tasks._shared.provenance import provenance_of
from overread.tasks.chest_xray_view.cut import CUT, cut_sides, cut_warning, cut_words
from overread.tasks.chest_xray_view.heart import MAGNIFIED, MIRROR, MIRROR_WARNING, heart_of, lung_finder, mirrored
from overread.tasks.chest_xray_view.orientation import Orientation
from overread.tasks.chest_xray_view.plan import ViewPlan
from overread.tasks.chest_xray_view.quality import KindGate, exposure_reason
from overread.tasks.chest_xray_view.scope import scope_of_headers, scope_of_image
from overread.tasks.chest_xray_view.views import MAP_METHOD, NETWORK, Temperatures, ViewAnswer, open_network

NAME = "chest_xray_view"
TITLE = "View and quality of a chest radiograph"
HEADS, QUALITY, LIKENESS = "heads.npz", "quality.npz", "likeness.npz"
UNSURE = "needs_a_reader"
METHOD = (
    "geometric mean of a linear head on frozen EfficientNet-Lite0 and one fine-tuned as a whole, temperature-scaled"
)
LIMITS = (
    "Of mirrored films one in four is not noticed, and no child's or lateral: check the side marker.",
    "Whether the patient stands rotated is not told.",
    "Bedside films can hardly be told from other AP films.",
    "A child of a hospital that had no child in training is missed.",
    "Films of a hand, a skull or an abdomen were not at hand when the check for chest films was measured.",
)
_WORDS = {
    "adult_frontal": "adult, frontal (PA or AP, erect)",
    "bedside": "adult, frontal, bedside (AP supine)",
    "lateral": "lateral",
    "child": "child",
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

    def simulate(self, seed: int) -> FilmPhantom:
        """A film of a simulated chest: frontal for even seeds, lateral for odd ones."""
        from overread.phantoms.film import chest_film  # noqa: PLC0415  (a reading needs no phantom)

        return chest_film(seed, view="lateral" if seed % 2 else "frontal")

    def read(self, image: Image, runtime: Runtime, progress: Progress) -> Reading:
        """Quality first, then the view with a probability each; unsure answers are left to a reader."""
        return self.read_and_look(image, runtime, progress)[0]

    def read_and_look(self, image: Image, runtime: Runtime, progress: Progress) -> tuple[Reading, Look | None]:
        """As `read`, and what the encoder saw, for a task that asks more of it; None where it is not assessed."""
        scope = self.accepts(image)
        if scope.answer is ScopeAnswer.NO or not isinstance(image, Radiograph):
            return self._reading(image, scope, reasons=scope.reasons), None
        began = perf_counter()
        progress("look", 0.2)
        encoder, models = _encoder(runtime.threads), _models()
        look = look_at(image.array, encoder)
        lies = Orientation.of(look.features, models.heads, self.plan)
        exposure = exposure_reason(image.array, models.heads["exposure"], self.plan)
        upright = look.features if lies.sound else look_at(lies.undone(image.array), encoder).features
        stranger = models.kind.reason(upright, self.plan)
        seconds = {"look": perf_counter() - began}
        # a stranger is not called turned or dark: those words are of chest films
        reasons = (stranger,) if stranger else (*((exposure,) if exposure else ()), *lies.reasons())
        if reasons:
            refused, labels = Scope(ScopeAnswer.NO, reasons), () if stranger else lies.labels()
            return self._reading(image, refused, reasons=reasons, labels=labels, seconds=seconds), None
        seen = open_network(_card().weights[NETWORK], runtime.threads).run({"films": look.copies})
        answer = ViewAnswer(look, models.heads["view"], seen, models.scale)
        probabilities = answer.probabilities()
        view = self._view(probabilities)
        labels = (view, *lies.labels(), *_of_header(image.source))
        numbers = tuple(Measurement(f"view_{name}", p, "1", None, METHOD) for name, p in probabilities.items())
        reading = self._reading(image, scope, labels=labels, measurements=numbers, seconds=seconds)
        shown = view.value if view.value in probabilities else max(probabilities, key=lambda name: probabilities[name])
        found = EvidenceMap(answer.evidence(shown), "view", _WORDS[shown], MAP_METHOD)
        reading = replace(reading, evidence_maps=(found,))
        progress("lungs", 0.8)
        began = perf_counter()
        if probabilities["adult_frontal"] + probabilities["bedside"] > self.plan.frontal_above:
            reading = self._with_heart(reading, image, runtime)
        if probabilities["lateral"] <= self.plan.lateral_above:
            reading = _with_cuts(reading, image, runtime)
        return replace(reading, seconds={**reading.seconds, "lungs": perf_counter() - began}), look

    def _with_heart(self, reading: Reading, image: Radiograph, runtime: Runtime) -> Reading:
        """Lung fields and cardiothoracic ratio of an adult's frontal film; another view has neither."""
        heart = heart_of(image, runtime)
        p = mirrored(image, heart, _models().heads["mirror"])
        side: tuple[Descriptor, ...] = ()
        warnings = (MAGNIFIED,) if heart.widths else ()
        if p is not None:
            is_mirrored = p > self.plan.mirrored_above
            words = MIRROR_WARNING if is_mirrored else "the heart lies on its side, as far as can be told"
            side = (Descriptor("mirrored", "perhaps" if is_mirrored else "no", words),)
            warnings = (MIRROR_WARNING, *warnings) if is_mirrored else warnings
        return replace(
            reading,
            labels=(*reading.labels, *side),
            measurements=(*reading.measurements, heart.measurement),
            marks=heart.marks,
            segments=heart.mask,
            findings=heart.structures(image.source.series_uid),
            caveats=(*warnings, *reading.caveats),
        )

    def _view(self, probabilities: dict[str, float]) -> Descriptor:
        """The view, with those that cannot be excluded; frontal first, since bedside hardly differs from erect."""
        frontal = probabilities["adult_frontal"] + probabilities["bedside"]
        three = {"frontal": frontal, "lateral": probabilities["lateral"], "child": probabilities["child"]}
        likeliest = max(three, key=lambda name: three[name])
        ranked = sorted(probabilities, key=lambda name: -probabilities[name])
        best = next(name for name in ranked if (name in ("adult_frontal", "bedside")) == (likeliest == "frontal"))
        also = tuple(name for name in ranked if name != best and probabilities[name] > self.plan.excluded_below)
        if three[likeliest] < self.plan.sure_above:
            words = f"between {' and '.join(_WORDS[name] for name in (best, *also))}: a reader has to decide"
            return Descriptor("view", UNSURE, words)
        return Descriptor("view", best, _WORDS[best], also)

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
        doubts = () if reasons else tuple(reason.text for reason in scope.reasons)
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
            seeks_findings=False,
            caveats=(*doubts, *(() if reasons else LIMITS)),
            seconds=seconds or {},
        )

    def _provenance(self) -> Provenance:
        card = _card()
        weights = {**card.weights, "film_encoder/encoder.onnx": ENCODER_SHA256}
        return provenance_of(card, asdict(self.plan), libraries=("onnxruntime", "pillow"), weights=weights)


def _with_cuts(reading: Reading, image: Radiograph, runtime: Runtime) -> Reading:
    """Whether the lungs of a frontal film, an adult's or a child's, are cut off."""
    sides = cut_sides(image.array, lung_finder(runtime.threads).network, _models().heads)
    warnings = (cut_warning(sides),) if sides else ()
    return replace(reading, labels=(*reading.labels, cut_words(sides)), caveats=(*warnings, *reading.caveats))


def _of_header(source: Source) -> tuple[Descriptor, ...]:
    view = str(source.facts.get("view", ""))
    return (Descriptor("view_in_header", view, f"the header says {view}; it was not used"),) if view else ()


@cache
def _card() -> TaskCard:
    return read_card(Path(str(files(__package__) / "card.toml")))


@dataclass(frozen=True, slots=True, eq=False)
class _Models:
    heads: dict[str, LinearHead]
    scale: Temperatures
    kind: KindGate


@cache
def _models() -> _Models:
    here, weights = Path(str(files(__package__))), _card().weights
    heads, notes = read_heads(here / HEADS, sha256=weights[HEADS])
    quality, _ = read_heads(here / QUALITY, sha256=weights[QUALITY])
    kind = KindGate(read_subspace(here / LIKENESS, sha256=weights[LIKENESS]), quality.pop("kind"))
    mirror, _ = read_heads(here / MIRROR, sha256=weights[MIRROR])
    cut, _ = read_heads(here / CUT, sha256=weights[CUT])
    return _Models({**heads, **quality, **mirror, **cut}, Temperatures.of(notes), kind)


@cache
def _encoder(threads: int) -> Network:
    return open_encoder(Runtime(threads), with_map=True)


TASK = ChestXrayView()
