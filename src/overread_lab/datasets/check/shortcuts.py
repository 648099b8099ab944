"""How well the source, the border, the size and a thumbnail tell the label. No cause is claimed: these are floors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread_lab.datasets.check.look import Seen
from overread_lab.datasets.check.report import Level, Probe, Remark
from overread_lab.datasets.manifest import Case, fold_of
from overread_lab.datasets.sets import torn_groups
from overread_lab.metrics import bootstrap

FEWEST_GROUPS = 10
DRAWS = 1000
_COMPONENTS = 60
INSTALL = "pip install 'overread[train]'"
SOURCE, BORDER, THUMBNAIL, SIZE = "the source alone", "the outer 10 %", "a 16 x 16 thumbnail", "picture size"


def probe_shortcuts(
    cases: Sequence[Case], labels: Mapping[str, str], seen: Sequence[Seen], *, seed: int
) -> tuple[list[Probe], list[Remark]]:
    """Balanced accuracies by cross-validation over the folds of the set, or over `fold_of` where these are torn.

    Parameters
    ----------
    labels : mapping
        Case to label.
    seen : sequence of Seen
        Of the cases whose image was read; those without one are probed by source alone.

    Returns
    -------
    list of Probe, list of Remark
        Remarks say which classes come from one source only, what was left out, and what to install.
    """
    remarks = _one_source(cases, labels)
    if not _has_sklearn():
        message = f"shortcuts were not tried: scikit-learn is not installed; {INSTALL}"
        return [], [*remarks, Remark(Level.WARNING, "shortcuts_not_tried", message)]
    folds = _folds(cases)
    pictures = {one.case.case: one for one in seen}
    sources = {case.case: case.source for case in cases}
    probes: list[Probe] = []
    for name, truth in (*_questions(labels, remarks), ("source", sources)):
        told = _enough(cases, truth, folds)
        if name != "source":
            _say_left_out(cases, truth, told, name, remarks)
        if len(set(told.values())) < 2:
            continue
        chosen = [case for case in cases if case.case in told]
        probes += _probe(name, "", chosen, told, (folds, pictures, seed))
        if name != "source":
            probes += _inside(name, chosen, told, (folds, pictures, seed))
    return probes, remarks


_Setting = tuple[dict[str, int], dict[str, Seen], int]


def _inside(name: str, cases: Sequence[Case], truth: dict[str, str], setting: _Setting) -> list[Probe]:
    """The same question inside each source, where there are several."""
    sources = sorted({case.source for case in cases})
    probes: list[Probe] = []
    for source in sources if len(sources) > 1 else []:
        within = [case for case in cases if case.source == source]
        told = _enough(within, truth, setting[0])
        if len(set(told.values())) > 1:
            probes += _probe(name, source, [case for case in within if case.case in told], told, setting)
    return probes


def _probe(name: str, where: str, cases: Sequence[Case], truth: dict[str, str], setting: _Setting) -> list[Probe]:
    folds, pictures, seed = setting
    features: dict[str, tuple[list[Case], NDArray[np.float32]]] = {}
    sources = sorted({case.source for case in cases})
    if name != "source" and len(sources) > 1:
        one_hot = np.array([[case.source == source for source in sources] for case in cases], np.float32)
        features[SOURCE] = list(cases), one_hot
    shown = [case for case in cases if case.case in pictures]
    told = _enough(shown, truth, folds)
    shown = [case for case in shown if case.case in told]
    if len(set(told.values())) > 1:
        seen = [pictures[case.case] for case in shown]
        features[BORDER] = shown, np.stack([one.border for one in seen])
        features[THUMBNAIL] = shown, np.stack([one.thumbnail for one in seen])
        sizes = [(*one.shape, one.shape[0] / one.shape[1]) for one in seen]
        if len(set(sizes)) > 1:
            features[SIZE] = shown, np.array(sizes, np.float32)
    probes = []
    for told_by, (used, values) in features.items():
        answers = np.array([truth[case.case] for case in used])
        guessed = _guess(values, answers, np.array([folds[case.case] for case in used]))
        probes.append(_figure(name, where, told_by, (used, answers, guessed), seed))
    return probes


def _figure(
    name: str, where: str, told_by: str, found: tuple[list[Case], NDArray[Any], NDArray[Any]], seed: int
) -> Probe:
    cases, answers, guessed = found
    classes, which = np.unique(answers, return_inverse=True)
    groups, group = np.unique([case.group for case in cases], return_inverse=True)
    total = np.zeros((len(groups), len(classes)))
    right = np.zeros_like(total)
    np.add.at(total, (group, which), 1)
    np.add.at(right, (group, which), guessed == answers)

    def balanced_accuracy(drawn: NDArray[np.intp]) -> float:
        there = total[drawn].sum(axis=0)
        return float((right[drawn].sum(axis=0) / there).mean()) if there.all() else float("nan")

    accuracy = bootstrap(balanced_accuracy, len(groups), seed=seed, draws=DRAWS)
    names = tuple(str(one) for one in classes)
    return Probe(name, where, told_by, names, len(cases), 1 / len(classes), accuracy)


def _guess(values: NDArray[np.float32], answers: NDArray[Any], folds: NDArray[np.intp]) -> NDArray[Any]:
    """Out-of-fold answers of a logistic regression that weighs classes equally, on at most 60 components."""
    from sklearn.decomposition import PCA  # noqa: PLC0415  (an extra)
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    guessed = np.empty_like(answers)
    for fold in np.unique(folds):
        test = folds == fold
        known = answers[~test]
        if len(set(known)) < 2:
            guessed[test] = known[0]
            continue
        kept = min(_COMPONENTS, values.shape[1], len(known))
        steps = [StandardScaler(), LogisticRegression(class_weight="balanced", C=0.1, max_iter=5000)]
        if kept < values.shape[1]:
            steps.insert(1, PCA(kept, svd_solver="full"))
        model = make_pipeline(*steps).fit(values[~test], known)
        guessed[test] = model.predict(values[test])
    return guessed


def _folds(cases: Sequence[Case]) -> dict[str, int]:
    usable = len({case.fold for case in cases}) > 1 and not torn_groups(cases)
    return {case.case: case.fold if usable else fold_of(case.group) for case in cases}


def _questions(labels: Mapping[str, str], remarks: list[Remark]) -> list[tuple[str, dict[str, str]]]:
    """("label", case to class); or one question a word where labels are lists of words. Quantities are no classes."""
    known = {case: label for case, label in labels.items() if label}
    if any("=" in label for label in known.values()):
        message = "labels hold quantities (such as volume_mm3=12), not classes: shortcuts to them were not tried"
        remarks.append(Remark(Level.NOTE, "labels_are_quantities", message))
        return []
    if not any(" " in label for label in known.values()):
        return [("label", known)]
    words = sorted({word for label in known.values() for word in label.split()})
    return [
        (f"label has {word}", {case: "yes" if word in label.split() else "no" for case, label in known.items()})
        for word in words
    ]


def _enough(cases: Sequence[Case], truth: Mapping[str, str], folds: Mapping[str, int]) -> dict[str, str]:
    """`truth` of the cases whose class has `FEWEST_GROUPS` groups or more, in two folds or more."""
    groups: dict[str, set[str]] = defaultdict(set)
    where: dict[str, set[int]] = defaultdict(set)
    for case in cases:
        if truth.get(case.case):
            groups[truth[case.case]].add(case.group)
            where[truth[case.case]].add(folds[case.case])
    kept = {name for name in groups if len(groups[name]) >= FEWEST_GROUPS and len(where[name]) > 1}
    return {case.case: truth[case.case] for case in cases if truth.get(case.case) in kept}


def _say_left_out(
    cases: Sequence[Case], truth: Mapping[str, str], told: Mapping[str, str], name: str, remarks: list[Remark]
) -> None:
    left = tuple(case.case for case in cases if truth.get(case.case) and case.case not in told)
    if left:
        classes = ", ".join(sorted({truth[case] for case in left}))
        message = f"{name}: shortcuts were not tried for {classes}, in under {FEWEST_GROUPS} groups or in one fold only"
        remarks.append(Remark(Level.NOTE, "class_too_small", message, left))


def _one_source(cases: Sequence[Case], labels: Mapping[str, str]) -> list[Remark]:
    """Classes that come from one source only, where the set has several."""
    if len({case.source for case in cases if case.source}) < 2 or any("=" in label for label in labels.values()):
        return []
    sources: dict[str, set[str]] = defaultdict(set)
    members: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        for word in labels[case.case].split():
            sources[word].add(case.source)
            members[word].append(case.case)
    return [
        Remark(
            Level.WARNING,
            "class_of_one_source",
            f"all {len(members[word])} cases of {word!r} come from {min(found)!r}: a model may learn that source",
            tuple(members[word]),
        )
        for word, found in sorted(sources.items())
        if len(found) == 1
    ]


def _has_sklearn() -> bool:
    try:
        import sklearn  # noqa: F401, PLC0415
    except ImportError:
        return False
    return True
