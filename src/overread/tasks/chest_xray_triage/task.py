"""The triage task: a score for an abnormal finding, what its controls say, and no decision until a site has calibrated.

The question of "abnormal finding" / "no abnormal finding" in Dong, Xiong and Zhang. Public films cannot answer it:
class and hospital coincide, and the outer frame of a film tells nearly as much as the film (see the card).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from time import perf_counter

from overread.cards import TaskCard, read_card
from overread.findings import Descriptor, EvidenceMap, Measurement, Provenance, Reading, Scope
from overread.image import Image, Source
from overread.models import LinearHead, Network, read_heads
from overread.phantoms import FilmPhantom
from overread.runtime import Progress, Runtime, within
from overread.tasks._shared.film_controls import frame_only, thumbnails
from overread.tasks._shared.film_encoder import MAP_METHOD, Look, evidence_map, features_of, open_encoder
from overread.tasks._shared.provenance import provenance_of
from overread.tasks.chest_xray_triage.plan import TriagePlan
from overread.tasks.chest_xray_view import TASK as VIEW

NAME = "chest_xray_triage"
TITLE = "View, quality and triage of a chest radiograph"
HEADS = "heads.npz"
QUESTION = "triage"
CLASSES = ("normal", "abnormal")
NOT_CALIBRATED = "Nothing is decided: no site has calibrated the score, which is of public films (overread calibrate)."
LIMITS = (
    "The score was learned from public films on which class and hospital coincide; beside it stands what the film's "
    "outer frame alone, and 16 x 16 pixels of it, would have said.",
)


@dataclass(frozen=True, slots=True)
class ChestXrayTriage:
    """What `chest_xray_view` says, and whether an abnormal finding is likely; laterals get no score."""

    plan: TriagePlan = field(default_factory=TriagePlan)

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
        """As the view task."""
        return VIEW.suits(source, shape, spacing_mm)

    def accepts(self, image: Image) -> Scope:
        """As the view task."""
        return VIEW.accepts(image)

    def simulate(self, seed: int) -> FilmPhantom:
        """A frontal film of a simulated chest."""
        from overread.phantoms.film import chest_film  # noqa: PLC0415  (a reading needs no phantom)

        return chest_film(seed, view="frontal")

    def read(self, image: Image, runtime: Runtime, progress: Progress) -> Reading:
        """View and quality first; then scores of a frontal film, and of its frame and thumbnail."""
        view, look = VIEW.read_and_look(image, runtime, within(progress, 0.0, 0.5))
        made_by = self._provenance(view.provenance)
        reading = replace(view, provenance=made_by, title=TITLE)
        if look is None:
            return reading
        began = perf_counter()
        progress("triage", 0.5)
        lateral = next(m.value for m in view.measurements if m.name == "view_lateral")
        if lateral >= self.plan.lateral_below:
            not_scored = Descriptor(QUESTION, "not_scored", "lateral films get no score")
            return replace(reading, labels=(*view.labels, not_scored))
        scores, shown = self._scores(look, _encoder(runtime.threads))
        return replace(
            reading,
            labels=(Descriptor(QUESTION, "needs_a_reader", NOT_CALIBRATED), *view.labels),
            measurements=(*scores, *view.measurements),
            caveats=(*LIMITS, *view.caveats),
            evidence_maps=(shown, *view.evidence_maps),
            seconds={**view.seconds, "triage": perf_counter() - began},
        )

    @staticmethod
    def _scores(look: Look, encoder: Network) -> tuple[tuple[Measurement, ...], EvidenceMap]:
        """Scores of the film and of its controls, and where on the film the score for abnormal comes from."""
        heads = _heads()
        p = heads["finding"].probabilities(look.features)
        frame = heads["frame"].probabilities(features_of(frame_only(look.copies), encoder))
        thumbnail = heads["thumbnail"].probabilities(thumbnails(look.copies))
        method = "linear head on EfficientNet-Lite0, scaled on public films"
        measurements = (
            *(Measurement(f"{QUESTION}_{name}", p[name], "1", None, method) for name in CLASSES),
            Measurement(f"{QUESTION}_control_frame", frame["abnormal"], "1", None, "the same, of the outer 12 % alone"),
            Measurement(
                f"{QUESTION}_control_thumbnail", thumbnail["abnormal"], "1", None, "linear head on 16 x 16 pixels"
            ),
        )
        where = evidence_map(look, heads["finding"], "abnormal")
        return measurements, EvidenceMap(where, QUESTION, "an abnormal finding", MAP_METHOD)

    def _provenance(self, view: Provenance) -> Provenance:
        card, plan = _card(), {**asdict(self.plan), "view": view.plan}
        of_view = {name if "/" in name else f"chest_xray_view/{name}": digest for name, digest in view.weights.items()}
        weights = {**of_view, **card.weights}
        return provenance_of(card, plan, libraries=("onnxruntime", "pillow"), weights=weights)


@cache
def _card() -> TaskCard:
    return read_card(Path(str(files(__package__) / "card.toml")))


@cache
def _heads() -> dict[str, LinearHead]:
    return read_heads(Path(str(files(__package__) / HEADS)), sha256=_card().weights[HEADS])[0]


@cache
def _encoder(threads: int) -> Network:
    return open_encoder(Runtime(threads))


TASK = ChestXrayTriage()
