"""Threads and memory: one object, made at the door and handed down. Results never depend on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from overread.errors import UsageError

T = TypeVar("T")
R = TypeVar("R")


def usable_cores() -> int:
    """Cores this process may run on (affinity), at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Runtime:
    """How much of the machine may be used.

    `threads` governs our one pool and, through `hold_library_threads`, BLAS and OpenMP beneath it. Work is cut
    into the same pieces at any thread count, so results are equal to the last bit.
    """

    threads: int = field(default_factory=usable_cores)
    max_memory_bytes: int | None = None

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise UsageError(f"threads is {self.threads}, expected 1 or more", way_out="Leave it out to use all cores.")

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Results in the order of `items`; an exception of any item is raised."""
        todo = list(items)
        if self.threads == 1 or len(todo) < 2:
            return [function(item) for item in todo]
        with ThreadPoolExecutor(min(self.threads, len(todo)), thread_name_prefix="overread") as pool:
            return list(pool.map(function, todo))

    @contextmanager
    def hold_library_threads(self) -> Iterator[None]:
        """BLAS and OpenMP run single-threaded inside, so only our own pool uses more than one core."""
        from threadpoolctl import threadpool_limits  # noqa: PLC0415  (not needed to print help)

        with threadpool_limits(limits=1):
            yield


Progress = Callable[[str, float], None]
"""Called with the name of a stage and the share of the whole work that is done (0..1)."""


def silent(stage: str, share: float) -> None:
    """A `Progress` that says nothing."""


def within(progress: Progress, low: float, high: float) -> Progress:
    """A `Progress` for a part of the work: its 0..1 becomes `low`..`high` of `progress`."""
    return lambda stage, share: progress(stage, low + (high - low) * share)
