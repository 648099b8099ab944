"""Co-occurrence maps against graycomatrix of scikit-image pixel by pixel and pyradiomics' voxel mode where it is there.

python benchmarks/texture.py    # and the 61 features of a voxel

pyradiomics 3.0.1 builds on Python 3.11 with a compiler and without isolation: pip install setuptools wheel versioneer
numpy six docopt pywavelets pykwalify SimpleITK, then pip install --no-build-isolation --no-deps pyradiomics==3.0.1.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from statistics import median

import numpy as np
from skimage.feature import graycomatrix, graycoprops

from overread.ops.texture import RoughShape, co_occurrence_maps, voxel_features
from overread.runtime import Runtime

ANGLES = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
THEIRS = {
    "energy": "JointEnergy",
    "contrast": "Contrast",
    "correlation": "Correlation",
    "entropy": "JointEntropy",
    "inverse_difference_moment": "Idm",
}
PROPERTIES = ("contrast", "homogeneity", "ASM", "correlation")


def seconds(run: Callable[[], object], repeats: int) -> float:
    run()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return median(times)


def pyradiomics(image: np.ndarray, window: int) -> tuple[dict[str, np.ndarray], float] | None:
    """Its five maps of a small picture of levels, directions in one matrix, and seconds; None if not installed."""
    try:
        from radiomics.glcm import RadiomicsGLCM  # noqa: PLC0415
    except ImportError:
        print("without pyradiomics: see the head of this file")
        return None
    import SimpleITK as sitk  # noqa: N813, PLC0415

    logging.disable(logging.WARNING)
    picture = sitk.GetImageFromArray(image[None].astype(np.int32))
    everywhere = sitk.GetImageFromArray(np.ones((1, *image.shape), np.uint8))
    how = {"binWidth": 1, "voxelBased": True, "kernelRadius": window // 2, "force2D": True, "force2Ddimension": 0}
    glcm = RadiomicsGLCM(picture, everywhere, **how, weightingNorm="no_weighting", voxelBatch=1000)
    for theirs in THEIRS.values():
        glcm.enableFeatureByName(theirs)
    began = time.perf_counter()
    found = glcm.execute()
    spent = time.perf_counter() - began
    maps = {name: sitk.GetArrayFromImage(found[theirs])[0] for name, theirs in THEIRS.items()}
    maps["entropy"] = maps["entropy"] * np.log(2)  # bits to nats
    return maps, spent


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

    few = image[:64, :64].copy()
    few[0, :2] = 0, levels - 1  # it counts levels from the least
    if (peer_maps := pyradiomics(few, window)) is not None:
        found, spent = peer_maps
        mine, inner = co_occurrence_maps(few, window=window, runtime=Runtime(1)), np.s_[4:-4, 4:-4]
        off = max(np.abs(mine[name][inner] / found[name][inner] - 1).max() for name in THEIRS if name != "correlation")
        off = max(off, np.abs(mine["correlation"] - found["correlation"])[inner].max())
        alone = seconds(lambda: co_occurrence_maps(few, window=window, runtime=Runtime(1)), 5)
        print(
            f"pyradiomics, the same 5 maps of 64 x 64: {spent / few.size * 1e6:.0f} us a pixel: {spent / alone:.0f}x;"
        )
        print(f"  largest relative difference away from the edges {off:.1e}")

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
