"""Fractional enhancement against OpenCV and scikit-image, interleaved in one run, one thread each unless said.

    python benchmarks/enhance.py    # about a minute; peers that are not installed are left out

The peers do other things to an image; only the fractional step of one order is the same work as a 5 x 5 correlation.
Before timing it is compared with that.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from statistics import median

import numpy as np

from overread.ops.fractional import EnhancePlan, Mode, enhance, order_map, template
from overread.ops.fractional.kernels import fractional_step
from overread.runtime import Runtime

SIZE, BAND = 2048, 64
FIRST = (
    "import time,numpy as n;t=time.perf_counter()\nfrom overread.ops.fractional import enhance\nenhance(n.eye(64))\n"
)
FIRST += "print(time.perf_counter()-t)"


def textured(size: int) -> np.ndarray:
    """12-bit values: smooth, rough and noisy parts."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j]
    smooth = 1000 + 400 * np.sin(9 * x) * np.cos(7 * y)
    return np.clip(smooth + 150 * np.sin(300 * x * y) + rng.normal(0, 20 + 60 * x), 0, 4095).astype(np.float32)


def step_of(image: np.ndarray, orders: np.ndarray) -> Callable[[], np.ndarray]:
    """The step alone, the order given for each pixel."""
    padded = np.pad(image, ((2, 2), (0, 0)), mode="reflect")
    out = np.empty_like(image)

    def run() -> np.ndarray:
        for n in range(0, len(image), BAND):
            fractional_step(padded[n : n + BAND + 4], orders[n : n + BAND], 2, False, 0, 1.0, out[n : n + BAND])
        return out

    return run


def peers(image: np.ndarray) -> dict[str, Callable[[], object]]:
    """What is installed of OpenCV and scikit-image."""
    found: dict[str, Callable[[], object]] = {}
    unit = image / image.max()
    try:
        import cv2  # noqa: PLC0415
    except ImportError:
        print("without OpenCV: pip install opencv-python-headless")
    else:
        cv2.setNumThreads(1)
        kernel = (template(0.65, 2) / 8).astype(np.float32)
        ours = enhance(image, EnhancePlan(order=0.65, mode=Mode.PAPER))
        theirs = cv2.filter2D(image, cv2.CV_32F, kernel)
        assert np.abs(ours - theirs).max() < 1e-5 * np.abs(ours).max(), "filter2D differs"
        found["cv2.filter2D 5x5"] = lambda: cv2.filter2D(image, cv2.CV_32F, kernel)
        found["cv2.bilateralFilter d=9"] = lambda: cv2.bilateralFilter(image, 9, 100.0, 5.0)
        found["cv2 CLAHE, 16 bit"] = lambda: cv2.createCLAHE(2.0, (8, 8)).apply(image.astype(np.uint16))
    from skimage.exposure import equalize_adapthist  # noqa: PLC0415
    from skimage.filters import unsharp_mask  # noqa: PLC0415

    found["skimage CLAHE"] = lambda: equalize_adapthist(unit)
    found["skimage unsharp_mask"] = lambda: unsharp_mask(unit, radius=2)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as empty:
        environment = {**os.environ, "NUMBA_CACHE_DIR": empty}
        for what in ("first call ever, import included", "first call of a process, from the cache"):
            done = subprocess.run(
                [sys.executable, "-c", FIRST], capture_output=True, text=True, check=True, env=environment
            )
            print(f"{what}: {float(done.stdout):.1f} s")
    image = textured(SIZE)
    deep, one, two = image.astype(np.uint16), Runtime(1), Runtime(2)
    work: dict[str, Callable[[], object]] = {
        "step, order of each pixel given": step_of(image, order_map(image)),
        "enhance, one order": lambda: enhance(image, EnhancePlan(order=0.65), runtime=one),
        "enhance, whole": lambda: enhance(image, runtime=one),
        "enhance, whole, 2 threads": lambda: enhance(image, runtime=two),
        "enhance, whole, uint16": lambda: enhance(deep, runtime=one),
        "enhance, dimension of every pixel": lambda: enhance(image, EnhancePlan(map_step=1), runtime=one),
        **peers(image),
    }
    times: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(options.repeats + 1):
        for name, run in work.items():
            began = time.perf_counter()
            run()
            if turn:
                times[name].append((time.perf_counter() - began) * 1000)
    whole = median(times["enhance, whole"])
    print(f"\n{SIZE} x {SIZE} float32, medians (least) of {options.repeats}, one thread")
    for name, values in times.items():
        print(f"  {name:36s} {median(values):8.1f} ({min(values):7.1f}) ms   {median(values) / whole:6.2f} x whole")


if __name__ == "__main__":
    main()
