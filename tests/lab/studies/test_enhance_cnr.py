"""The study of contrast to noise on real images, on drawn slices whose bleedings are known."""

from __future__ import annotations

import csv
from functools import partial

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage as ndi

from overread.errors import UsageError
from overread_lab.datasets.manifest import read_manifest
from overread_lab.studies.enhance_cnr import ALTERNATIVES, OURS, strongest
from overread_lab.studies.enhance_cnr_images import effect_on, figures, lesions_of, read_lesions


def write_set(folder, slices):
    rows, columns = np.indices((150, 160))
    head = np.hypot(rows - 75, columns - 80)
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "image", "mask", "label", "group", "source", "fold", "note"])
        for n in range(slices):
            rng = np.random.default_rng(n)
            clean = np.where(head < 55, 30.0, 0.0) + np.where((head >= 55) & (head < 62), 200.0, 0.0)
            blood = np.hypot(rows - 70, columns - 70 - n) < 9
            small = np.hypot(rows - 95, columns - 95) < 3  # too small to tell
            clean = ndi.gaussian_filter(np.where(blood | small, 65.0, clean), 0.8)
            page = np.clip(np.rint(clean + rng.normal(0, 6, clean.shape)), 0, 255).astype(np.uint8)
            Image.fromarray(page).save(folder / f"i{n}.png")
            Image.fromarray((2 * (blood | small)).astype(np.uint8)).save(folder / f"m{n}.png")
            writer.writerow([n, f"i{n}.png", f"m{n}.png", "IPH", f"g{n // 2}", "bhsd", n % 4, ""])


def test_regions_are_areas_of_blood_with_brain_about_them(tmp_path):
    write_set(tmp_path, 2)
    (one,) = lesions_of(read_manifest(tmp_path).cases[0])
    assert one.picture.shape == (128, 128)
    assert one.picture.max() <= 100
    assert not (one.inside & one.ring).any()
    assert one.picture[one.inside].mean() == pytest.approx(65, abs=2)
    assert one.picture[one.ring].mean() == pytest.approx(30, abs=2)


def test_strength_is_the_strongest_that_keeps_the_edge(tmp_path):
    write_set(tmp_path, 4)
    lesions = [one for case in read_manifest(tmp_path).cases for one in lesions_of(case)]
    blur = ndi.gaussian_filter, (0.1, 0.3, 3.0)
    assert strongest(blur, partial(effect_on, lesions)) == 0.3
    assert strongest((ndi.gaussian_filter, (4.0,)), partial(effect_on, lesions)) is None


def test_figures_name_every_method_and_both_gains(tmp_path, monkeypatch):
    write_set(tmp_path, 22)
    for methods, kept in ((ALTERNATIVES, ("as it is", "Gaussian")), (OURS, ("enhance, order by dimension",))):
        for label in [label for label in methods if label not in kept]:
            monkeypatch.delitem(methods, label)
    found = {one.name: one for one in figures(tmp_path)}
    plain = found["contrast to noise (rms): as it is"]
    assert plain.value == pytest.approx(35 / 6, rel=0.1)
    assert plain.interval[0] < plain.value < plain.interval[1]
    assert "groups" not in plain.note
    ours = found["gain over the best alternative: enhance, order by dimension"]
    assert ours.value < 0  # it amplifies noise
    assert "gain over the image as it is: enhance, order by dimension" in found
    assert found["contrast to noise (rms): Gaussian"].value > plain.value


def test_too_few_regions_are_refused(tmp_path):
    write_set(tmp_path, 4)
    with pytest.raises(UsageError, match="2 regions to set strengths on and 2 to tell"):
        read_lesions(tmp_path)
