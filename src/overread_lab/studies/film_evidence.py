"""Do the evidence maps of film tasks point at the evidence, and do they depend on what was learned?

    python -m overread_lab.studies.film_evidence [--data ../shared/data/chest_xray] [--films 40]

Pointing game: a head is fitted to tell films with planted rings from films without; is the peak of its map in the
rings? Weight randomisation: does the map of a shipped head lose its likeness when head or encoder is scrambled? Beside
them the agreement with occlusion, which needs no look inside, and how much evidence lies in the outer frame of the
film. Films are simulated, or those of the folder.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.models import LinearHead, Network, class_activation, occlusion, read_heads
from overread.runtime import Runtime
from overread.tasks._shared import film_encoder
from overread.tasks._shared.film_controls.controls import FRAME_SHARE
from overread.tasks._shared.film_encoder import SIDE, Look, evidence_map, features_of, look_at, open_encoder
from overread.tasks.chest_xray_view import views
from overread_lab.metrics import wilson
from overread_lab.recipes.film_planting import plant
from overread_lab.recipes.linear_fit import HeadPlan, fit_head
from overread_lab.studies.weight_scrambling import likeness, scrambled, scrambled_encoder, scrambled_head

Film = NDArray[np.float32]
NAMES = ("without", "rings")
CELL = 1 / 7
"""Of the longer side: what the map cannot resolve; a peak half a cell beside the rings still counts."""
PATCH, STEP = 32, 16
FRAME_WORDS = "  share of the evidence in the outer 12 % (42 % of the area)"
DEPTHS = {
    "last layer of the encoder": ("_conv_head",),
    "its last block too": ("_conv_head", "_blocks.15."),
    "its last five blocks": ("_conv_head", *(f"_blocks.{n}." for n in range(11, 16))),
    "all of the encoder": ("network.",),
}
"""Layers scrambled together, from the top down (Adebayo et al. 2018)."""


@dataclass(frozen=True, slots=True)
class Pointing:
    """How often the peak of a map lies in what was planted, in a distractor, and what chance would give."""

    films: int
    hits: int
    hits_distractor: int
    chance: float


def fit_on_planted(backgrounds: Sequence[Film], encoder: Network, seed: int) -> LinearHead:
    """A head that tells films with rings from those without; every film has a distractor."""
    rows, classes = [], []
    for n, background in enumerate(backgrounds):
        for with_rings in (False, True):
            rng = np.random.default_rng([seed, n, int(with_rings)])
            rows.append(look_at(plant(background, rng, with_rings=with_rings).film, encoder).features)
            classes.append(int(with_rings))
    weights = np.ones(len(classes))
    return fit_head(np.stack(rows), np.array(classes), weights, NAMES, HeadPlan())


def pointing_game(backgrounds: Sequence[Film], head: LinearHead, encoder: Network, seed: int) -> Pointing:
    """Peaks of the maps on other films, each with rings."""
    hits = distracted = 0
    areas = []
    for n, background in enumerate(backgrounds):
        planted = plant(background, np.random.default_rng([seed, n, 2]), with_rings=True)
        found = evidence_map(look_at(planted.film, encoder), head, NAMES[1])
        peak = np.unravel_index(found.argmax(), found.shape)
        reach = planted.radius + CELL / 2 * max(found.shape)
        hits += bool(_near(planted.centre, reach)(*np.array(peak, float)[:, None])[0])
        distracted += bool(_near(planted.distractor, reach)(*np.array(peak, float)[:, None])[0])
        areas.append(_near(planted.centre, reach)(*np.indices(found.shape).reshape(2, -1).astype(float)).mean())
    return Pointing(len(backgrounds), hits, distracted, float(np.mean(areas)))


def _near(
    centre: tuple[float, float], reach: float
) -> Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.bool_]]:
    return lambda rows, columns: np.asarray((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= reach**2)


def frame_share(shown: Film, look: Look) -> float:
    """Share of all evidence, for and against, in the outer 12 % of what is looked at."""
    part = np.abs(look.box.of(shown))
    down, across = (round(FRAME_SHARE * n) for n in part.shape)
    return 1 - float(part[down : part.shape[0] - down, across : part.shape[1] - across].sum() / part.sum())


def occluded(look: Look, head: LinearHead, name: str, encoder: Network) -> tuple[Film, Film]:
    """(occlusion map, map of the same head) on the first copy of a film, both on the square."""
    place = head.classes.index(name)

    def score(squares: Film) -> NDArray[np.float64]:
        logits = np.stack([head.logits(row[None]) for row in features_of(squares[:, None], encoder)])
        return np.asarray(logits[:, place] - np.delete(logits, place, axis=1).mean(axis=1))

    fall = occlusion(score, look.copies[0, 0], patch=PATCH, step=STEP)
    cells = class_activation(head, look.maps[:1], name)[0]
    return fall, np.kron(cells, np.ones((SIDE // 7, SIDE // 7), np.float32))


def figures(films: Sequence[Film], encoder: Network) -> Iterator[str]:
    """All that is said."""
    half = len(films) // 2
    head = fit_on_planted(films[:half], encoder, seed=1)
    game = pointing_game(films[half:], head, encoder, seed=1)
    yield _say_game("head fitted on rings", game)
    chance_head = scrambled_head(head, np.random.default_rng(5))
    yield _say_game("its weights shuffled", pointing_game(films[half:], chance_head, encoder, seed=1))
    yield ""
    yield from _of_joined(films, encoder)
    for task, question in (("chest_xray_view", "view"), ("chest_xray_triage", "finding")):
        shipped = read_heads(Path(film_encoder.__file__).parents[2] / task / "heads.npz", sha256=None)[0][question]
        yield from _of_shipped(f"{task}, head {question!r}", films, shipped, encoder)


def _say_game(words: str, game: Pointing) -> str:
    share = wilson(game.hits, game.films)
    interval = f"{100 * share.low:.0f} to {100 * share.high:.0f} %"
    return (
        f"pointing game, {words}: {game.hits} of {game.films} peaks in the rings ({interval}), "
        f"chance {100 * game.chance:.0f} %; {game.hits_distractor} in the distractor"
    )


def _of_joined(films: Sequence[Film], encoder: Network) -> Iterator[str]:
    """Of the map that the view task shows: that of its two answers joined."""
    folder = Path(views.__file__).parent
    heads, notes = read_heads(folder / "heads.npz", sha256=None)
    shipped = heads["view"]
    scale, rng = views.Temperatures.of(notes), np.random.default_rng(9)
    inside = (views.LAST_MAP, views.WEIGHT, views.BIAS)

    def maps_by(
        deciding: Sequence[LinearHead], network: Network, names: Sequence[str] | None
    ) -> tuple[list[str], list[Film], list[Look]]:
        said, maps, looks = [], [], []
        for n, (film, head) in enumerate(zip(films, deciding, strict=True)):
            look = look_at(film, encoder)
            answer = views.ViewAnswer(look, head, network.run({"films": look.copies}), scale)
            p = answer.probabilities()
            said.append(names[n] if names else max(p, key=lambda one: p[one]))
            maps.append(answer.evidence(said[-1]))
            looks.append(look)
        return said, maps, looks

    def opened(parts: Sequence[str], place: Path) -> Network:
        path = place / "network.onnx"
        path.write_bytes(scrambled(folder / "network.onnx", parts, rng))
        return Network.open(path, sha256=None, runtime=Runtime(), also=inside)

    with tempfile.TemporaryDirectory() as place:
        names, own, looks = maps_by([shipped] * len(films), opened((), Path(place)), None)
        yield f"chest_xray_view, the map that it shows, of the likeliest view of {len(films)} films:"
        yield _say_spread(FRAME_WORDS, [frame_share(*pair) for pair in zip(own, looks, strict=True)])
        alone = [evidence_map(look, shipped, name) for look, name in zip(looks, names, strict=True)]
        yield _say_spread("  rank correlation with: the frozen encoder's head alone", _likenesses(own, alone))
        dealt = [scrambled_head(shipped, rng) for _ in films]
        for words, parts in (("heads", ("head.",)), ("heads and the network's last layer", ("head.", "_conv_head"))):
            _, other, _ = maps_by(dealt, opened(parts, Path(place)), names)
            yield _say_spread(f"  both {words} scrambled", _likenesses(own, other))


def _likenesses(some: Sequence[Film], others: Sequence[Film]) -> list[float]:
    return [likeness(*pair) for pair in zip(some, others, strict=True)]


def _of_shipped(words: str, films: Sequence[Film], head: LinearHead, encoder: Network) -> Iterator[str]:
    looks = [look_at(film, encoder) for film in films]
    names = [max(p, key=lambda one: p[one]) for p in (head.probabilities(look.features) for look in looks)]
    own = [evidence_map(look, head, name) for look, name in zip(looks, names, strict=True)]
    yield f"{words}, map of the likeliest class of {len(films)} films:"
    shares = [frame_share(one, look) for one, look in zip(own, looks, strict=True)]
    yield _say_spread(FRAME_WORDS, shares)
    dealt = [scrambled_head(head, np.random.default_rng([7, n])) for n in range(len(films))]
    maps = [evidence_map(look, other, name) for look, other, name in zip(looks, dealt, names, strict=True)]
    yield _say_spread("  rank correlation with: the head scrambled for each film", _likenesses(own, maps))
    for depth, parts in DEPTHS.items():
        with tempfile.TemporaryDirectory() as folder:
            other = scrambled_encoder(parts, np.random.default_rng(8), Path(folder))
            maps = [evidence_map(look_at(film, other), head, name) for film, name in zip(films, names, strict=True)]
        yield _say_spread(f"  {depth} scrambled", _likenesses(own, maps))
    few = list(zip(looks, names, strict=True))[:8]
    pairs = [occluded(look, head, name, encoder) for look, name in few]
    yield _say_spread(f"  rank correlation with occlusion ({len(few)} films)", [likeness(*pair) for pair in pairs])


def _say_spread(words: str, values: Sequence[float]) -> str:
    low, middle, high = np.percentile(values, (10, 50, 90))
    amount = f", median of its amount {np.median(np.abs(values)):.2f}" if low < 0 else ""
    return f"{words}: median {middle:.2f}, 10th to 90th percentile {low:.2f} to {high:.2f}{amount}"


def films_of(folder: Path | None, count: int) -> list[Film]:
    """Evenly spaced films of a set, or frontal and lateral films of simulated chests."""
    if folder is None:
        from overread.phantoms.film import chest_film  # noqa: PLC0415

        return [
            chest_film(seed, view="lateral" if seed % 2 else "frontal").radiograph.array.astype(np.float32)
            for seed in range(count)
        ]
    from overread_lab.datasets.sets import ManifestSet  # noqa: PLC0415
    from overread_lab.recipes.film_features import film_of  # noqa: PLC0415

    cases = ManifestSet.open(folder).cases
    spread = np.linspace(0, len(cases) - 1, count).astype(int)
    order = np.random.default_rng(3).permutation(spread)  # the halves hold films of all sources
    return [film_of(path) for i in order if (path := cases[int(i)].image) is not None]


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m overread_lab.studies.film_evidence", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the set chest_xray; simulated films if left out")
    parser.add_argument("--films", type=int, default=40)
    given = parser.parse_args(arguments)
    for line in figures(films_of(given.data, given.films), open_encoder(Runtime(), with_map=True)):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
