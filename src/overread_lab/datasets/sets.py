"""Sets whose folds cannot leak: a patient is on one side of a split, or there is no split. Reads no pixels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from overread.cards import TrainingGroups
from overread.errors import IntegrityError, UsageError
from overread_lab.datasets.manifest import Case, read_manifest


@dataclass(frozen=True, slots=True)
class Split:
    """Cases to train on and to test on; one that shares a group cannot be made (`IntegrityError`)."""

    train: tuple[Case, ...]
    test: tuple[Case, ...]

    def __post_init__(self) -> None:
        tested = {case.group for case in self.test}
        shared = [case for case in self.train if case.group in tested]
        if shared:
            groups = {case.group for case in shared}
            raise IntegrityError(
                f"{len(groups)} groups are in both parts, such as that of case {shared[0].case!r}",
                way_out="Give all cases of a patient the same fold.",
            )


@dataclass(frozen=True, slots=True)
class ManifestSet:
    """A folder with manifest.csv, fit to be split.

    Raises
    ------
    IntegrityError
        A group lies in two folds; nothing can be split then. `check_set` lists them all.
    """

    folder: Path
    cases: tuple[Case, ...]
    folds_given: bool = True

    def __post_init__(self) -> None:
        torn = torn_groups(self.cases)
        if torn:
            case = next(case for case in self.cases if case.group in torn)
            folds = ", ".join(map(str, torn[case.group]))
            raise IntegrityError(  # a group may be the ID of a patient, so it is not shown
                f"{len(torn)} groups lie in several folds, such as that of case {case.case!r} in {folds}",
                where=str(self.folder),
                way_out="Give all cases of a patient the same fold, or leave the column empty to have folds made.",
            )

    @classmethod
    def open(cls, folder: str | Path) -> ManifestSet:
        """Read `folder`/manifest.csv; raises what `read_manifest` raises, too."""
        manifest = read_manifest(folder)
        return cls(manifest.folder, manifest.cases, manifest.folds_given)

    @property
    def folds(self) -> tuple[int, ...]:
        """The folds that hold a case, rising."""
        return tuple(sorted({case.fold for case in self.cases}))

    @property
    def groups(self) -> tuple[str, ...]:
        """The patients, sorted."""
        return tuple(sorted({case.group for case in self.cases}))

    def split(self, fold: int) -> Split:
        """Cases of `fold` to test on, all others to train on.

        Raises
        ------
        UsageError
            No case is in that fold, or all are.
        """
        if fold not in self.folds or len(self.folds) == 1:
            raise UsageError(
                f"fold {fold} cannot be split off; the set has {', '.join(map(str, self.folds))}",
                where=str(self.folder),
                way_out="Name one of several folds.",
            )
        return Split(
            tuple(case for case in self.cases if case.fold != fold),
            tuple(case for case in self.cases if case.fold == fold),
        )

    def hashed_groups(self, salt: str) -> TrainingGroups:
        """What a card says of its patients when it was trained on this set."""
        return TrainingGroups.of(self.groups, salt=salt)

    def known_groups(self, trained_on: TrainingGroups) -> tuple[str, ...]:
        """Groups of this set that a card was trained on."""
        return trained_on.among(self.groups)


def torn_groups(cases: Iterable[Case]) -> dict[str, tuple[int, ...]]:
    """Groups that lie in more than one fold, with those folds."""
    folds: dict[str, set[int]] = defaultdict(set)
    for case in cases:
        folds[case.group].add(case.fold)
    return {group: tuple(sorted(found)) for group, found in folds.items() if len(found) > 1}
