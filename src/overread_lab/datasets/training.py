"""The patients a model was trained on, as its card may tell them: hashed, in a small JSON file."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from overread.errors import InputError, UsageError

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class TrainingGroups:
    """Hashed groups: SHA-256 of "salt|group" for each, as 64 hexadecimal digits.

    The salt keeps the lists of two cards from being compared by others; names that can be guessed can still be tried.

    Raises
    ------
    UsageError
        The salt is empty, or a hash is not 64 lower-case hexadecimal digits (it could never match).
    """

    salt: str
    hashes: frozenset[str]

    def __post_init__(self) -> None:
        if not self.salt:
            raise UsageError("the salt is empty", way_out="Give the salt that the card states.")
        odd = sorted(one for one in self.hashes if not _DIGEST.fullmatch(one))
        if odd:
            raise UsageError(
                f"{odd[0]!r} is not a hashed group, expected 64 hexadecimal digits",
                way_out="Take the list that `hashed_groups` made.",
            )

    @classmethod
    def of(cls, groups: Iterable[str], salt: str) -> TrainingGroups:
        """Hash `groups`."""
        return cls(salt, frozenset(_hash(group, salt) for group in groups))

    @classmethod
    def read(cls, path: Path) -> TrainingGroups:
        """Read what `write` wrote; raises `InputError` where it is anything else."""
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            salt, hashes = str(told["salt"]), frozenset(str(one) for one in told["groups"])
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InputError(
                f"holds no hashed groups ({type(error).__name__})",
                where=str(path),
                way_out='It is a JSON object with "salt" and the list "groups".',
            ) from None
        return cls(salt, hashes)

    def write(self, path: Path) -> None:
        """Write {"salt": ..., "groups": [...]}, sorted."""
        path.write_text(json.dumps({"salt": self.salt, "groups": sorted(self.hashes)}, indent=1), encoding="utf-8")

    def among(self, groups: Iterable[str]) -> tuple[str, ...]:
        """Those of `groups` that were trained on: figures on them are not those of unseen patients."""
        return tuple(group for group in groups if _hash(group, self.salt) in self.hashes)


def _hash(group: str, salt: str) -> str:
    return hashlib.sha256(f"{salt}|{group}".encode()).hexdigest()
