"""Verify: is a result folder what was written, and does the same input still give the same bytes?"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from overread import evidence
from overread.errors import IntegrityError, UsageError
from overread.image import Intensity
from overread.runtime import Progress, Runtime, silent
from overread.workflow.analyze import Analysis, analyze

if TYPE_CHECKING:
    from overread.workflow.enhance import Enhancement


@dataclass(frozen=True, slots=True)
class Verification:
    """Outcome of `verify`.

    Parameters
    ----------
    changed : tuple of str
        What differs from the manifest, or from a repeated run, in words; empty when all is well.
    repeated : bool
        The run was repeated and compared; False when the input was not found or `repeat` was off.
    """

    changed: tuple[str, ...]
    repeated: bool
    note: str = ""

    @property
    def sound(self) -> bool:
        """Nothing differs."""
        return not self.changed


def verify(
    folder: str | Path,
    *,
    source: str | Path | None = None,
    repeat: bool = True,
    runtime: Runtime | None = None,
    progress: Progress = silent,
) -> Verification:
    """Compare a result folder with its manifest, then repeat the run and compare the bytes.

    Parameters
    ----------
    source : path, optional
        Where the input lies now, if it has moved.

    Raises
    ------
    IntegrityError
        The folder has no manifest, or a manifest that cannot be read.
    """
    folder = Path(folder)
    changed = tuple(str(one) for one in evidence.check_manifest(folder))
    if not repeat or changed:
        return Verification(changed, repeated=False)
    manifest = evidence.read_manifest(folder)
    request = manifest.get("request")
    enhanced = isinstance(request, dict) and isinstance(request.get("plan"), dict)
    wanted = ("input", "series", "policy", "intensity", *(("form",) if enhanced else ("task", "seg")))
    if not isinstance(request, dict) or not all(isinstance(request.get(name), str) for name in wanted):
        raise IntegrityError("the manifest does not say how the run was made", where=str(folder))
    place = Path(source) if source is not None else Path(request["input"]) if request.get("input") else None
    if place is None or not place.exists():
        return Verification((), repeated=False, note="the input is not there any more: name it with --input")
    try:
        again = (_enhance_again if enhanced else _analyze_again)(place, request, runtime, progress)
    except (UsageError, KeyError, TypeError) as error:
        raise IntegrityError(f"the manifest asks for a run that cannot be made: {error}", where=str(folder)) from error
    differing_inputs = _differences("input", manifest["inputs"], again.inputs)
    if differing_inputs:
        return Verification(tuple(differing_inputs), repeated=True)
    with tempfile.TemporaryDirectory(prefix="overread-verify-") as scratch:
        place = Path(scratch) / "again"
        again.request["input"] = request["input"]
        if isinstance(again, Analysis):
            capture = request.get("secondary_capture") is True
            again.save(place, seg=request["seg"], secondary_capture=capture, progress=progress)
        else:
            again.save(place, form=request["form"], progress=progress)
        return Verification(tuple(_compare_folders(folder, place)), repeated=True)


def _analyze_again(place: Path, request: dict[str, Any], runtime: Runtime | None, progress: Progress) -> Analysis:
    return analyze(
        place,
        task=request["task"],
        series=request["series"] or None,
        policy=request["policy"],
        intensity=Intensity[request["intensity"]] if request["intensity"] else None,
        site=request.get("site") or None,
        runtime=runtime,
        progress=progress,
    )


def _enhance_again(place: Path, request: dict[str, Any], runtime: Runtime | None, progress: Progress) -> Enhancement:
    from overread.ops.fractional import EnhancePlan  # noqa: PLC0415  (the compiler takes half a second to load)
    from overread.workflow.compare import CompareRequest  # noqa: PLC0415
    from overread.workflow.enhance import enhance  # noqa: PLC0415

    compared = request.get("compare")
    return enhance(
        place,
        EnhancePlan(**request["plan"]),
        series=request["series"] or None,
        policy=request["policy"],
        intensity=Intensity[request["intensity"]] if request["intensity"] else None,
        compare=None if compared is None else CompareRequest(**compared),
        runtime=runtime,
        progress=progress,
    )


def _differences(what: str, before: dict[str, str], now: dict[str, str]) -> list[str]:
    return [
        f"{what} {name}: {'missing' if name not in now else 'new' if name not in before else 'changed'}"
        for name in sorted(set(before) | set(now))
        if before.get(name) != now.get(name)
    ]


def _compare_folders(folder: Path, again: Path) -> list[str]:
    """The manifest is compared too: it names the versions that made the results."""
    before, now = (
        {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in place.iterdir()}
        for place in (folder, again)
    )
    return _differences("repeated run,", before, now)
