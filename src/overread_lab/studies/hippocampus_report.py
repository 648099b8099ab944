"""What the rows of the study of `brain_mr_hippocampus` add up to, as printed lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from overread_lab.metrics import bootstrap, coverage, icc, paired_comparison, wilson
from overread_lab.studies.hippocampus_rows import COPIES, MIRRORED_COPY, PARTS, WAYS, Row

BESIDE = 20
"""Training cases that every other number of them is compared with."""
ALL = 0
"""Stands for all cases of the other folds."""


def mean_by_group(rows: Sequence[Row], score: Callable[[Row], float]) -> str:
    """Mean with its 95 % interval over groups."""
    groups: dict[str, list[float]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(score(row))
    values = [np.array(one) for one in groups.values()]
    found = bootstrap(lambda drawn: float(np.concatenate([values[i] for i in drawn]).mean()), len(values), seed=0)
    limits = "" if found.interval is None else f" [{found.interval.low:.3f}, {found.interval.high:.3f}]"
    return f"{found.value:.3f}{limits}"


def report(rows: Sequence[Row]) -> list[str]:
    """The printed study, for folds 1 to 4 and for all."""
    lines = []
    for label, chosen in (("folds 1-4", [r for r in rows if r.fold > 0]), ("all folds", list(rows))):
        for way in WAYS:
            here = [row for row in chosen if row.way == way]
            if not here:
                continue
            means = "; ".join(f"{name} {mean_by_group(here, lambda r, n=name: r.dice[n])}" for name in PARTS)  # type: ignore[misc]
            low = ", ".join(f"{np.percentile([r.dice[n] for r in here], 5):.3f}" for n in PARTS)
            lines.append(f"{label}, {way}, n={len(here)}: Dice {means}; 5th percentile {low}")
            if way != WAYS[1]:
                lines.append(
                    f"  flagged {sum(r.flagged for r in here)}, of these refused {sum(r.refused for r in here)}"
                )
        kept = [row for row in chosen if row.way == WAYS[0] and not row.refused]
        lines += [f"{label}, volume of {name}: {volume_line(kept, name)}" for name in PARTS] if kept else []
        seconds = [row.seconds for row in kept]
        if seconds:
            lines.append(f"{label}: {np.median(seconds):.2f} s a case (median, one thread)")
        lines += [f"{label}, {line}" for line in symmetry(chosen)]
    return lines


def volume_line(rows: Sequence[Row], name: str) -> str:
    """Errors of the volume of a part, agreement, and how often its interval holds."""
    table = np.array([row.mm3[name] for row in rows])
    relative = np.abs(table[:, 0] / table[:, 1] - 1)
    bias = float(np.mean(table[:, 0] / table[:, 1] - 1))
    kept = coverage(table[:, 2], table[:, 3], table[:, 1])
    bounds = f" [{kept.exact.low:.3f}, {kept.exact.high:.3f}]" if kept.exact else ""
    return (
        f"error mean {100 * relative.mean():.1f} %, median {100 * np.median(relative):.1f} %, bias {100 * bias:+.1f} %;"
        f" ICC {icc(table[:, :2]).absolute:.3f}; coverage {kept.share:.3f}{bounds},"
        f" mean half width {100 * float(np.mean((table[:, 3] - table[:, 2]) / table[:, 0])) / 2:.1f} %, n={len(rows)}"
    )


def symmetry(rows: Sequence[Row]) -> list[str]:
    """Agreement of the axial copies that the task accepts, and how many of those it must not accept are flagged."""
    accepted = [row for row in rows if row.way == MIRRORED_COPY]
    wrong = [row for row in rows if row.way in COPIES[1:] and row.way != MIRRORED_COPY]
    if not accepted:
        return []
    first = {row.case: row for row in rows if row.way == COPIES[0]}
    moved = [abs(row.mm3["whole"][0] / first[row.case].mm3["whole"][0] - 1) for row in accepted if not row.refused]
    flagged = sum(row.flagged for row in wrong)
    bounds = wilson(flagged, len(wrong))
    return [
        f"symmetry: as it is against mirrored, n={len(accepted)}: Dice {mean_by_group(accepted, lambda r: r.agreement)}"
        f" of the two readings, volume moved by {100 * float(np.mean(moved)):.1f} % in the mean",
        f"symmetry: the six copies turned in the axial plane, n={len(wrong)}: {flagged / len(wrong):.3f} flagged"
        f" [{bounds.low:.3f}, {bounds.high:.3f}], of these refused {sum(r.refused for r in wrong)}",
    ]


def curve_report(rows: Sequence[Row]) -> list[str]:
    """Dice by number of training cases on the same regions, each compared with 20; and the draws of 20 beside them."""
    plain = [row for row in rows if row.way == WAYS[0]]
    lines = []
    for label, chosen in (("folds 1-4", [r for r in plain if r.fold > 0]), ("all folds", plain)):
        first = [row for row in chosen if row.draw == 0]
        at = {n: {row.case: row for row in first if row.cases == n} for n in sorted({row.cases for row in first})}
        for number, here in at.items():
            means = "; ".join(
                f"{name} {mean_by_group(list(here.values()), lambda r, n=name: r.dice[n])}"  # type: ignore[misc]
                for name in PARTS
            )
            lines.append(f"{label}, {_cases(number)}, n={len(here)}: Dice {means}")
            if number != BESIDE and BESIDE in at:
                lines.append(f"  minus {BESIDE} cases, paired by group: {_against(here, at[BESIDE])}")
        for draw in sorted({row.draw for row in chosen}):
            drawn = [row for row in chosen if row.draw == draw and row.cases == BESIDE]
            if drawn:
                means = ", ".join(f"{name} {np.mean([r.dice[name] for r in drawn]):.3f}" for name in PARTS)
                lines.append(f"{label}, {BESIDE} cases, draw {draw}, n={len(drawn)}: Dice {means}")
        every = [row for row in chosen if row.cases == BESIDE]
        if len({row.draw for row in every}) > 1:
            means = "; ".join(f"{name} {mean_by_group(every, lambda r, n=name: r.dice[n])}" for name in PARTS)  # type: ignore[misc]
            lines.append(f"{label}, {BESIDE} cases, all draws, n={len(every)}: Dice {means}")
            lines += [f"{label}, {BESIDE} cases, all draws, volume of {n}: {volume_line(every, n)}" for n in PARTS]
    return lines


def _cases(number: int) -> str:
    return "all cases of the other folds" if number == ALL else f"{number} cases"


def _against(here: dict[str, Row], beside: dict[str, Row]) -> str:
    both = sorted(here.keys() & beside.keys())
    groups = [here[case].group for case in both]
    found = []
    for name in PARTS:
        one = paired_comparison([here[c].dice[name] for c in both], [beside[c].dice[name] for c in both], groups)
        limits = one.difference.interval
        bounds = "" if limits is None else f" [{limits.low:+.4f}, {limits.high:+.4f}]"
        found.append(f"{name} {one.difference.value:+.4f}{bounds}")
    return "; ".join(found) + f", n={len(both)}"
