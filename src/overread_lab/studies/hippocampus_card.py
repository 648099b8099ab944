"""The figures that the card of `brain_mr_hippocampus` states, from the rows of its study."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from overread.cards import Figure
from overread_lab.metrics import bootstrap, coverage, icc, paired_comparison, wilson
from overread_lab.metrics.bootstrap import Bootstrap
from overread_lab.recipes.evidence import measured
from overread_lab.studies.hippocampus_report import ALL, BESIDE
from overread_lab.studies.hippocampus_rows import COPIES, MIRRORED_COPY, PARTS, WAYS, Row

AIMS = {"anterior": ".87", "posterior": ".85", "whole": ".89"}
Table = NDArray[np.float64]


def figures_of(rows: Sequence[Row]) -> list[Figure]:
    """Figures of fits to all cases of the other folds, of fits to 20, and of the learning curve.

    The parameters of the plan were tried on regions of fold 0: it is left out.
    """
    rows = [row for row in rows if row.fold > 0]
    found: list[Figure] = []
    every = [row for row in rows if row.draw == 0 and row.cases == ALL]
    if every:
        where = f"{_folds(every)}, by fits to all cases of the other folds"
        found += [*_dice(every, where), *_volumes(every, where), *_trials(every, where)]
    twenty = [row for row in rows if row.cases == BESIDE]
    if twenty:
        draws = len({row.draw for row in twenty})
        where = f"{_folds(twenty)}, by fits to {BESIDE} cases of the other folds, {draws} draw{'s'[: draws > 1]}"
        found += [*_dice(twenty, where), *_volumes(twenty, where)]
    return found + list(_curve([row for row in rows if row.draw == 0 and row.way == WAYS[0]]))


def _folds(rows: Sequence[Row]) -> str:
    return "folds " + ", ".join(str(fold) for fold in sorted({row.fold for row in rows}))


def _over_groups(rows: Sequence[Row], statistic: Callable[[list[Row]], float]) -> Bootstrap:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
    members = list(groups.values())
    return bootstrap(lambda drawn: statistic([row for i in drawn for row in members[i]]), len(members), seed=0)


def _mean(part: str) -> Callable[[list[Row]], float]:
    return lambda rows: float(np.mean([row.dice[part] for row in rows]))


def _dice(rows: Sequence[Row], where: str) -> Iterator[Figure]:
    plain, prior = ([row for row in rows if row.way == way] for way in WAYS[:2])
    for part, aim in AIMS.items():
        low = np.percentile([row.dice[part] for row in plain], 5)
        by_draw = [np.mean([r.dice[part] for r in plain if r.draw == n]) for n in sorted({r.draw for r in plain})]
        draws = f"; draws {', '.join(f'{one:.3f}' for one in by_draw)}" if len(by_draw) > 1 else ""
        note = f"aim {aim}; place prior alone {_mean(part)(prior):.3f}; 5th percentile {low:.3f}{draws}"
        yield measured(f"Dice, {part}", where, _over_groups(plain, _mean(part)), len(plain), note)


def _volumes(rows: Sequence[Row], where: str) -> Iterator[Figure]:
    kept = [row for row in rows if row.way == WAYS[0] and not row.refused]
    for part in reversed(PARTS):
        table = _table(kept, part)
        ratio = table[:, 0] / table[:, 1] - 1
        found = _over_groups(kept, lambda rows, p=part: 100 * float(np.abs(_ratio(_table(rows, p))).mean()))  # type: ignore[misc]
        note = f"median {100 * np.median(np.abs(ratio)):.1f} %, bias {100 * ratio.mean():+.1f} %"
        yield replace(measured(f"mean error of the volume, {part}", where, found, len(kept), note), unit="%")
        agreement = _over_groups(kept, lambda rows, p=part: icc(_table(rows, p)[:, :2]).absolute)  # type: ignore[misc]
        yield measured(f"agreement of the volume with outlines (ICC A,1), {part}", where, agreement, len(kept))
        holds = coverage(table[:, 2], table[:, 3], table[:, 1])
        width = 100 * float(np.mean((table[:, 3] - table[:, 2]) / table[:, 0])) / 2
        limits = None if holds.exact is None else (round(holds.exact.low, 3), round(holds.exact.high, 3))
        note = f"mean half width {width:.1f} %; aim .90 to .98"
        yield replace(
            measured(f"coverage of the 95 % interval, {part}", where, holds.share, len(kept), note), interval=limits
        )


def _table(rows: Sequence[Row], part: str) -> Table:
    return np.array([row.mm3[part] for row in rows])


def _ratio(table: Table) -> Table:
    found: Table = table[:, 0] / table[:, 1] - 1
    return found


def _trials(rows: Sequence[Row], where: str) -> Iterator[Figure]:
    plain = [row for row in rows if row.way == WAYS[0]]
    for way, note in ((WAYS[2], "12 mm of edge values on three sides; aim .85"), (WAYS[3], "left and right exchanged")):
        here = [row for row in rows if row.way == way]
        yield measured(f"Dice, whole, {way}", where, _over_groups(here, _mean("whole")), len(here), note)
    yield _share("regions flagged or refused", where, plain, "as they are")
    wrong = [row for row in rows if row.way in WAYS[4:]]
    yield _share("flagged, upside down or front half cut off", where, wrong, f"{sum(r.refused for r in wrong)} refused")
    accepted = [row for row in rows if row.way == MIRRORED_COPY]
    turned = [row for row in rows if row.way in COPIES[1:] and row.way != MIRRORED_COPY]
    if accepted:
        found = _over_groups(accepted, lambda rows: float(np.mean([row.agreement for row in rows])))
        words = "the one of the seven other axial copies that the task accepts, the mirrored one, turned back"
        yield measured(
            "symmetry: Dice between the readings of a region and its copy", where, found, len(accepted), words
        )
        words = f"the six axial copies turned by quarters; {sum(r.refused for r in turned)} refused"
        yield _share("symmetry: copies flagged that the task must not accept", where, turned, words)
    seconds = float(np.median([row.seconds for row in plain]))
    yield replace(
        measured("seconds a region, one thread", where, seconds, len(plain), "median, on a shared machine"), unit="s"
    )


def _share(name: str, where: str, rows: Sequence[Row], note: str) -> Figure:
    flagged = sum(row.flagged for row in rows)
    limits = wilson(flagged, len(rows))
    found = measured(name, where, flagged / len(rows), len(rows), note)
    return replace(found, interval=(round(limits.low, 3), round(limits.high, 3)))


def _curve(rows: Sequence[Row]) -> Iterator[Figure]:
    at = {size: {row.case: row for row in rows if row.cases == size} for size in {row.cases for row in rows}}
    for size in sorted(at.keys() - {BESIDE}, key=lambda n: (n == ALL, n)) if BESIDE in at else ():
        both = sorted(at[size].keys() & at[BESIDE].keys())
        differences = {}
        for part in PARTS:
            one, other = ([at[n][case].dice[part] for case in both] for n in (size, BESIDE))
            differences[part] = paired_comparison(one, other, [at[size][case].group for case in both])
        rest = ", ".join(f"{part} {differences[part].difference.value:+.4f}" for part in list(PARTS)[:2])
        found = measured(
            f"Dice, whole, {size or 'all'} training cases minus {BESIDE}",
            f"{_folds([row for row in at[size].values() if row.case in at[BESIDE]])}, the same regions, draw 0",
            differences["whole"].difference,
            len(both),
            f"{rest}; whole {differences['whole'].first:.3f} against {differences['whole'].second:.3f}",
        )
        limits = differences["whole"].difference.interval
        interval = None if limits is None else (round(limits.low, 4), round(limits.high, 4))
        yield replace(found, value=round(differences["whole"].difference.value, 4), interval=interval)
