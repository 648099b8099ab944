"""The printed study: figures of each machine, and paired differences with intervals over patients."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from overread.findings import Interval
from overread_lab.metrics import bootstrap, paired_comparison
from overread_lab.studies.hippocampus_classifiers.run import CLEAN, ENDS, PRIOR, RIGHT, TASK, WRONG, Arm, self_paced
from overread_lab.studies.hippocampus_classifiers.score import PARTS, Answers, Scored

Found = dict[tuple[str, str, str], list[Answers]]
"""(machine, labels, images) to the answers of each fold."""
CHOSEN = "end chosen"


def gathered(answers: Iterable[tuple[Arm, Answers]]) -> Found:
    """By arm; adds, for each self-paced machine, the one whose end was chosen on left-out training cases."""
    found: Found = {}
    for arm, one in answers:
        found.setdefault((arm.name, arm.labels, arm.seen), []).append(one)
    for (name, labels, seen), plain in list(found.items()):
        paced = [by_fold(found.get((self_paced(name, end), labels, seen), [])) for end in ENDS]
        tried = [[by_fold(plain)[fold], *(one[fold] for one in paced)]
                 for fold in by_fold(plain) if all(fold in one for one in paced)]  # fmt: skip
        if tried:
            found[chosen_end(name), labels, seen] = [max(each, key=lambda one: one.left_out) for each in tried]
    return found


def by_fold(answers: Sequence[Answers]) -> dict[tuple[int, int], Answers]:
    """Answers by draw and fold."""
    return {(one.scored[0].draw, one.scored[0].fold): one for one in answers}


def chosen_end(kernel: str) -> str:
    """Name of the self-paced machine that ends at 80, 95 or 100 %, by left-out training cases."""
    return f"self-paced {kernel}, {CHOSEN}"


def in_folds(answers: Sequence[Answers], *, but_fold_0: bool) -> list[Scored]:
    """The scores of all cases, in order; `but_fold_0` leaves out the fold on which parameters were tried."""
    return [one for each in answers for one in each.scored if one.fold > 0 or not but_fold_0]


def figures(found: Found, keys: Sequence[tuple[str, str, str]]) -> list[str]:
    """Dice of each machine by part, for folds 1 to 4 and for all."""
    lines = []
    for label, but in (("folds 1-4", True), ("all folds", False)):
        for key in keys:
            scored = in_folds(found[key], but_fold_0=but)
            if scored:
                means = "; ".join(f"{part} {mean(scored, part)}" for part in PARTS)
                lines.append(f"{label}, {words(key)}, n={len(scored)}: Dice {means}")
    return lines


def differences(
    found: Found,
    pairs: Sequence[tuple[tuple[str, str, str], tuple[str, str, str]]],
    *,
    parts: Sequence[str] = ("whole",),
) -> list[str]:
    """Mean of the first less that of the second on the same cases, with the 95 % interval over patients."""
    lines = []
    for label, but in (("folds 1-4", True), ("all folds", False)):
        for first, second in pairs:
            one, other = both(*(in_folds(found[key], but_fold_0=but) for key in (first, second)))
            if one:
                gains = "; ".join(f"{part} {gain(one, other, part)}" for part in parts)
                lines.append(f"{label}, {words(first)} less {words(second)}, n={len(one)}: {gains}")
    return lines


def both(one: Sequence[Scored], other: Sequence[Scored]) -> tuple[list[Scored], list[Scored]]:
    """The cases that both answered, in one order: a study that was cut short has fewer of some."""
    first, second = ({(each.draw, each.case): each for each in scored} for scored in (one, other))
    keys = [key for key in first if key in second]
    return [first[key] for key in keys], [second[key] for key in keys]


def mean(scored: Sequence[Scored], part: str) -> str:
    """Mean with its interval over patients."""
    groups: dict[str, list[float]] = {}
    for one in scored:
        groups.setdefault(one.group, []).append(one.dice[part])
    values = [np.array(group) for group in groups.values()]
    drawn = bootstrap(lambda some: float(np.concatenate([values[i] for i in some]).mean()), len(values), seed=0)
    return f"{drawn.value:.3f}{limits(drawn.interval, '.3f')}"


def gain(one: Sequence[Scored], other: Sequence[Scored], part: str) -> str:
    """Paired difference of two machines; the same cases in the same order."""
    first, second = ([each.dice[part] for each in scored] for scored in (one, other))
    found = paired_comparison(first, second, [each.group for each in one], permutations=1)
    return f"{found.difference.value:+.4f}{limits(found.difference.interval, '+.4f')}"


def limits(interval: Interval | None, form: str) -> str:
    """The ends of an interval in brackets; nothing where there is none."""
    return "" if interval is None else f" [{interval.low:{form}}, {interval.high:{form}}]"


def words(key: tuple[str, str, str]) -> str:
    """An arm in words."""
    name, labels, seen = key
    return name + ("" if labels == CLEAN else f" ({labels})") + ("" if seen == "plain" else f" on {seen} images")


def classifiers(found: Found) -> list[str]:
    """The machines beside that of the task, and each self-paced one beside its plain one."""
    keys = [key for key in found if key[1:] == (CLEAN, "plain")]
    task, prior = (TASK, CLEAN, "plain"), (PRIOR, CLEAN, "plain")
    pairs = [(key, task) for key in keys if key not in {task, prior} and "self-paced" not in key[0]]
    lines = figures(found, keys) + differences(found, [(task, prior), *pairs], parts=tuple(PARTS))
    lines += differences(found, pace_pairs(found, CLEAN))
    for key in keys:
        fits, cases = [one.fit_seconds for one in found[key]], [s.seconds for one in found[key] for s in one.scored]
        lines.append(
            f"{words(key)}: {np.median(fits):.2f} s a fit, {np.median(cases):.2f} s a case (medians, one thread)"
        )
    return lines


def labels(found: Found) -> list[str]:
    """Self-paced against plain machines for every kind of wrong labels."""
    lines = []
    for wrong in (RIGHT, *WRONG):
        keys = [key for key in found if key[1] == wrong]
        lines += figures(found, keys)
        lines += differences(found, pace_pairs(found, wrong))
        costs = [(key, (key[0], RIGHT, "plain")) for key in keys if wrong != RIGHT and "self-paced" not in key[0]]
        lines += differences(found, [pair for pair in costs if pair[1] in found])
    edges = [
        f"{words(key)} in {sum(one.edge for one in each)}" for key, each in found.items() if any(o.edge for o in each)
    ]
    return [*lines, f"threshold at an end of those tried: {', '.join(edges) or 'never'}"]


def pace_pairs(found: Found, labels: str) -> list[tuple[tuple[str, str, str], tuple[str, str, str]]]:
    """Each self-paced machine with the plain one of its kernel."""
    pairs = []
    for kernel in ("linear", TASK, "Fourier"):
        for name in (*(self_paced(kernel, end) for end in ENDS), chosen_end(kernel)):
            if (name, labels, "plain") in found:
                pairs.append(((name, labels, "plain"), (kernel, labels, "plain")))
    return pairs


def chain(found: Found) -> list[str]:
    """With and without enhancement in front; and the whole chain of the paper against the task."""
    keys = [key for key in found if key[2] == "enhanced" and CHOSEN not in key[0]]
    pairs = [(key, (key[0], CLEAN, "plain")) for key in keys if (key[0], CLEAN, "plain") in found]
    pairs.append(((self_paced(TASK, ENDS[0]), CLEAN, "enhanced"), (TASK, CLEAN, "plain")))
    return figures(found, keys) + differences(found, pairs, parts=tuple(PARTS))


def fewer(found: Found) -> list[str]:
    """Fewer features against all of them."""
    task = (TASK, CLEAN, "plain")
    keys = [key for key in found if key != task]
    return figures(found, [task, *keys]) + differences(found, [(key, task) for key in keys], parts=tuple(PARTS))
