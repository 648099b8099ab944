"""What a trap is, and the hands that lay one: write sound files, then change tags, copy slices or mix stacks."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from overread.geometry import Grid, Policy
from overread.phantoms.dicom_series import SeriesLabels, SliceLayout, write_series
from overread.phantoms.traps.target import TARGET, Target, stack_grid

LABELS = SeriesLabels(description="geometry trap")
CT_INTERCEPT = -1024
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
_NO_MR = ("KVP", "ConvolutionKernel", "RescaleIntercept", "RescaleSlope", "RescaleType")
_OF_MR = {
    "Modality": "MR",
    "SOPClassUID": MR_IMAGE,
    "ImageType": ["ORIGINAL", "PRIMARY", "OTHER"],
    "ScanningSequence": "GR",
    "SequenceVariant": "NONE",
    "ScanOptions": "",
    "MRAcquisitionType": "2D",
    "RepetitionTime": "500",
    "EchoTime": "2.3",
    "EchoTrainLength": "1",
}
Change = Callable[[Dataset, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """Files in which something about geometry is wrong or odd, and what a reader must make of them.

    Parameters
    ----------
    story : str
        What is wrong, in one line.
    write : function of a folder
        Writes the files there; the folder must be new.
    code, words : str
        The fault that the verdict of the first series must have, and a regular expression that its message must
        match. An empty code: nothing is wrong, and the verdict must be sound.
    cure : Policy or None
        The first policy of STRICT and REPAIR under which volume and centroid come out right. None: both must refuse.
    parts : int
        Series that come out.
    plane : str
        The plane that the verdict names, where slices have a grid.
    """

    name: str
    story: str
    write: Callable[[Path], object]
    code: str = ""
    words: str = ""
    cure: Policy | None = Policy.STRICT
    parts: int = 1
    plane: str = "axial"
    target: Target = TARGET


def sound(
    folder: Path,
    grid: Grid | None = None,
    *,
    target: Target = TARGET,
    seed: int = 1,
    slices: Sequence[int] | None = None,
    change: Change | None = None,
) -> list[Path]:
    """One file a slice, in the order of instance numbers; a sheared grid as it is, `slices` of it, tags changed."""
    layout = SliceLayout(sheared=True, slices=None if slices is None else tuple(slices))
    volume = target.paint(stack_grid(target) if grid is None else grid)
    paths = list(write_series(volume, folder, seed=seed, labels=LABELS, layout=layout))
    if change is not None:
        edit(paths, change)
    return paths


def edit(paths: Sequence[Path], change: Change) -> None:
    """Change the dataset of each file; the function gets its number from 0, too."""
    for n, path in enumerate(paths):
        dataset = pydicom.dcmread(path)
        change(dataset, n)
        dataset.save_as(path)


def join(folder: Path, first: Sequence[Path], name: str, lay: Callable[[Path], list[Path]]) -> list[Path]:
    """Lay more files, give them the study, series and frame of reference of the `first`, and put them beside these.

    They sort behind the first, and are named after `name`.
    """
    apart = folder.parent / f"{folder.name}.{name}"
    head = pydicom.dcmread(first[0], stop_before_pixels=True)

    def adopt(dataset: Dataset, _: int) -> None:
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
            setattr(dataset, keyword, head[keyword].value)

    paths = lay(apart)
    edit(paths, adopt)
    moved = [path.rename(folder / f"{name}_{path.name}") for path in paths]
    shutil.rmtree(apart)
    return moved


def setting(**values: object) -> Change:
    """Sets these tags in every file; None takes a tag out."""

    def change(dataset: Dataset, _: int) -> None:
        for keyword, value in values.items():
            if value is None:
                delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)

    return change


def at(number: int, change: Change) -> Change:
    """The change in one file only, counted from 0."""
    return lambda dataset, n: change(dataset, n) if n == number else None


def as_mr(**values: object) -> Change:
    """Makes the file one of MR, which has no rescale: stored values are those of the object. Then sets these tags."""
    put = setting(**{**_OF_MR, **dict.fromkeys(_NO_MR), **values})

    def change(dataset: Dataset, n: int) -> None:
        put(dataset, n)
        dataset.file_meta.MediaStorageSOPClassUID = MR_IMAGE
        stored = np.frombuffer(dataset.PixelData, "<i2")
        dataset.PixelData = (stored + np.int16(CT_INTERCEPT)).astype("<i2").tobytes()

    return change
