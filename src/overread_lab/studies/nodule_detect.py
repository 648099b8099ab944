"""How well nodules are found: `python -m overread_lab.studies.nodule_detect put-in|phantoms|real [--json FILE]`.

put-in: analytic nodules in three real scans, each patient by forests that never saw it (leave one patient out).
phantoms: simulated chests of the test split by the shipped forests. real: the readers' lesions in the three scans, by
forests that never saw the patient and, marked as such, by the shipped ones, whose background they are.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.models import Forest
from overread.ops.lung_field import lung_field
from overread.ops.nodule_candidates import Branch, CandidatePlan, find_candidates, search_field
from overread.phantoms.phantom import Planted
from overread.runtime import Runtime
from overread.tasks.chest_ct_nodule.detect import Candidate, DetectPlan, merge_candidates, shipped_forests
from overread_lab.datasets.chest_ct import CASES, read_case, read_lesions
from overread_lab.metrics import ScanOutcome, froc, match_candidates, wilson
from overread_lab.recipes.nodule_detector import fit_forests
from overread_lab.recipes.nodule_examples import BRANCHES, SearchedScan, nodule_radius_mm
from overread_lab.recipes.nodule_sets import SetPlan, phantom_set, put_in_sets

RATES = (0.25, 0.5, 1.0, 2.0, 4.0)
LEAST_SCORE = 0.1
Forests = dict[Branch, Forest]


@dataclass(frozen=True, slots=True)
class Group:
    """A row of the table: which planted nodules count as truths; the others are neither hit nor false."""

    name: str
    takes: Callable[[Planted], bool]


def _is(kinds: Sequence[str], low: float, high: float = 99.0, attachment: str = "") -> Callable[[Planted], bool]:
    def takes(one: Planted) -> bool:
        size = low <= one.truths["effective_diameter_mm"] < high
        return size and one.kind in kinds and attachment in ("", one.attachment)

    return takes


SOLID, SUBSOLID = ("solid", "calcified"), ("ground_glass", "part_solid")
GROUPS = (
    Group("solid >= 6 mm", _is(SOLID, 6)),
    Group("  isolated", _is(SOLID, 6, attachment="isolated")),
    Group("  juxtavascular", _is(SOLID, 6, attachment="juxtavascular")),
    Group("  juxtapleural", _is(SOLID, 6, attachment="juxtapleural")),
    Group("  6-10 mm", _is(SOLID, 6, 10)),
    Group("  10-20 mm", _is(SOLID, 10, 20)),
    Group("  >= 20 mm", _is(SOLID, 20)),
    Group("solid 4-6 mm", _is(SOLID, 0, 6)),
    Group("part-solid >= 6 mm", _is(("part_solid",), 6)),
    Group("ground-glass >= 6 mm", _is(("ground_glass",), 6)),
    Group("subsolid 4-6 mm", _is(SUBSOLID, 0, 6)),
)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Findings of one scan at a low score, with its truths."""

    scan: SearchedScan
    points_lps: NDArray[np.float64]
    score: NDArray[np.float64]


def findings_of(scan: SearchedScan, forests: Forests, plan: DetectPlan) -> Found:
    """Run verification and merging, as in use but down to a low score."""
    if scan.field is None:
        raise ValueError("the scan was searched without keeping its field")
    scored = [(scan.tables[branch], forests[branch].score(scan.tables[branch].table)) for branch in BRANCHES]
    candidates = merge_candidates(scan.field, scored, replace(plan, least_score=LEAST_SCORE), scan.field.grid)
    index = np.array([candidate.index_kji for candidate in candidates]).reshape(-1, 3)
    return Found(scan, scan.field.grid.to_lps(index), np.array([candidate.score for candidate in candidates]))


def outcome_of(found: Found, group: Group) -> ScanOutcome:
    """LUNA16 rule; nodules outside the group, and what readers marked before, count neither way."""
    scan = found.scan
    truths = [one for one in scan.planted if group.takes(one)]
    others = [one for one in scan.planted if not group.takes(one)]
    irrelevant = [(np.array(o.centre_lps), 2 * nodule_radius_mm(o) + 2) for o in others]
    irrelevant += [(mark.centre_lps, 2 * mark.radius_mm + 4) for mark in scan.marked]
    return match_candidates(
        found.points_lps,
        found.score,
        np.array([one.centre_lps for one in truths]).reshape(-1, 3),
        np.array([2 * nodule_radius_mm(one) for one in truths]),
        scan=scan.name,
        group=scan.patient,
        irrelevant_lps=np.array([point for point, _ in irrelevant]).reshape(-1, 3),
        irrelevant_diameters_mm=np.array([diameter for _, diameter in irrelevant]),
    )


def table_of(found: list[Found]) -> dict[str, Any]:
    """Sensitivity of each group at several rates of false positives (both branches together), and as shipped."""
    rows: dict[str, Any] = {}
    for group in GROUPS:
        outcomes = [outcome_of(one, group) for one in found]
        truths = sum(outcome.truths for outcome in outcomes)
        if truths == 0:
            continue
        curve = froc(outcomes)
        hits = sum(int(((o.outcome >= 0) & (o.score >= 0.5)).sum()) for o in outcomes)
        interval = wilson(hits, truths)
        rows[group.name] = {
            "n": truths,
            "at_rates": {rate: round(curve.sensitivity_at(rate), 3) for rate in RATES},
            "shipped": round(hits / truths, 3),
            "shipped_95": (round(interval.low, 3), round(interval.high, 3)),
        }
    any_group = Group("all", lambda one: True)
    false = [int(((o.outcome == -1) & (o.score >= 0.5)).sum()) for o in (outcome_of(f, any_group) for f in found)]
    return {"scans": len(found), "false_positives_per_scan_shipped": round(float(np.mean(false)), 3), "groups": rows}


def put_in(shared: Path, sets: SetPlan, cache: Path | None, say: Callable[[str], None]) -> dict[str, Any]:
    """Leave one patient out: put-in nodules of each patient by forests of the others and the training phantoms."""
    plan, detect = CandidatePlan(), DetectPlan()
    phantoms = phantom_set("train", sets, plan, cache=cache, say=say)
    copies = put_in_sets(shared, sets, plan, cache=cache, say=say)
    everything: list[Found] = []
    result: dict[str, Any] = {}
    for case in CASES:
        forests = fit_forests(phantoms + [scan for name in CASES if name != case for scan in copies[name]])
        found = [findings_of(scan, forests, detect) for scan in copies[case]]
        result[case] = table_of(found)
        everything += found
    return {"all": table_of(everything), **result}


def phantoms(sets: SetPlan, cache: Path | None, say: Callable[[str], None]) -> dict[str, Any]:
    """Simulated chests that were never used for training or tuning, by the shipped forests."""
    scans = phantom_set("test", sets, CandidatePlan(), cache=cache, say=say)
    return {"all": table_of([findings_of(scan, shipped_forests(), DetectPlan()) for scan in scans])}


def real(shared: Path, sets: SetPlan, cache: Path | None, say: Callable[[str], None]) -> dict[str, Any]:
    """Hits, misses and false positives in the three real scans."""
    plan, detect = CandidatePlan(), DetectPlan()
    train = phantom_set("train", sets, plan, cache=cache, say=say)
    copies = put_in_sets(shared, sets, plan, cache=cache, say=say)
    result: dict[str, Any] = {}
    for case in CASES:
        unseen = fit_forests(train + [scan for name in CASES if name != case for scan in copies[name]])
        volume = read_case(shared, case)
        field = search_field(volume, lung_field(volume, Runtime(1)), plan)
        tables = find_candidates(field, plan, Runtime(1))
        lesions = read_lesions(shared, case, volume.grid)
        for name, forests in (("patient never seen", unseen), ("shipped, background seen", shipped_forests())):
            scored = [(table, forests[table.branch].score(table.table)) for table in tables]
            candidates = merge_candidates(field, scored, detect, volume.grid)
            points = volume.grid.to_lps(np.array([c.index_kji for c in candidates]).reshape(-1, 3))
            result[f"{case} ({name})"] = _real_rows(candidates, points, lesions)
    return result


def _real_rows(candidates: tuple[Candidate, ...], points: NDArray[np.float64], lesions: Any) -> dict[str, Any]:
    rows: dict[str, Any] = {"lesions": [], "other_findings": []}
    near_any = np.zeros(len(points), dtype=bool)
    for lesion in lesions:
        away = np.linalg.norm(points - lesion.point_lps, axis=1)
        hit = away <= lesion.diameter_mm / 2
        near_any |= hit
        if lesion.readers >= 2:
            best = int(np.argmin(away)) if len(away) else -1
            rows["lesions"].append(
                {
                    "diameter_mm": round(lesion.diameter_mm, 1),
                    "readers": lesion.readers,
                    "found": bool(hit.any()),
                    "objects": int(hit.sum()),
                    "off_mm": round(float(away[best]), 1) if best >= 0 else None,
                    "found_diameter_mm": round(2 * candidates[best].radius_mm, 1) if hit.any() else None,
                    "branch": candidates[best].branch if hit.any() else None,
                }
            )
    for candidate, point, near in zip(candidates, points, near_any, strict=True):
        if not near:
            rows["other_findings"].append(
                {
                    "score": round(candidate.score, 2),
                    "branch": candidate.branch,
                    "radius_mm": round(candidate.radius_mm, 1),
                    "point_lps": [round(float(x), 1) for x in point],
                }
            )
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m overread_lab.studies.nodule_detect", description=__doc__)
    parser.add_argument("study", choices=("put-in", "phantoms", "real"))
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"), help="folder that holds chest_ct")
    parser.add_argument("--copies", type=int, default=SetPlan().copies)
    parser.add_argument("--train-phantoms", type=int, default=SetPlan().train_phantoms)
    parser.add_argument("--test-phantoms", type=int, default=SetPlan().test_phantoms)
    parser.add_argument("--cache", type=Path, help="keep searched scans in this folder")
    parser.add_argument("--json", type=Path, help="also write the result here")
    given = parser.parse_args(arguments)
    sets = SetPlan(given.copies, given.train_phantoms, given.test_phantoms)

    def say(text: str) -> None:
        sys.stderr.write(f"{text}\n")

    if given.study == "phantoms":
        result = phantoms(sets, given.cache, say)
    elif given.study == "put-in":
        result = put_in(given.shared, sets, given.cache, say)
    else:
        result = real(given.shared, sets, given.cache, say)
    if given.json:
        given.json.write_text(json.dumps(result, indent=1), encoding="utf-8")
    sys.stdout.write(_text(result))
    return 0


def _text(result: dict[str, Any]) -> str:
    lines = []
    for name, part in result.items():
        lines.append(f"{name}")
        if "groups" not in part:
            lines += [f"  {key}: {row}" for key, rows in part.items() for row in rows] or ["  nothing found"]
            continue
        lines.append(
            f"  {part['scans']} scans, {part['false_positives_per_scan_shipped']} false positives a scan as shipped"
        )
        rates = "".join(f"{rate:>8}" for rate in RATES)
        lines.append(f"  {'sensitivity at false positives a scan':<24} n {rates}  as shipped [95 %]")
        for group, row in part["groups"].items():
            cells = "".join(f"{value:8.3f}" for value in row["at_rates"].values())
            low, high = row["shipped_95"]
            lines.append(f"  {group:<24}{row['n']:>5}{cells}  {row['shipped']:.3f} [{low:.2f}, {high:.2f}]")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
