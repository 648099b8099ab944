"""BUSI, COCO with DENTEX, BCDR and RSNA samples, built as published; truth known pixel by pixel."""

import json
import re

import numpy as np
import pydicom
import pytest
from PIL import Image

from overread.errors import InputError
from overread.geometry import axial_grid
from overread.image import Intensity, Volume
from overread.phantoms.dicom_series import SeriesLabels, write_series
from overread_lab.datasets import ManifestSet
from overread_lab.datasets.check import check_set
from overread_lab.datasets.formats import import_set

from .conftest import waves

KINDS = ("epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural", "any")


def save(array, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def labels_of(case):
    return np.asarray(Image.open(case.mask))


def why(report):
    return {one.what: one.why for one in report.left_out}


def box(top, left, bottom, right, shape=(48, 64)):
    inside = np.zeros(shape, bool)
    inside[top:bottom, left:right] = True
    return inside


def test_busi_masks_of_one_picture_become_one_label_image(tmp_path):
    source = tmp_path / "Dataset_BUSI_with_GT"
    first, second = box(4, 4, 12, 20), box(10, 10, 30, 40)
    save(np.stack([waves(1)] * 3, -1), source / "benign/benign (1).png")
    save(first, source / "benign/benign (1)_mask.png")
    save(np.stack([np.uint8(second * 255)] * 3, -1), source / "benign/benign (1)_mask_1.png")
    save(waves(2), source / "malignant/malignant (2).png")
    save(np.uint8(first * 255)[1:], source / "malignant/malignant (2)_mask.png")
    save(waves(3), source / "malignant/malignant (3).png")
    save(np.uint8(first * 0), source / "malignant/malignant (3)_mask.png")
    save(waves(4), source / "normal/normal (1).png")
    save(np.uint8(first * 0), source / "normal/normal (1)_mask.png")
    save(np.uint8(first * 255), source / "normal/normal (9)_mask.png")
    (source / "normal/Thumbs.db").write_bytes(b"x")
    report = import_set("busi", source, tmp_path / "out")
    cases = ManifestSet.open(tmp_path / "out").cases
    assert [(c.case, c.label) for c in cases] == [("benign_1", "benign"), ("normal_1", "normal")]
    np.testing.assert_array_equal(labels_of(cases[0]), np.where(first, 1, np.where(second, 2, 0)))
    assert not labels_of(cases[1]).any()
    reasons = why(report)
    assert "48 x 64 pixels, the mask 47 x 64" in reasons["malignant/malignant (2).png"]
    assert "empty, though it is malignant" in reasons["malignant/malignant (3).png"]
    assert "not there" in reasons["normal/normal (9)_mask.png"]
    assert "no PNG" in reasons["normal/Thumbs.db"]
    assert "does not say which pictures are of one patient" in report.notes[0]


def dentex(annotations, images=None):
    return {
        "images": images or [{"height": 48, "width": 64, "id": 1, "file_name": "train_1.png"}],
        "annotations": [{"iscrowd": 0, "image_id": 1, "id": n, **one} for n, one in enumerate(annotations, 1)],
        "categories_1": [{"id": 0, "name": "1"}, {"id": 3, "name": "4"}],
        "categories_2": [{"id": 0, "name": "1"}, {"id": 6, "name": "7"}],
        "categories_3": [{"id": 0, "name": "Impacted"}, {"id": 1, "name": "Periapical Lesion"}],
    }


def ring(top, left, bottom, right):
    """A polygon of COCO: x0, y0, x1, y1 ... along the edges of pixels."""
    return [left, top, right, top, right, bottom, left, bottom]


def test_dentex_outlines_keep_their_three_categories(tmp_path):
    source = tmp_path / "source"
    save(waves(1), source / "xrays/train_1.png")
    kinds = {"category_id_1": 3, "category_id_2": 6}
    told = dentex([
        {**kinds, "category_id_3": 1, "segmentation": [ring(12, 12, 16, 20)]},
        {**kinds, "category_id_3": 0, "segmentation": [ring(10, 10, 30, 40)]},
        {**kinds, "category_id_3": 0, "segmentation": [], "bbox": [1, 1, 5, 5]},
        {**kinds, "category_id_3": 9, "segmentation": [ring(1, 1, 9, 9)]},
    ])  # fmt: skip
    (source / "train.json").write_text(json.dumps(told))
    report = import_set("coco", source, tmp_path / "out")
    (case,) = ManifestSet.open(tmp_path / "out").cases
    small, large = box(12, 12, 16, 20), box(10, 10, 30, 40)
    np.testing.assert_array_equal(labels_of(case), np.where(small, 1, np.where(large, 2, 0)))
    assert case.label == "Impacted Periapical_Lesion"
    assert case.extra["annotations"] == "1:4-7-Periapical_Lesion 2:4-7-Impacted"
    assert "2 annotations are not in the mask" in case.note
    reasons = why(report)
    assert reasons["train.json: train_1.png: annotation 3"] == "it has a box but no outline"
    assert "9 is not among the categories_3" in reasons["train.json: train_1.png: annotation 4"]


def test_plain_coco_with_runs_and_what_is_missing(tmp_path):
    source = tmp_path / "source"
    save(waves(1), source / "a.png")
    save(waves(2), source / "b.png")
    save(waves(3), source / "c.png")
    inside = box(5, 7, 9, 11)
    flat = inside.T.ravel()
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flat, [True]]).astype(int))).tolist()
    counts = np.diff([0, *edges, flat.size]).tolist() if flat[-1] else np.diff([0, *edges]).tolist()
    size = {"height": 48, "width": 64}
    told = {
        "images": [
            {"id": 1, "file_name": "a.png", **size},
            {"id": 2, "file_name": "gone.png", **size},
            {"id": 3, "file_name": "b.png", "height": 50, "width": 64},
            {"id": 4, "file_name": "c.png", **size},
        ],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "category_id": 5,
                "iscrowd": 1,
                "segmentation": {"size": [48, 64], "counts": counts},
            },
            {"id": 2, "image_id": 1, "category_id": 5, "segmentation": {"size": [48, 64], "counts": "packed"}},
            {"id": 3, "image_id": 77, "category_id": 5, "segmentation": [ring(1, 1, 4, 4)]},
        ],
        "categories": [{"id": 5, "name": "caries"}],
    }
    (source / "all.json").write_text(json.dumps(told))
    (source / "other.json").write_text("[1]")
    report = import_set("coco", source, tmp_path / "out")
    cases = ManifestSet.open(tmp_path / "out").cases
    assert [(c.case, c.label) for c in cases] == [("a", "caries"), ("c", "none")]
    np.testing.assert_array_equal(labels_of(cases[0]), inside)
    reasons = why(report)
    assert "packed as text" in reasons["all.json: a.png: annotation 2"]
    assert reasons["all.json: gone.png"].startswith("0 files of that name")
    assert "48 x 64 pixels, its entry 50 x 64" in reasons["all.json: b.png"]
    assert reasons["all.json: 1 annotations"] == "the picture they are of is not listed"
    assert "expected an object" in reasons["other.json"]


@pytest.mark.parametrize(
    ("segmentation", "reason"),
    [
        ([[1, 2, 3, 4]], "of 4 numbers is no polygon"),
        ([["a", 1, 2, 3, 4, 5]], "neither lists of numbers"),
        ([7], "neither lists of numbers"),
        ("text", "no polygon|neither lists"),
        ([[900, 900, 950, 900, 950, 950]], "holds no pixel"),
        ({"counts": [3, "x"]}, "neither lists of numbers"),
        ({"counts": [-3, 3075]}, "its runs hold"),
        ({"counts": [10**30]}, "its runs hold"),
    ],
)
def test_coco_outlines_that_are_none_are_named(segmentation, reason, tmp_path):
    source = tmp_path / "source"
    save(waves(1), source / "train_1.png")
    told = dentex([{"category_id_3": 0, "segmentation": segmentation}])
    (source / "train.json").write_text(json.dumps(told))
    (left,) = import_set("coco", source, tmp_path / "out").left_out
    assert left.what == "train.json: train_1.png: annotation 1"
    assert re.search(reason, left.why)


def test_coco_categories_without_names_are_refused(tmp_path):
    save(waves(1), tmp_path / "source/train_1.png")
    (tmp_path / "source/train.json").write_text(json.dumps(dentex([]) | {"categories_3": [{"id": "x"}]}))
    with pytest.raises(InputError, match="no id and name"):
        import_set("coco", tmp_path / "source", tmp_path / "out")


def test_bcdr_outlines_by_picture_and_patient(tmp_path):
    source = tmp_path / "BCDR-F03"
    for name in ("img_1_LCC", "img_1_LO", "img_2_RCC", "img_3_RCC"):
        save(waves(len(name)), source / f"patient_1/study_1/{name}.tif")
    head = "patient_id,study_id,series,lesion_id,segmentation_id,image_view,image_filename,lw_x_points,lw_y_points,"
    head += "mammography_nodule,age,density,classification"
    square = " 10 20 20 10, 5 5 9 9"
    rows = [
        f"1, 1, 1, 1, 1, 2, patient_1/study_1/img_1_LCC.tif,{square}, 1, 50, 2, Benign",
        "1, 1, 1, 2, 1, 2, patient_1/study_1/img_1_LCC.tif, 30 40 40 30, 25 25 29 29, 1, 50, 2, Malign",
        "1, 1, 1, 3, 1, 2, patient_1/study_1/img_1_LCC.tif, 30 90 40 30, 25 25 29 29, 1, 50, 2, Malign",
        f"1, 1, 1, 1, 2, 3, patient_1/study_1/img_1_LO.tif,{square}, 1, 50, 2, Benign",
        f"2, 2, 1, 1, 2, 3, patient_1/study_1/img_2_RCC.tif,{square}, 1, 50, 2, Unknown",
        f"2, 2, 1, 1, 2, 3, patient_2/gone.tif,{square}, 1, 50, 2, Benign",
    ]
    (source / "bcdr_f03_outlines.csv").write_text("\n".join([head, *rows]) + "\n")
    report = import_set("bcdr", source, tmp_path / "out")
    cases = ManifestSet.open(tmp_path / "out").cases
    assert [(c.case, c.label, c.group) for c in cases] == [
        ("img_1_LCC", "malignant", "bcdr_1"),
        ("img_1_LO", "benign", "bcdr_1"),
    ]
    expected = np.where(box(5, 10, 10, 21), 1, np.where(box(25, 30, 30, 41), 2, 0))
    np.testing.assert_array_equal(labels_of(cases[0]), expected)
    reasons = why(report)
    assert reasons["img_1_LCC.tif: outline 3"] == "its outline leaves the picture"
    assert reasons["patient_1/study_1/img_2_RCC.tif (1 outlines)"] == "none of its outlines can be used"
    assert reasons["patient_2/gone.tif (1 outlines)"] == "the picture is not there"
    assert "does not say that it is normal" in reasons["patient_1/study_1/img_3_RCC.tif"]


@pytest.fixture
def rsna(tmp_path):
    """Slices ID_a..ID_e of two patients, and a way to write their table."""
    source = tmp_path / "source"
    grid = axial_grid((5, 16, 16), spacing_mm=(5.0, 0.5, 0.5))
    values = np.random.default_rng(0).integers(0, 90, grid.shape).astype(np.int16)
    files = write_series(
        Volume(values, grid, Intensity.HU), tmp_path / "written", seed=1, labels=SeriesLabels(patient_id="ID_p1")
    )
    (source / "stage_2_train").mkdir(parents=True)
    for file, letter in zip(files, "abcde", strict=True):
        header = pydicom.dcmread(file)
        header.PatientID = {"d": "ID_p2", "e": ""}.get(letter, "ID_p1")
        header.save_as(source / f"stage_2_train/ID_{letter}.dcm")

    def write(kinds, more=()):
        rows = ["ID,Label"]
        for letter, found in kinds.items():
            rows += [f"ID_{letter}_{kind},{int(kind in found or (kind == 'any' and bool(found)))}" for kind in KINDS]
        (source / "stage_2_train.csv").write_text("\n".join([*rows, *more]) + "\n")
        return source

    return write


def test_rsna_rows_become_kinds_by_patient(rsna, tmp_path):
    kinds = {"a": ("subdural", "epidural"), "b": (), "c": ("subdural",), "d": ("intraventricular",), "e": (), "f": ()}
    more = ["ID_b_any,0", "ID_c_subdural,0", "ID_b_sinus,0", "ID_b_any,2"]
    report = import_set("rsna-hemorrhage", rsna(kinds, more), tmp_path / "out")
    cases = ManifestSet.open(tmp_path / "out").cases
    assert [(c.case, c.label, c.group) for c in cases] == [
        ("ID_a", "EDH SDH", "ID_p1"),
        ("ID_b", "none", "ID_p1"),
        ("ID_d", "IVH", "ID_p2"),
    ]
    assert all(c.mask is None for c in cases)
    reasons = why(report)
    assert "contradicts itself" in reasons["stage_2_train/ID_c.dcm"]
    assert "no Patient ID" in reasons["stage_2_train/ID_e.dcm"]
    assert reasons["2 rows of stage_2_train.csv"] == "they stand twice"
    assert reasons["1 labelled slices, such as ID_f"] == "their DICOM files are not there"
    assert sum("is no label" in one for one in reasons.values()) == 2


def test_rsna_kinds_that_contradict_any_are_left_out(rsna, tmp_path):
    source = rsna({"a": ("subdural",), "b": ()})
    table = source / "stage_2_train.csv"
    table.write_text(table.read_text().replace("ID_a_any,1", "ID_a_any,0"))
    reasons = why(import_set("rsna-hemorrhage", source, tmp_path / "out"))
    assert reasons["stage_2_train/ID_a.dcm"] == "stage_2_train.csv says any=0, but SDH"


def test_what_is_made_passes_the_check(rsna, tmp_path):
    import_set("rsna-hemorrhage", rsna({"a": (), "b": ("subdural",), "c": (), "d": ()}), tmp_path / "out")
    assert not [one for one in check_set(tmp_path / "out").remarks if one.code.startswith(("file", "mask", "geometry"))]
