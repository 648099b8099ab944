"""Traps of geometry as DICOM files: what overread says and measures, and what SimpleITK's series reader gives.

    python benchmarks/geometry_traps.py
    python benchmarks/geometry_traps.py --only tilt     # traps with that word in their name

Each trap holds an ellipsoid of 13.9 mL at a known place. Both readers get the folder; volume and centroid are taken at
half contrast, in patient millimetres, through the grid that each reader gives. overread loads with `strict`, or with
`repair` where strict refuses. SimpleITK reads the series that it lists first, as its examples do; what it prints on the
way to standard error counts as a warning.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK

from overread.errors import InputError
from overread.geometry import Grid, Policy, Severity, Verdict
from overread.io import open_study
from overread.phantoms.traps import TRAPS, Trap

ROW = "{:24} {:8} {:>8} {:>8}   {:>8} {:>8} {:6}  {}"
RIGHT_PERCENT, RIGHT_MM = 1.0, 0.5


@dataclass(frozen=True)
class Result:
    """Errors of volume (%) and centroid (mm), NaN where nothing was loaded, and how it came about."""

    volume_percent: float
    centroid_mm: float
    how: str
    words: str = ""

    @property
    def is_right(self) -> bool:
        return abs(self.volume_percent) <= RIGHT_PERCENT and self.centroid_mm <= RIGHT_MM


NOTHING = (float("nan"), float("nan"))


def said(trap: Trap, verdict: Verdict) -> str:
    """The fault of the trap, else the status."""
    messages = [f"{fault.code}: {fault.message}" for fault in verdict.faults if fault.code == trap.code]
    return messages[0] if messages else verdict.status


def ours(trap: Trap, folder: Path) -> Result:
    """overread's first series under the first policy that loads it."""
    series = open_study(folder).series[0]
    words = said(trap, series.verdict)
    for policy in (Policy.STRICT, Policy.REPAIR):
        try:
            volume = series.load_volume(policy=policy)
        except InputError:
            continue
        return Result(*trap.target.errors(volume.array, volume.grid), policy.value, words)
    assert any(fault.severity is Severity.FATAL for fault in series.verdict.faults)
    return Result(*NOTHING, "refused", words)


@contextmanager
def caught_output(said_there: list[str]) -> Iterator[None]:
    """What C++ libraries write to standard error, whole."""
    with tempfile.TemporaryFile() as stream:
        kept = os.dup(2)
        os.dup2(stream.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            stream.seek(0)
            said_there.append(stream.read().decode(errors="replace"))


def simpleitk(trap: Trap, folder: Path) -> Result:
    """SimpleITK's ImageSeriesReader on the files that it finds itself."""
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(True)
    words: list[str] = []
    try:
        with caught_output(words):
            reader = SimpleITK.ImageSeriesReader()
            reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
            image = reader.Execute()
    except RuntimeError as error:
        return Result(*NOTHING, "error", str(error).strip().splitlines()[-1])
    array = SimpleITK.GetArrayFromImage(image)
    dimension = image.GetDimension()
    if dimension > 3:  # a multi-frame object comes as a list of one volume
        array = array[0]
    affine = np.eye(4)
    turns = np.array(image.GetDirection()).reshape(dimension, dimension)[:3, :3]
    affine[:3, :3] = (turns * np.array(image.GetSpacing()[:3]))[:, ::-1]
    affine[:3, 3] = image.GetOrigin()[:3]
    how = "warns" if "WARNING" in words[0] else "silent"
    return Result(*trap.target.errors(array, Grid(array.shape, affine)), how)


def number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="traps with this word in their name")
    options = parser.parse_args()
    print(ROW.format("", "overread", "volume", "centre", "SimpleITK", "centre", "", ""))
    print(ROW.format("trap", "policy", "error %", "off mm", "error %", "off mm", "", "what overread says"))
    right = refused = 0
    theirs = Counter[str]()
    traps = [trap for trap in TRAPS if options.only in trap.name]
    for trap in traps:
        with tempfile.TemporaryDirectory() as base:
            folder = Path(base) / trap.name
            trap.write(folder)
            mine, peer = ours(trap, folder), simpleitk(trap, folder)
        right += mine.is_right
        refused += mine.how == "refused"
        theirs["right" if peer.is_right else peer.how] += 1
        figures = [number(x) for x in (mine.volume_percent, mine.centroid_mm, peer.volume_percent, peer.centroid_mm)]
        print(ROW.format(trap.name, mine.how, *figures, peer.how, mine.words[:150]))
    print(f"\n{len(traps)} traps: overread right in {right} and refuses {refused} with the reason.")
    print(
        f"SimpleITK {SimpleITK.Version_VersionString()}: right in {theirs['right']}, wrong with a warning in "
        f"{theirs['warns']}, wrong without a word in {theirs['silent']}, an error in {theirs['error']}."
    )


if __name__ == "__main__":
    main()
