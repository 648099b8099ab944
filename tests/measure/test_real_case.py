"""LIDC-IDRI-0001 against its four readers; skipped where the shared data are absent."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from overread.io import open_study
from overread.measure import NoduleMeasure, estimate_edge, measure_nodule
from overread.ops.lung_field import lung_field
from overread.runtime import Runtime

READERS_MM3 = (5702, 6124, 6795, 7298)
CENTRE_LPS = (56.208, 86.343, -115.868)


def test_the_readers_volumes_lie_in_the_reader_comparable_interval(shared_data: Path):
    image = open_study(shared_data / "chest_ct" / "dicom" / "LIDC-IDRI-0001").series[0].load()
    lung = lung_field(image, Runtime(1)).inside
    edge = estimate_edge(image, lung)
    assert 0.3 < edge.sigma_mm < 0.8
    assert 10 < edge.noise_sd_hu < 40
    for radius in (9.0, 11.7, 15.0):
        found = measure_nodule(image, image.grid.to_index(CENTRE_LPS), radius, lung, edge=edge)
        assert isinstance(found, NoduleMeasure)
        volume = found["reader_comparable_volume"]
        assert all(volume.interval.low <= reader <= volume.interval.high for reader in READERS_MM3)
        assert volume.interval.high - volume.interval.low <= 7752 - 4839  # the first study's width
        assert {c.name for c in volume.components} == {"boundary", "cut", "between readers"}
        assert abs(found["effective_diameter"].value - 23.35) <= 2.5
        assert np.linalg.norm(np.array(found.centre_lps) - CENTRE_LPS) < 4.0
        assert found.nodule_type == "solid"
        assert found["mean_diameter"].interval.low > 15  # 4B at either end
