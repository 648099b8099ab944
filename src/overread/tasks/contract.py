"""What every task offers. Registered under the entry-point group `overread.tasks`."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from overread.cards import TaskCard
from overread.findings import Reading, Scope
from overread.image import Image, Source
from overread.phantoms import AnyPhantom
from overread.runtime import Progress, Runtime


@runtime_checkable
class Task(Protocol):
    """A question that overread can answer about an image."""

    @property
    def name(self) -> str:
        """Name on the command line, such as "chest_ct_nodule"."""
        ...

    def card(self) -> TaskCard:
        """For whom, on what, how well."""
        ...

    def suits(
        self, source: Source, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float] | None
    ) -> Scope:
        """What the headers alone say for or against; `shape` and `spacing_mm` are (slice, row, column)."""
        ...

    def accepts(self, image: Image) -> Scope:
        """Whether this task answers for such an image; cheap, never raises for a readable image.

        Any kind of image may come: a task that reads volumes answers no to a picture (reason "not_a_volume").
        """
        ...

    def read(self, image: Image, runtime: Runtime, progress: Progress) -> Reading:
        """The answer. A refusal is a Reading with `assessable` False."""
        ...

    def simulate(self, seed: int) -> AnyPhantom:
        """An image with known truth for demo, tests and teaching. The same seed gives the same bytes."""
        ...
