"""Simulate: write a phantom with known truth as the files a scanner would send."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from overread.errors import UsageError
from overread.image import Intensity
from overread.phantoms import AnyPhantom, FilmPhantom
from overread.phantoms.dicom_film import write_film
from overread.phantoms.dicom_mr import write_mr_series
from overread.phantoms.dicom_series import write_series
from overread.phantoms.truth_file import write_truth
from overread.tasks import find_task


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """A phantom and where it lies: `series` is the DICOM folder, `truth` the JSON file with the planted objects."""

    phantom: AnyPhantom
    series: Path
    truth: Path


def simulate(task: str, out: str | Path, *, seed: int = 1) -> Simulation:
    """Write the phantom of a task to OUT/series (DICOM) and OUT/truth.json. The same seed gives the same bytes.

    The folder appears whole, by one rename, or not at all.

    Raises
    ------
    UsageError
        `out` exists and is not an empty folder, or the task does not exist.
    """
    folder = Path(out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError("exists and is not empty", where=str(folder), way_out="Name a new folder.")
    phantom = find_task(task).simulate(seed)
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.partial-", dir=folder.parent))
    try:
        if isinstance(phantom, FilmPhantom):
            write_film(phantom, partial / "series")
        elif phantom.volume.intensity is Intensity.ARBITRARY:
            write_mr_series(phantom.volume, partial / "series", seed=seed)
        else:
            write_series(phantom.volume, partial / "series", seed=seed)
        write_truth(phantom, partial / "truth.json")
        partial.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return Simulation(phantom, folder / "series", folder / "truth.json")
