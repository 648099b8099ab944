"""Rows of the cases of a fold, kept in a folder: placing and describing cases takes longer than all machines do."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.errors import IntegrityError
from overread.ops.fractional import enhance
from overread.ops.texture import FEATURES, RoughShape, voxel_features
from overread.runtime import Runtime
from overread.tasks.brain_mr_hippocampus.atlas import Atlas, Placed, Prior, find_place
from overread.tasks.brain_mr_hippocampus.plan import HippocampusPlan
from overread.tasks.brain_mr_hippocampus.rows import NAMES, Band, band_of
from overread_lab.recipes.hippocampus_atlas import Outlined, build_atlas
from overread_lab.recipes.hippocampus_fit import Ready

Rows = NDArray[np.float32]
_TOLD = ("match", "other_hand", "local_match", "growth", "stretch_mm")


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """A placed case with its band.

    Parameters
    ----------
    ready : Ready
        As the recipe has it.
    enhanced : (n, 61) float32
        The features of the band once more, of the image after fractional enhancement (default plan).
    """

    ready: Ready
    enhanced: Rows

    @property
    def rows(self) -> Rows:
        """(n, 64), as the task has them."""
        return self.ready.band.rows

    @property
    def chained(self) -> Rows:
        """(n, 64) with the 61 of the enhanced image; the three of the prior are those of the image."""
        return np.concatenate([self.enhanced, self.rows[:, len(FEATURES) :]], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class FoldRows:
    """The cases of a fold: those the atlas was made of, each seen by the atlas without it, and those to answer."""

    fold: int
    draw: int
    train: tuple[Kept, ...]
    test: tuple[Kept, ...]


def make_rows(
    cases: Sequence[Outlined], tests: Sequence[Outlined], plan: HippocampusPlan, *, rounds: int = 2
) -> tuple[list[Kept], list[Kept]]:
    """Atlas of `cases`, and the rows of `cases` (each by the atlas without it) and of `tests`."""
    built = build_atlas(cases, plan, rounds=rounds)
    train = []
    for case, share in zip(cases, built.shares, strict=True):
        others = built.atlas.without(share.image, share.whole, share.anterior, cases=len(cases))
        train.append(_kept(case, find_place(case.values, others, plan, start=share.place), plan))
    return train, [_placed(case, built.atlas, plan) for case in tests]


def _placed(case: Outlined, atlas: Atlas, plan: HippocampusPlan) -> Kept:
    return _kept(case, find_place(case.values, atlas, plan), plan)


def _kept(case: Outlined, placed: Placed, plan: HippocampusPlan) -> Kept:
    runtime = Runtime(1)
    band = band_of(placed, plan.band_mm, runtime)
    bright = np.asarray(enhance(placed.values, runtime=runtime), np.float32)
    enhanced = voxel_features(bright, RoughShape(band.phi_mm, (1.0, 1.0, 1.0)), band.points, runtime=runtime)
    labels = case.labels[:, :, ::-1] if placed.mirrored else case.labels
    return Kept(Ready(case, placed, band, labels[tuple(band.points.T)] > 0), enhanced)


def key_of(cases: Sequence[str], tests: Sequence[str], plan: HippocampusPlan) -> dict[str, object]:
    """What the rows of a fold depend on."""
    return {"cases": list(cases), "tests": list(tests), "plan": repr(plan), "features": list(NAMES)}


def write_rows(folder: Path, train: Sequence[Kept], test: Sequence[Kept], key: dict[str, object]) -> None:
    """A file a case; key.json comes last and says that all are there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, cases in (("train", train), ("test", test)):
        for number, one in enumerate(cases):
            _write_case(folder / f"{name}{number:03d}.npz", one)
    (folder / "key.json").write_text(json.dumps(key, sort_keys=True), encoding="utf-8")


def has_rows(folder: Path, key: dict[str, object]) -> bool:
    """Whether the folder holds just these rows.

    Raises
    ------
    IntegrityError
        It holds others.
    """
    path = folder / "key.json"
    if not path.exists():
        return False
    if json.loads(path.read_text(encoding="utf-8")) != json.loads(json.dumps(key)):
        raise IntegrityError(
            "holds rows of other cases or of another plan", where=str(folder), way_out="Give another folder as --work."
        )
    return True


def read_rows(folder: Path, fold: int, draw: int) -> FoldRows:
    """What `write_rows` wrote."""
    train, test = (
        tuple(_read_case(path) for path in sorted(folder.glob(f"{name}*.npz"))) for name in ("train", "test")
    )
    return FoldRows(fold, draw, train, test)


def with_rows(one: Kept, rows: Rows) -> Ready:
    """The case with other rows of the same voxels."""
    return replace(one.ready, band=replace(one.ready.band, rows=rows))


def _write_case(path: Path, one: Kept) -> None:
    case, placed, band = one.ready.case, one.ready.placed, one.ready.band
    told = {"name": case.name, "group": case.group, "mirrored": placed.mirrored}
    told |= {name: getattr(placed, name) for name in _TOLD}
    np.savez(
        path,
        allow_pickle=False,
        told=np.frombuffer(json.dumps(told).encode(), np.uint8),
        values=placed.values,
        labels=case.labels,
        prior=np.stack(placed.prior),
        points=band.points.astype(np.int16),
        rows=band.rows,
        phi_mm=band.phi_mm,
        enhanced=one.enhanced,
    )


def _read_case(path: Path) -> Kept:
    try:
        with np.load(path, allow_pickle=False) as stored:
            told = json.loads(stored["told"].tobytes())
            values, labels, mirrored = stored["values"], stored["labels"], bool(told["mirrored"])
            band = Band(stored["points"].astype(np.intp), stored["rows"], stored["phi_mm"])
            prior, enhanced = Prior(*stored["prior"]), stored["enhanced"]
            numbers = {name: float(told[name]) for name in _TOLD}
            name, group = str(told["name"]), str(told["group"])
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise IntegrityError(
            f"not the rows of a case ({type(error).__name__})", where=str(path), way_out="Empty the folder of the fold."
        ) from error
    seen, turned = (values[:, :, ::-1], labels[:, :, ::-1]) if mirrored else (values, labels)
    placed = Placed(values=values, prior=prior, mirrored=mirrored, **numbers)
    case = Outlined(name, group, np.ascontiguousarray(seen), labels)
    return Kept(Ready(case, placed, band, turned[tuple(band.points.T)] > 0), enhanced)
