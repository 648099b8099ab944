"""NIfTI files: RAS mm become LPS, (i, j, k) becomes (slice, row, column). Values are never guessed to be HU."""

from __future__ import annotations

import gzip
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import nibabel
import numpy as np
from nibabel.openers import Opener
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from overread.errors import DamagedFileError, InputError, UnsupportedFormatError
from overread.geometry import Fault, Grid, Policy, Severity, Verdict
from overread.geometry.stack import verdict_of
from overread.image import Intensity, Source, Volume
from overread.io.files.exact import narrow
from overread.io.files.placed import affine_faults, placed_volume, require_grid
from overread.io.files.word import SpacingWord, refuse_spacing
from overread.io.memory import require_memory
from overread.io.quiet import quiet
from overread.runtime import Progress, Runtime, silent

FORMS_AGREE_MM = 0.1
_SCALED_AS_INTEGER = 2**30  # 32-bit voxels times and plus less than this stay inside int64
_TO_MM = {"meter": 1000.0, "mm": 1.0, "micron": 0.001, "unknown": 1.0}
_LPS_FROM_RAS = np.diag((-1.0, -1.0, 1.0, 1.0))


class _Places(NamedTuple):
    """Affine (k, j, i) -> LPS mm, and what is odd about it."""

    affine_lps: NDArray[np.float64]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, eq=False)
class OpenedNifti:
    """One NIfTI file whose header was read.

    `shape` is (slice, row, column): the third, second and first axis of the file.
    """

    root: Path
    path: Path
    shape: tuple[int, int, int]
    affine_lps: NDArray[np.float64]
    verdict: Verdict
    kind: Literal["nifti"] = "nifti"

    def grid(self) -> Grid | None:
        """The grid, or None where the header places no voxels."""
        return None if self.verdict.status == "unsound" else Grid(self.shape, self.affine_lps)

    def source(self) -> Source:
        """This one file."""
        return Source(kind="nifti", root=self.root, paths=(self.path,))

    def load(
        self,
        policy: Policy = Policy.STRICT,
        runtime: Runtime | None = None,
        progress: Progress = silent,
        intensity: Intensity | None = None,
        spacing_mm: SpacingWord | None = None,
    ) -> Volume:
        """The volume: int16 where values are whole and fit, else float32.

        Raises
        ------
        GeometryError
            The header places no voxels.
        DamagedFileError, ResourceError, UsageError
            The voxels are cut short; too large for memory; `spacing_mm` given though the file has its own.
        """
        refuse_spacing(spacing_mm, str(self.path))
        grid = require_grid(self.grid(), self.verdict, str(self.path))
        require_memory(6 * math.prod(self.shape), runtime or Runtime(), str(self.path))
        array = narrow(self._values())
        progress("read", 1.0)
        return placed_volume(array, grid, self.source(), self.verdict, policy=policy, intensity=intensity)

    def _values(self) -> NDArray[Any]:
        """(slice, row, column) rescaled values, in the type of the file where no rescale is due."""
        try:
            if self.path.suffix == ".gz":
                _read_to_the_end(self.path)
            with quiet("nibabel.global"):
                proxy = _open(self.path).dataobj
                stored = np.asanyarray(proxy.get_unscaled())
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001  (zlib, EOF, mmap and nibabel errors all mean the same here)
            raise _damaged(self.path, error) from None
        values = stored.reshape(self.shape[::-1]).transpose(2, 1, 0)
        slope, intercept = float(proxy.slope), float(proxy.inter)
        if not (math.isfinite(slope) and math.isfinite(intercept)):
            raise DamagedFileError(f"its scaling is not a number: {slope}, {intercept}", where=str(self.path))
        if (slope, intercept) == (1.0, 0.0):
            return np.ascontiguousarray(values)
        small = max(abs(slope), abs(intercept)) < _SCALED_AS_INTEGER and values.dtype.itemsize <= 4
        if small and slope.is_integer() and intercept.is_integer() and values.dtype.kind in "iu":
            return np.ascontiguousarray(values).astype(np.int64) * int(slope) + int(intercept)
        return np.ascontiguousarray(values) * np.float64(slope) + intercept


def _read_to_the_end(path: Path) -> None:
    """The checksum of a gzip file stands behind its last byte, where reading voxels does not come."""
    with gzip.open(path) as stream:
        while stream.read(1 << 22):
            pass


def open_nifti(path: str, root: Path) -> OpenedNifti:
    """Read the header of one NIfTI file.

    Raises
    ------
    DamagedFileError
        The header contradicts itself or the file ends before its voxels do.
    UnsupportedFormatError
        Not three axes, voxels that are not one real number, or in a file of their own (.hdr and .img).
    """
    file = Path(path)
    try:
        _require_one_file(file)
        with quiet("nibabel.global"):
            image = _open(file)
            header = image.header
            units = str(header.get_xyzt_units()[0])
            dtype, shape = header.get_data_dtype(), tuple(int(n) for n in header.get_data_shape())
            offset = int(image.dataobj.offset)
            places = _places(image, shape, units)
    except InputError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the file system, not of what the file holds
            raise
        raise _damaged(file, error) from None
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3:
        raise UnsupportedFormatError(f"it has {len(shape)} axes {shape}, expected three", where=path)
    if dtype.kind not in "iuf":
        raise UnsupportedFormatError(f"its voxels are of type {dtype}, expected one real number", where=path)
    if min(shape) < 1:
        raise DamagedFileError(f"its header says {shape} voxels", where=path)
    need = offset + math.prod(shape) * dtype.itemsize
    if not path.endswith(".gz") and file.stat().st_size < need:
        raise DamagedFileError(
            f"the file ends before its voxels do: {file.stat().st_size} of {need} bytes are there",
            where=path,
            way_out="Copy it again.",
        )
    spacing = np.linalg.norm(places.affine_lps[:3, :3], axis=0)
    facts: dict[str, float | int | str] = {"slices": shape[2], "slice_gap_mm": float(spacing[0])}
    verdict = verdict_of(places.faults, Policy.STRICT, facts)
    return OpenedNifti(root, file, (shape[2], shape[1], shape[0]), places.affine_lps, verdict)


def _open(path: Path) -> Any:
    return nibabel.Nifti2Image.from_filename(path) if _is_second(path) else nibabel.Nifti1Image.from_filename(path)


def _require_one_file(path: Path) -> None:
    with Opener(str(path)) as stream:
        head = bytes(stream.read(348))
    if head[344:347] == b"ni1" or head[4:7] == b"ni2":
        raise UnsupportedFormatError(
            "a NIfTI header whose voxels are in another file (.img)",
            where=str(path),
            way_out="Save it as one .nii or .nii.gz file.",
        )


def _is_second(path: Path) -> bool:
    with Opener(str(path)) as stream:
        return bytes(stream.read(8))[4:7] in (b"n+2", b"ni2")


def _places(image: Any, shape: tuple[int, ...], units: str) -> _Places:
    """Affine and its faults: broken, sform against qform, no code, units unknown, sheared."""
    header = image.header
    faults: list[Fault] = []
    sform, qform = _coded(header.get_sform), _coded(header.get_qform)
    ras = np.asarray(image.affine, dtype=np.float64)
    if sform is None and qform is None:
        message = "the header says size and spacing only: left and right, head and feet are unknown"
        faults.append(Fault("orientation_unknown", Severity.WARNING, message))
    if units == "unknown":
        faults.append(Fault("unit_unknown", Severity.NOTE, "the header names no unit of length; mm is taken"))
    scale = np.diag((*[_TO_MM.get(units, 1.0)] * 3, 1.0))
    affine = (_LPS_FROM_RAS @ scale @ ras)[:, [2, 1, 0, 3]]
    broken = affine_faults(affine)
    if broken and broken[0].severity is Severity.FATAL:
        return _Places(affine, broken)
    if sform is not None and qform is not None:
        off = _apart_mm(sform, qform, shape) * float(scale[0, 0])
        if off > FORMS_AGREE_MM:
            message = f"its two placements differ by up to {off:.2f} mm (sform and qform); the sform is used"
            faults.append(Fault("sform_qform_disagree", Severity.WARNING, message, off))
    return _Places(affine, (*faults, *broken))


def _coded(form: Any) -> NDArray[np.float64] | None:
    """A placement, or None when the header says there is none or holds nonsense in its place."""
    try:
        affine, code = form(coded=True)
    except HeaderDataError:
        return None
    return None if affine is None or not code else np.asarray(affine, dtype=np.float64)


def _apart_mm(first: NDArray[np.float64], second: NDArray[np.float64], shape: tuple[int, ...]) -> float:
    """Largest distance between the corners of a grid under two affines."""
    ends = [(0, n - 1) for n in shape[:3]]
    corners = np.array([(a, b, c, 1) for a in ends[0] for b in ends[1] for c in ends[2]], dtype=np.float64)
    return float(np.linalg.norm((corners @ (first - second).T)[:, :3], axis=1).max())


def _damaged(path: Path, error: Exception) -> DamagedFileError:
    return DamagedFileError(
        f"the NIfTI file is damaged or contradicts itself ({type(error).__name__})",
        where=str(path),
        way_out="Copy it again.",
    )
