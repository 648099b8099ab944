"""PNG, JPEG and TIFF pictures. They have no millimetres: these come from the caller or the picture is not loaded."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from overread.errors import DamagedFileError, GeometryError, InputError, UnsupportedFormatError, UsageError
from overread.geometry import Fault, Policy, Severity, Verdict, axial_grid
from overread.geometry.stack import verdict_of
from overread.image import Intensity, Source, Volume
from overread.io.exact import narrow
from overread.io.memory import require_memory
from overread.io.quiet import quiet
from overread.runtime import Progress, Runtime, silent

_GREY = frozenset(("1", "L", "I;16", "I;16B", "I;16L", "I;16N", "I", "F"))
_COLOUR = frozenset(("LA", "RGB", "RGBA", "P", "PA", "CMYK", "YCbCr"))
_NUMBER = re.compile(r"(\d+)(?=\D*$)")


class Picture(NamedTuple):
    """Header of one picture file: pages of (rows, columns) pixels in a mode of pillow."""

    path: str
    pages: int
    rows: int
    columns: int
    mode: str


def open_picture(path: str) -> Picture:
    """Read the header of a picture.

    Raises
    ------
    DamagedFileError
        It cannot be read, or its size is absurd.
    UnsupportedFormatError
        Its pixels are of a kind that is not read.
    """
    try:
        with quiet(), _open(path) as image:  # sizes are judged by memory, when pixels are asked for
            pages, mode = int(getattr(image, "n_frames", 1)), image.mode
            columns, rows = image.size
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001
        raise _broken(path, error) from None
    if min(rows, columns, pages) < 1:
        raise DamagedFileError(f"its header says {pages} pages of {rows} x {columns} pixels", where=path)
    if mode not in _GREY | _COLOUR:
        raise UnsupportedFormatError(f"pixels of kind {mode!r} are not read", where=path)
    return Picture(path, pages, rows, columns, mode)


def _open(path: str) -> Image.Image:
    try:
        return Image.open(path)
    except Image.DecompressionBombError:
        raise DamagedFileError("its header says an absurd size", where=path) from None
    except UnidentifiedImageError:
        raise DamagedFileError("it begins like a picture but cannot be read", where=path) from None
    except Exception as error:  # noqa: BLE001  (each plug-in of pillow has its own way to fail)
        raise _broken(path, error) from None


def _broken(path: str, error: Exception) -> Exception:
    if isinstance(error, OSError) and error.errno is not None:  # of the file system, not of what the file holds
        return error
    return DamagedFileError(
        f"the picture is cut short or broken ({type(error).__name__})", where=path, way_out="Copy it again."
    )


def gather_pictures(pictures: Sequence[Picture], root: Path) -> list[OpenedPictures]:
    """Series of pictures: numbered files of one folder, name, size and kind are one; others stand alone."""
    groups: dict[object, list[Picture]] = defaultdict(list)
    for picture in pictures:
        path = Path(picture.path)
        numbered = _NUMBER.search(path.stem) is not None and picture.pages == 1
        pattern = _NUMBER.sub("#", path.stem) if numbered else path.name
        groups[path.parent, pattern, path.suffix.lower(), picture.rows, picture.columns, picture.mode].append(picture)
    return [OpenedPictures(root, tuple(sorted(group, key=_number))) for group in groups.values()]


def _number(picture: Picture) -> tuple[int, str]:
    found = _NUMBER.search(Path(picture.path).stem)
    return int(found[1]) if found else 0, picture.path


@dataclass(frozen=True, slots=True, eq=False)
class OpenedPictures:
    """Pictures that follow each other in slice order."""

    root: Path
    pictures: tuple[Picture, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(slices, rows, columns)."""
        first = self.pictures[0]
        return sum(picture.pages for picture in self.pictures), first.rows, first.columns

    def source(self) -> Source:
        """These files."""
        return Source(kind="picture", root=self.root, paths=tuple(Path(picture.path) for picture in self.pictures))

    def verdict(self, policy: Policy, spacing_mm: tuple[float, float, float] | None) -> Verdict:
        """Faults: no spacing unless it is given, numbers left out, and an orientation that nobody knows."""
        faults: list[Fault] = []
        if spacing_mm is None:
            message = "pictures do not say how large a pixel is, nor how far apart slices are"
            faults.append(Fault("no_spacing", Severity.FATAL, message))
        else:
            message = f"(slice, row, column) spacing of {spacing_mm} mm taken on the user's word"
            faults.append(Fault("spacing_on_word", Severity.NOTE, message))
            message = "pictures do not say where left and right, head and feet are"
            faults.append(Fault("orientation_unknown", Severity.WARNING, message))
        faults += self._number_faults(policy)
        return verdict_of(faults, policy, {"slices": self.shape[0]})

    def _number_faults(self, policy: Policy) -> list[Fault]:
        if len(self.pictures) < 3:
            return []
        numbers = [_number(picture)[0] for picture in self.pictures]
        steps = np.diff(numbers)
        usual = int(np.sort(steps)[(len(steps) - 1) // 2])
        odd = np.flatnonzero(steps != usual).tolist()
        if not odd:
            return []
        files = tuple(Path(self.pictures[n + more].path).name for n in odd for more in (0, 1))
        message = f"the numbers of the pictures have {len(odd)} gaps, the first between {files[0]} and {files[1]}"
        severity = Severity.WARNING if policy is Policy.AS_IS else Severity.FATAL
        return [Fault("missing_slices", severity, message, None, tuple(dict.fromkeys(files)))]

    def load(
        self,
        policy: Policy = Policy.STRICT,
        runtime: Runtime | None = None,
        progress: Progress = silent,
        intensity: Intensity | None = None,
        spacing_mm: tuple[float, float, float] | None = None,
    ) -> Volume:
        """The pictures as one volume, head-up axial axes.

        Raises
        ------
        GeometryError
            No `spacing_mm`, or numbers are left out and `policy` is not AS_IS.
        UsageError
            `spacing_mm` is not three lengths above 0.
        DamagedFileError, ResourceError
            A picture is cut short; too large for memory.
        """
        where = str(self.root)
        if spacing_mm is not None and not (
            len(spacing_mm) == 3 and all(math.isfinite(s) and s > 0 for s in spacing_mm)
        ):
            raise UsageError(f"spacing_mm is {spacing_mm}, expected three lengths above 0 (slice, row, column)")
        verdict = self.verdict(policy, spacing_mm)
        if verdict.status == "unsound" or spacing_mm is None:
            fault = verdict.faults[0]
            way = "Give spacing_mm=(slice, row, column) in mm, or use the DICOM files it was made from."
            raise GeometryError(
                fault.message, where=where, way_out=way if fault.code == "no_spacing" else "Or load with 'as-is'."
            )
        require_memory(6 * math.prod(self.shape), runtime or Runtime(), where)
        planes: list[NDArray[Any]] = []
        coloured = []
        for n, picture in enumerate(self.pictures):
            pages, has_colour = read_pages(picture)
            planes += pages
            if has_colour:
                coloured.append(Path(picture.path).name)
            progress("read", (n + 1) / len(self.pictures))
        faults = list(verdict.faults)
        if coloured:
            message = f"{len(coloured)} pictures are coloured; their lightness (ITU-R 601) was taken"
            faults.append(Fault("colour_to_grey", Severity.WARNING, message, None, tuple(coloured)))
        if intensity is not None:
            words = "HU" if intensity is Intensity.HU else intensity.name
            faults.append(Fault("intensity_on_word", Severity.NOTE, f"values taken as {words} on the user's word"))
        return Volume(
            array=narrow(np.stack(planes)),
            grid=axial_grid(self.shape, spacing_mm=spacing_mm),
            intensity=intensity or Intensity.ARBITRARY,
            source=self.source(),
            verdict=verdict_of(faults, policy, verdict.facts),
        )


def read_pages(picture: Picture) -> tuple[list[NDArray[Any]], bool]:
    """All pages as (row, column) arrays, and whether any had colour; equal red, green and blue are grey."""
    pages, has_colour = [], False
    try:
        with quiet(), _open(picture.path) as image:
            for page in range(picture.pages):
                image.seek(page)
                if image.size != (picture.columns, picture.rows):
                    raise DamagedFileError(f"page {page + 1} has another size", where=picture.path)
                plane, coloured = _grey(image)
                pages.append(plane)
                has_colour |= coloured
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001
        raise _broken(picture.path, error) from None
    return pages, has_colour


def _grey(image: Image.Image) -> tuple[NDArray[Any], bool]:
    if image.mode == "1":
        return np.asarray(image.convert("L")), False
    if image.mode in _GREY:
        return np.asarray(image), False
    red_green_blue = np.asarray(image.convert("RGB"))
    red = red_green_blue[..., 0]
    if all(np.array_equal(red, red_green_blue[..., c]) for c in (1, 2)):
        return red, False
    return np.asarray(image.convert("RGB").convert("L")), True
