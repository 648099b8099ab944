"""Questions with findings: which things of the manifest's mask were found, at how many false ones a scan."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cards import Question
from overread.errors import OverreadError
from overread.findings import Finding, Reading
from overread.image import Image, Volume
from overread_lab import metrics
from overread_lab.datasets import Case
from overread_lab.evaluate.entry import Held, Status
from overread_lab.evaluate.figure import Figure, mean_by_patient, of_bootstrap, of_score, share
from overread_lab.evaluate.masks import read_labels, spacing_of
from overread_lab.evaluate.plots import Curve, Plot
from overread_lab.metrics.detection import ScanOutcome

RATES = (0.5, 1.0, 2.0)
"""False positives a scan at which the sensitivity is printed."""


@dataclass(frozen=True, slots=True, eq=False)
class PlaceRow:
    """Candidates of one case against its truths; no more than their scores and what they hit."""

    case: str
    group: str
    outcome: ScanOutcome

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "case": self.case,
            "group": self.group,
            "scores": self.outcome.score.tolist(),
            "outcome": self.outcome.outcome.tolist(),
            "truths": self.outcome.truths,
        }


def truths_in(inside: NDArray[np.bool_], image: Image) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n, 3) centres and (n,) diameters of the connected parts of a mask.

    In mm (LPS for volumes); in pixels (column, row, 0) for pictures without a scale. The diameter is that of the ball,
    or for pictures of the disc, of equal size.
    """
    from scipy import ndimage as ndi  # noqa: PLC0415

    parts, n = ndi.label(inside, ndi.generate_binary_structure(inside.ndim, inside.ndim))
    if n == 0:
        return np.empty((0, 3)), np.empty(0)
    centres = np.array(ndi.center_of_mass(parts > 0, parts, range(1, n + 1)), dtype=np.float64).reshape(n, -1)
    sizes = np.bincount(parts.ravel())[1:].astype(np.float64)
    spacing, _ = spacing_of(image)
    if isinstance(image, Volume):
        return image.grid.to_lps(centres), np.cbrt(6 * sizes * image.grid.voxel_volume_mm3 / math.pi)
    down, right = spacing[-2:]
    points = np.column_stack([centres[:, -1] * right, centres[:, -2] * down, np.zeros(n)])
    return points, 2 * np.sqrt(sizes * down * right / math.pi)


def _point(finding: Finding, image: Image) -> tuple[float, float, float]:
    if finding.point_lps is not None:
        return finding.point_lps
    spacing, _ = spacing_of(image)
    row, column = (0.0, 0.0) if finding.region is None else finding.region.centre_rc
    return column * spacing[-1], row * spacing[-2], 0.0


def _score(finding: Finding) -> float:
    if finding.probability is not None and not math.isnan(finding.probability.value):
        return finding.probability.value
    return 1.0 if finding.score is None else finding.score


class Places:
    """Scores a question of findings: a hit lies within the radius of a thing in the mask (as LUNA16 has it)."""

    def __init__(self, question: Question, seed: int = 0) -> None:
        self.question, self.seed = question, seed

    def truth_of(self, case: Case) -> Path | Held:
        """Where the mask lies, or why there is none."""
        if case.mask is None:
            return Held(Status.EXCLUDED, "no mask")
        return case.mask if case.mask.exists() else Held(Status.EXCLUDED, "the mask is not there")

    def take(self, case: Case, reading: Reading, truth: Path, image: Image) -> PlaceRow | Held:
        """The findings of a reading beside the things in the mask."""
        try:
            labels = read_labels(truth, image)
            wanted = labels > 0 if not self.question.truth else np.isin(labels, [int(v) for v in self.question.truth])
            centres, diameters = truths_in(wanted, image)
        except OverreadError as error:
            return Held(Status.EXCLUDED, f"mask: {error.what}")
        outcome = metrics.match_candidates(
            [_point(f, image) for f in reading.findings],
            [_score(f) for f in reading.findings],
            centres,
            diameters,
            scan=case.case,
            group=case.group,
        )
        return PlaceRow(case.case, case.group, outcome)

    def row_from(self, table: dict[str, Any]) -> PlaceRow:
        """Back from plain values."""
        score, what = np.array(table["scores"], dtype=np.float64), np.array(table["outcome"], dtype=np.int64)
        return PlaceRow(
            table["case"], table["group"], ScanOutcome(table["case"], table["group"], score, what, table["truths"])
        )

    def primary(self, rows: Sequence[PlaceRow]) -> Figure:
        """Sensitivity at 1 false positive a scan."""
        return self._sensitivity(rows, 1.0)

    def _sensitivity(self, rows: Sequence[PlaceRow], rate: float) -> Figure:
        name, truths = f"sensitivity at {rate:g} false positives a scan", sum(row.outcome.truths for row in rows)
        if not rows:
            return Figure(name, math.nan, "1", 0, note="no cases")
        found = metrics.sensitivity_interval([row.outcome for row in rows], rate, seed=self.seed)
        return of_bootstrap(name, found, n=len(rows), note=f"{truths} things to find")

    def figures(self, rows: Sequence[PlaceRow]) -> list[Figure]:
        """All figures, the primary one first."""
        found = [self.primary(rows)]
        if not rows:
            return found
        outcomes = [row.outcome for row in rows]
        found += [self._sensitivity(rows, rate) for rate in RATES if rate != 1.0]
        found.append(of_bootstrap("CPM", metrics.cpm_interval(outcomes, seed=self.seed), n=len(rows)))
        hits = [truth in o.hits for o in outcomes for truth in range(o.truths)]
        groups = [o.group for o in outcomes for _ in range(o.truths)]
        found.append(share("sensitivity of all that was reported", hits, groups, seed=self.seed))
        false = [o.false_positives for o in outcomes]
        name = "false positives a scan, of all that was reported"
        found.append(mean_by_patient(name, false, [o.group for o in outcomes], seed=self.seed))
        found.append(of_score("average precision", metrics.detection_precision(outcomes)))
        return found

    def plots(self, rows: Sequence[PlaceRow]) -> list[Plot]:
        """FROC."""
        outcomes = [row.outcome for row in rows]
        if not sum(o.truths for o in outcomes):
            return []
        curve = metrics.froc(outcomes)
        points = [(0.0, 0.0)]
        for x, y in zip(curve.false_positives_per_scan.tolist(), curve.sensitivity.tolist(), strict=True):
            points += [(x, points[-1][1]), (x, y)]
        furthest = max(1.0, points[-1][0])
        points.append((furthest, points[-1][1]))
        return [
            Plot(
                "FROC",
                f"Sensitivity against false positives a scan; {curve.truths} things in {curve.scans} scans.",
                "false positives a scan",
                "sensitivity",
                (0, furthest),
                (0, 1),
                (Curve(tuple(points)),),
            )
        ]

    def worst(self, rows: Sequence[PlaceRow], most: int) -> list[tuple[str, str]]:
        """Most things missed, then most false ones: (case, words)."""

        def missed(row: PlaceRow) -> int:
            return row.outcome.truths - len(row.outcome.hits)

        bad = [row for row in rows if missed(row) or row.outcome.false_positives]
        ordered = sorted(bad, key=lambda row: (-missed(row), -row.outcome.false_positives, row.case))
        return [
            (row.case, f"missed {missed(row)} of {row.outcome.truths}, {row.outcome.false_positives} false")
            for row in ordered[:most]
        ]

    def comparison(self, first: Sequence[PlaceRow], second: Sequence[PlaceRow]) -> tuple[str, metrics.ItemStatistic]:
        """Sensitivity at 1 false positive a scan over (which of the two models, item)."""
        outcomes = [[row.outcome for row in rows] for rows in (first, second)]
        return "sensitivity at 1 false positives a scan", lambda model, items: metrics.froc(
            [outcomes[int(m)][i] for m, i in zip(model, items, strict=True)]
        ).sensitivity_at(1.0)
