"""One region read in every way that the study of `brain_mr_hippocampus` knows; not what the rows add up to."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from overread.ops.region import DIHEDRAL
from overread.runtime import Runtime
from overread.tasks.brain_mr_hippocampus.atlas import Map
from overread.tasks.brain_mr_hippocampus.model import Model
from overread.tasks.brain_mr_hippocampus.plan import HippocampusPlan
from overread.tasks.brain_mr_hippocampus.segment import Seen, Segmented, see, segment
from overread_lab.metrics import dice
from overread_lab.recipes.hippocampus_atlas import Outlined

SHIFT_MM = 6
PARTS = {"anterior": (1,), "posterior": (2,), "whole": (1, 2)}
WAYS = (
    "as it is",
    "prior alone",
    "start 6 mm off",
    "mirrored",
    "upside down (must be flagged)",
    "half of it cut off (must be flagged)",
)
COPIES = tuple(f"axial copy {number} of 8" for number in range(1, len(DIHEDRAL) + 1))
"""Pixels turned and mirrored as `overread.ops.region.DIHEDRAL` does, with a geometry that does not say so."""
MIRRORED_COPY = next(name for name, turn in zip(COPIES, DIHEDRAL, strict=True) if turn.mirror and turn.quarters == 0)


@dataclass(frozen=True, slots=True)
class Row:
    """One case read in one way.

    `dice` is by part; `mm3` by part: (found, true, low, high); empty for the prior alone. `draw` and `cases` say which
    fit read it. `agreement` is the Dice of the whole with the reading of the case as it is.
    """

    case: str
    group: str
    fold: int
    way: str
    dice: dict[str, float]
    mm3: dict[str, tuple[float, float, float, float]] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    refused: bool = False
    seconds: float = math.nan
    draw: int = 0
    cases: int = 0
    agreement: float = math.nan

    @property
    def flagged(self) -> bool:
        """The reading itself says that it should not be trusted, or refuses."""
        return bool(self.doubts) or self.refused


@dataclass(frozen=True, slots=True)
class Fit:
    """Which fit reads: fold left out, draw of training cases, and how many they were."""

    fold: int
    draw: int = 0
    cases: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """A model that reads regions in several ways; models with one atlas may share what was `seen`, by case and way."""

    model: Model
    plan: HippocampusPlan
    fit: Fit
    seen: dict[tuple[str, str], tuple[Seen, float]] = field(default_factory=dict)

    def rows(self, case: Outlined, *, harder: bool, copies: bool = False) -> list[Row]:
        """As it is and the prior alone; `harder` and `copies` add those ways."""
        plain, seconds = self._read(case, WAYS[0], case.values)
        rows = [self._row(case, WAYS[0], plain, seconds=seconds)]
        prior = plain.placed.prior
        inside = prior.whole > 0.5
        labels = np.where(inside, np.where(prior.anterior > prior.whole / 2, 1, 2), 0).astype(np.uint8)
        if plain.placed.mirrored:
            labels = labels[:, :, ::-1]
        fit = self.fit
        rows.append(
            Row(case.name, case.group, fit.fold, WAYS[1], _dice(labels, case.labels), draw=fit.draw, cases=fit.cases)
        )
        rows += self._harder(case) if harder else []
        rows += self._copies(case, plain) if copies else []
        return rows

    def _read(self, case: Outlined, way: str, values: Map) -> tuple[Segmented, float]:
        """The result and the seconds that all of it takes."""
        values, runtime, began = np.ascontiguousarray(values), Runtime(1), time.perf_counter()
        if (case.name, way) not in self.seen:
            found = see(values, self.model.atlas, self.plan, runtime)
            self.seen[case.name, way] = found, time.perf_counter() - began
        (found, looked), began = self.seen[case.name, way], time.perf_counter()
        read = segment(values, self.model, self.plan, runtime, seen=found)
        return read, looked + time.perf_counter() - began

    def _harder(self, case: Outlined) -> list[Row]:
        pad = ((2 * SHIFT_MM, 0),) * 3
        moved, _ = self._read(case, WAYS[2], _padded(case.values, pad, "edge"))
        at = np.s_[2 * SHIFT_MM :, 2 * SHIFT_MM :, 2 * SHIFT_MM :]
        rows = [self._row(case, WAYS[2], _relabelled(moved, moved.labels[at]))]
        turned, _ = self._read(case, WAYS[3], case.values[:, :, ::-1])
        rows.append(self._row(case, WAYS[3], _relabelled(turned, turned.labels[:, :, ::-1])))
        for way, cut_off in ((WAYS[4], np.s_[::-1, :, :]), (WAYS[5], np.s_[:, case.values.shape[1] // 2 :, :])):
            part = Outlined(case.name, case.group, case.values[cut_off], case.labels[cut_off])
            rows.append(self._row(part, way, self._read(part, way, part.values)[0]))
        return rows

    def _copies(self, case: Outlined, plain: Segmented) -> list[Row]:
        rows = []
        for name, turn in zip(COPIES, DIHEDRAL, strict=True):
            found, _ = self._read(case, name, turn.array(case.values))
            rows.append(self._row(case, name, _relabelled(found, turn.inverse.array(found.labels)), first=plain))
        return rows

    def _row(
        self, case: Outlined, way: str, found: Segmented, *, seconds: float = math.nan, first: Segmented | None = None
    ) -> Row:
        mm3 = {}
        for name, of in PARTS.items():
            value = float(np.isin(found.labels, of).sum())
            low, high = self.model.limits(name, value)
            mm3[name] = (value, float(np.isin(case.labels, of).sum()), low, high)
        alike = math.nan if first is None else dice(found.labels > 0, first.labels > 0).value
        return Row(
            case.name, case.group, self.fit.fold, way, _dice(found.labels, case.labels), mm3, found.doubts,
            bool(found.refusals), seconds, self.fit.draw, self.fit.cases, alike,
        )  # fmt: skip


def _relabelled(found: Segmented, labels: NDArray[np.uint8]) -> Segmented:
    return Segmented(labels, found.placed, found.checks, found.doubts, found.refusals)


def _padded(values: Map, pad: tuple[tuple[int, int], ...], mode: str) -> Map:
    return np.asarray(np.pad(values, pad, mode=mode), np.float32)  # type: ignore[call-overload]


def _dice(found: NDArray[np.uint8], truth: NDArray[np.uint8]) -> dict[str, float]:
    return {name: dice(np.isin(found, of), np.isin(truth, of)).value for name, of in PARTS.items()}
