"""LIDC, LUNA16, SPIDER, decathlon, nnU-Net and RSNA samples, built as published; truth known voxel by voxel."""

import json

import nibabel
import numpy as np
import pytest
import SimpleITK

from overread.errors import InputError
from overread.geometry import axial_grid
from overread.image import Intensity, Volume
from overread.io import open_study
from overread.phantoms.dicom_series import SeriesLabels, write_series
from overread_lab.datasets import ManifestSet
from overread_lab.datasets.check import check_set
from overread_lab.datasets.formats import import_set

GRID = axial_grid((6, 20, 24), spacing_mm=(2.5, 0.7, 0.8), origin_lps=(-9.0, -7.0, 30.0))


def noise(shape=GRID.shape, seed=0):
    return np.random.default_rng(seed).integers(-900, 200, shape).astype(np.int16)


def labels_of(case):
    return open_study(case.mask).only().load().array


def why(report):
    return {one.what: one.why for one in report.left_out}


def write_itk(array, path, grid=GRID):
    image = SimpleITK.GetImageFromArray(array)
    image.SetSpacing(grid.spacing_mm[::-1])
    image.SetOrigin(tuple(grid.to_lps((0, 0, 0))))
    path.parent.mkdir(parents=True, exist_ok=True)
    SimpleITK.WriteImage(image, str(path))


def roi(sop_uid, points, inclusion="TRUE"):
    edges = "".join(f"<edgeMap><xCoord>{x}</xCoord><yCoord>{y}</yCoord></edgeMap>" for y, x in points)
    return f"<roi><imageSOP_UID>{sop_uid}</imageSOP_UID><inclusion>{inclusion}</inclusion>{edges}</roi>"


def square(top, left, bottom, right):
    """Corner pixels of a square outline; what it encloses is [top + 1, bottom) x [left + 1, right)."""
    return [(top, left), (top, right), (bottom, right), (bottom, left)]


@pytest.fixture
def lidc(tmp_path):
    source = tmp_path / "source"
    volume = Volume(noise(), GRID, Intensity.HU)
    folder = source / "LIDC-IDRI-9001/1.2/3.4"
    write_series(volume, folder, seed=3, labels=SeriesLabels(patient_id="LIDC-IDRI-9001"))
    frames = open_study(folder).only().load().source.frames
    uids = [frame.sop_uid for frame in frames]
    series = open_study(folder).only().series_uid

    def write(*readers, uid=series, root="LidcReadMessage", name="069.xml"):
        sessions = "".join(
            "<readingSession>"
            + "".join(f"<unblindedReadNodule><noduleID>n</noduleID>{rois}</unblindedReadNodule>" for rois in nodules)
            + "</readingSession>"
            for nodules in readers
        )
        head = f"<ResponseHeader><SeriesInstanceUid>{uid}</SeriesInstanceUid></ResponseHeader>"
        (folder / name).write_text(f'<?xml version="1.0"?><{root} xmlns="http://www.nih.gov">{head}{sessions}</{root}>')

    return source, uids, write


def test_lidc_votes_leave_out_the_outline_holes_and_small_marks(lidc, tmp_path):
    source, uids, write = lidc
    first = [roi(uids[2], square(3, 4, 9, 12)) + roi(uids[2], square(5, 6, 7, 9), "FALSE"), roi(uids[4], [(1, 1)])]
    write(first, [roi(uids[2], square(4, 5, 9, 14))], [roi("1.2.3", square(1, 1, 5, 5))])
    write([], uid="9.9", name="070.xml")
    write([], uid="9.8", root="IdriReadMessage", name="071.xml")
    report = import_set("lidc", source, tmp_path / "out")
    (case,) = ManifestSet.open(tmp_path / "out").cases
    expected = np.zeros(GRID.shape, int)
    expected[2, 4:9, 5:12] += 1
    expected[2, 6, 7:9] -= 1
    expected[2, 5:9, 6:14] += 1
    np.testing.assert_array_equal(labels_of(case), expected)
    assert (case.group, case.label) == ("LIDC-IDRI-9001", "nodules_ge3mm=1")
    assert "outlined 3 nodules" in case.note
    np.testing.assert_array_equal(open_study(case.image).only().load().array, noise())
    assert check_set(tmp_path / "out").sound
    reasons = why(report)
    assert (
        reasons[f"1 outlines of series {open_study(case.image).only().series_uid}"]
        == "their slices are not in the series that is there"
    )
    assert reasons["XML of series 9.9"] == "the series it marks is not there"
    assert "no LidcReadMessage" in reasons["LIDC-IDRI-9001/1.2/3.4/071.xml"]


def test_lidc_xml_with_entities_is_not_parsed(lidc, tmp_path):
    source, uids, write = lidc
    write([roi(uids[0], square(1, 1, 5, 5))])
    bomb = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
    (source / "bomb.xml").write_text(bomb)
    (source / "cut.xml").write_text("<LidcReadMessage>")
    reasons = why(import_set("lidc", source, tmp_path / "out"))
    assert "document type" in reasons["bomb.xml"]
    assert "no XML" in reasons["cut.xml"]


def test_lidc_agrees_with_the_votes_published_beside_the_real_series(shared_data, tmp_path):
    """Filled by another program there: 12 of 27911 voxels differ, at gaps of outlines."""
    real = shared_data / "chest_ct"
    if not real.is_dir():
        pytest.skip("chest_ct is not there")
    import_set("lidc", real, tmp_path / "out")
    published = {case.group: case for case in ManifestSet.open(real).cases}
    for case in ManifestSet.open(tmp_path / "out").cases:
        ours, theirs = labels_of(case), labels_of(published[case.group])
        assert np.count_nonzero(ours != theirs) <= 0.001 * np.count_nonzero(theirs)
        assert case.label == published[case.group].label


def test_luna16_nodules_become_balls_of_their_size(tmp_path):
    source = tmp_path / "source"
    grid = axial_grid((40, 60, 60), spacing_mm=(1.25, 0.7, 0.7), origin_lps=(-20.0, 10.0, -100.0))
    write_itk(noise(grid.shape), source / "subset3/1.2.3.mhd", grid)
    write_itk(noise(grid.shape, 1), source / "subset4/1.2.4.mhd", grid)
    (source / "subset4/1.2.4.raw").unlink()
    rows = [
        "seriesuid,coordX,coordY,coordZ,diameter_mm",
        "1.2.3,1.5,30.2,-74.1,12.0",
        "1.2.3,500,0,0,9",
        "1.2.3,x,0,0,9",
    ]
    (source / "annotations.csv").write_text("\n".join([*rows, "1.2.9,0,0,0,5"]) + "\n")
    report = import_set("luna16", source, tmp_path / "out")
    (case,) = ManifestSet.open(tmp_path / "out").cases
    labels = labels_of(case)
    volume_mm3 = np.count_nonzero(labels == 1) * grid.voxel_volume_mm3
    assert volume_mm3 == pytest.approx(np.pi / 6 * 12**3, rel=0.02)
    centre = grid.to_lps(np.argwhere(labels == 1).mean(axis=0))
    np.testing.assert_allclose(centre, [1.5, 30.2, -74.1], atol=0.1)
    assert (case.label, case.group, case.extra["subset"]) == ("nodules=2", "1.2.3", "subset3")
    np.testing.assert_array_equal(open_study(case.image).only().load().array, noise(grid.shape))
    reasons = why(report)
    assert reasons["nodule 2 of series 1.2.3"] == "its centre lies outside the scan"
    assert "no place and diameter" in reasons["annotations.csv, row 3"]
    assert reasons["1 nodules of series 1.2.9"] == "the series is not there, or was left out"
    assert "subset4/1.2.4.mhd" in reasons
    assert any("not outlines" in note for note in report.notes)


def test_spider_pairs_by_name_and_groups_by_patient(tmp_path):
    source = tmp_path / "source"
    mask = np.zeros(GRID.shape, np.uint8)
    mask[1:3, 4:9, 5:9], mask[3, 2:5, 2:5], mask[4, 8:10, 3:6] = 1, 100, 201
    for name in ("1_t1", "1_t2", "7_t2_SPACE", "8_t2"):
        write_itk(noise(), source / f"images/{name}.mha")
        write_itk(mask, source / f"masks/{name}.mha")
    (source / "masks/8_t2.mha").unlink()
    write_itk(mask, source / "masks/9_t1.mha")
    moved = axial_grid(GRID.shape, spacing_mm=(2.5, 0.7, 0.8), origin_lps=(-9.0, -7.0, 35.0))
    write_itk(noise(), source / "images/10_t1.mha")
    write_itk(mask, source / "masks/10_t1.mha", moved)
    report = import_set("spider", source, tmp_path / "out")
    cases = ManifestSet.open(tmp_path / "out").cases
    assert [(c.case, c.group, c.label) for c in cases] == [
        ("spider_1_t1", "spider_1", "t1"),
        ("spider_1_t2", "spider_1", "t2"),
        ("spider_7_t2_SPACE", "spider_7", "t2_space"),
    ]
    np.testing.assert_array_equal(labels_of(cases[0]), mask)
    assert cases[0].extra["labels"] == "1 100 201"
    reasons = why(report)
    assert reasons["images/8_t2.mha"] == "it has no mask"
    assert reasons["masks/9_t1.mha"] == "the image of this mask is not there"
    assert "lie more than 0.1 mm apart" in reasons["images/10_t1.mha"]
    names = (tmp_path / "out/labels.csv").read_text().splitlines()
    assert names == ["label,name", "1,vertebra 1 from below", "100,spinal canal", "201,disc 1 from below"]
    assert "images/8_t2.mha,it has no mask" in (tmp_path / "out/left_out.csv").read_text().splitlines()


def write_nifti(array, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([1.5, 1.5, 3.0, 1.0])
    nibabel.Nifti1Image(array, affine).to_filename(path)


MASK = np.zeros((12, 10, 5), np.uint8)
MASK[2:5, 3:6, 1:3], MASK[7:9, 3:6, 1:3] = 1, 2


def test_decathlon_lists_its_pairs(tmp_path):
    source = tmp_path / "Task04"
    image = noise(MASK.shape)
    for name in ("a_1", "a_2", "a_3"):
        write_nifti(image, source / f"imagesTr/{name}.nii.gz")
        write_nifti(MASK, source / f"labelsTr/{name}.nii.gz")
    write_nifti(MASK + 0.5, source / "labelsTr/a_2.nii.gz")
    write_nifti(image, source / "imagesTr/._extra.nii.gz")
    pair = {"image": "./imagesTr/{}.nii.gz", "label": "./labelsTr/{}.nii.gz"}
    told = {
        "name": "Hippocampus",
        "modality": {"0": "MRI"},
        "labels": {"0": "background", "1": "Anterior part", "2": "Posterior"},
        "training": [{k: v.format(n) for k, v in pair.items()} for n in ("a_1", "a_2", "missing")],
        "test": ["./imagesTs/t.nii.gz"],
    }
    (source / "dataset.json").write_text(json.dumps(told))
    report = import_set("msd", source, tmp_path / "out")
    (case,) = ManifestSet.open(tmp_path / "out").cases
    assert (case.case, case.label, case.group) == ("a_1", "Anterior_part Posterior", "a_1")
    assert case.source == "Hippocampus"
    np.testing.assert_array_equal(labels_of(case), MASK.transpose(2, 1, 0))
    assert check_set(tmp_path / "out").sound
    reasons = why(report)
    assert "no labels" in reasons["imagesTr/a_2.nii.gz"]
    assert reasons["imagesTr/missing.nii.gz"] == "its image or its mask is not there"
    assert reasons["imagesTr/a_3.nii.gz"] == "dataset.json does not list it"
    assert reasons["./imagesTs/t.nii.gz"] == "it has no label (test part)"


def test_decathlon_channels_along_the_fourth_axis_become_cases(tmp_path):
    source = tmp_path / "Task05"
    image = np.stack([noise(MASK.shape, seed) for seed in (1, 2)], axis=-1)
    write_nifti(image, source / "imagesTr/p_1.nii.gz")
    write_nifti(MASK, source / "labelsTr/p_1.nii.gz")
    write_nifti(image, source / "imagesTr/p_2.nii.gz")
    write_nifti(MASK, source / "labelsTr/p_2.nii.gz")
    whole = (source / "imagesTr/p_2.nii.gz").read_bytes()
    (source / "imagesTr/p_2.nii.gz").write_bytes(whole[: len(whole) // 2])
    listed = [{"image": f"./imagesTr/p_{n}.nii.gz", "label": f"./labelsTr/p_{n}.nii.gz"} for n in (1, 2)]
    told = {
        "modality": {"0": "T2", "1": "ADC"},
        "labels": {"0": "background", "1": "PZ", "2": "TZ"},
        "training": listed,
    }
    (source / "dataset.json").write_text(json.dumps(told))
    report = import_set("msd", source, tmp_path / "out")
    cases = ManifestSet.open(tmp_path / "out").cases
    assert [(c.case, c.group, c.extra["channel"]) for c in cases] == [
        ("p_1_0000", "p_1", "T2"),
        ("p_1_0001", "p_1", "ADC"),
    ]
    for channel, case in enumerate(cases):
        volume = open_study(case.image).only().load()
        np.testing.assert_array_equal(volume.array, image[..., channel].transpose(2, 1, 0))
        np.testing.assert_allclose(volume.grid.spacing_mm, (3.0, 1.5, 1.5))
    assert "cannot be read" in why(report)["imagesTr/p_2.nii.gz"]
    assert check_set(tmp_path / "out").sound


def test_nnunet_finds_its_pairs_and_channels_share_the_patient(tmp_path):
    source = tmp_path / "Dataset001_Liver"
    for name in ("liver_01_0000", "liver_01_0001", "liver_02_0000", "odd"):
        write_nifti(noise(MASK.shape), source / f"imagesTr/{name}.nii.gz")
    write_nifti(MASK, source / "labelsTr/liver_01.nii.gz")
    write_nifti(MASK * 4, source / "labelsTr/liver_02.nii.gz")
    told = {
        "channel_names": {"0": "T2", "1": "ADC"},
        "labels": {"background": 0, "organ": [1, 2], "tumour": [2]},
        "numTraining": 2,
        "file_ending": ".nii.gz",
    }
    (source / "dataset.json").write_text(json.dumps(told))
    report = import_set("msd", source, tmp_path / "out")
    cases = ManifestSet.open(tmp_path / "out").cases
    assert [(c.case, c.group, c.extra["channel"]) for c in cases] == [
        ("liver_01_0000", "liver_01", "T2"),
        ("liver_01_0001", "liver_01", "ADC"),
    ]
    assert {c.label for c in cases} == {"organ organ+tumour"}
    reasons = why(report)
    assert "does not name: [4, 8]" in reasons["imagesTr/liver_02_0000.nii.gz"]
    assert "CASE_0000.nii.gz" in reasons["imagesTr/odd.nii.gz"]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("[", "no JSON"),
        ("[1]", "expected an object"),
        ("{}", 'no "labels"'),
        ('{"labels": {"a": "b"}}', "expected a number"),
        ('{"labels": {"a": [1, "b"]}}', "expected a number"),
        ('{"labels": {"a": 1}, "channel_names": ["CT"]}', "channels are no object"),
        ('{"labels": {"a": 1}, "training": {"a": 1}}', "training is no list"),
        ('{"labels": {"a": 1}}', "file_ending"),
        ('{"labels": {"a": 1}, "training": [{"image": "../../x", "label": "y"}]}', "outside its folder"),
        ('{"labels": {"a": 1}, "training": [1, "ab", {"image": "x"}]}', "names no image and label"),
    ],
)
def test_a_description_of_another_form_is_refused(told, reason, tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source/dataset.json").write_text(told)
    with pytest.raises(InputError, match=reason):
        import_set("msd", tmp_path / "source", tmp_path / "out")
