"""The whole check of a set: files, masks, leaks, shortcuts; each finding once, in the order of how much it matters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from overread.cards import TrainingGroups
from overread.errors import UsageError
from overread.runtime import Progress, silent
from overread_lab.datasets.check.leaks import leaks_of_names, leaks_of_pixels
from overread_lab.datasets.check.look import Look, look
from overread_lab.datasets.check.report import Level, Probe, Remark, SetReport
from overread_lab.datasets.check.shortcuts import probe_shortcuts
from overread_lab.datasets.check.similar import NEAR
from overread_lab.datasets.manifest import NAME, Case, Manifest, read_manifest

_ORDER = tuple(Level)


def check_set(
    folder: str | Path,
    *,
    merge: Mapping[str, Sequence[str]] | None = None,
    hash_bits: int = 256,
    near: int | None = None,
    trained_on: TrainingGroups | None = None,
    seed: int = 1,
    progress: Progress = silent,
) -> SetReport:
    """Read every file of a set and say what would make figures from it wrong or too good.

    Parameters
    ----------
    merge : mapping, optional
        New label to the labels it takes the place of, for the probes of shortcuts alone.
    hash_bits, near : int
        64 or 256 bits of perceptual hash, and up to how many bits apart two pictures are called alike (4 or 40).
    trained_on : TrainingGroups, optional
        Of a card whose figures are to be taken on this set.
    seed : int
        Of the bootstrap.

    Raises
    ------
    UsageError
        `hash_bits` is another number, or `merge` names a label that no case has.
    InputError
        The manifest cannot be read; a bad file of a case is a remark instead.
    """
    if hash_bits not in NEAR:
        raise UsageError(f"a hash of {hash_bits} bits", where="--hash-bits", way_out="Take 64 or 256.")
    manifest = read_manifest(folder)
    merged = _merged(manifest.cases, merge or {})
    looks: list[Look] = []
    for number, case in enumerate(manifest.cases):
        progress("read", number / len(manifest.cases))
        looks.append(look(case, hash_bits=hash_bits))
    seen = [one.seen for one in looks if one.seen is not None]
    remarks = [remark for one in looks for remark in one.remarks]
    remarks += leaks_of_names(manifest.cases)
    remarks += [] if trained_on is None else _trained_on(manifest.cases, trained_on)
    remarks += leaks_of_pixels(seen, NEAR[hash_bits] if near is None else near)
    remarks += _empty_masks(looks) + _flat(looks) + _unnamed(manifest)
    progress("shortcuts", 0.9)
    probes, more = probe_shortcuts(manifest.cases, merged, seen, seed=seed)
    remarks += [*more, *_of_probes(probes)]
    remarks.sort(key=lambda remark: _ORDER.index(remark.level))
    progress("shortcuts", 1.0)
    return SetReport(manifest.folder, _counts(manifest.cases), tuple(remarks), tuple(probes))


def _merged(cases: Sequence[Case], merge: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Case to label, after `merge`."""
    known = {case.label for case in cases}
    new: dict[str, str] = {}
    for name, labels in merge.items():
        for label in labels:
            if label not in known:
                raise UsageError(
                    f"no case has the label {label!r}",
                    where="--merge",
                    way_out=f"Labels are {', '.join(sorted(known)[:20])}.",
                )
            if label in new:
                raise UsageError(f"label {label!r} is merged twice", where="--merge", way_out="Name it once.")
            new[label] = name
    return {case.case: new.get(case.label, case.label) for case in cases}


def _counts(cases: Sequence[Case]) -> dict[str, int]:
    return {
        "cases": len(cases),
        "groups": len({case.group for case in cases}),
        "sources": len({case.source for case in cases if case.source}),
        "folds": len({case.fold for case in cases}),
        "with_mask": sum(case.mask is not None for case in cases),
    }


def _trained_on(cases: Sequence[Case], card: TrainingGroups) -> list[Remark]:
    groups = sorted({case.group for case in cases})
    known = set(card.among(groups))
    message = f"{len(known)} of {len(groups)} groups were trained on: figures on them are not those of unseen patients"
    found = tuple(case.case for case in cases if case.group in known)
    return [Remark(Level.ERROR, "groups_trained_on", message, found)] if known else []


def _empty_masks(looks: Sequence[Look]) -> list[Remark]:
    """Empty masks; expected, and so a note, where no case of that label has anything in its mask."""
    by_label: dict[str, list[Look]] = defaultdict(list)
    for one in looks:
        if one.labels is not None:
            by_label[one.case.label].append(one)
    remarks = []
    for label, masked in sorted(by_label.items()):
        empty = tuple(one.case.case for one in masked if not one.labels)
        if not empty:
            continue
        named = f"label {label!r}" if label else "no label"
        if len(empty) == len(masked) > 1 and len(by_label) > 1:
            message = f"all {len(empty)} masks of {named} are empty"
            remarks.append(Remark(Level.NOTE, "masks_empty_by_label", message, empty))
        else:
            message = f"{len(empty)} of {len(masked)} masks of {named} are empty"
            remarks.append(Remark(Level.ERROR, "mask_empty", message, empty))
    return remarks


def _flat(looks: Sequence[Look]) -> list[Remark]:
    flat = tuple(one.case.case for one in looks if one.seen is not None and one.seen.bits is None)
    message = f"{len(flat)} images have one value everywhere in their middle picture; they were compared with none"
    return [Remark(Level.WARNING, "image_flat", message, flat)] if flat else []


def _unnamed(manifest: Manifest) -> list[Remark]:
    """Files of the folder that no row names, but for texts and tables."""
    named = {path for case in manifest.cases for path in (case.image, case.mask) if path is not None}
    unnamed = [
        path.relative_to(manifest.folder).as_posix()
        for path in sorted(manifest.folder.rglob("*"))
        if path.is_file() and path.suffix.lower() not in (".md", ".csv", ".txt") and not named & {path, *path.parents}
    ]
    message = f"{len(unnamed)} files are in no row of {NAME}, such as {', '.join(unnamed[:3])}"
    return [Remark(Level.NOTE, "files_unnamed", message)] if unnamed else []


def _of_probes(probes: Sequence[Probe]) -> list[Remark]:
    remarks = []
    for probe in probes:
        interval = probe.accuracy.interval
        if not probe.is_shortcut or interval is None or probe.question == "source":
            continue
        inside = f" inside {probe.where}" if probe.where else ""
        message = (
            f"{probe.told_by} tells {probe.question}{inside} with balanced accuracy {probe.accuracy.value:.2f} "
            f"[{interval.low:.2f}, {interval.high:.2f}] (chance {probe.chance:.2f}): report it beside any model's"
        )
        remarks.append(Remark(Level.WARNING, "shortcut", message))
    return remarks
