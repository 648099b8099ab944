"""Which patients a task learned from, as digests: enough to find them in a set, not enough to name them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from overread.errors import UsageError


def hash_group(group: str, *, salt: str) -> str:
    """SHA-256 of "salt|group", lower-case hexadecimal."""
    return hashlib.sha256(f"{salt}|{group}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class TrainingGroups:
    """Digests of the groups (patients) in training, all made with one `salt`."""

    salt: str
    groups_sha256: frozenset[str]

    def __post_init__(self) -> None:
        if not self.salt:
            raise UsageError("hashed training groups need a salt")
        wrong = [digest for digest in self.groups_sha256 if not re.fullmatch(r"[0-9a-f]{64}", digest)]
        if wrong:
            raise UsageError(f"{len(wrong)} training groups are no SHA-256, such as {min(wrong)!r}")

    @classmethod
    def of(cls, groups: Iterable[str], *, salt: str) -> TrainingGroups:
        """From plain group names."""
        return cls(salt, frozenset(hash_group(group, salt=salt) for group in groups))

    def among(self, groups: Iterable[str]) -> tuple[str, ...]:
        """Those of `groups` that were in training: figures on them are not those of unseen patients."""
        return tuple(group for group in groups if self.hold(group))

    def hold(self, group: str) -> bool:
        """Whether this group was in training."""
        return hash_group(group, salt=self.salt) in self.groups_sha256
