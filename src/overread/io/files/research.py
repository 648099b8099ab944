"""NRRD and MetaImage files: a text header, then raw or compressed voxels in the same file or beside it.

The parsers of the two headers are `nrrd` and `metaimage`; here the voxels are found and read.
"""

from __future__ import annotations

import bz2
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from overread.errors import DamagedFileError, InputError, UnsupportedFormatError
from overread.geometry import Fault, Grid, Policy, Severity, Verdict
from overread.geometry.stack import verdict_of
from overread.image import Intensity, PixelScale, Radiograph, Source, Volume
from overread.io.files.exact import narrow, narrow_picture
from overread.io.files.placed import affine_faults, not_finite, placed_volume, require_grid
from overread.io.files.unplaced import callers_scale, picture_verdict
from overread.io.files.word import SpacingWord, intensity_faults, refuse_spacing, require_lengths, spacing_faults
from overread.io.memory import require_memory
from overread.runtime import Progress, Runtime, silent

Encoding = Literal["raw", "gzip", "zlib", "bzip2"]
HEADER_AT_MOST = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What a header says of its voxels.

    Parameters
    ----------
    shape : (slice, row, column)
    dtype : numpy type with its byte order
    affine_lps : (4, 4), (k, j, i) -> LPS mm
    offset : int
        First byte of the voxels; -1 counts from the end of the file.
    scale : PixelScale or None
        Of a file with two axes, which is one picture: its shape is (1, row, column), and its affine has no meaning.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    affine_lps: NDArray[np.float64]
    encoding: Encoding
    data: Path
    offset: int
    faults: tuple[Fault, ...] = ()
    scale: PixelScale | None = None


@dataclass(frozen=True, slots=True, eq=False)
class OpenedResearchFile:
    """One NRRD or MetaImage file whose header was read."""

    root: Path
    path: Path
    kind: Literal["nrrd", "metaimage"]
    layout: Layout
    verdict: Verdict

    @property
    def shape(self) -> tuple[int, int, int]:
        """(slices, rows, columns)."""
        return self.layout.shape

    def grid(self) -> Grid | None:
        """The grid, or None where the header places no voxels, and for a picture."""
        if self.layout.scale is not None or self.verdict.status == "unsound":
            return None
        return Grid(self.layout.shape, self.layout.affine_lps)

    def source(self) -> Source:
        """The file, and the one beside it that holds its voxels."""
        paths = (self.path,) if self.layout.data == self.path else (self.path, self.layout.data)
        return Source(kind=self.kind, root=self.root, paths=paths)

    def load(
        self,
        policy: Policy = Policy.STRICT,
        runtime: Runtime | None = None,
        progress: Progress = silent,
        intensity: Intensity | None = None,
        spacing_mm: SpacingWord | None = None,
    ) -> Volume | Radiograph:
        """The volume: int16 where values are whole and fit, else float32. With two axes, a radiograph.

        Raises
        ------
        GeometryError
            The header places no voxels.
        DamagedFileError, ResourceError, UsageError
            The voxels are cut short or broken; too large for memory; `spacing_mm` given though the file has its own.
        """
        if self.layout.scale is not None:
            picture = self._picture(self.layout.scale, policy, runtime, intensity, spacing_mm)
            progress("read", 1.0)
            return picture
        refuse_spacing(spacing_mm, str(self.path))
        grid = require_grid(self.grid(), self.verdict, str(self.path))
        array = narrow(self._voxels(runtime))
        progress("read", 1.0)
        return placed_volume(array, grid, self.source(), self.verdict, policy=policy, intensity=intensity)

    def _voxels(self, runtime: Runtime | None) -> NDArray[Any]:
        wide = self.layout.dtype.itemsize + 4
        require_memory(wide * math.prod(self.layout.shape), runtime or Runtime(), str(self.path))
        return _voxels(self.layout)

    def _picture(
        self,
        scale: PixelScale,
        policy: Policy,
        runtime: Runtime | None,
        intensity: Intensity | None,
        spacing_mm: SpacingWord | None,
    ) -> Radiograph:
        if spacing_mm is not None and len(spacing_mm) == 2 and scale.spacing_mm is None:
            require_lengths(spacing_mm, (2,), str(self.path))
            scale = callers_scale(spacing_mm)
        else:
            refuse_spacing(spacing_mm, str(self.path))
        array = narrow_picture(self._voxels(runtime)[0])
        said = [*not_finite(array), *spacing_faults(spacing_mm), *intensity_faults(intensity)]
        return Radiograph(
            array,
            scale,
            intensity or Intensity.ARBITRARY,
            self.source(),
            picture_verdict(scale, [*self.layout.faults, *said], policy),
        )


def open_research_file(
    path: str, root: Path, kind: Literal["nrrd", "metaimage"], parse: Callable[[Path, bytes], Layout]
) -> OpenedResearchFile:
    """Read the header of one file.

    Raises
    ------
    DamagedFileError
        The header is broken or contradicts itself, or the file ends before its voxels do.
    UnsupportedFormatError
        Neither three axes nor two, or voxels that are not one real number.
    """
    file = Path(path)
    with file.open("rb") as stream:
        head = stream.read(HEADER_AT_MOST)
    try:
        layout = parse(file, head)
    except (InputError, OSError):
        raise
    except (ValueError, KeyError, IndexError, TypeError, OverflowError) as error:
        raise damaged(file, f"its header is damaged or contradicts itself ({type(error).__name__})") from None
    if min(layout.shape) < 1:
        raise damaged(file, f"its header says {layout.shape} voxels")
    if not layout.data.is_file():
        raise damaged(file, f"its voxels should be in {layout.data.name}, which is not there")
    if layout.encoding == "raw":
        need = max(layout.offset, 0) + math.prod(layout.shape) * layout.dtype.itemsize
        if layout.data.stat().st_size < need:
            raise damaged(file, f"it ends before its voxels do: {layout.data.stat().st_size} of {need} bytes are there")
    if layout.scale is not None:
        return OpenedResearchFile(root, file, kind, layout, picture_verdict(layout.scale, layout.faults, Policy.STRICT))
    spacing = np.linalg.norm(layout.affine_lps[:3, :3], axis=0)
    facts: dict[str, float | int | str] = {"slices": layout.shape[0], "slice_gap_mm": float(spacing[0])}
    verdict = verdict_of([*affine_faults(layout.affine_lps), *layout.faults], Policy.STRICT, facts)
    return OpenedResearchFile(root, file, kind, layout, verdict)


def beside(file: Path, name: str) -> Path:
    """A data file that a header names: it must lie in the folder of the header or below."""
    target = (file.parent / name).resolve()
    if not target.is_relative_to(file.parent.resolve()):
        raise UnsupportedFormatError(
            "its header points to voxels outside its folder", where=str(file), way_out="Put both into one folder."
        )
    return target


def unknown_sides() -> Fault:
    """A header that gives sizes but no directions."""
    message = "the header says size and spacing only: left and right, head and feet are unknown"
    return Fault("orientation_unknown", Severity.WARNING, message)


def damaged(path: Path, what: str) -> DamagedFileError:
    """A `DamagedFileError` about this file."""
    return DamagedFileError(what, where=str(path), way_out="Copy it again.")


def _voxels(layout: Layout) -> NDArray[Any]:
    """(slice, row, column) in the type of the file."""
    need = math.prod(layout.shape) * layout.dtype.itemsize
    if layout.encoding == "raw":
        with layout.data.open("rb") as stream:
            stream.seek(layout.data.stat().st_size - need if layout.offset < 0 else layout.offset)
            raw = stream.read(need)
    else:
        raw = _unpacked(layout, need)
    if len(raw) != need:
        raise damaged(layout.data, f"its voxels are {len(raw)} bytes, expected {need}")
    return np.frombuffer(raw, layout.dtype).reshape(layout.shape)


def _unpacked(layout: Layout, need: int) -> bytes:
    """Decompressed voxels, at most one byte more than needed, so that a bomb does not go off."""
    with layout.data.open("rb") as stream:
        stream.seek(max(layout.offset, 0))
        packed = stream.read()
    try:
        if layout.encoding == "bzip2":
            return bz2.BZ2Decompressor().decompress(packed, need + 1)
        unpacker = zlib.decompressobj(wbits=31 if layout.encoding == "gzip" else 15)
        raw = unpacker.decompress(packed, need + 1)
        if not unpacker.eof and len(raw) == need:
            raw += unpacker.decompress(unpacker.unconsumed_tail, 1)  # the checksum stands behind the last byte
        if not unpacker.eof and len(raw) <= need:
            raise damaged(layout.data, "its compressed voxels are cut short")
    except (zlib.error, OSError, EOFError):
        raise damaged(layout.data, "its compressed voxels do not unpack") from None
    return raw
