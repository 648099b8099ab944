"""Makes the weights of `brain_mr_hippocampus` from outlined cases, without torch, by one command.

python -m overread_lab.recipes.brain_mr_hippocampus --data ../shared/data/hippocampus_mr --cases 20 -o model.npz
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from overread.cards import TrainingGroups
from overread.errors import InputError, UsageError
from overread.geometry import orient
from overread.image import Volume
from overread.io import open_study
from overread.runtime import Progress, Runtime
from overread.tasks.brain_mr_hippocampus.model import write_model
from overread.tasks.brain_mr_hippocampus.plan import HippocampusPlan
from overread.tasks.brain_mr_hippocampus.prepare import prepare
from overread_lab.datasets.manifest import Case
from overread_lab.datasets.sets import ManifestSet
from overread_lab.recipes.hippocampus_atlas import Outlined
from overread_lab.recipes.hippocampus_fit import FitPlan, fit_model

SALT = "brain_mr_hippocampus"
SUMMARY = "hippocampus on MR from 20 outlined regions, in about a minute without torch"


def read_outlined(case: Case, plan: HippocampusPlan) -> Outlined:
    """A case of a manifest: image and labels, 1 anterior and 2 posterior, on one grid of 1 mm.

    Raises
    ------
    InputError
        No mask, another grid, or other labels.
    """
    if case.image is None or case.mask is None:
        raise InputError("has no image or no mask", where=case.case, way_out="Leave the case out.")
    image, mask = _volume(case.image), _volume(case.mask)
    region = prepare(image, plan)
    labels, grid = orient(mask.array, mask.grid, "SPL")
    if not grid.same_place(region.grid):
        raise InputError("image and mask lie on different grids, or not on 1 mm", where=case.case)
    if set(np.unique(labels).tolist()) != {0, 1, 2}:
        raise InputError(f"the mask holds {np.unique(labels).tolist()}, expected 0, 1 and 2", where=case.case)
    return Outlined(case.case, case.group, region.values, np.ascontiguousarray(labels).astype(np.uint8))


def _volume(path: Path) -> Volume:
    image = open_study(path).series[0].load()
    if not isinstance(image, Volume):
        raise InputError("is no volume", where=str(path))
    return image


def draw(cases: Sequence[Case], wanted: int | None, *, seed: int) -> list[Case]:
    """`wanted` of the cases in an order drawn at random, all for None; fewer are the first of more."""
    if wanted is not None and wanted > len(cases):
        raise UsageError(f"{wanted} cases are asked for, there are {len(cases)}")
    return [cases[n] for n in np.random.default_rng(seed).permutation(len(cases))[:wanted]]


def chosen_cases(found: ManifestSet, *, cases: int | None, seed: int, leave_out: int | None) -> list[Case]:
    """What `make` learns from: `cases` of those outside fold `leave_out`, in the order in which they were drawn."""
    return draw(found.cases if leave_out is None else found.split(leave_out).train, cases, seed=seed)


def make(
    data: Path,
    out: Path,
    *,
    cases: int | None,
    seed: int,
    progress: Progress,
    leave_out: int | None = None,
    runtime: Runtime | None = None,
) -> dict[str, object]:
    """Train on a folder with manifest.csv, without fold `leave_out`, and write the model; what was written."""
    began = time.perf_counter()
    plan = HippocampusPlan()
    chosen = chosen_cases(ManifestSet.open(data), cases=cases, seed=seed, leave_out=leave_out)
    outlined = [read_outlined(case, plan) for case in chosen]
    model = fit_model(outlined, plan, FitPlan(), seed=seed, runtime=runtime or Runtime(), progress=progress)
    model = replace(model, notes={**model.notes, "leave_out": leave_out})
    digest = write_model(out, model)
    groups = sorted(TrainingGroups.of({case.group for case in chosen}, salt=SALT).groups_sha256)
    return {
        "file": str(out),
        "bytes": out.stat().st_size,
        "sha256": digest,
        "cases": len(chosen),
        "support_vectors": len(model.classifier.machine.support),
        "threshold": model.classifier.threshold,
        "log_width": model.log_width,
        "usual": model.usual,
        "seconds": round(time.perf_counter() - began, 1),
        "salt": SALT,
        "groups_sha256": groups,
    }


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m overread_lab.recipes.brain_mr_hippocampus", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the set hippocampus_mr")
    parser.add_argument("--cases", default="20", help="how many cases to learn from, or all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fold", type=int, help="leave this fold out")
    parser.add_argument("--threads", type=int, help="cores to use; all by default, for the same bytes")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the .npz to write")
    given = parser.parse_args(arguments)
    wanted = None if given.cases == "all" else int(given.cases)

    def progress(stage: str, share: float) -> None:
        sys.stderr.write(f"{share:4.0%} {stage}\n")

    runtime = Runtime() if given.threads is None else Runtime(given.threads)
    record = make(
        given.data, given.out, cases=wanted, seed=given.seed, progress=progress, leave_out=given.fold, runtime=runtime
    )
    sys.stdout.write(json.dumps(record, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
