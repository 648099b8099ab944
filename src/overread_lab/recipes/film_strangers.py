"""Pictures that are no chest films, to measure a scope gate on: slices of other sets, photographs, parts of films.

None of them trains anything unless a recipe says so. Radiographs of a hand, a skull or an abdomen are in no set here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.image import Frames, Radiograph, Volume
from overread.io import open_study
from overread_lab.datasets.chest_xray import FilmCase, read_grey

PART = 0.3
"""Share of each side that a severe crop leaves of a film."""
SLICES = 24
"""At most as many slices of a volume, evenly spread."""
ENLARGED = 160
"""Pixels along the shorter side that small slices are enlarged to, by repeating pixels."""
WINDOW = (40.0, 400.0)
"""Centre and width in HU with which CT slices are shown."""


@dataclass(frozen=True, slots=True, eq=False)
class Stranger:
    """A picture that is no chest film: what it is, whose it is, its (row, column) pixels; of a crop, whence it is."""

    kind: str
    group: str
    picture: NDArray[Any]
    source: str = ""
    fold: int = -1


def slices_of(folder: Path, kind: str) -> Iterator[Stranger]:
    """Every picture file in a folder and, of each series below it, some slices; a volume or a picture is a group."""
    for path in sorted(folder.glob("*.png")):
        yield Stranger(kind, path.stem, _large(read_grey(path)))
    for entry in sorted(path for path in folder.iterdir() if path.is_dir()):
        for series in open_study(entry).series:
            yield from (Stranger(kind, series.name, _large(part)) for part in _parts(series.load()))


def _parts(image: object) -> Iterator[NDArray[Any]]:
    if isinstance(image, Radiograph):
        yield image.grey()
    elif isinstance(image, Frames):
        yield from image.grey()[:: max(1, len(image.array) // SLICES)]
    elif isinstance(image, Volume):
        array = image.array[:: max(1, len(image.array) // SLICES)]
        low, high = WINDOW[0] - WINDOW[1] / 2, WINDOW[0] + WINDOW[1] / 2
        yield from np.clip(array, low, high) if image.intensity.name == "HU" else array


def _large(picture: NDArray[Any]) -> NDArray[Any]:
    times = -(-ENLARGED // min(picture.shape))
    return picture if times == 1 else picture.repeat(times, 0).repeat(times, 1)


def photographs() -> Iterator[Stranger]:
    """The pictures that scikit-image and scikit-learn bring along, whole and in quarters, in grey."""
    import skimage  # noqa: PLC0415
    import sklearn.datasets  # noqa: PLC0415
    from skimage.io import imread  # noqa: PLC0415

    folders = Path(skimage.__file__).parent / "data", Path(sklearn.datasets.__file__).parent / "images"
    for path in sorted(path for folder in folders for path in folder.glob("*.[jp][pn]g")):
        picture = np.asarray(imread(path), dtype=np.float32)
        grey = picture if picture.ndim == 2 else picture[..., :3] @ np.array((0.299, 0.587, 0.114), np.float32)
        rows, columns = (n // 2 for n in grey.shape)
        for part in (grey, grey[:rows, :columns], grey[rows:, :columns], grey[:rows, columns:], grey[rows:, columns:]):
            if min(part.shape) >= 64:
                yield Stranger("photograph", path.stem, part)


def severe_crops(cases: tuple[FilmCase, ...]) -> Iterator[Stranger]:
    """A rectangle somewhere in each film, `PART` of its sides long."""
    for n, case in enumerate(cases):
        film = read_grey(case.image)
        rng = np.random.default_rng(n)
        size = [round(PART * side) for side in film.shape]
        top, left = (int(rng.integers(0, side - part)) for side, part in zip(film.shape, size, strict=True))
        part = film[top : top + size[0], left : left + size[1]]
        yield Stranger("severe crop", case.group, part, case.source, case.fold)


def plain_pictures(seed: int, count: int = 40) -> Iterator[Stranger]:
    """Slopes with faint grain, and noise of several sharpnesses."""
    rng = np.random.default_rng(seed)
    for n in range(count):
        grain = rng.standard_normal((240, 240))
        yield Stranger("slope", f"slope {n}", np.mgrid[:240, :240][n % 2] + rng.uniform(0, 5) * grain)
        yield Stranger("noise", f"noise {n}", ndi.gaussian_filter(grain, rng.uniform(0, 3)))


SETS = {
    "head CT": "head_ct/images",
    "chest CT": "lung_tumor_ct/images",
    "chest CT, LIDC": "chest_ct/dicom",
    "spine MR": "spine_mr/images",
}
"""Kind to the folder of its set below the folder of all sets."""


def strangers(others: Path, cases: tuple[FilmCase, ...]) -> Iterator[Stranger]:
    """All of them; sets that are not there are left out, which the table of figures then shows."""
    yield from photographs()
    yield from plain_pictures(1)
    for kind, folder in SETS.items():
        if (others / folder).is_dir():
            yield from slices_of(others / folder, kind)
    yield from severe_crops(cases)
