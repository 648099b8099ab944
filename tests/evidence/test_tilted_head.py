"""A head CT of a tilted gantry from files to results: the bleed keeps its millilitres and its place in every file."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from scipy import ndimage as ndi

from overread.evidence import read_result, write
from overread.findings import Code, Finding, Interval, Laterality, Measurement, Provenance, Reading, Scope, ScopeAnswer
from overread.geometry import Policy
from overread.image import LabelMap, Volume
from overread.image.window import Window
from overread.io import open_study
from overread.phantoms.dicom_series import SeriesLabels, SliceLayout, write_series
from overread.phantoms.head import BLOOD_HU, BRAIN_HU, head

BLEED = Code("50960005", "SCT", "Hemorrhage")
BRAIN = Code("12738006", "SCT", "Brain structure")
VOLUME = ("118565006", "SCT")


@dataclass(frozen=True)
class Written:
    """The truth of the bleed, the files it was read from, and the folder of results."""

    volume_ml: float
    centre_lps: NDArray[np.float64]
    tilt_deg: float
    series: Path
    out: Path


def reading_of(image: Volume, seed_lps: tuple[float, float, float]) -> Reading:
    """The bright part around a point, as a task would report it."""
    parts, _ = ndi.label(np.asarray(image.array) >= (BLOOD_HU + BRAIN_HU) / 2)
    k, j, i = np.rint(image.grid.to_index(seed_lps)).astype(int)
    mask = LabelMap((parts == parts[k, j, i]).astype(np.uint8), image.grid, {1: "bleed"})
    x, y, z = (float(v) for v in mask.centroid_lps(1))
    ml = mask.volume_mm3(1) / 1000
    bleed = Finding(
        number=1,
        kind=BLEED,
        label="bleed",
        point_lps=(x, y, z),
        tracking_uid="2.25.815",
        site=BRAIN,
        laterality=Laterality.RIGHT,
        measurements=(Measurement("volume", ml, "cm3", Interval(0.97 * ml, 1.03 * ml), "half contrast"),),
    )
    return Reading(
        provenance=Provenance(task="head_phantom", task_version="0.1.0", device_uid="2.25.4242"),
        title="A bleed in a tilted head",
        assessable=True,
        scope=Scope(ScopeAnswer.YES),
        source=image.source,
        verdict=image.verdict,
        findings=(bleed,),
        segments=mask,
        windows=(Window(40, 80, "brain"),),
    )


CASES = {
    "tilted": (18.0, (), Policy.STRICT),
    "tilted the other way": (-12.0, (), Policy.STRICT),
    "straight": (0.0, (), Policy.STRICT),
    "tilted, a slice missing": (18.0, (36,), Policy.REPAIR),
}


@pytest.fixture(scope="module", params=CASES)
def written(request, tmp_path_factory):
    tilt_deg, lost, policy = CASES[request.param]
    folder = tmp_path_factory.mktemp("head")
    phantom = head(7, tilt_deg=tilt_deg)
    kept = tuple(k for k in range(phantom.volume.grid.shape[0]) if k not in lost)
    layout = SliceLayout(sheared=True, slices=kept)
    labels = SeriesLabels(description="overread head phantom", body_part="HEAD")
    write_series(phantom.volume, folder / "series", seed=7, labels=labels, layout=layout)
    (planted,) = phantom.planted
    image = open_study(folder / "series").only("CT").load_volume(policy=policy)
    write(reading_of(image, planted.centre_lps), image, folder / "out")
    truth_ml = planted.truths["volume_mm3"] / 1000
    return Written(truth_ml, np.array(planted.centre_lps), tilt_deg, folder / "series", folder / "out")


def groups_of(seg: Dataset, item: Dataset, keyword: str) -> Dataset:
    """A functional group of a frame: its own or the shared one."""
    found: Dataset = (item if keyword in item else seg.SharedFunctionalGroupsSequence[0])[keyword].value[0]
    return found


def seg_volume_and_centroid(seg: Dataset) -> tuple[float, NDArray[np.float64], float]:
    """mL, mm and shear in degrees by pydicom and the standard's equation alone.

    A slice reaches half way to its neighbours along the normal, as the frames themselves lie.
    """
    pixels = seg.pixel_array.reshape(-1, seg.Rows, seg.Columns)
    rows = []
    for item, plane in zip(seg.PerFrameFunctionalGroupsSequence, pixels, strict=True):
        position = np.array(groups_of(seg, item, "PlanePositionSequence").ImagePositionPatient, float)
        cosines = groups_of(seg, item, "PlaneOrientationSequence").ImageOrientationPatient
        along, down = np.array(cosines, float).reshape(2, 3)
        row_mm, column_mm = map(float, groups_of(seg, item, "PixelMeasuresSequence").PixelSpacing)
        where = np.argwhere(plane)
        centre = position + where[:, :1].mean() * row_mm * down + where[:, 1:].mean() * column_mm * along
        rows.append((position, len(where) * row_mm * column_mm, centre, np.cross(along, down)))
    rows.sort(key=lambda one: float(one[0] @ one[3]))
    depth = np.array([position @ normal for position, _, _, normal in rows])
    gaps = np.diff(depth)
    width = np.concatenate([[gaps[0]], (gaps[1:] + gaps[:-1]) / 2, [gaps[-1]]])
    mm3 = width * [area for _, area, _, _ in rows]
    centroid = np.average([centre for _, _, centre, _ in rows], axis=0, weights=mm3)
    step = rows[-1][0] - rows[0][0]
    shear = float(np.degrees(np.arccos(abs(step @ rows[0][3]) / np.linalg.norm(step))))
    return float(mm3.sum() / 1000), centroid, shear


def test_the_segmentation_keeps_volume_and_place(written):
    ml, centroid, shear_deg = seg_volume_and_centroid(pydicom.dcmread(written.out / "seg.dcm"))
    assert ml == pytest.approx(written.volume_ml, rel=0.01)
    np.testing.assert_allclose(centroid, written.centre_lps, atol=0.3)
    assert shear_deg == pytest.approx(abs(written.tilt_deg), abs=1e-3)


def test_every_frame_of_the_segmentation_lies_on_a_source_slice(written):
    slices = {ds.SOPInstanceUID: ds for ds in map(pydicom.dcmread, sorted(written.series.iterdir()))}
    seg = pydicom.dcmread(written.out / "seg.dcm")
    for item in seg.PerFrameFunctionalGroupsSequence:
        derived = groups_of(seg, item, "DerivationImageSequence")
        source = slices[derived.SourceImageSequence[0].ReferencedSOPInstanceUID]
        position = groups_of(seg, item, "PlanePositionSequence").ImagePositionPatient
        np.testing.assert_allclose(np.array(position, float), np.array(source.ImagePositionPatient, float), atol=1e-6)
    assert seg.FrameOfReferenceUID == next(iter(slices.values())).FrameOfReferenceUID


def test_the_mask_for_research_keeps_volume_and_place(written):
    image = nibabel.load(written.out / "mask.nii.gz")
    inside = np.argwhere(np.asarray(image.dataobj) == 1)
    ml = len(inside) * abs(np.linalg.det(image.affine[:3, :3])) / 1000
    assert ml == pytest.approx(written.volume_ml, rel=0.01)
    lps = nibabel.affines.apply_affine(image.affine, inside.mean(axis=0)) * (-1, -1, 1)
    np.testing.assert_allclose(lps, written.centre_lps, atol=0.3)


def numbers_in(item: Dataset) -> list[tuple[tuple[str, str], str, float]]:
    """Concept, unit and value of every number in a report."""
    found: list[tuple[tuple[str, str], str, float]] = []
    if item.get("ValueType") == "NUM" and item.MeasuredValueSequence:
        name, value = item.ConceptNameCodeSequence[0], item.MeasuredValueSequence[0]
        unit = value.MeasurementUnitsCodeSequence[0].CodeValue
        found.append(((name.CodeValue, name.CodingSchemeDesignator), unit, float(value.NumericValue)))
    for child in item.get("ContentSequence", []):
        found += numbers_in(child)
    return found


def test_the_report_says_the_volume(written):
    report = pydicom.dcmread(written.out / "sr.dcm")
    ((_, unit, ml),) = [one for one in numbers_in(report) if one[0] == VOLUME]
    assert unit == "cm3"
    assert ml == pytest.approx(written.volume_ml, rel=0.01)


def test_the_result_says_the_tilt(written):
    result: dict[str, Any] = read_result(written.out)
    codes = {fault["code"] for fault in result["geometry"]["faults"]}
    assert ("tilted_gantry" in codes) is (written.tilt_deg != 0)
    centre = result["findings"][0]["point_lps_mm"]
    np.testing.assert_allclose(centre, written.centre_lps, atol=0.3)


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy is not installed (Debian: dicom3tools)")
def test_a_validator_finds_no_error(written):
    first = min(written.series.iterdir())
    for path, kind in ((written.out / "seg.dcm", "Seg"), (written.out / "sr.dcm", "SR"), (first, "CTImage")):
        done = subprocess.run(["dciodvfy", "-new", path], capture_output=True, text=True, check=False, errors="replace")
        assert done.returncode == 0
        assert kind in done.stderr
        assert [line for line in done.stderr.splitlines() if line.startswith("Error")] == []
