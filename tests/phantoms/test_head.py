"""The head: its bleed is where and as large as the truth says, whatever the tilt."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage as ndi

from overread.phantoms.head import BLOOD_HU, BRAIN_HU, head


@pytest.mark.parametrize("tilt_deg", [0.0, 18.0, -12.0])
def test_the_bleed_is_found_at_half_contrast(tilt_deg: float) -> None:
    phantom = head(3, tilt_deg=tilt_deg)
    (planted,) = phantom.planted
    grid, array = phantom.volume.grid, np.asarray(phantom.volume.array)
    assert grid.shear_deg == pytest.approx(abs(tilt_deg), abs=1e-6)
    parts, _ = ndi.label(array >= (BLOOD_HU + BRAIN_HU) / 2)
    k, j, i = np.rint(grid.to_index(planted.centre_lps)).astype(int)
    inside = np.argwhere(parts == parts[k, j, i])
    assert len(inside) * grid.voxel_volume_mm3 == pytest.approx(planted.truths["volume_mm3"], rel=0.01)
    np.testing.assert_allclose(grid.to_lps(inside.mean(axis=0)), planted.centre_lps, atol=0.3)


def test_the_same_seed_gives_the_same_head() -> None:
    one, two, other = (np.asarray(head(seed).volume.array) for seed in (1, 1, 2))
    assert one.tobytes() == two.tobytes() != other.tobytes()


def test_the_skull_is_whole_in_every_slice() -> None:
    array = np.asarray(head(1).volume.array)
    bone = np.argwhere(array > 500)[:, 1:]
    assert (bone.min(axis=0) > 0).all()
    assert (bone.max(axis=0) < np.array(array.shape[1:]) - 1).all()
