"""Phantoms: seconds to draw, bytes at any thread count, and how like a real chest CT the lungs are.

    python benchmarks/phantoms.py

Times are CPU seconds of one thread, median of 3. Likeness compares the lungs of the demo-size phantom with
LIDC-IDRI-0001 in ../shared/data (or OVERREAD_SHARED); left out when that is not there.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

import overread
from overread.image import Volume
from overread.phantoms.chest import chest
from overread.phantoms.nodule import SURFACES
from overread.phantoms.nodule_block import ATTACHMENTS, nodule_block
from overread.phantoms.studies import study_cases

SHARED = Path(os.environ.get("OVERREAD_SHARED", Path(__file__).parents[2] / "shared"))
REAL = SHARED / "data" / "chest_ct" / "dicom" / "LIDC-IDRI-0001"


def digest() -> str:
    """Of one block and one short chest: what the thread check compares."""
    block = nodule_block(np.random.default_rng(1), diameter_mm=12, attachment="juxtapleural", shape="spiculated")
    short = chest(3, nodules=3, spacing_mm=(2.5, 1.2, 1.2), matrix=280, length_mm=100, diameters_mm=(5, 12))
    parts = [p.volume.array.tobytes() + repr(p.planted).encode() for p in (block, short)]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def seconds(draw, repeats: int = 3) -> float:  # type: ignore[no-untyped-def]
    """Median CPU seconds of a call."""
    took = []
    for _ in range(repeats):
        start = time.process_time()
        draw()
        took.append(time.process_time() - start)
    return statistics.median(took)


def lung_figures(volume: Volume) -> dict[str, float]:
    """Percentiles of HU 8 mm or more inside the lungs, share of vessels, local unevenness, vessel sections a cm2."""
    image: NDArray[np.float32] = volume.array[:, ::2, ::2].astype(np.float32)
    spacing = np.array(volume.grid.spacing_mm) * (1, 2, 2)
    labels, _ = ndi.label(image < -400)
    edge = np.unique(np.concatenate([labels[:, 0].ravel(), labels[:, -1].ravel(), labels[:, :, 0].ravel()]))
    sizes = np.bincount(labels.ravel())
    sizes[edge] = 0
    lungs = np.isin(labels, np.flatnonzero(sizes > 0.1 * sizes.max()))
    closed = ndi.distance_transform_edt(~lungs, sampling=spacing) < 6
    inner = ndi.distance_transform_edt(closed, sampling=spacing) > 14
    mean = ndi.uniform_filter(image, (1, 5, 5))
    local = np.sqrt(np.maximum(ndi.uniform_filter(image**2, (1, 5, 5)) - mean**2, 0))
    sections = sum(ndi.label((image[k] > -600) & inner[k])[1] for k in range(0, len(image), 4))
    area_cm2 = inner[::4].sum() * spacing[1] * spacing[2] / 100
    low, middle, high = np.percentile(image[inner], (5, 50, 99))
    return {
        "5 % HU": low,
        "median HU": middle,
        "99 % HU": high,
        "% above -500 HU": 100 * float((image[inner] > -500).mean()),
        "median local sd HU": float(np.median(local[inner])),
        "sections a cm2": sections / area_cm2,
    }


def main() -> int:
    if "--digest" in sys.argv:
        print(digest())
        return 0
    demo = chest(1)
    print(f"{seconds(lambda: chest(1)):6.2f} s  demo chest, {' x '.join(map(str, demo.volume.array.shape))}")
    print(f"{seconds(lambda: [c.draw() for c in study_cases('train', 4)], 1) / 4:6.2f} s  chest of a study, mean of 4")
    for surface in SURFACES:
        for attachment in ATTACHMENTS:
            took = [
                seconds(
                    lambda d=d, a=attachment, s=surface: nodule_block(
                        np.random.default_rng(1), diameter_mm=d, attachment=a, shape=s
                    )
                )
                for d in (5.0, 10.0, 20.0)
            ]
            print(f"{np.mean(took):6.2f} s  block, {surface}, {attachment}, mean of 5, 10 and 20 mm")
    digests = set()
    for threads in ("1", "2", "4"):
        limits = {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        ran = subprocess.run(
            [sys.executable, __file__, "--digest"], env=os.environ | limits, check=True, capture_output=True, text=True
        )
        digests.add(ran.stdout)
    print(f"same bytes with 1, 2 and 4 threads: {'yes' if len(digests) == 1 else 'NO'}")
    rows = {"phantom": lung_figures(demo.volume)}
    if REAL.is_dir():
        rows["LIDC-IDRI-0001"] = lung_figures(overread.open(REAL).series[0].load_volume())
    for name, figures in rows.items():
        print(f"{name:>15}: " + ", ".join(f"{key} {value:.2f}" for key, value in figures.items()))
    return int(len(digests) != 1)


if __name__ == "__main__":
    sys.exit(main())
