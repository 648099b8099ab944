"""Write a simulated MR volume as the series a scanner would send: one MR Image object a slice."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import MRImageStorage

from overread.errors import UsageError
from overread.image import Intensity, Volume
from overread.phantoms.dicom_pixels import Transfer
from overread.phantoms.dicom_series import (
    SeriesLabels,
    not_written,
    phantom_uid,
    save_dataset,
    series_header,
    slice_instance,
)

_CT_ONLY = (
    "KVP", "ConvolutionKernel", "RescaleIntercept", "RescaleSlope", "RescaleType", "WindowCenter", "WindowWidth",
    "WindowCenterWidthExplanation",
)  # fmt: skip


def write_mr_series(volume: Volume, folder: Path, *, seed: int, body_part: str = "HEAD") -> tuple[Path, ...]:
    """Write `MR0001.dcm` ... in slice order; the same arguments give the same bytes.

    Parameters
    ----------
    volume : Volume
        Arbitrary intensity, rounded to whole numbers, 0..32767; a straight grid.

    Raises
    ------
    UsageError
        Another intensity or range, or the folder is not empty.
    ResourceError
        The disk is full, or the folder cannot be written.
    """
    if volume.intensity is not Intensity.ARBITRARY:
        raise UsageError(f"an MR series holds values without a unit, got {volume.intensity.value}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError("the folder for the phantom is not empty", where=str(folder), way_out="Name a new folder.")
    rounded = np.rint(volume.array.astype(np.float32))
    if not (np.isfinite(rounded).all() and rounded.min() >= 0 and rounded.max() <= 32767):
        raise UsageError(f"values from {rounded.min()} to {rounded.max()} do not fit, expected 0..32767")
    stored = rounded.astype(np.int16)
    digest = sha256(stored.tobytes() + repr(volume.grid.affine_lps.tolist()).encode()).hexdigest()[:32]
    words = SeriesLabels(description="overread phantom", body_part=body_part)
    series = _as_mr(series_header(volume, words, seed, digest))
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for k in range(volume.grid.shape[0]):
            uid = phantom_uid("instance", seed, digest, k)
            instance = slice_instance(series, volume, stored[k], k=k, syntax=Transfer.UNCOMPRESSED, uid=uid)
            instance.InstanceNumber = k + 1
            path = folder / f"MR{k + 1:04d}.dcm"
            save_dataset(instance, path)
            paths.append(path)
    except OSError as error:
        raise not_written(error, folder) from error
    return tuple(paths)


def _as_mr(series: Dataset) -> Dataset:
    """The header of a CT series turned into that of a T1-weighted gradient echo."""
    for name in _CT_ONLY:
        if name in series:
            delattr(series, name)
    series.SOPClassUID = MRImageStorage
    series.Modality = "MR"
    series.ScanningSequence, series.SequenceVariant, series.ScanOptions = "GR", "MP", ""
    series.MRAcquisitionType = "3D"
    series.RepetitionTime, series.EchoTime, series.EchoTrainLength = "1900", "3", 1
    series.ImageType = ["ORIGINAL", "PRIMARY", "M", "NONE"]
    return series
