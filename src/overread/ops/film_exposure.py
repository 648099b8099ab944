"""Numbers of tone and grain of a film as it was stored: what a linear head needs to tell bad exposure and noise.

Not whether the exposure is bad, and nothing of anatomy. A film that was stretched to its own range before it was stored
keeps no trace of how it was exposed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.ops.film import reduce_film, standardise, without_frame

LONGEST = 480
"""Grain is measured on films of this many pixels along the longer side."""
QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
LEVELS = 64
NUMBERS = (
    *(f"tone_{round(100 * q)}" for q in QUANTILES),
    "lowest",
    "highest",
    "levels",
    "entropy",
    "grain",
    "grain_dark",
    "grain_bright",
    "grain_to_detail",
    "spread",
)
"""Names of `exposure_numbers`, in order."""


def stored_range(film: NDArray[np.generic]) -> tuple[float, float]:
    """What black and white are: 0 and 255 where 8 bits are stored, else quantiles .001 and .999 of the values.

    More bits leave room on both sides, so that neither end says how the film was exposed.
    """
    if film.dtype == np.uint8:
        return 0.0, 255.0
    known = film[np.isfinite(film)].astype(np.float64)
    return (float(np.quantile(known, 0.001)), float(np.quantile(known, 0.999))) if known.size else (0.0, 0.0)


def exposure_numbers(film: NDArray[np.generic]) -> NDArray[np.float64]:
    """Tone between black (0) and white (1) as stored, and grain.

    Parameters
    ----------
    film : (row, column)
        As stored: the type of its values says what black and white are (`stored_range`).

    Returns
    -------
    (len(NUMBERS),) float64
        All 0 where every value is the same. Shares and grain are as logarithms, so that a line can part them.
    """
    low, high = stored_range(film)
    if not high > low:
        return np.zeros(len(NUMBERS))
    inner = without_frame(standardise(film)).of(np.nan_to_num(film.astype(np.float32), nan=low))
    tone = reduce_film(np.clip((inner - np.float32(low)) / np.float32(high - low), 0, 1).astype(np.float32), LONGEST)
    share = np.histogram(tone, LEVELS, (0, 1))[0] / tone.size
    used = share[share > 0]
    rough = np.abs(tone - ndi.uniform_filter(tone, 3))
    blurred = ndi.gaussian_filter(tone, 2)
    detail = float(np.hypot(ndi.sobel(blurred, 0), ndi.sobel(blurred, 1)).mean())
    middle = np.median(tone)
    grain = [_log(float(np.median(part))) for part in (rough, rough[tone <= middle], rough[tone >= middle])]
    return np.array(
        [
            *np.quantile(tone, QUANTILES),
            _log(float((tone <= 1 / 255).mean())),
            _log(float((tone >= 254 / 255).mean())),
            len(np.unique(np.rint(tone * 255))) / 256,
            -float((used * np.log(used)).sum()),
            *grain,
            grain[0] - _log(detail),
            float(tone.std()),
        ]
    )


def _log(value: float) -> float:
    return float(np.log(value + 1e-4))
