"""Sets whose folds cannot leak: a patient is on one side of a split, or there is no split. Reads no pixels."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from overread.errors import IntegrityError, UsageError
from overread_lab.datasets.manifest import Case, read_manifest

_DIGEST = re.compile(r"[0-9a-f]{64}")


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

    def hashed_groups(self, salt: str) -> frozenset[str]:
        """What a card says of its training patients: SHA-256 of "salt|group" for each, as 64 hexadecimal digits.

        The salt keeps two cards from being compared by others; names that can be guessed can still be tried out.
        """
        return frozenset(_digest(group, salt) for group in self.groups)

    def known_groups(self, hashes: Iterable[str], salt: str) -> tuple[str, ...]:
        """Groups of this set that are among the `hashes` of a card: figures on them are not those of unseen patients.

        Raises
        ------
        UsageError
            The salt is empty, or a hash is not 64 lower-case hexadecimal digits (it could never match).
        """
        listed = frozenset(hashes)
        odd = sorted(one for one in listed if not _DIGEST.fullmatch(one))
        if odd:
            raise UsageError(
                f"{odd[0]!r} is not a hashed group, expected 64 hexadecimal digits",
                way_out="Take the list that `hashed_groups` made.",
            )
        return tuple(group for group in self.groups if _digest(group, salt) in listed)


def torn_groups(cases: Iterable[Case]) -> dict[str, tuple[int, ...]]:
    """Groups that lie in more than one fold, with those folds."""
    folds: dict[str, set[int]] = defaultdict(set)
    for case in cases:
        folds[case.group].add(case.fold)
    return {group: tuple(sorted(found)) for group, found in folds.items() if len(found) > 1}


def _digest(group: str, salt: str) -> str:
    if not salt:
        raise UsageError("the salt is empty", way_out="Give the salt that the card states.")
    return hashlib.sha256(f"{salt}|{group}".encode()).hexdigest()
