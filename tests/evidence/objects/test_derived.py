"""Derived CT and MR series: valid, in the place of their source, values kept to the stated rounding."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import pydicom
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import JPEGLSNearLossless

from overread.errors import GeometryError, IntegrityError, UnsupportedFormatError, UsageError
from overread.evidence.dicom.headers import read_headers
from overread.evidence.dicom.identity import Stamp
from overread.evidence.dicom.images.derived import build_derived_slices
from overread.evidence.dicom.images.readback import prove_derived
from overread.evidence.dicom.images.rescale import store
from overread.findings import Provenance
from overread.geometry import Grid, Verdict
from overread.image import Intensity
from overread.io import open_study
from overread.io.quiet import quiet

PROVENANCE = Provenance(task="enhance", task_version="0.1.0", device_uid="2.25.4242")
MR = {
    "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4",
    "Modality": "MR",
    "KVP": None,
    "RescaleSlope": None,
    "RescaleIntercept": None,
    "RescaleType": None,
    "ScanningSequence": "SE",
    "SequenceVariant": "NONE",
    "ScanOptions": "",
    "MRAcquisitionType": "2D",
    "RepetitionTime": "600",
    "EchoTime": "12.5",
    "EchoTrainLength": "1",
    "ImageType": ["ORIGINAL", "PRIMARY", "M"],
}
CT = {"PatientPosition": "HFS", "BodyPartExamined": "CHEST", "ConvolutionKernel": "B30f"}


def saved(ds):
    stream = io.BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def derive(volume, **options):
    headers = read_headers(volume.source.frames, gap_mm=volume.grid.slice_gap_mm)
    stamp = Stamp.make(b"a run", headers.first)
    words = {"provenance": PROVENANCE, "description": "Denoised by a test", **options}
    return headers, build_derived_slices(volume, headers, stamp, **words)


def write_all(volume, folder, **options):
    headers, series = derive(volume, **options)
    folder.mkdir()
    paths = [folder / f"{n:03d}.dcm" for n in range(len(series.datasets))]
    for path, ds in zip(paths, series.datasets, strict=True):
        path.write_bytes(saved(ds))
    prove_derived(paths, volume, headers, rounding=series.rounding)
    return paths, series


@pytest.fixture
def volume(make_case):
    """CT of real-valued HU, as a filter would leave them."""
    image = make_case(**CT).image
    noise = np.random.default_rng(5).normal(0, 3, image.grid.shape)
    return dataclasses.replace(image, array=(image.array + noise).astype(np.float32))


@pytest.mark.parametrize("compress", [True, False])
def test_ct_is_valid_in_place_and_within_the_stated_rounding(volume, compress, tmp_path, require_valid):
    paths, series = write_all(volume, tmp_path / "out", compress=compress)
    assert 0 < series.rounding <= series.slope / 2 + 1e-9
    again = open_study(tmp_path / "out").only().load()
    assert again.grid.same_place(volume.grid, within_mm=1e-6)
    assert again.intensity is Intensity.HU
    np.testing.assert_allclose(again.array, volume.array, atol=series.rounding + 1e-3)
    first = pydicom.dcmread(paths[0])
    assert list(first.ImageType) == ["DERIVED", "SECONDARY", "AXIAL"]
    assert f"steps of {series.slope:g} HU, at most {series.rounding:.3g} HU off" in first.DerivationDescription
    assert first.SourceImageSequence[0].ReferencedSOPInstanceUID == volume.source.frames[0].sop_uid
    assert first.LossyImageCompression == "00"
    assert (first.KVP, first.ConvolutionKernel, first.FrameOfReferenceUID) == (120, "B30f", "2.25.13")
    for path in paths:
        require_valid(path, "CTImage")


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("real", [True, False])
def test_mr_needs_a_rescale_only_for_real_values(make_case, tmp_path, compress, real, require_valid):
    image = make_case(**MR).image
    array = np.abs(image.array).astype(np.float32) * (1.37 if real else 40)
    volume = dataclasses.replace(image, array=array, intensity=Intensity.ARBITRARY)
    paths, series = write_all(volume, tmp_path / "out", compress=compress)
    first = pydicom.dcmread(paths[0])
    assert ("RescaleSlope" in first) == real
    assert (series.rounding == 0) == (not real)
    assert first.get("RescaleType", "US") == "US"
    again = open_study(tmp_path / "out").only().load()
    np.testing.assert_allclose(again.array, array, atol=series.rounding + 1e-3)
    assert list(first.ImageType) == ["DERIVED", "SECONDARY", "OTHER"]
    for path in paths:
        require_valid(path, "MRImage")


def test_ct_without_hounsfield_units_says_so(volume, tmp_path, require_valid):
    paths, _ = write_all(dataclasses.replace(volume, intensity=Intensity.ARBITRARY), tmp_path / "out")
    first = pydicom.dcmread(paths[0])
    assert first.RescaleType == "US"
    assert ", in arbitrary units, at most" in first.DerivationDescription
    require_valid(paths[0], "CTImage")


def test_whole_hu_are_kept_exactly(make_case, tmp_path):
    image = make_case(**CT).image
    paths, series = write_all(image, tmp_path / "out")
    assert (series.slope, series.intercept, series.rounding) == (1, 0, 0)
    assert np.array_equal(open_study(tmp_path / "out").only().load().array, image.array)
    assert "kept exactly" in pydicom.dcmread(paths[0]).DerivationDescription


def test_another_program_reads_the_same_values_in_the_same_place(volume, tmp_path):
    paths, series = write_all(volume, tmp_path / "out", compress=False)
    image = SimpleITK.ReadImage([str(path) for path in paths])
    np.testing.assert_allclose(SimpleITK.GetArrayFromImage(image), volume.array, atol=series.rounding + 1e-3)
    for at in ((0, 0, 0), (8, 27, 29), (3, 20, 5)):
        there = image.TransformContinuousIndexToPhysicalPoint([float(n) for n in at[::-1]])
        np.testing.assert_allclose(there, volume.grid.to_lps(at), atol=1e-4)


ODD = [
    {"StudyDescription": "x" * 90},
    {"StudyDescription": "one\\two"},
    {"ContrastBolusAgent": "APPLIED", "ProtocolName": "Thorax – nativ"},
    {"SpecificCharacterSet": "ISO_IR 100", "ProtocolName": "Thorax nativ, müde"},
    {"Manufacturer": "x" * 80},
    {"Manufacturer": ""},
    {"Laterality": "U"},
    {"PatientAge": "50"},
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: next(iter(odd)))
def test_odd_texts_of_the_source_are_no_obstacle(make_case, odd, tmp_path):
    with quiet("pydicom"):  # which minds some of them whenever they are written
        image = make_case(**CT, **odd).image
        paths, _ = write_all(image, tmp_path / "out")
    assert pydicom.dcmread(paths[0]).PatientID == "MRN4711XYZ"


@pytest.mark.parametrize(
    ("tag", "vr", "raw"),
    [
        (0x00101030, "DS", b"70,5"),
        (0x00180060, "DS", b"ABC "),
        (0x00181150, "IS", b"1.5 "),
        (0x00181152, "IS", b"many"),
        (0x00200012, "IS", b"1e99999 "),
        (0x00101020, "DS", b"1.8\\1.9"),
        (0x00101010, "AS", b"AGED"),
        (0x00080022, "DA", b"yesterday "),
    ],
)
def test_numbers_and_dates_that_cannot_be_read_stay_behind(make_case, tag, vr, raw, tmp_path):
    image = make_case(**CT).image
    for path in image.source.paths:
        ds = pydicom.dcmread(path)
        ds[tag] = pydicom.dataelem.RawDataElement(pydicom.tag.Tag(tag), vr, len(raw), raw, 0, False, True, True)
        ds.save_as(path)
    paths, _ = write_all(image, tmp_path / "out")
    for path in paths:
        with quiet("pydicom"):
            str(pydicom.dcmread(path))  # every element can be read


def test_windows_are_those_of_the_volume(volume, tmp_path):
    windows = open_study(volume.source.root).only().load().windows
    paths, _ = write_all(dataclasses.replace(volume, windows=windows), tmp_path / "plain")
    assert "WindowCenter" not in pydicom.dcmread(paths[0])
    from overread.image.window import PULMONARY_PAPER, SOFT_TISSUE  # noqa: PLC0415

    paths, _ = write_all(dataclasses.replace(volume, windows=(PULMONARY_PAPER, SOFT_TISSUE)), tmp_path / "two")
    first = pydicom.dcmread(paths[0])
    assert list(first.WindowCenter) == [PULMONARY_PAPER.center, SOFT_TISSUE.center]


def test_what_does_not_belong_stays_behind(make_case, tmp_path, require_valid):
    image = make_case(
        **CT,
        SmallestImagePixelValue=3,
        OverlayDate="20000101",
        VerifyingObserverName="SOMEONE^ELSE",
        ImageComments="seen by Dr. Else",
        AcquisitionNumber=None,
        OtherPatientIDs="AN-OLD-ID",
    ).image
    for path in image.source.paths:
        ds = pydicom.dcmread(path)
        ds.private_block(0x0009, "ACME", create=True).add_new(1, "LO", "PRIVATE WORDS")
        ds.add_new(0x60003000, "OW", b"\0" * 106)
        ds.add_new(0x00280120, "US", 63536)  # unsigned though the samples are signed, as LIDC has it
        ds.save_as(path)
    paths, _ = write_all(image, tmp_path / "out", compress=False)
    for path in paths:
        ds = pydicom.dcmread(path)
        assert not [e.tag for e in ds if e.tag.is_private or e.tag.group == 0x6000]
        text = str(ds)
        for word in ("SOMEONE", "PRIVATE", "AN-OLD-ID", "Dr. Else"):
            assert word not in text
        assert "PixelPaddingValue" not in ds
        assert "SmallestImagePixelValue" not in ds
        assert ds.AcquisitionNumber is None
        require_valid(path, "CTImage")


def test_same_bytes_twice_and_other_uids_for_other_values(volume):
    _, first = derive(volume)
    _, second = derive(volume)
    assert [saved(ds) for ds in first.datasets] == [saved(ds) for ds in second.datasets]
    uids = {str(ds.SOPInstanceUID) for ds in first.datasets}
    assert len(uids) == len(first.datasets)
    assert len({str(ds.SeriesInstanceUID) for ds in first.datasets}) == 1
    other = volume.array.copy()
    other[0, 0, 0] += 5
    _, changed = derive(dataclasses.replace(volume, array=other))
    assert changed.datasets[0].SeriesInstanceUID != first.datasets[0].SeriesInstanceUID
    assert uids.isdisjoint(str(ds.SOPInstanceUID) for ds in changed.datasets)
    assert first.datasets[0].ContentDate == "20010203"


def test_rounded_cosines_are_made_right_angled(make_case, tmp_path, require_valid):
    turn = np.array([[0.8, 0.36, 0.48], [-0.6, 0.48, 0.64], [0.0, -0.8, 0.6]])
    affine = np.eye(4)
    affine[:3, :3] = turn[:, ::-1] * (2.5, 0.8, 0.7)
    affine[:3, 3] = (12.5, -80.25, 33.0)
    rounded = [float(v) for v in np.round([*turn[:, 0], *turn[:, 1]], 3)]
    rounded[0] += 0.001
    image = make_case(Grid((9, 28, 30), affine), ImageOrientationPatient=rounded, **CT).image
    paths, _ = write_all(image, tmp_path / "out")
    row, column = np.reshape(pydicom.dcmread(paths[0]).ImageOrientationPatient, (2, 3)).astype(float)
    assert abs(row @ column) < 1e-12
    assert np.linalg.norm(row) == pytest.approx(1, abs=1e-12)
    for path in paths:
        require_valid(path, "CTImage")


def test_a_lossy_source_stays_lossy(make_case, tmp_path, require_valid):
    said = {"LossyImageCompression": "01", "LossyImageCompressionRatio": "12.5"}
    image = make_case(**CT, **said, LossyImageCompressionMethod="ISO_10918_1").image
    paths, _ = write_all(image, tmp_path / "out")
    ds = pydicom.dcmread(paths[3])
    assert (ds.LossyImageCompression, ds.LossyImageCompressionRatio) == ("01", 12.5)
    require_valid(paths[3], "CTImage")
    headers, series = derive(image)
    ds = series.datasets[3]
    ds.LossyImageCompression = "00"
    paths[3].write_bytes(saved(ds))
    with pytest.raises(IntegrityError, match="compressed with loss"):
        prove_derived(paths, image, headers, rounding=0)


def test_a_lossy_transfer_syntax_is_enough(make_case):
    image = make_case(**CT).image
    headers = read_headers(image.source.frames, gap_mm=3.0)
    headers.datasets[4].file_meta.TransferSyntaxUID = JPEGLSNearLossless
    stamp = Stamp.make(b"", headers.first)
    series = build_derived_slices(image, headers, stamp, provenance=PROVENANCE, description="x")
    assert {ds.LossyImageCompression for ds in series.datasets} == {"01"}


def test_what_cannot_be_followed_is_refused(volume):
    fewer = dataclasses.replace(volume, grid=volume.grid.crop((0, 0, 0), (9, 20, 30)), array=volume.array[:, :20])
    with pytest.raises(GeometryError, match="does not lie on the 9 frames"):
        derive(fewer)
    with pytest.raises(GeometryError, match="repaired"):
        derive(dataclasses.replace(volume, verdict=Verdict(repaired=True)))
    headers = read_headers(volume.source.frames[:4], gap_mm=3.0)
    with pytest.raises(UsageError, match="4 headers do not belong to the 9 frames"):
        build_derived_slices(volume, headers, Stamp.make(b"", headers.first), provenance=PROVENANCE, description="x")
    enhanced = tuple(dataclasses.replace(f, sop_class_uid="1.2.840.10008.5.1.4.1.1.2.1") for f in volume.source.frames)
    with pytest.raises(UnsupportedFormatError, match="single-frame CT and MR"):
        derive(dataclasses.replace(volume, source=dataclasses.replace(volume.source, frames=enhanced)))
    nowhere = dataclasses.replace(volume, source=dataclasses.replace(volume.source, frames=()))
    options = {"provenance": PROVENANCE, "description": "x"}
    with pytest.raises(UnsupportedFormatError, match="has none"):
        build_derived_slices(nowhere, headers, Stamp.make(b"", None), **options)
    with pytest.raises(UsageError, match="description"):
        derive(volume, description=" ")
    broken = volume.array.copy()
    broken[1, 2, 3] = np.nan
    with pytest.raises(UsageError, match="finite"):
        derive(dataclasses.replace(volume, array=broken))


def test_without_a_frame_of_reference_it_is_refused(make_case):
    with pytest.raises(GeometryError, match="no Frame of Reference"):
        derive(make_case(FrameOfReferenceUID=None).image)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("ImagePositionPatient", [0, 0, 0]),
        ("PixelSpacing", [1, 1]),
        ("FrameOfReferenceUID", "2.25.99"),
        ("ImageOrientationPatient", [0, 1, 0, 1, 0, 0]),
        ("RescaleIntercept", "1"),
        ("PatientID", "ANOTHER"),
        ("StudyInstanceUID", "2.25.98"),
    ],
)
def test_damage_is_noticed(volume, tmp_path, keyword, value):
    paths, series = write_all(volume, tmp_path / "out")
    ds = pydicom.dcmread(paths[2])
    setattr(ds, keyword, value)
    ds.save_as(paths[2])
    headers = read_headers(volume.source.frames, gap_mm=3.0)
    with pytest.raises(IntegrityError, match="off, at most" if keyword.startswith("Rescale") else keyword):
        prove_derived(paths, volume, headers, rounding=series.rounding)


def test_steps_are_as_fine_as_16_bits_allow():
    chest = store(np.array([[[-1024.0, 3071.25]]]))
    assert chest.slope == "0.1"
    tiny = store(np.array([[[0.0, 0.37e-6]]]))
    assert float(tiny.slope) < 0.37e-6 / 30000
    wide = store(np.array([[[-100_000.0, 100_001.0]]]))
    assert wide.slope == "5"
    assert wide.rounding <= 2.5
    assert store(np.full((1, 2, 2), 0.3)).rounding < 1e-9
    assert store(np.array([[[0, 65535]]])).array.dtype == np.uint16


@given(low=st.floats(-1e6, 1e6), span=st.floats(1e-3, 1e6), seed=st.integers(0, 1000))
@settings(max_examples=200, deadline=None)
def test_no_value_is_off_by_more_than_half_a_step(low, span, seed):
    values = low + span * np.random.default_rng(seed).random((2, 3, 4))
    found = store(values)
    assert max(len(found.slope), len(found.intercept)) <= 16
    read = found.array * float(found.slope) + float(found.intercept)
    assert np.abs(read - values).max() == found.rounding
    assert found.rounding <= float(found.slope) / 2 * (1 + 1e-6) + 1e-9
    assert float(found.slope) <= max(6 * span / 65534, 1e-9)


def test_of_real_slices_brings_no_new_error(shared_data, tmp_path, validate):
    image = open_study(shared_data / "chest_ct" / "dicom" / "LIDC-IDRI-0003").only().load()
    image = dataclasses.replace(image, array=image.array.astype(np.float32) + np.float32(0.26))
    paths, series = write_all(image, tmp_path / "out")
    assert series.rounding <= 0.5 * series.slope + 1e-3 <= 0.06
    for n in (0, len(paths) // 2, len(paths) - 1):
        errors, _, name = validate(paths[n])
        known, _, _ = validate(image.source.paths[n])
        assert name == "CTImage"
        assert set(errors) <= set(known)
