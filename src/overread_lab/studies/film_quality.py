"""How well pictures that are no sound chest films are refused, and how many sound films are refused with them.

python -m overread_lab.studies.film_quality --data ../shared/data/chest_xray --others ../shared/data --work work

Each film is judged by heads that never saw its fold of patients, and again by heads that never saw its source. Each
kind of stranger is judged by heads that never saw its kind. The limits are those of the task's plan; they were chosen
on these same films, so that the figures are a little flattered. Intervals count pictures, not patients.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cards import Figure
from overread.models import LinearHead
from overread.tasks.chest_xray_view.plan import ViewPlan
from overread.tasks.chest_xray_view.quality import KindGate
from overread_lab.metrics import wilson
from overread_lab.recipes.chest_xray_quality import QualityData, quality_data
from overread_lab.recipes.evidence import leave, say
from overread_lab.recipes.film_quality_data import TONES
from overread_lab.recipes.film_quality_fit import QualityPlan, fit_exposure, fit_kind, fit_likeness
from overread_lab.recipes.film_tones import MILD, SOUND

Row = dict[str, Any]
COMMAND = (
    "python -m overread_lab.studies.film_quality --data ../shared/data/chest_xray --others ../shared/data --work work"
)


def share(figure: str, hits: NDArray[np.bool_], **more: object) -> Row:
    """A share with its interval (Wilson, 95 %) and its counts."""
    row: Row = {"figure": figure, **more, "share": round(float(hits.mean()), 4), "of": int(hits.size)}
    found = wilson(int(hits.sum()), int(hits.size))
    return {**row, "interval": [round(found.low, 4), round(found.high, 4)]}


def refused(gate: KindGate, features: NDArray[np.float32], plan: ViewPlan) -> NDArray[np.bool_]:
    """(n,) bool: what the gate refuses, from (n, 1280) features as `kind_features` gives them."""
    p = gate.head.temperature.probabilities(np.array([gate.head.logits(row[None]) for row in features]))
    far: NDArray[np.bool_] = gate.likeness.distance(features) > plan.unlike_beyond
    return far | (p[:, 0] < 1 - plan.stranger_above)


def kind_rows(found: QualityData, plan: ViewPlan, fit: QualityPlan) -> Iterator[Row]:
    """Chest films refused, and strangers let in."""
    films, others = found.films, found.strangers
    crop = others.kind == "severe crop"
    for name, parts, of_crop in (
        ("out of fold", found.fold.astype(str), others.fold.astype(str)),
        ("source left out", found.source, others.source),
    ):
        answer, of_crops = np.zeros(len(films), bool), np.zeros(len(crop), bool)
        for one in np.unique(parts):
            known = parts != one
            head = fit_kind(films[known], others.features[~crop], others.features[crop & (of_crop != one)], fit)
            gate = KindGate(fit_likeness(films[known]), head)
            answer[~known] = refused(gate, films[~known], plan)
            held = crop & (of_crop == one)
            of_crops[held] = refused(gate, others.features[held], plan)
        for source in np.unique(found.source):
            yield share("chest films refused as none", answer[found.source == source], how=name, source=str(source))
        yield share("severe crops refused", of_crops[crop], how=name)
    likeness = fit_likeness(films)
    for kind in dict.fromkeys(others.kind[~crop]):
        here = others.kind == kind
        head = fit_kind(films, others.features[~crop & ~here], others.features[crop], fit)
        alone: NDArray[np.bool_] = likeness.distance(others.features[here]) > plan.unlike_beyond
        by_both = refused(KindGate(likeness, head), others.features[here], plan)
        pictures = len(set(others.group[here]))
        yield share("strangers refused", by_both, how="kind left out", kind=str(kind), groups=pictures)
        yield share("strangers refused by likeness alone", alone, how="no stranger was trained on", kind=str(kind))


def exposure_rows(found: QualityData, plan: ViewPlan, fit: QualityPlan) -> Iterator[Row]:
    """Faults of tone found, and sound films refused with them."""
    for name, parts in (("out of fold", found.fold.astype(str)), ("source left out", found.source)):
        answer = np.zeros(found.tones.shape[:2], bool)
        for one in np.unique(parts):
            head = fit_exposure(found.tones[parts != one], found.source[parts != one], fit)
            answer[parts == one] = faulty(head, found.tones[parts == one], plan)
        for source in np.unique(found.source):
            yield share("films refused for exposure", answer[found.source == source, 0], how=name, source=str(source))
        for n, tone in enumerate(TONES[1:], start=1):
            what = "films refused in another sound tone" if tone in SOUND else "faults of exposure found"
            mild = " (mild: not looked for)" if tone in MILD else ""
            yield share(what, answer[:, n], how=name, fault=tone + mild)


def figure_of(row: Row) -> Figure:
    """A row as a figure of a card."""
    of = next((f", {row[key]}" for key in ("fault", "kind") if key in row), "")
    where = f"{row['source']} films" if "source" in row else "films of all sources" if "kind" not in row else "pictures"
    low, high = row["interval"]
    return Figure(
        name=f"{row['figure']}{of}", set_name=f"{where}, {row['how']}", value=float(str(row["share"])), unit="1",
        n=int(str(row["of"])), command="", interval=(float(low), float(high)),
    )  # fmt: skip


def faulty(head: LinearHead, numbers: NDArray[np.float64], plan: ViewPlan) -> NDArray[np.bool_]:
    """(film, tone) bool of (film, tone, NUMBERS)."""
    flat = numbers.reshape(-1, numbers.shape[-1])
    p = head.temperature.probabilities(np.array([head.logits(row[None]) for row in flat]))
    found: NDArray[np.bool_] = 1 - p[:, 0] > plan.badly_exposed_above
    return found.reshape(numbers.shape[:2])


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m overread_lab.studies.film_quality", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder chest_xray")
    parser.add_argument("--others", type=Path, required=True, help="folder of all sets, for pictures of other kinds")
    parser.add_argument("--work", type=Path, required=True, help="folder that keeps features between runs")
    parser.add_argument("-o", "--out", type=Path, help="folder for evidence.toml, which a card takes")
    given = parser.parse_args(arguments)
    found, plan, fit = quality_data(given.data, given.others, given.work), ViewPlan(), QualityPlan()
    figures = [figure_of(row) for row in (*kind_rows(found, plan, fit), *exposure_rows(found, plan, fit))]
    sys.stdout.write("".join(say(one) + "\n" for one in figures))
    if given.out is not None:
        given.out.mkdir(parents=True, exist_ok=True)
        leave(given.out, figures, command=COMMAND)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
