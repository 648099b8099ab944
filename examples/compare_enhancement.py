"""One noisy picture by our enhancement and six usual alternatives, with contrast to noise of a region.

    python examples/compare_enhancement.py [OUT]

The picture is a simulated chest film with a faint round shadow in the right lung, which is the region. The panel is
OUT/compare.png.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import overread
from overread.phantoms.film import chest_film
from overread.workflow.compare import CompareRequest

film = chest_film(2).radiograph.array
rows, columns = np.indices(film.shape)
disk = (rows - 170) ** 2 + (columns - 140) ** 2 < 15**2
noisy = film / 4095 + 0.06 * disk + np.random.default_rng(0).normal(0, 0.03, film.shape)

with tempfile.TemporaryDirectory() as folder:
    picture, region = Path(folder) / "film.png", Path(folder) / "region.png"
    Image.fromarray(np.rint(255 * np.clip(noisy, 0, 1)).astype(np.uint8)).save(picture)
    Image.fromarray(np.where(disk, 255, 0).astype(np.uint8)).save(region)
    enhancement = overread.enhance(picture, compare=CompareRequest(region=region))

for version in enhancement.comparison.versions:
    figures = version.figures.to_dict()
    print(f"{version.name:20} CNR {figures['cnr_rms']:.2f}, edge {figures['edge_width_px']:.1f} px")
if len(sys.argv) > 1:
    enhancement.save(sys.argv[1])
    print(f"{sys.argv[1]}/compare.png")
