"""Co-occurrence maps against scikit-image's graycomatrix pixel by pixel, and the 61 features of a voxel.

python benchmarks/texture.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np
from skimage.feature import graycomatrix, graycoprops

from overread.ops.texture import RoughShape, co_occurrence_maps, voxel_features
from overread.runtime import Runtime

ANGLES = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
PROPERTIES = ("contrast", "homogeneity", "ASM", "correlation")


def seconds(run: Callable[[], object], repeats: int) -> float:
    run()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return median(times)


def main() -> None:
    rng = np.random.default_rng(1)
    size, window, levels = 512, 7, 32
    image = rng.integers(0, levels, (size, size)).astype(np.uint8)
    around = np.pad(image, window // 2, mode="reflect")
    sample = rng.integers(0, size, (300, 2))

    def theirs() -> list[list[float]]:
        found = []
        for row, column in sample:
            patch = around[row : row + window, column : column + window]
            matrix = graycomatrix(patch, [1], ANGLES, levels, symmetric=True).sum(axis=3, keepdims=True)
            p = matrix / matrix.sum()
            found.append([float(graycoprops(p, name).item()) for name in PROPERTIES])
        return found

    maps = co_occurrence_maps(image, window=window)
    names = ("contrast", "inverse_difference_moment", "energy", "correlation")
    ours = [[float(maps[name][row, column]) for name in names] for row, column in sample]
    print(f"largest difference of 300 pixels: {np.abs(np.array(ours) - np.array(theirs())).max():.1e}")
    for threads in (1, 2):
        one = seconds(lambda threads=threads: co_occurrence_maps(image, window=window, runtime=Runtime(threads)), 5)
        print(
            f"5 maps, {window} x {window}, {levels} levels, {threads} thread(s): {one / size**2 * 1e6:.3f} us a pixel"
        )
        peer = seconds(theirs, 1) / len(sample)
        print(f"  scikit-image, 4 of them: {peer * 1e6:.0f} us a pixel: {peer / (one / size**2):.0f}x")

    shape, spacing = (36, 52, 36), (1.0, 1.0, 1.0)
    k, j, i = (a - n / 2 for a, n in zip(np.indices(shape), shape, strict=True))
    phi = 10 - np.sqrt((k / 1.2) ** 2 + (j / 1.8) ** 2 + i**2)
    points = np.argwhere(np.abs(phi) < 2)
    volume = rng.normal(100 + 30 * (phi > 0), 10).astype(np.float32)
    rough = RoughShape(phi, spacing)
    whole = seconds(lambda: voxel_features(volume, rough, points, runtime=Runtime(1)), 5)
    print(f"61 features of {len(points)} voxels, 1 thread: {whole:.3f} s, {whole / len(points) * 1e6:.1f} us a voxel")


if __name__ == "__main__":
    main()
