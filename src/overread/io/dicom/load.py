"""Pixels of a DICOM series into one volume, several slices at a time. Geometry was judged before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from overread.errors import DamagedFileError, GeometryError, InputError
from overread.geometry import Fault, Policy, Severity
from overread.geometry.stack import Stack, verdict_of
from overread.image import Intensity, Volume
from overread.io.dicom.header import Header
from overread.io.dicom.pixels import SliceReport, read_float32, read_int16
from overread.io.dicom.series import DicomSeries, is_cut_short, rescale_of
from overread.io.dicom.windows import windows_from
from overread.io.memory import require_memory
from overread.runtime import Progress, Runtime, silent

_SLICES_A_PIECE = 8

_WAYS_OUT = {
    "missing_slices": "Send the series again; or load it with policy 'repair' (fills by interpolation) or 'as-is'.",
    "uneven_spacing": "Load it with policy 'repair' (resamples to even slices) or 'as-is' (mean distance).",
    "duplicate_position": "Split the acquisitions into folders; or load with policy 'repair' to keep the first.",
    "shifted_slices": "Check whether slices of two acquisitions were mixed; policy 'as-is' takes them as straight.",
    "single_slice": "Open the folder with the whole series.",
    "truncated_file": "Copy or send these files again; policy 'repair' leaves them out and fills the gap.",
    "mixed_patients": "Sort the files by patient; nothing is measured across patients.",
}
_ANY_WAY_OUT = "Ask the sender for the original series, or take the files at fault out of the folder."
_ERRORS: dict[str, type[InputError]] = {
    "truncated_file": DamagedFileError,
    "bad_rescale": DamagedFileError,
    "mixed_patients": InputError,
}


def load_dicom(
    series: DicomSeries,
    *,
    policy: Policy = Policy.STRICT,
    runtime: Runtime | None = None,
    progress: Progress = silent,
) -> Volume:
    """The volume of a series: int16 where slope and intercept are whole numbers and values fit, else float32.

    Raises
    ------
    GeometryError, DamagedFileError, InputError
        A fault is fatal under `policy`, or a file changed or broke since it was opened.
    ResourceError
        The volume does not fit in memory.
    """
    runtime = runtime or Runtime()
    stack, headers = series.assess(policy)
    if stack.grid is None:
        raise refused(series, stack)
    used = [headers[n] for n in stack.order]
    array, reports = _read(used, stack, runtime, progress)
    if stack.is_resampled:
        array = _resample(array, stack)
    verdict = verdict_of(
        [*stack.verdict.faults, *_pixel_faults(series, used, reports)],
        policy,
        stack.verdict.facts | _padding_facts(reports),
        stack.verdict.repaired,
    )
    shared = used[0].shared
    return Volume(
        array=array,
        grid=stack.grid,
        intensity=Intensity.HU if all(rescale_of(h.shared).is_hu for h in used) else Intensity.ARBITRARY,
        source=series.source(used, [header for header in series.headers if is_cut_short(header)]),
        verdict=verdict,
        windows=windows_from(shared.windows, shared.window_function),
    )


def refused(series: DicomSeries, stack: Stack) -> InputError:
    """The error that names the first fatal fault, its files and the way out."""
    fatal = [fault for fault in stack.verdict.faults if fault.severity is Severity.FATAL]
    fault = fatal[0]
    named = ", ".join(fault.files[:3]) + (f" and {len(fault.files) - 3} more" if len(fault.files) > 3 else "")
    what = "; ".join(one.message for one in fatal)
    if named and not all(name in what for name in fault.files[:3]):
        what = f"{what} ({named})"
    error = _ERRORS.get(fault.code, GeometryError)
    return error(
        what,
        where=f"series ...{series.headers[0].shared.series_uid[-12:]} in {series.root}",
        way_out=_WAYS_OUT.get(fault.code, _ANY_WAY_OUT),
    )


def _read(
    used: list[Header], stack: Stack, runtime: Runtime, progress: Progress
) -> tuple[NDArray[np.int16] | NDArray[np.float32], list[SliceReport]]:
    """All slices read, int16 if every one fits, else all over again as float32."""
    shape = (len(used), used[0].shared.rows, used[0].shared.columns)
    voxels = shape[0] * shape[1] * shape[2] * (2 if stack.is_resampled else 1)
    where = str(Path(used[0].path).parent)
    if all(rescale_of(header.shared).is_integer and not header.shared.float_bits for header in used):
        require_memory(2 * voxels, runtime, where)
        whole = np.empty(shape, np.int16)
        reports = _read_pieces(used, whole, runtime, progress)
        if all(report.fits for report in reports):
            return whole, reports
        del whole
    require_memory(4 * voxels, runtime, where)
    real = np.empty(shape, np.float32)
    return real, _read_pieces(used, real, runtime, progress)


def _read_pieces(
    used: list[Header], array: NDArray[np.int16] | NDArray[np.float32], runtime: Runtime, progress: Progress
) -> list[SliceReport]:
    lock, done = Lock(), 0

    def read_piece(first: int) -> list[SliceReport]:
        nonlocal done
        reports = []
        for n in range(first, min(first + _SLICES_A_PIECE, len(used))):
            rescale = rescale_of(used[n].shared)
            if array.dtype == np.int16:
                reports.append(read_int16(used[n], array[n], rescale))
                if not reports[-1].fits:
                    break
            else:
                reports.append(read_float32(used[n], array[n], rescale))
        with lock:
            done += len(reports)
            progress("read", done / len(used))
        return reports

    pieces = runtime.map(read_piece, range(0, len(used), _SLICES_A_PIECE))
    return [report for piece in pieces for report in piece]


def _resample(array: NDArray[np.int16] | NDArray[np.float32], stack: Stack) -> NDArray[np.int16] | NDArray[np.float32]:
    """Slices of the even grid, linear between the two frames around each; whole numbers stay whole."""
    out = np.empty((len(stack.lower), *array.shape[1:]), array.dtype)
    for n, (below, weight) in enumerate(zip(stack.lower, stack.weight, strict=True)):
        if weight == 0:
            out[n] = array[below]
            continue
        mixed = array[below] * np.float32(1 - weight) + array[below + 1] * np.float32(weight)
        out[n] = np.rint(mixed) if array.dtype == np.int16 else mixed
    return out


def _padding_facts(reports: Sequence[SliceReport]) -> dict[str, float | int | str]:
    padded = [report for report in reports if report.padded]
    if not padded:
        return {}
    return {"padded_voxels": sum(report.padded for report in padded), "padding_hu": padded[0].padding_hu}


def _pixel_faults(series: DicomSeries, used: list[Header], reports: Sequence[SliceReport]) -> list[Fault]:
    faults = []
    pairs = list(zip(used, reports, strict=True))
    cleaned = tuple(series.name(header) for header, report in pairs if report.bits_cleaned)
    if cleaned:
        message = f"{len(cleaned)} files carry something in bits that are not pixel data; it was removed"
        faults.append(Fault("unused_bits", Severity.WARNING, message, None, cleaned))
    undeclared = tuple(series.name(header) for header, report in pairs if report.undeclared_padding)
    if undeclared:
        message = f"{len(undeclared)} files are padded with a value they do not declare; it was set to air"
        faults.append(Fault("undeclared_padding", Severity.NOTE, message, None, undeclared))
    bad = sum(report.not_finite for report in reports)
    if bad:
        files = tuple(series.name(header) for header, report in pairs if report.not_finite)
        faults.append(Fault("not_finite", Severity.WARNING, f"{bad} values are not a number", None, files))
    return faults
