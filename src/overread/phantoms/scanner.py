"""From an ideal scene to what a CT scanner shows: blur, slice profile, voxel average, noise, integers. No anatomy.

Source of the chain: point-spread and slice profile as a Gaussian in plane and a box or Gaussian along z; noise power
spectrum f exp(-(f/fc)^2), a ramp-filtered back-projection apodised by the kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.errors import UsageError

FWHM_PER_SD = 2.3548200450309493


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanner:
    """How a CT scene becomes voxels.

    Parameters
    ----------
    thickness_mm : float
        Width of the slice profile (full width of the box, FWHM of the Gaussian).
    fwhm_mm : float
        Full width at half maximum of the in-plane point spread, before the pixel average.
    profile : "box" or "gaussian"
        Slice profile along z.
    noise_hu : float
        Sample standard deviation of the added noise, HU; 0 for none.
    noise_fc_per_mm : float
        Roll-off of the noise power spectrum f exp(-(f/fc)^2).
    noise_z_mm : float
        Standard deviation of a Gaussian that correlates noise along z; 0 makes slices independent.
    """

    thickness_mm: float
    fwhm_mm: float = 1.1
    profile: Literal["box", "gaussian"] = "box"
    noise_hu: float = 25.0
    noise_fc_per_mm: float = 0.4
    noise_z_mm: float = 0.0

    def __post_init__(self) -> None:
        if not (self.thickness_mm > 0 and self.fwhm_mm >= 0 and self.noise_hu >= 0 and self.noise_fc_per_mm > 0):
            raise UsageError(f"a scanner needs positive lengths and noise of 0 or more, got {self}")
        if self.profile not in ("box", "gaussian"):
            raise UsageError(f"unknown slice profile {self.profile!r}", way_out='Use "box" or "gaussian".')


@dataclass(frozen=True, slots=True)
class Oversampling:
    """How many times finer than the image a scene is drawn along (slice, row, column). Whole numbers."""

    slice: int
    row: int
    column: int

    @property
    def factors(self) -> tuple[int, int, int]:
        """(slice, row, column)."""
        return self.slice, self.row, self.column


def slice_weights(
    n_out: int, n_fine: int, *, step_mm: float, spacing_mm: float, scanner: Scanner
) -> list[tuple[int, NDArray[np.float32]]]:
    """For each output slice the first fine slice it sees and the weights from there on (each set sums to 1).

    Fine slice m covers [m, m + 1] * `step_mm`; output slice k is centred at (k + 1/2) * `spacing_mm`. Parts of the
    profile beyond the scene are given to the outermost fine slice.
    """
    edges = np.arange(n_fine + 1) * step_mm
    rows = []
    for k in range(n_out):
        centre = (k + 0.5) * spacing_mm
        if scanner.profile == "box":
            below = np.clip((edges - centre) / scanner.thickness_mm + 0.5, 0, 1)
        else:
            below = _normal_below((edges - centre) * FWHM_PER_SD / scanner.thickness_mm)
        below[0], below[-1] = 0.0, 1.0
        weights = np.diff(below)
        seen = np.flatnonzero(weights > 1e-6)
        chosen = weights[seen[0] : seen[-1] + 1]
        rows.append((int(seen[0]), (chosen / chosen.sum()).astype(np.float32)))
    return rows


def _normal_below(x: NDArray[Any]) -> NDArray[np.float64]:
    """Standard normal distribution function."""
    from scipy.special import ndtr  # noqa: PLC0415  (only Gaussian profiles need it)

    return np.asarray(ndtr(x))


def see(
    scene: NDArray[np.float32],
    *,
    spacing_mm: tuple[float, float, float],
    oversampling: Oversampling,
    scanner: Scanner,
) -> NDArray[np.float32]:
    """Noise-free image of a scene: slice profile, in-plane blur, pixel average.

    Parameters
    ----------
    scene : (slice * a, row * b, column * c) float32
        Mean value in each fine voxel; its corner coincides with the corner of the image.
    spacing_mm : (slice, row, column)
        Of the image, mm.

    Returns
    -------
    (slice, row, column) float32

    Raises
    ------
    UsageError
        The scene's shape is not a multiple of the oversampling.
    """
    a, b, c = oversampling.factors
    if scene.shape[0] % a or scene.shape[1] % b or scene.shape[2] % c:
        raise UsageError(f"a scene of shape {scene.shape} cannot be averaged by {oversampling.factors}")
    n_out, rows, columns = scene.shape[0] // a, scene.shape[1] // b, scene.shape[2] // c
    weights = slice_weights(n_out, scene.shape[0], step_mm=spacing_mm[0] / a, spacing_mm=spacing_mm[0], scanner=scanner)
    image = np.empty((n_out, rows, columns), dtype=np.float32)
    sd_mm = scanner.fwhm_mm / FWHM_PER_SD
    sd_row, sd_column = sd_mm / (spacing_mm[1] / b), sd_mm / (spacing_mm[2] / c)
    for k, (first, share) in enumerate(weights):
        plane = share[0] * scene[first]
        for offset in range(1, len(share)):
            plane += share[offset] * scene[first + offset]
        if sd_mm > 0:
            plane = ndi.gaussian_filter1d(plane, sd_row, axis=0, mode="nearest", truncate=4.5)
            plane = ndi.gaussian_filter1d(plane, sd_column, axis=1, mode="nearest", truncate=4.5)
        image[k] = plane if b == c == 1 else plane.reshape(rows, b, columns, c).mean(axis=(1, 3), dtype=np.float32)
    return image


def noise(
    rng: np.random.Generator,
    shape: tuple[int, int, int],
    *,
    spacing_mm: tuple[float, float, float],
    scanner: Scanner,
) -> NDArray[np.float32]:
    """CT noise, (slice, row, column) float32 HU, whose sample sd over the whole array is `scanner.noise_hu`.

    Each slice has mean 0 (a ramp filter passes no constant).
    """
    if scanner.noise_hu == 0:
        return np.zeros(shape, dtype=np.float32)
    rows, columns = (scipy.fft.next_fast_len(n, real=True) for n in shape[1:])
    f_row = np.fft.fftfreq(rows, spacing_mm[1])[:, None]
    f_column = np.fft.rfftfreq(columns, spacing_mm[2])[None, :]
    f = np.hypot(f_row, f_column)
    amplitude = np.sqrt(f * np.exp(-((f / scanner.noise_fc_per_mm) ** 2))).astype(np.float32)
    field = np.empty(shape, dtype=np.float32)
    for k in range(shape[0]):
        white = rng.standard_normal((rows, columns), dtype=np.float32)
        shaped = scipy.fft.irfft2(scipy.fft.rfft2(white) * amplitude, s=(rows, columns))
        field[k] = shaped[: shape[1], : shape[2]]
    if scanner.noise_z_mm > 0:
        field = ndi.gaussian_filter1d(field, scanner.noise_z_mm / spacing_mm[0], axis=0, mode="wrap")
    field -= field.mean(axis=(1, 2), dtype=np.float64, keepdims=True).astype(np.float32)
    sd = float(np.sqrt(np.mean(np.square(field, dtype=np.float64))))
    field *= np.float32(scanner.noise_hu / sd)
    return field


def acquire(
    scene_hu: NDArray[np.float32],
    rng: np.random.Generator,
    *,
    spacing_mm: tuple[float, float, float],
    oversampling: Oversampling,
    scanner: Scanner,
) -> NDArray[np.int16]:
    """The image that the scanner makes of a scene: `see`, plus `noise`, rounded to int16 HU in [-1024, 3071]."""
    image = see(scene_hu, spacing_mm=spacing_mm, oversampling=oversampling, scanner=scanner)
    image += noise(rng, (image.shape[0], image.shape[1], image.shape[2]), spacing_mm=spacing_mm, scanner=scanner)
    return to_stored(image)


def to_stored(image_hu: NDArray[np.float32]) -> NDArray[np.int16]:
    """Rounded and held in [-1024, 3071] HU, the range of 12-bit CT."""
    return np.clip(np.rint(image_hu), -1024, 3071).astype(np.int16)
